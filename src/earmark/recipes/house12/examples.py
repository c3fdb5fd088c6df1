"""The examples that a shipped model is trained on: the rows of both tables, and those of a style that neither has."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from earmark.recipes.house12.protocols import EvaluationProtocol
from earmark.recipes.house12.recipe import TableRecipe
from earmark.recipes.house12.shifts import Pairs, learn_shift
from earmark.recipes.house12.tables import (
    UNLABELLED,
    Genres,
    Indices,
    Labels,
    MeasuredTable,
    Rows,
    genres_of_both,
    genres_with_styles,
    indices,
    same_tracks,
)
from earmark.styles import styles

AS_SHIPPED = "styles 2021, by artist, as shipped"


@dataclass(frozen=True)
class Examples:
    """Rows (tracks, 70) with their labels (tracks,); rows may have a genre and no style.

    Attributes:
        rows: the descriptors.
        labels: indices into the twelve styles.
        genres: names that the shop gave in 2021, and the style that has none, of which the styles are made.
        older: names that it gave in 2016.
        artists: "" where unknown.
        weights: weight of each row in the loss.
        tested: rows whose label and artist were measured: the ones that may be tested on.
    """

    rows: Rows
    labels: Indices
    genres: Genres
    older: Labels
    artists: tuple[str, ...]
    weights: NDArray[np.float32]
    tested: NDArray[np.bool_]


def examples(new: MeasuredTable, old: MeasuredTable, half_drums: Pairs, recipe: TableRecipe) -> Examples:
    """The rows of both tables, and rows for the style of `recipe.half_time`.

    That style is what prior knowledge allows: the rows of its source, at their tempo, moved as the descriptors move
    when the drums play half as often. It is a genre of its own beside those of 2021.
    """
    classes = [style.label for style in styles()]
    rows = np.concatenate([new.rows, old.rows])
    labels = indices((*new.styles, *old.styles), classes)
    artists = (*new.artists, *old.artists)
    source = np.flatnonzero(labels == classes.index(recipe.half_time.source))
    half_rows = learn_shift(half_drums).apply(rows[source], np.random.default_rng(recipe.synthetic.seed))
    labels = np.concatenate([labels, np.full(len(source), classes.index(recipe.half_time.style))])
    newer, older = genres_of_both(new, old)
    unnamed = np.full(len(source), UNLABELLED)
    genres = Labels(np.concatenate([newer.indices, np.full(len(source), newer.classes)]), newer.classes + 1)
    in_new = np.arange(len(rows) + len(source)) < len(new.rows)
    return Examples(
        rows=np.concatenate([rows, half_rows]),
        labels=labels,
        genres=genres_with_styles(genres, labels),
        older=Labels(np.concatenate([older.indices, unnamed]), older.classes),
        artists=(*artists, *(artists[row] for row in source)),
        weights=np.repeat([1.0, recipe.half_time.weight], [len(rows), len(source)]).astype(np.float32),
        tested=(labels != UNLABELLED) & in_new,
    )


def by_artist(sample: Examples) -> EvaluationProtocol:
    """Five folds by artist over the 2021 rows, each predicted by a model of all styles that has not heard its artist.

    The 2016 rows name no artist: they are in every training part but for those that must be a track under test.
    """
    tested = np.flatnonzero(sample.tested)
    numbers = {artist: number for number, artist in enumerate(dict.fromkeys(sample.artists))}
    groups = np.array([numbers[artist] for artist in sample.artists])
    nameless = np.array([not artist for artist in sample.artists]) & ~sample.tested
    split = StratifiedGroupKFold(5, shuffle=True, random_state=0).split(tested, sample.labels[tested], groups[tested])
    folds = []
    for _, part in split:
        test = tested[part]
        unheard = ~np.isin(groups, groups[test]) | nameless
        folds.append((np.flatnonzero(unheard & ~same_tracks(sample.rows, sample.rows[test])), test))
    classes = tuple(style.label for style in styles())
    return EvaluationProtocol(
        AS_SHIPPED, classes, sample.rows, sample.labels, tuple(folds), (sample.older,), sample.genres
    )
