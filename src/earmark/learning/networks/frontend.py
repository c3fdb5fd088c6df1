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

from earmark.learning.networks.transforms import FactoredDFT
from earmark.spectra import chroma_matrix, hann, mel_slaney, mfcc_matrix, talkbox_mel

# pyAudioAnalysis adds this to keep logarithms and quotients finite. Here it is a lower bound, which is the same for all
# that float32 can tell: exporters take the addition of so small a number for one of nothing, and leave it out.
EPSILON = float(np.finfo(np.float64).eps)
HUGE = 1e37  # what is less than its inverse is 0 in float32


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


class HalfSpectrum(nn.Module):
    """The power spectrum of frames of 1,102 samples, the amplitudes divided by 551, the number of bins.

    1102 = 29 x 38: bins 29 apart share an inner sum of `FactoredDFT`, bins c + 29 d and 29 - c + 29 d have conjugate
    ones, and so 15 groups are all. That is a tenth of the arithmetic of the plain 1102 x 551 product.

    A constant touches bin 0 alone, so each frame's first sample is taken off before and bin 0 computed apart: a silent
    frame with an offset then gives exact zeros, as it does in float64, and not the rounding noise of float32.

    Shape: (batch, frames, 1102) -> (batch, 30 x 19, frames): for each of `RESIDUES` the bins that leave it when divided
    by 29, from the lowest on. A remainder of 29 is none, and its rows are 0.
    """

    SIZE, BINS = 1102, 551
    ROWS, COLUMNS = 29, 38
    RESIDUES = np.array([[c, 29 - c] for c in range(15)]).ravel()
    ORDER = RESIDUES[:, None] + 29 * np.arange(19)  # the bin of each row

    bin_0: Tensor

    def __init__(self) -> None:
        super().__init__()
        groups = len(self.RESIDUES) // 2
        radians, scale = 2 * np.pi / self.SIZE * self.ORDER, self.arranged(np.full(self.BINS, 1 / self.BINS))
        self.transform = FactoredDFT(self.ROWS, self.COLUMNS, radians.reshape(groups, -1), scale.reshape(groups, -1))
        self.register_buffer("bin_0", torch.full((self.SIZE, 1), 1 / self.BINS), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        power = self.transform((frames - frames[..., :1]).transpose(1, 2))
        constant = (frames @ self.bin_0).transpose(1, 2)
        return torch.cat([constant * constant, power[:, 1:]], 1)

    @classmethod
    def arranged(cls, bins: NDArray[np.float64]) -> NDArray[np.float64]:
        """What belongs to each bin, for the rows of the spectrum, (..., 551) -> (..., 570)."""
        present = np.repeat(cls.RESIDUES < cls.ROWS, 19)
        return bins[..., np.where(present, cls.ORDER.ravel(), 0)] * present


class Descriptors(nn.Module):
    """The descriptors of the measured tables: 34 means and 34 deviations over seconds, and the tempo.

    The signal, minus its mean and divided by its absolute maximum, is cut into frames of 50 ms without overlap and
    without a window. Means and deviations over each second (20 frames) are averaged over the seconds, whole seconds
    only. The tempo is a point on the unit circle whose angle is 2 pi log2(BPM), so that half and double tempo agree.

    Shape: (batch, samples) at 22,050 Hz, at least one second (22,040 samples) -> (batch, 70).
    """

    SAMPLE_RATE = 22_050
    FRAME = HalfSpectrum.SIZE
    SECOND = 20  # frames
    SIZE = 70

    stretches: Tensor
    crossings: Tensor
    of_magnitude: Tensor
    of_power: Tensor
    cosine: Tensor
    up_to: Tensor
    bins: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.power = HalfSpectrum()
        self.tempo = OctaveTempo(self.SAMPLE_RATE)
        size, residues = HalfSpectrum.BINS, HalfSpectrum.RESIDUES
        bins = np.arange(1, size + 1) / size  # 1 is half the sample rate
        # All that is a sum over a frame or a spectrum is a row of one product with it: each pass over them costs.
        of_magnitude = np.vstack([talkbox_mel(self.SAMPLE_RATE, size), np.ones(size), bins])  # (42, bins)
        of_power = np.vstack([chroma_matrix(self.SAMPLE_RATE, size), _stretches(size)])  # (23, bins)
        fixed = {
            "stretches": _stretches(self.FRAME).T,  # (FRAME, 11)
            "of_magnitude": HalfSpectrum.arranged(of_magnitude),
            "of_power": HalfSpectrum.arranged(of_power),
            "cosine": mfcc_matrix(40, 13),  # (13, 40)
            "up_to": residues <= np.arange(HalfSpectrum.ROWS)[:, None],  # (29, residues)
            "bins": HalfSpectrum.arranged(bins)[:, None],
        }
        for name, matrix in fixed.items():
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(matrix)).float(), persistent=False)
        self.register_buffer("crossings", _mean_change(self.FRAME) / 2, persistent=False)  # each moves the sign by 2

    def forward(self, waveform: Tensor) -> Tensor:
        signal = normalise(waveform)
        features = self.short_term(signal)  # (batch, 34, frames)
        seconds = features.shape[-1] // self.SECOND
        whole = features[..., : seconds * self.SECOND]
        by_second = torch.unflatten(whole, 2, (-1, self.SECOND))  # (batch, 34, seconds, 20)
        mean = by_second.mean(-1)  # (batch, 34, seconds)
        deviation = ((by_second - mean[..., None]) ** 2).mean(-1).sqrt()
        return torch.cat([mean.mean(-1), deviation.mean(-1), self.tempo(signal)], 1)  # (batch, 70)

    def short_term(self, signal: Tensor) -> Tensor:
        """The 34 features of each frame of a normalised signal, shape (batch, 34, frames)."""
        count = signal.shape[-1] // self.FRAME
        whole = signal[:, : count * self.FRAME]
        frames = torch.unflatten(whole, 1, (-1, self.FRAME))  # (batch, frames, 1102)
        power = self.power(frames)  # (batch, 570, frames)
        magnitude = power.sqrt()
        mel, sums = (self.of_magnitude @ magnitude).split((40, 2), 1)
        chroma, spectral = (self.of_power @ power).split((12, 11), 1)
        temporal = ((frames * frames) @ self.stretches).transpose(1, 2)
        energy, total = temporal.sum(1, keepdim=True), spectral.sum(1, keepdim=True)
        return torch.cat(
            [
                self._zero_crossings(whole),
                energy / self.FRAME,
                _entropy(temporal[:, :-1], energy),
                *self._moments(magnitude, sums),
                _entropy(spectral[:, :-1], total),
                _flux(magnitude / sums[:, :1].clamp_min(EPSILON)),
                self._rolloff(power, total),
                self.cosine @ torch.log10(mel.clamp_min(EPSILON)),
                *_chroma(chroma, total),
            ],
            1,
        )

    def _zero_crossings(self, signal: Tensor) -> Tensor:
        """The share of zero crossings among the samples of each frame, (batch, samples) -> (batch, 1, frames)."""
        sign = nn.functional.hardtanh(signal * HUGE)  # -1, 0 or 1; many times cheaper than `sign` in ONNX Runtime
        return (torch.unflatten(first_difference(sign).abs(), 1, (-1, self.FRAME)) @ self.crossings).transpose(1, 2)

    def _moments(self, magnitude: Tensor, sums: Tensor) -> tuple[Tensor, Tensor]:
        """Spectral centroid and spread, 1 being half the sample rate; `sums` are the plain and the weighted sum."""
        plain = sums[:, :1].clamp_min(EPSILON**2)  # the original divides by the largest magnitude before
        centroid = sums[:, 1:] / plain
        distance = self.bins - centroid
        variance = frame_sums(magnitude * distance * distance) / plain
        return centroid, variance.sqrt()

    def _rolloff(self, power: Tensor, energy: Tensor, share: float = 0.90) -> Tensor:
        """Below which share of the spectrum 90 % of its energy lies.

        The running sum is one within rows of 29 bins, and one over the rows: two products with triangles of ones.
        """
        rows = HalfSpectrum.ORDER.shape[1]
        by_residue = torch.unflatten(power, 1, (-1, rows)).flatten(2)  # (batch, 30, 19 x frames)
        within = torch.unflatten(self.up_to @ by_residue, 2, (rows, -1))  # (batch, 29, 19, frames)
        before = torch.ones(rows, rows).tril(-1) @ within[:, -1]  # (batch, 19, frames)
        below = frame_sums((within <= (share * energy - before)[:, None]).to(power.dtype).flatten(1, 2))
        return below * (energy > 0).to(power.dtype) / HalfSpectrum.BINS


