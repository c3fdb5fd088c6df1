"""Candidates: the tracks that may be played, as columns of numbers.

Conventions: a *row* is the place of a track in the columns. A number that is not known is NaN, an unknown key is
`UNKNOWN`. Styles are square roots of probabilities, so that the product of two rows is their Bhattacharyya coefficient:
1 for the same mixture of styles, 0 for mixtures that share none.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from earmark.library import Catalogue, Query
from earmark.library.embeddings import unit
from earmark.library.similarity import SAMPLE, Space
from earmark.library.track import Summary

Rows = NDArray[np.intp]
Column = NDArray[np.float32]

UNKNOWN: Final = 24  # of the 24 keys
NOBODY: Final = -1  # the artist of a track that names none
AXES: Final = 64  # of embeddings: more cost time and hardly change an order

_GUESTS: Final = re.compile(r"\s+(?:feat\.?|ft\.?|featuring|vs\.?|pres\.?|presents)\s.*|\s*[,;/].*")


@dataclass(frozen=True)
class Candidates:
    """Tracks as columns.

    Attributes:
        summaries: one for each row.
        styles: the names of the columns of `mixtures`.
        mixtures: square roots of the style probabilities, (tracks, styles).
        seconds: durations, (tracks,).
        bpm: tempos, (tracks,).
        keys: 0-23: twice the hours of Camelot's wheel after the first, and 1 more for major: `8A` is 14, (tracks,).
        energy: 0-1, (tracks,).
        artists: a number for each artist, the same for the same one, (tracks,).
        sounds: embeddings of length 1, or of zeros where a track has none, (tracks, dims); dims is 0 without any.
        space: in which those embeddings are; None where it is not known.
    """

    summaries: Sequence[Summary]
    styles: tuple[str, ...]
    mixtures: Column
    seconds: Column
    bpm: Column
    keys: NDArray[np.intp]
    energy: Column
    artists: NDArray[np.intp]
    sounds: Column
    space: Space | None = None

    def __len__(self) -> int:
        return len(self.summaries)

    @classmethod
    def of(cls, summaries: Iterable[Summary], sounds: Column | None = None) -> Self:
        """The candidates of summaries, each content once: the first of several copies.

        Args:
            summaries: of the tracks.
            sounds: the embedding of each summary at length 1, in their order, (summaries, dims).
        """
        given = list(summaries)
        firsts: dict[str, int] = {}
        for row, summary in enumerate(given):
            firsts.setdefault(summary.content_hash or str(summary.path), row)
        chosen = list(firsts.values())
        kept = [given[row] for row in chosen]
        styles = tuple(dict.fromkeys(style for styles in {one.styles: None for one in kept} for style in styles))
        numbers: dict[str, int] = {}
        names = [artist(summary.artist) for summary in kept]
        return cls(
            summaries=kept,
            styles=styles,
            mixtures=_mixtures(kept, styles),
            seconds=np.array([summary.duration for summary in kept], np.float32),
            bpm=_column(summary.bpm for summary in kept),
            keys=np.array([key(summary.camelot) for summary in kept], np.intp),
            energy=_column(summary.energy for summary in kept),
            artists=np.array([numbers.setdefault(name, len(numbers)) if name else NOBODY for name in names], np.intp),
            sounds=np.empty((len(kept), 0), np.float32) if sounds is None else sounds[chosen],
        )

    @classmethod
    def of_catalogue(cls, catalogue: Catalogue, query: Query | None = None, more: Sequence[Summary] = ()) -> Self:
        """The tracks of a catalogue that meet a query, and more, with their embeddings.

        Embeddings are projected on the first `AXES` of `similarity.Space`. Tracks that were heard by another model than
        most have none.
        """
        summaries = [*more, *catalogue.summaries(query)]
        column = catalogue.embeddings()
        ids = np.array([summary.id for summary in summaries], np.int64)
        known = np.isin(ids, column.ids)
        if not known.any():
            return cls.of(summaries)
        space = Space.of(column.matrix[:: max(1, len(column.matrix) // SAMPLE)])
        heard = _on_axes(space, column.matrix[column.places(ids[known])])
        sounds = np.zeros((len(ids), heard.shape[1]), np.float32)
        sounds[known] = heard
        return replace(cls.of(summaries, sounds), space=space)

    def of_style(self, style: str) -> Rows:
        """The rows of which a style is the most probable one."""
        if style not in self.styles or not len(self):
            return np.empty(0, np.intp)
        return np.flatnonzero(self.mixtures.argmax(1) == self.styles.index(style))

    def including(self, summary: Summary, embedding: Column | None = None) -> tuple[Self, int]:
        """The candidates with a track in their last row if it is not among them, and its row.

        Args:
            summary: of the track.
            embedding: as the model that heard the collection gives it, (dims,); left out if it is of another length.
        """
        row = self.row(summary)
        if row is not None:
            return self, row
        styles = tuple(dict.fromkeys((*self.styles, *summary.styles)))
        wider = np.pad(self.mixtures, ((0, 0), (0, len(styles) - len(self.styles))))
        sound = np.zeros((1, self.sounds.shape[1]), np.float32)
        if embedding is not None and self.space is not None and len(embedding) == len(self.space.centre):
            sound = _on_axes(self.space, embedding[None])
        name = artist(summary.artist)
        known = [number for one, number in zip(self.summaries, self.artists, strict=True) if name == artist(one.artist)]
        number = NOBODY if not name else int(known[0]) if known else int(self.artists.max(initial=NOBODY)) + 1
        return replace(
            self,
            summaries=[*self.summaries, summary],
            styles=styles,
            mixtures=np.concatenate([wider, _mixtures([summary], styles)]),
            seconds=np.append(self.seconds, np.float32(summary.duration)),
            bpm=np.concatenate([self.bpm, _column([summary.bpm])]),
            keys=np.append(self.keys, key(summary.camelot)),
            energy=np.concatenate([self.energy, _column([summary.energy])]),
            artists=np.append(self.artists, number),
            sounds=np.concatenate([self.sounds, sound]),
        ), len(self)

    def row(self, summary: Summary) -> int | None:
        """The row of a track, or of the copy that stands for it; None if it is not among them."""
        if (row := self._by_path.get(summary.path)) is not None:
            return row
        return self._by_content.get(summary.content_hash) if summary.content_hash else None

    @cached_property
    def _by_path(self) -> dict[Path, int]:
        return {summary.path: row for row, summary in enumerate(self.summaries)}

    @cached_property
    def _by_content(self) -> dict[str, int]:
        return {summary.content_hash: row for row, summary in enumerate(self.summaries)}


def _on_axes(space: Space, embeddings: NDArray[np.floating]) -> Column:
    """Embeddings (rows, dims) on the first axes of a space, at length 1, (rows, axes)."""
    return unit(space.place(embeddings).directions[:, :AXES])


def artist(name: str) -> str:
    """The artist who comes first in a name, without guests, in small letters.

    >>> artist("Nina Kraviz feat. Someone"), artist("A, B")
    ('nina kraviz', 'a')
    """
    return _GUESTS.sub("", name).strip().casefold()


def key(camelot: str) -> int:
    """The number of a key in Camelot's notation; `UNKNOWN` of "".

    >>> key("1A"), key("8B"), key("")
    (0, 15, 24)
    """
    return 2 * (int(camelot[:-1]) - 1) + (camelot[-1] == "B") if camelot else UNKNOWN


def _column(values: Iterable[float | None]) -> Column:
    return np.array([np.nan if value is None else value for value in values], np.float32)


def _mixtures(summaries: Sequence[Summary], styles: tuple[str, ...]) -> Column:
    """Square roots of the probabilities of all styles, (tracks, styles)."""
    mixtures = np.zeros((len(summaries), len(styles)), np.float32)
    columns = {own: [styles.index(style) for style in own] for own in {summary.styles for summary in summaries}}
    for own, places in columns.items():
        rows = [row for row, summary in enumerate(summaries) if summary.styles == own]
        mixtures[np.ix_(rows, places)] = np.sqrt([summaries[row].probabilities for row in rows])
    return unit(mixtures)
