"""Front ends: from the waveform to what a network sees, as its first, fixed layers.

A front end is part of the network, so what hears, what trains and what is exported cannot disagree. Everything here
is matrix products, element-wise arithmetic and reshapes: those cost the same in PyTorch and in ONNX Runtime and exist
in every exporter, where an FFT operator does not (docs/decisions/002-front-end.md).

Conventions
-----------
waveform        (batch, samples) float32, nominally in [-1, 1]
frame           a stretch of the waveform from which one column of a spectrum, or one descriptor vector, comes
descriptors     the 34 short-term features of pyAudioAnalysis 0.3.14, bug for bug, because the measured tables of real
                tracks were made with it (T. Giannakopoulos, PLoS ONE 10(12), 2015)
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from earmark.spectra import chroma_matrix, hann, mel_slaney, mfcc_matrix, talkbox_mel

# pyAudioAnalysis adds this to keep logarithms and quotients finite. Here it is a lower bound, which is the same for all
# that float32 can tell: exporters take the addition of so small a number for one of nothing, and leave it out.
EPSILON = float(np.finfo(np.float64).eps)
HUGE = 1e37  # what is less than its inverse is 0 in float32


def framed(waveform: Tensor, size: int, hop: int) -> Tensor:
    """Frames of `size` samples that begin every `hop` samples, whole ones only.

    They are put together from stretches of `hop` samples: slices and nothing else, which every exporter knows.

    Shape: (batch, samples) -> (batch, frames, size), frames = (samples - size) // hop + 1.
    """
    frames = (waveform.shape[-1] - size) // hop + 1
    count = -(-size // hop)  # stretches in a frame, the last of them whole or not
    padded = nn.functional.pad(waveform, (0, (frames + count - 1) * hop - waveform.shape[-1]))  # or cut
    stretches = torch.unflatten(padded, 1, (-1, hop))
    *whole, last = (stretches[:, place : place + frames] for place in range(count))
    return torch.cat([*whole, last[..., : size - (count - 1) * hop]], -1)  # (batch, frames, size)


class FoldedDFT(nn.Module):
    """Power at chosen frequencies in frames under a symmetric window, by two plain matrix products.

    Seen from the middle of a frame a cosine is even and a sine odd. So the two halves are added for the cosines and
    subtracted for the sines, and each of the products is with half a frame; the window is in the matrices. The
    frequencies need not be equally spaced: under a Hann window of T seconds the powers at frequencies that are 1.5 / T
    apart still add up to the power of a band within 0.2 dB.

    Args:
        window: (size,), the same from both ends; whatever scale it has, the power has its square.
        radians: (frequencies,), in radians per sample.

    Shape: (..., size) -> (..., frequencies).
    """

    cosine: Tensor
    sine: Tensor

    def __init__(self, window: NDArray[np.float64], radians: NDArray[np.float64]) -> None:
        super().__init__()
        self.side, self.middle = divmod(len(window), 2)
        place = np.arange(self.side + self.middle) + (0.0 if self.middle else 0.5)  # samples from the middle
        angle = np.outer(place, radians)
        weight = window[self.side :, None]
        self.register_buffer("cosine", torch.from_numpy(weight * np.cos(angle)).float(), persistent=False)
        sine = (weight * np.sin(angle))[self.middle :]
        self.register_buffer("sine", torch.from_numpy(sine).float(), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        before = frames[..., : self.side].flip(-1)
        after = frames[..., self.side + self.middle :]
        even = before + after
        if self.middle:
            even = torch.cat([frames[..., self.side : self.side + 1], even], -1)
        real, imag = even @ self.cosine, (after - before) @ self.sine
        return real * real + imag * imag


class MelSpectrogram(nn.Module):
    """Mel bands in decibels: the mel layer of the 2018 network, `kapre.time_frequency.Melspectrogram` 0.1.3.

    The Fourier kernels and the mel matrix are fixed parameters of the network, as in the original, where they count
    2 x (n_fft / 2 + 1) x n_fft + (n_fft / 2 + 1) x n_mels. Where frames do not overlap the strided convolution of the
    original is a product of the frames with the kernels.

    Decibels are relative to each sample's own maximum. The original takes the maximum over the whole batch, so its
    answer for a window depends on its neighbours; ours does not.

    Shape: (batch, samples) -> (batch, 1, n_mels, frames), frames = ceil(samples / hop), -80 to 0 dB.
    """

    real_kernels: Tensor
    imag_kernels: Tensor
    mel: Tensor

    def __init__(self, sample_rate: int, n_fft: int, n_mels: int, hop: int | None = None) -> None:
        super().__init__()
        self.n_fft = n_fft
        self.hop = hop or n_fft
        bins = n_fft // 2 + 1
        angle = 2 * math.pi / n_fft * torch.arange(n_fft, dtype=torch.float64)[:, None] * torch.arange(bins)
        window = torch.from_numpy(hann(n_fft))[:, None]
        fixed = {
            "real_kernels": window * torch.cos(angle),  # (n_fft, bins)
            "imag_kernels": window * torch.sin(angle),  # (n_fft, bins)
            "mel": torch.from_numpy(mel_slaney(sample_rate, n_fft, n_mels)),  # (bins, n_mels)
        }
        for name, kernel in fixed.items():
            self.register_parameter(name, nn.Parameter(kernel.float(), requires_grad=False))

    def forward(self, waveform: Tensor) -> Tensor:
        # TensorFlow's "same" padding: as many frames as hops begin in the signal, the excess split to both ends.
        samples = waveform.shape[-1]
        excess = max(0, (-(-samples // self.hop) - 1) * self.hop + self.n_fft - samples)
        padded = nn.functional.pad(waveform, (excess // 2, excess - excess // 2))
        power = self._product(padded, self.real_kernels) ** 2 + self._product(padded, self.imag_kernels) ** 2
        decibel = 10 * torch.log10((power @ self.mel).clamp_min(1e-10))  # (batch, frames, n_mels)
        relative = (decibel - decibel.amax((1, 2), keepdim=True)).clamp_min(-80)
        return relative.transpose(1, 2)[:, None]  # (batch, 1, n_mels, frames)

    def _product(self, waveform: Tensor, kernels: Tensor) -> Tensor:
        """Each frame times the kernels (n_fft, bins), (batch, samples) -> (batch, frames, bins)."""
        if self.hop == self.n_fft:
            return torch.unflatten(waveform, 1, (-1, self.hop)) @ kernels
        return nn.functional.conv1d(waveform[:, None], kernels.T[:, None], stride=self.hop).transpose(1, 2)


class RealDFT(nn.Module):
    """The magnitudes of the discrete Fourier transform of 1,102 samples, by two short transforms.

    Cooley and Tukey with 1102 = 29 x 38. Write the sample index n = 38 a + b and the bin k = c + 29 d; then

        X[c + 29 d] = sum_b  W_1102^(b c)  W_38^(b d)  sum_a x[38 a + b] W_29^(a c)        W_N = exp(-2 pi i / N)

    The inner sum is a product with a matrix of 15 x 29: of a real signal the inner sums of c and 29 - c are conjugate.
    The outer one, twiddle factors included, is a product with one 38 x 38 matrix for each of the 15: bins c + 29 d and
    29 - c + 29 d with d < 19, because 29 x 19 = 551 is half the spectrum of a real signal. That is a tenth of the
    arithmetic of the plain 1102 x 551 product.

    A constant touches bin 0 alone, so each frame's first sample is taken off before and bin 0 computed apart: a silent
    frame with an offset then gives exact zeros, as it does in float64, and not the rounding noise of float32.

    Shape: (..., 1102) -> (..., 551).
    """

    SIZE = 1102
    INNER, OUTER = 29, 38
    PAIRS = 15  # inner sums: 0, and one for each pair c, 29 - c
    BINS = 551

    inner: Tensor
    outer: Tensor

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d = (torch.arange(n, dtype=torch.float64) for n in (self.INNER, self.OUTER, self.PAIRS, 19))
        inner = torch.exp(-2j * math.pi * torch.outer(c, a) / self.INNER)  # (c, a)
        # Complex products as real ones: the real and imaginary halves side by side.
        self.register_buffer("inner", torch.cat([inner.real, inner.imag]).float(), persistent=False)  # (2c, a)
        own, mirrored = (
            torch.exp(-2j * math.pi * (each[:, None, None] * b[:, None] / self.SIZE + b[:, None] * d / self.OUTER))
            for each in (c, self.INNER - c)
        )  # (c, b, d)
        from_real = torch.cat([own.real, own.imag, mirrored.real, mirrored.imag], -1)
        from_imag = torch.cat([-own.imag, own.real, mirrored.imag, -mirrored.real], -1)
        self.register_buffer("outer", torch.cat([from_real, from_imag], 1).float(), persistent=False)  # (c, 2b, 4d)

    def forward(self, frames: Tensor) -> Tensor:
        shape = frames.shape[:-1]
        moved = frames - frames[..., :1]
        inner = self.inner @ moved.reshape(-1, self.INNER, self.OUTER)  # (n, 2c, b)
        by_bin = inner.reshape(-1, 2, self.PAIRS, self.OUTER).permute(2, 0, 1, 3)  # (c, n, 2, b)
        outer = by_bin.reshape(self.PAIRS, -1, 2 * self.OUTER) @ self.outer  # (c, n, 4d)
        parts = torch.unflatten(outer * outer, -1, (2, 2, -1))
        power = parts[..., 0, :] + parts[..., 1, :]  # (c, n, 2, d)
        own, mirrored = power[:, :, 0], power[1:, :, 1].flip(0)
        magnitude = torch.cat([own, mirrored]).permute(1, 2, 0).reshape(*shape, self.BINS).sqrt()  # bin c + 29 d
        return torch.cat([frames.sum(-1, keepdim=True).abs(), magnitude[..., 1:]], -1)


class Descriptors(nn.Module):
    """The descriptors of the measured tables: 34 means and 34 deviations over seconds, and the tempo.

    The signal, minus its mean and divided by its absolute maximum, is cut into frames of 50 ms without overlap and
    without a window. Means and deviations over each second (20 frames) are averaged over the seconds, whole seconds
    only. The tempo is a point on the unit circle whose angle is 2 pi log2(BPM), so that half and double tempo agree.

    Shape: (batch, samples) at 22,050 Hz, at least one second (22,040 samples) -> (batch, 70).
    """

    SAMPLE_RATE = 22_050
    FRAME = RealDFT.SIZE
    SECOND = 20  # frames
    SIZE = 70

    stretches: Tensor
    of_magnitude: Tensor
    of_power: Tensor
    cosine: Tensor
    bins: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.spectrum = RealDFT()
        self.tempo = OctaveTempo(self.SAMPLE_RATE)
        size = RealDFT.BINS
        bins = np.arange(1, size + 1) / size  # 1 is half the sample rate
        # All that is a sum over a frame or a spectrum is a column of one product with it: each pass over them costs.
        fixed = {
            "stretches": _stretches(self.FRAME),  # (FRAME, 11)
            "of_magnitude": np.column_stack([talkbox_mel(self.SAMPLE_RATE, size).T, np.ones(size), bins]),  # (bins, 42)
            "of_power": np.column_stack([chroma_matrix(self.SAMPLE_RATE, size).T, _stretches(size)]),  # (bins, 23)
            "cosine": mfcc_matrix(40, 13).T,  # (40, 13)
            "bins": bins,  # (bins,)
        }
        for name, matrix in fixed.items():
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(matrix)).float(), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        signal = normalise(waveform)
        features = self.short_term(signal)  # (batch, frames, 34)
        seconds = features.shape[1] // self.SECOND
        whole = features[:, : seconds * self.SECOND]
        by_second = torch.unflatten(whole, 1, (-1, self.SECOND))  # (batch, seconds, 20, 34)
        mean = by_second.mean(2)  # (batch, seconds, 34)
        deviation = ((by_second - mean[:, :, None]) ** 2).mean(2).sqrt()
        return torch.cat([mean.mean(1), deviation.mean(1), self.tempo(signal)], 1)  # (batch, 70)

    def short_term(self, signal: Tensor) -> Tensor:
        """The 34 features of each frame of a normalised signal, shape (batch, frames, 34)."""
        count = signal.shape[-1] // self.FRAME
        frames = torch.unflatten(signal[:, : count * self.FRAME], 1, (-1, self.FRAME))  # (batch, frames, 1102)
        magnitude = self.spectrum(frames) / RealDFT.BINS  # (batch, frames, 551)
        power = magnitude * magnitude
        mel, sums = (magnitude @ self.of_magnitude).split((40, 2), -1)
        chroma, spectral = (power @ self.of_power).split((12, 11), -1)
        temporal = (frames * frames) @ self.stretches
        energy, total = temporal.sum(-1, keepdim=True), spectral.sum(-1, keepdim=True)
        return torch.cat(
            [
                _zero_crossings(frames),
                energy / self.FRAME,
                _entropy(temporal[..., :-1], energy),
                *self._moments(magnitude, sums),
                _entropy(spectral[..., :-1], total),
                _flux(magnitude / sums[..., :1].clamp_min(EPSILON)),
                _rolloff(power, total),
                torch.log10(mel.clamp_min(EPSILON)) @ self.cosine,
                *_chroma(chroma, total),
            ],
            -1,
        )

    def _moments(self, magnitude: Tensor, sums: Tensor) -> tuple[Tensor, Tensor]:
        """Spectral centroid and spread, 1 being half the sample rate; `sums` are the plain and the weighted sum."""
        top = magnitude.amax(-1, keepdim=True).clamp_min(EPSILON)
        total = (sums[..., :1] / top).clamp_min(EPSILON)
        centroid = sums[..., 1:] / top / total
        distance = self.bins - centroid
        variance = (magnitude * distance * distance).sum(-1, keepdim=True) / top / total
        return centroid, variance.sqrt()


def normalise(waveform: Tensor) -> Tensor:
    """Subtract the mean and divide by the largest magnitude, so that level does not count."""
    mean = waveform.mean(-1, keepdim=True)
    largest = torch.maximum(waveform.amax(-1, keepdim=True) - mean, mean - waveform.amin(-1, keepdim=True))
    return (waveform - mean) / largest.clamp_min(1e-10)


def _zero_crossings(frames: Tensor) -> Tensor:
    sign = (frames * HUGE).clamp(-1, 1)  # -1, 0 or 1; many times cheaper than `sign` in ONNX Runtime
    return (sign[..., 1:] - sign[..., :-1]).abs().sum(-1, keepdim=True) / (2 * (frames.shape[-1] - 1))


def _stretches(size: int) -> NDArray[np.float64]:
    """Membership of samples or bins in ten stretches of equal length, and in what is left over; (size, 11)."""
    return np.eye(11)[np.minimum(np.arange(size) // (size // 10), 10)]


def _entropy(energy: Tensor, total: Tensor) -> Tensor:
    """Entropy in bits of how the energy is spread over ten stretches of time or of frequency."""
    share = energy / total.clamp_min(EPSILON)  # (batch, frames, 10)
    entropy: Tensor = -(share * torch.log2(share.clamp_min(EPSILON))).sum(-1, keepdim=True)
    return entropy


def _chroma(chroma: Tensor, total: Tensor) -> tuple[Tensor, Tensor]:
    """The shares of the pitch classes in the power of a frame, and their deviation."""
    share = chroma / total.clamp_min(EPSILON)  # (batch, frames, 12)
    centred = share - share.mean(-1, keepdim=True)
    return share, (centred * centred).mean(-1, keepdim=True).sqrt()


def _flux(share: Tensor) -> Tensor:
    """Squared distance between the spectra of a frame and the one before, of sum 1 each; 0 for the first."""
    change = share[:, 1:] - share[:, :-1]
    return nn.functional.pad((change * change).sum(-1, keepdim=True), (0, 0, 1, 0))


def _rolloff(power: Tensor, total: Tensor, share: float = 0.90) -> Tensor:
    """Below which share of the spectrum 90 % of its energy lies.

    The running sum is one within rows of 29 bins, and one over the rows: two products with triangles of ones.
    """
    rows = torch.unflatten(power, -1, (RealDFT.BINS // RealDFT.INNER, RealDFT.INNER))  # (batch, frames, 19, 29)
    within = rows @ torch.ones(RealDFT.INNER, RealDFT.INNER).triu()
    before = torch.ones(rows.shape[-2], rows.shape[-2]).tril(-1) @ within[..., -1:]
    below = (within + before <= share * total[..., None]).to(power.dtype).sum((-2, -1))[..., None]
    return below * (total > 0).to(power.dtype) / power.shape[-1]


class OctaveTempo(nn.Module):
    """The tempo modulo an octave, from the autocorrelation of the onset strength.

    1. Onset strength, 100 values a second: rises of the logarithmic level in three bands that cost next to nothing:
       low (the means of 5-ms stretches keep what lies below about 100 Hz: kicks), full (the signal), and high
       (its first difference, which tilts the spectrum by 6 dB per octave: hats).
    2. Its autocorrelation up to 5.12 s. In blocks of 64 values the autocorrelation is a matrix product of the blocks
       with themselves and what follows on their right, summed along diagonals.
    3. The salience of a tempo is the mean autocorrelation at its beat period and the octaves of that.
    4. A softmax over 240 tempi of one octave (0.3 % apart) and the mean of their points on the circle. A clear beat
       gives a point near the unit circle; no beat a point near the centre.

    Shape: (batch, samples) -> (batch, 2), sine and cosine of 2 pi log2(BPM), times the clarity (0-1).
    """

    RATE = 100  # onset strengths per second, nominal
    LAGS = 512  # onset strengths
    BLOCK = 64  # onset strengths
    TEMPI = 240  # in an octave
    SLOWEST = 64.0  # BPM: where the octave begins; any would do
    OCTAVES = (1 / 4, 1 / 2, 1, 2, 4)  # of the beat period of the grid's octave
    SHARPNESS = 60.0  # of the softmax, per unit of normalised autocorrelation

    comb: Tensor
    circle: Tensor

    def __init__(self, sample_rate: int) -> None:
        super().__init__()
        self.hop = round(sample_rate / self.RATE / 2)  # samples: half the distance between two onset strengths
        rate = sample_rate / (2 * self.hop)  # Hz
        bpm = self.SLOWEST * 2 ** (np.arange(self.TEMPI) / self.TEMPI)
        lags = 60 / bpm[:, None] * np.array(self.OCTAVES) * rate  # (tempi, octaves) in onset strengths
        comb = np.zeros((self.LAGS, self.TEMPI))
        for column, periods in enumerate(lags):
            inside = periods[periods < self.LAGS - 1]
            below = inside.astype(int)
            np.add.at(comb[:, column], below, (below + 1 - inside) / len(inside))
            np.add.at(comb[:, column], below + 1, (inside - below) / len(inside))
        angle = 2 * np.pi * np.log2(bpm)
        self.register_buffer("comb", torch.from_numpy(comb).float(), persistent=False)
        circle = np.stack([np.sin(angle), np.cos(angle)], 1)  # (tempi, 2)
        self.register_buffer("circle", torch.from_numpy(circle).float(), persistent=False)

    def forward(self, signal: Tensor) -> Tensor:
        return self.posterior(signal) @ self.circle

    def posterior(self, signal: Tensor) -> Tensor:
        """The probability of each tempo of the octave from SLOWEST on, (batch, samples) -> (batch, TEMPI)."""
        salience = self.autocorrelation(self.onset_strength(signal)) @ self.comb  # (batch, tempi)
        return (salience * self.SHARPNESS).softmax(-1)

    def onset_strength(self, signal: Tensor) -> Tensor:
        """Shape (batch, samples) -> (batch, onset strengths)."""
        count = signal.shape[-1] // (2 * self.hop) * 2
        pieces = torch.unflatten(signal[:, : count * self.hop], 1, (-1, self.hop))  # (batch, 2 strengths, hop)
        change = pieces[..., 1:] - pieces[..., :-1]
        level = torch.stack(
            [pieces.mean(-1) ** 2, (pieces * pieces).mean(-1), (change * change).mean(-1)],
            1,
        )  # (batch, bands, 2 strengths)
        smooth = nn.functional.avg_pool1d(level, 4, 2, padding=1)  # (batch, bands, strengths)
        # Compressed, so that quiet onsets count; the floor at -60 dB of the mean keeps noise in pauses silent.
        floor = (1e-3 * smooth.mean(-1, keepdim=True)).clamp_min(1e-12)
        logarithm = torch.log(smooth + floor)
        rise = (logarithm[..., 1:] - logarithm[..., :-1]).clamp_min(0)
        return rise.mean(1)

    def autocorrelation(self, onset: Tensor) -> Tensor:
        """Normalised autocorrelation, lag 0 first and equal to 1, shape (batch, LAGS)."""
        size, width = self.BLOCK, self.LAGS + self.BLOCK
        centred = onset - onset.mean(-1, keepdim=True)
        length = onset.shape[-1] + -onset.shape[-1] % size
        padded = nn.functional.pad(centred, (0, length - onset.shape[-1] + self.LAGS))
        blocks, count = torch.unflatten(padded, 1, (-1, size)), length // size
        shifted = [blocks[:, place : place + count] for place in range(width // size)]
        products = shifted[0].transpose(1, 2) @ torch.cat(shifted, -1)  # (batch, size, width): over blocks, o[s] o[t]
        # Lag l stands on the diagonal t = s + l. Read with rows one longer, row s begins s places later: at t = s.
        longer = nn.functional.pad(products.flatten(1), (0, size))
        by_lag = torch.unflatten(longer, 1, (size, width + 1))[..., : self.LAGS].sum(1)  # (batch, lags)
        normalised: Tensor = by_lag / by_lag[:, :1].clamp_min(1e-9)
        return normalised
