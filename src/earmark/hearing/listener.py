"""The listener: from a file to its `Analysis`.

A file is decoded once. The blocks for the network pass the accumulators of rhythm and key on their way; loudness is
measured on the channels before they are averaged.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from earmark.analysis import Analysis
from earmark.audio import Recording, Waveform
from earmark.errors import UnreadableAudio
from earmark.hearing.bundle import Config
from earmark.hearing.model import Heard, Model

if TYPE_CHECKING:
    from earmark.hearing.parts import Parts

FAST_PLACES = (0.3, 0.55, 0.8)  # of the track, where `fast` listens: past the intro, and before the outro
PARTS: Final = ("rhythm", "key", "loudness")  # what can be left out
REVISION: Final = 3  # raised when the same model and settings begin to give another analysis


def version_of(config: Config, *, parts: Collection[str] = PARTS, fast: bool = False, original: bool = False) -> str:
    """Digest of all that decides what a `Listener` with these arguments hears, as 16 hexadecimal digits.

    Two analyses of one file with the same version are the same. Provenance and measures of a model do not count.
    """
    import hashlib  # noqa: PLC0415  which brings OpenSSL, for scans

    deciding = [REVISION, {key: value for key, value in vars(config).items() if key not in ("provenance", "measures")}]
    mode = {"parts": [] if fast or original else sorted(parts), "fast": fast, "original": original}
    # The usual mode stays out: catalogues hold versions from before there were others.
    if mode != {"parts": sorted(PARTS), "fast": False, "original": False}:
        deciding.append(mode)
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()[:16]


class Listener:
    """Hears files with one model.

    Args:
        model: the model.
        parts: which of `PARTS` to analyse besides the styles. They need the whole track, so that `fast` and `original`
            leave them out.
        fast: listen to three windows of a long file only, reached by seeking, and leave the rest undecoded.
        original: listen to ten pieces as one batch, as the system of 2018 did.

    Raises:
        ValueError: both ways at once, or a part that is none.
    """

    def __init__(
        self, model: Model, *, parts: Collection[str] = PARTS, fast: bool = False, original: bool = False
    ) -> None:
        if fast and original:
            raise ValueError("a listener hears either three windows or the ten pieces of the original, not both")
        if unknown := set(parts) - set(PARTS):
            raise ValueError(f"there is no {', '.join(sorted(unknown))} to listen for, only {', '.join(PARTS)}")
        self.model = model
        self.parts = frozenset(() if fast or original else parts)
        self.fast = fast
        self.original = original

    @property
    def version(self) -> str:
        """Digest of the model and the settings; see `version_of`."""
        return version_of(self.model.config, parts=self.parts, fast=self.fast, original=self.original)

    def __call__(self, path: Path | str, *, tap: Callable[[Waveform], None] | None = None) -> Analysis:
        """Hear a file.

        Args:
            path: the file.
            tap: is given what is decoded for the model, block by block; nothing where only excerpts are heard.

        Raises:
            UnreadableAudio: there is no audio in it that can be heard.
        """
        config = self.model.config
        parts = self._accumulators()
        with Recording(path) as recording:
            blocks = recording.blocks(config.sample_rate, tap=parts.tap if parts else None)
            shared = _shared(blocks, [*(parts.takers if parts else []), *([tap] if tap else [])])
            heard, duration, warnings = self._hear(recording, shared)
        styles = dict(zip(heard.timeline.styles, heard.timeline.mean().tolist(), strict=True))
        analysis = Analysis(
            path=Path(path),
            duration=duration,
            timeline=heard.timeline,
            families=config.families,
            unknown=self.model.is_unknown(heard),
            embedding=heard.embedding,
            model=config.name,
            warnings=warnings,
            no_music=heard.no_music,
            **(parts.heard(styles, config.families, music=not heard.no_music) if parts else {}),
        )
        _require_finite(analysis)
        return analysis

    def _accumulators(self) -> "Parts | None":
        """What gathers the parts of one track, if any are wanted."""
        if not self.parts:
            return None
        from earmark.hearing.parts import Parts  # noqa: PLC0415  not needed for styles alone

        return Parts(self.parts, self.model.config.sample_rate)

    def _hear(self, recording: Recording, blocks: Iterable[Waveform]) -> tuple[Heard, float, tuple[str, ...]]:
        """Timeline and embedding, duration in seconds, and warnings; `blocks` are the whole of the recording."""
        if self.original:
            from earmark.hearing.original import hear_pieces  # noqa: PLC0415  few models are asked for it

            pieces = hear_pieces(self.model, recording)
            return pieces.heard, pieces.duration, pieces.warnings
        excerpts = self._excerpts(recording)
        heard = self.model.hear_windows(excerpts or self.model.windows(blocks))
        end = float(heard.timeline.starts[-1]) + heard.timeline.window
        duration = recording.duration if excerpts and recording.duration else end
        return heard, duration, tuple(recording.warnings)

    def _excerpts(self, recording: Recording) -> list[tuple[float, Waveform]]:
        """Windows of a long file with their starts in seconds, or none if all of it is to be heard.

        All is heard of a file that ends before it says, too.
        """
        rate, window, duration = self.model.config.sample_rate, self.model.config.window, recording.duration
        if not self.fast or duration is None or duration < 2 * len(FAST_PLACES) * window:
            return []
        excerpts = []
        for share in FAST_PLACES:
            start = share * duration - window / 2
            blocks = list(recording.blocks(rate, start=start, duration=window))
            if sum(block.size for block in blocks) < round(window * rate) - 1:  # rounding may cost a sample
                return []
            excerpts.append((start, np.concatenate(blocks)))
        return excerpts


def _require_finite(analysis: Analysis) -> None:
    """Refuse an answer that is no number: whoever keeps it could not write it as JSON."""
    found: dict[str, Iterable[Any]] = {
        "styles": [analysis.timeline.probabilities, analysis.timeline.starts, analysis.duration],
        "embedding": [analysis.embedding],
        **{part: vars(heard).values() for part in PARTS if (heard := getattr(analysis, part))},
    }
    for part, numbers in found.items():
        if not all(np.isfinite(each).all() for each in numbers):
            raise UnreadableAudio(analysis.path, f"it could not be heard: its {part} came out as no finite number")


def _shared(blocks: Iterable[Waveform], takers: Collection[Callable[[Waveform], None]]) -> Iterator[Waveform]:
    """Pass on blocks, and give each to others on the way."""
    for block in blocks:
        for take in takers:
            take(block)
        yield block
