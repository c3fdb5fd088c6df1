"""Taste: the factors of a user's contexts and tracks, and the head that gives factors to all other tracks.

What is asked is a context: one that was learned, or some tracks. Each track of the collection then has two scores, in
standard deviations over the collection: how well its factors fit those of the context, and how alike it sounds to the
tracks in it. With hundreds of listeners the first says more, with a few playlists the second; the sum takes `SOUND`
times the second. docs/recommend.md has the measurement.

A taste is one file, `.npz` without pickled objects, written in one step.
"""

import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from earmark.errors import BundleError, EarmarkError
from earmark.files import replacing
from earmark.learning.taste.factors import FACTORS, Factors, Feedback, factorise, fold_in
from earmark.learning.taste.head import Head
from earmark.library.similarity import Similarity, Space

FORMAT: Final = 1
SOUND: Final = 0.5
TRUST: Final = 10.0  # contexts that a track must be in for its own factors to count as much as those of the head
FEWEST: Final = 2  # contexts, and tracks


@dataclass(frozen=True)
class Taste:
    """What was learned.

    Attributes:
        model: the name of the model whose embeddings it takes.
        contexts: their names.
        paths: of the tracks that are in them.
        feedback: which track is in which context.
        context_factors: (contexts, factors).
        track_factors: (tracks, factors).
        space: the space of the collection that it was learned in.
        head: gives factors to directions in that space.
    """

    model: str
    contexts: tuple[str, ...]
    paths: tuple[str, ...]
    feedback: Feedback
    context_factors: Factors
    track_factors: Factors
    space: Space
    head: Head

    @classmethod
    def learn(
        cls,
        contexts: Sequence[tuple[str, dict[str, float]]],
        embeddings: dict[str, NDArray[np.floating]],
        space: Space,
        model: str,
        *,
        count: int = FACTORS,
    ) -> Self:
        """Learn from contexts.

        Args:
            contexts: the name of each, and its tracks with their weights; a track without embedding is left out.
            embeddings: of tracks, each (dims,).
            space: of the collection.
            model: that gave the embeddings.
            count: of factors.

        Raises:
            EarmarkError: fewer than two contexts have two of the tracks.
            MissingExtra: `implicit` is not installed.
        """
        known = [
            (name, {path: much for path, much in tracks.items() if path in embeddings}) for name, tracks in contexts
        ]
        usable = [(name, tracks) for name, tracks in known if len(tracks) >= FEWEST]
        if len(usable) < FEWEST:
            found = f"{len(usable)} of {len(contexts)} playlists and evenings"
            raise EarmarkError(f"too little to learn from: {found} have {FEWEST} tracks or more that were heard")
        paths = list(dict.fromkeys(path for _, tracks in usable for path in tracks))
        number = {path: at for at, path in enumerate(paths)}
        entries = [(at, number[path], much) for at, (_, tracks) in enumerate(usable) for path, much in tracks.items()]
        rows, columns, weights = zip(*entries, strict=True)
        feedback = Feedback(
            np.array(rows, np.intp),
            np.array(columns, np.intp),
            np.array(weights, np.float32),
            (len(usable), len(paths)),
        )
        context_factors, track_factors = factorise(feedback, count)
        directions = space.place(np.stack([embeddings[path] for path in paths])).directions
        counts = np.bincount(feedback.tracks, minlength=len(paths)).astype(np.float64)
        head = Head.fit(directions, track_factors, counts)
        names = tuple(name for name, _ in usable)
        return cls(model, names, tuple(paths), feedback, context_factors, track_factors, space, head)

    def factors(self, embeddings: NDArray[np.floating], known: NDArray[np.intp]) -> Factors:
        """Factors of tracks: what the head says, and the more of their own the more contexts they are in.

        Args:
            embeddings: (tracks, dims).
            known: the number of each among `paths`, -1 for one that is not, (tracks,).
        """
        found = self.head.factors(self.space.place(embeddings).directions)
        there = known >= 0
        counts = np.bincount(self.feedback.tracks, minlength=len(self.paths))[known[there]][:, None]
        own = self.track_factors[known[there]]
        found[there] = (counts * own + TRUST * found[there]) / (counts + TRUST)
        return found

    def context(self, name: str) -> int:
        """The number of a context, by its name in any case, or by the name of the playlist without its folders.

        Raises:
            EarmarkError: none is called so.
        """
        for of in (str.casefold, lambda full: full.casefold().rpartition("/")[2]):
            if matches := [at for at, each in enumerate(self.contexts) if of(each) == name.casefold()]:
                return matches[0]
        raise EarmarkError(f"no playlist or evening is called {name!r}; there are: {', '.join(self.contexts)}")

    def wanted(self, contexts: Sequence[int]) -> tuple[Factors, NDArray[np.intp]]:
        """Factors of contexts as one, (factors,), and the numbers of the tracks that are in them; of all, if none."""
        chosen = list(contexts) or list(range(len(self.contexts)))
        tracks = np.unique(np.concatenate([self.feedback.of(each)[0] for each in chosen]))
        if len(chosen) == 1:
            return self.context_factors[chosen[0]], tracks
        weights = np.bincount(self.feedback.tracks[np.isin(self.feedback.contexts, chosen)], minlength=len(self.paths))[
            tracks
        ]
        return fold_in(self.track_factors[tracks], weights, self.track_factors), tracks

    def save(self, path: Path) -> None:
        """Write the file, replacing one that stands there."""
        header = {"format": FORMAT, "model": self.model, "contexts": self.contexts, "paths": self.paths}
        arrays: dict[str, NDArray[Any]] = {
            "header": np.frombuffer(json.dumps(header).encode("utf-8", "surrogatepass"), np.uint8),
            **{f"feedback_{name}": np.asarray(value) for name, value in vars(self.feedback).items()},
            **{f"space_{name}": value for name, value in vars(self.space).items()},
            **{f"head_{name}": np.asarray(value) for name, value in vars(self.head).items()},
            "context_factors": self.context_factors,
            "track_factors": self.track_factors,
        }
        with replacing(path) as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file.

        Raises:
            BundleError: it is not there, is no taste, or is damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            header = json.loads(arrays["header"].tobytes().decode("utf-8", "surrogatepass"))
            if header["format"] != FORMAT:
                raise BundleError(f"{path}: a taste of format {header['format']}, not {FORMAT}; learn it again")
            shape = arrays["feedback_shape"]
            return cls(
                header["model"],
                tuple(header["contexts"]),
                tuple(header["paths"]),
                Feedback(
                    arrays["feedback_contexts"],
                    arrays["feedback_tracks"],
                    arrays["feedback_weights"],
                    (int(shape[0]), int(shape[1])),
                ),
                arrays["context_factors"],
                arrays["track_factors"],
                Space(*(arrays[f"space_{name}"] for name in ("centre", "axes", "mean", "variance"))),
                Head(arrays["head_weights"], arrays["head_bias"], float(arrays["head_explained"])),
            )
        except FileNotFoundError:
            raise BundleError(f"{path}: no taste was learned yet; `earmark learn-taste` does it") from None
        except OSError as error:
            raise BundleError(f"{path}: cannot be read: {error.strerror or error}") from error
        except (EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
            raise BundleError(f"{path}: not a taste, or damaged") from error


def recommend(
    taste: Taste,
    similarity: Similarity,
    known: NDArray[np.intp],
    wanted: Factors,
    seeds: NDArray[np.floating],
) -> NDArray[np.float64]:
    """Scores of all tracks of a collection for a context, in standard deviations, (tracks,); see the module.

    Args:
        taste: what was learned.
        similarity: the collection.
        known: the number of each track of the collection among `taste.paths`, or -1, (tracks,).
        wanted: factors of the context, (factors,).
        seeds: embeddings of the tracks in the context, (seeds, dims); none is an answer by factors alone.
    """
    scores = _standard(taste.factors(similarity.column.matrix, known) @ wanted)
    if not len(seeds):
        return scores
    return (scores + SOUND * _standard(similarity.scores(seeds))) / (1 + SOUND)


def _standard(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    spread = scores.std() if len(scores) else 0
    return np.asarray((scores - scores.mean()) / spread if spread else np.zeros(len(scores)), np.float64)
