"""The frame of all networks that are trained on sound: a fixed front end and a body that learns."""

from torch import Tensor, nn


class AudioNetwork(nn.Module):
    """A front end, which nothing is learned in, and a body, which is all that learns.

    The two are apart because they are treated differently in training: the front end is computed in full precision, a
    spectrogram is masked after it, and only the body is spread over several devices.

    `sample_rate` is in Hz, `samples` is what one prediction hears.

    Shape: (batch, samples) -> logits (batch, styles), embedding (batch, dims).
    """

    def __init__(self, sample_rate: int, samples: int, front_end: nn.Module, body: nn.Module) -> None:
        super().__init__()
        self.sample_rate = sample_rate
        self.samples = samples
        self.front_end = front_end
        self.body = body

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        logits, embedding = self.body(self.front_end(waveform))
        return logits, embedding