def normalise(waveform: Tensor) -> Tensor:
    """Subtract the mean and divide by the largest magnitude, so that level does not count."""
    mean = waveform.mean(-1, keepdim=True)
    largest = torch.maximum(waveform.amax(-1, keepdim=True) - mean, mean - waveform.amin(-1, keepdim=True))
    return (waveform - mean) / largest.clamp_min(1e-10)


def first_difference(signal: Tensor) -> Tensor:
    """The change from each sample to the next, shape (batch, samples); that of the last sample means nothing."""
    return nn.functional.pad(signal, (-1, 1)) - signal


def _mean_change(size: int) -> Tensor:
    """Weights of the first differences in their mean over a frame, (size, 1): the last leads to the next frame."""
    return (torch.arange(size) < size - 1)[:, None] / (size - 1)


def frame_sums(frames: Tensor) -> Tensor:
    """The sum of each column, (..., size, frames) -> (..., 1, frames): as a product, many times cheaper than `sum`."""
    return torch.ones(1, frames.shape[-2]) @ frames


def _stretches(size: int) -> NDArray[np.float64]:
    """Membership of samples or bins in ten stretches of equal length, and in what is left over; (11, size)."""
    return np.eye(11)[:, np.minimum(np.arange(size) // (size // 10), 10)]


def _entropy(energy: Tensor, total: Tensor) -> Tensor:
    """Entropy in bits of how the energy is spread over ten stretches of time or of frequency."""
    share = energy / total.clamp_min(EPSILON)  # (batch, 10, frames)
    entropy: Tensor = -(share * torch.log2(share.clamp_min(EPSILON))).sum(1, keepdim=True)
    return entropy


def _chroma(chroma: Tensor, total: Tensor) -> tuple[Tensor, Tensor]:
    """The shares of the pitch classes in the power of a frame, and their deviation."""
    share = chroma / total.clamp_min(EPSILON)  # (batch, 12, frames)
    centred = share - share.mean(1, keepdim=True)
    return share, (centred * centred).mean(1, keepdim=True).sqrt()


def _flux(share: Tensor) -> Tensor:
    """Squared distance between the spectra of a frame and the one before, of sum 1 each; 0 for the first."""
    change = share[..., 1:] - share[..., :-1]
    return nn.functional.pad(frame_sums(change * change), (1, 0))


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
    inside: Tensor

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
        self.register_buffer("inside", _mean_change(self.hop), persistent=False)

    def forward(self, signal: Tensor) -> Tensor:
        return self.posterior(signal) @ self.circle

    def posterior(self, signal: Tensor) -> Tensor:
        """The probability of each tempo of the octave from SLOWEST on, (batch, samples) -> (batch, TEMPI)."""
        salience = self.autocorrelation(self.onset_strength(signal)) @ self.comb  # (batch, tempi)
        return (salience * self.SHARPNESS).softmax(-1)

    def onset_strength(self, signal: Tensor) -> Tensor:
        """Shape (batch, samples) -> (batch, onset strengths)."""
        pieces = torch.unflatten(self._whole(signal), 1, (-1, self.hop))  # (batch, 2 strengths, hop)
        low, full, high = pieces.mean(-1) ** 2, (pieces * pieces).mean(-1), self.brightness(signal)
        level = torch.stack([low, full, high], 1)  # (batch, bands, 2 strengths)
        smooth = nn.functional.avg_pool1d(level, 4, 2, padding=1)  # (batch, bands, strengths)
        # Compressed, so that quiet onsets count; the floor at -60 dB of the mean keeps noise in pauses silent.
        floor = (1e-3 * smooth.mean(-1, keepdim=True)).clamp_min(1e-12)
        logarithm = torch.log(smooth + floor)
        rise = (logarithm[..., 1:] - logarithm[..., :-1]).clamp_min(0)
        return rise.mean(1)

    def brightness(self, signal: Tensor) -> Tensor:
        """Mean square of the first difference within each 5-ms stretch, (batch, samples) -> (batch, 2 strengths)."""
        change = first_difference(self._whole(signal))
        return (torch.unflatten(change * change, 1, (-1, self.hop)) @ self.inside).squeeze(-1)

    def _whole(self, signal: Tensor) -> Tensor:
        """The signal without the samples that fill no onset strength."""
        return signal[:, : signal.shape[-1] // (2 * self.hop) * 2 * self.hop]

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
        by_lag = frame_sums(torch.unflatten(longer, 1, (size, width + 1))[..., : self.LAGS])[:, 0]  # (batch, lags)
        normalised: Tensor = by_lag / by_lag[:, :1].clamp_min(1e-9)
        return normalised
