"""The charts of a score: tables that say what the pictures show."""

import json
import re
from pathlib import Path
from typing import Any

from earmark.app.models import scores_of
from earmark.hearing.bundle import read_config
from earmark.testing.bundles import tiny_bundle
from earmark.web.pages.charts import confusion_table, mistaken, reliability_picture
from earmark.web.pages.models import OLD, described

CONFUSION: dict[str, Any] = {"classes": ["Trap", "<b>", "Trance"], "counts": [[6, 4, 0], [0, 0, 0], [1, 0, 99]]}
RELIABILITY: dict[str, Any] = {"confidence": [None, 0.4, 0.9], "accuracy": [None, 0.5, 0.8], "count": [0, 2, 1000]}
SCORE: dict[str, Any] = {
    "protocol": "test tracks",
    "tracks": 110,
    "classes": 2,
    "micro": [[0.95, 0.9, 0.99]],
    "calibration_error": 0.03,
    "by_class": {"Trap": [0.6, 10], "Trance": [0.99, 100]},
}


def _text(page: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", page).split())


def test_a_row_of_the_table_for_each_style_that_was_tested() -> None:
    page = confusion_table(CONFUSION)
    assert page.count("<tr>") == 3  # the heads, and two styles: of the third no track was tested
    assert page.count('scope="col"') == 3
    assert '<td style="--em-share:0.600" class=em-right title="6 of 10 Trap: Trap">6</td>' in page
    assert "<b>" not in page
    assert "4 of 10 Trap: &lt;b&gt;" in page


def test_the_mistakes_are_told_the_commonest_first_and_rare_ones_not() -> None:
    assert mistaken(CONFUSION) == "Mistaken most: 4 of 10 Trap for <b>."  # 1 of 100 is rare
    three = {"classes": ["a", "b"], "counts": [[1, 1], [3, 1]]}
    assert mistaken(three) == "Mistaken most: 3 of 4 b for a; 1 of 2 a for b."
    assert mistaken({"classes": ["a", "b"], "counts": [[5, 0], [0, 5]]}).startswith("No style")


def test_the_picture_of_reliability_is_a_table_too() -> None:
    page = reliability_picture(RELIABILITY)
    assert _text(page).endswith("confidence right tracks .40 .50 2 .90 .80 1,000")
    assert page.count("<circle") == 2  # an empty bin has no point
    heights = [float(height) for height in re.findall(r'height="([\d.]+)"', page)]
    assert heights[1] == 50.0
    assert heights[0] == round(50 * 2 / 1000, 1)


def test_an_old_model_says_that_it_carries_no_matrix() -> None:
    assert OLD in described(SCORE)
    new = described({**SCORE, "confusion": CONFUSION, "reliability": RELIABILITY})
    assert OLD not in new
    assert "Mistaken most" in new
    assert "Can its confidence be trusted?" in new


def test_the_score_of_a_taught_model_has_the_same_form(tmp_path: Path) -> None:
    measured = {
        "tracks": 9,
        "artists": 4,
        "micro": [0.8, 0.6, 0.9],
        "macro": [0.7, 0.5, 0.8],
        "guess": 0.5,
        "calibration_error": 0.1,
        "by_style": {"Trap": [0.8, 9]},
        "confusion": CONFUSION,
    }
    config = read_config(tiny_bundle(tmp_path / "mine", measures={"accuracy": measured}))
    (score,) = scores_of(config)
    assert "right at first .80 (.60-.90)" in described(json.loads(json.dumps(score)))
    assert score["by_class"] == {"Trap": [0.8, 9]}
    assert scores_of(read_config(tiny_bundle(tmp_path / "none"))) == ()
