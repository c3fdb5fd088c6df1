"""Figures of models stand beside the test that they come from."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from earmark.app.models import cards, measured
from earmark.hearing.bundle import locate, read_config


def test_the_figure_of_a_shipped_model_names_its_test() -> None:
    emusic12, house12 = (measured(read_config(locate(name))) for name in ("emusic12", "house12"))
    assert emusic12 == ".844 right at first on 192 synthetic tracks of 48 held-out artists"
    test = "2,100 tracks of a shop, by descriptors, artists held out, the descriptors network alone"
    assert house12 == f".748 right at first on {test}"


@pytest.mark.parametrize(
    ("measures", "line"),
    [
        ({}, ""),
        ({"precision_at_1": 0.7}, ".700 right at first on a test that it does not name"),
        (
            {"precision_at_1": 1.0, "side": "valid", "tracks": 1200, "artists": 0},
            "1.000 right at first on 1,200 validation tracks",
        ),
        (
            {"precision_at_1": 0.66, "side": "test", "tracks": 54, "artists": 20},
            ".660 right at first on 54 test tracks of 20 held-out artists",
        ),
        (
            {"precision_at_1": 0.66, "tracks": 54, "artists": 20, "accuracy": {}},
            ".660 right at first on the 54 tracks it was taught, each held out",
        ),
    ],
    ids=["not measured", "no test", "validation", "test", "taught"],
)
def test_the_figure_of_another_model_names_what_is_known_of_its_test(measures: dict[str, Any], line: str) -> None:
    config = replace(read_config(locate("house12")), measures=measures, provenance={"summary": "mine"})
    assert measured(config) == line


@pytest.mark.parametrize("name", ["emusic12", "house12"])
def test_the_first_score_of_a_shipped_model_says_what_it_takes_for_what(name: str) -> None:
    card = next(card for card in cards() if card.name == name)
    score = card.scores[0]
    counts = np.array(score["confusion"]["counts"])
    assert tuple(score["confusion"]["classes"]) == card.styles
    assert counts.sum() == sum(score["reliability"]["count"]) == score["tracks"]
    assert counts.trace() / counts.sum() == pytest.approx(score["micro"][0][0], abs=5e-4)
    tracks = {style: int(row.sum()) for style, row in zip(card.styles, counts, strict=True) if row.any()}
    assert tracks == {style: count for style, (_, count) in score["by_class"].items()}
