"""Cards: the blocks that every card is made of, as the Markdown that a reader sees."""

from pathlib import Path

import numpy as np

from earmark.hearing.bundle import read_config
from earmark.learning import cards
from earmark.measures.scores import score
from earmark.testing.bundles import tiny_bundle


def test_a_card_opens_with_name_and_summary_and_parts_its_blocks() -> None:
    text = cards.card("mine", "12 styles", "Signature.", "", cards.section("Data", "", "One.\n", "Two."))
    assert text == "# mine\n\n12 styles.\n\nSignature.\n\n## Data\n\nOne.\n\nTwo.\n"


def test_long_prose_and_long_items_are_broken_into_lines_and_all_else_is_left() -> None:
    words = " ".join(["techno"] * 30)
    row, code = f"| {words} |", f"    {words}"
    short = "One line\nand another."
    text = cards.card("mine", "12 styles", words, f"- {words}\n- {words}", row, code, short)
    prose, items, *rest = text.rstrip("\n").split("\n\n")[2:]
    assert [len(line) for line in prose.splitlines()] == [118, 90]
    assert [line[:4] for line in items.splitlines()] == ["- te", "  te", "- te", "  te"]
    assert max(map(len, items.splitlines())) <= 120
    assert items.split() == ["-", *words.split()] * 2
    assert rest == [row, code, short]


def test_a_summary_that_is_a_sentence_already_gets_no_second_full_stop() -> None:
    assert cards.sentence("trained on 3 tracks.") == "Trained on 3 tracks."


def test_the_signature_says_what_goes_in_and_what_comes_out(tmp_path: Path) -> None:
    config = read_config(tiny_bundle(tmp_path / "tiny", task="tags"))
    assert cards.signature(config) == (
        f"Waveform in (mono, {config.sample_rate} Hz, windows of {config.window:g} s), 3 tags out."
    )


def test_a_bar_in_a_name_ends_no_cell() -> None:
    assert cards.table(["style", "tracks"], [["Dub|step\nUK", 3]]) == (
        "| style | tracks |\n|---|---|\n| Dub\\|step UK | 3 |"
    )


def test_limits_are_a_list_in_a_section_of_their_own() -> None:
    assert cards.limits(cards.bullets(["One.", "Two."])) == "## What to know before trusting it\n\n- One.\n- Two."


def test_precision_is_given_for_the_protocol_and_for_each_style() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.6, 0.4]])
    found = score("test tracks", ("House", "Techno"), np.array([0, 1, 1, 0]), probabilities, None, np.arange(4))
    lines = cards.precision([found]).splitlines()
    assert lines[0] == "| protocol | tracks | average | P@1 | P@2 | P@3 |"
    assert lines[2].startswith("| test tracks | 4 | micro | 0.750 (")
    assert cards.precision_by_style(found).splitlines()[2:] == ["| House | 2 | 1.00 |", "| Techno | 2 | 0.50 |"]


def test_fidelity_is_a_column_for_each_kind_of_sound_and_empty_where_nothing_is_known() -> None:
    scenes = {
        "stretches": 9,
        "correlations": {"Techno": 0.5, "Trance": None},
        "mean": 0.5,
        "agreement": 0.25,
        "tags": 0.125,
    }
    files = {
        "stretches": 4,
        "correlations": {"Techno": float("nan"), "Trance": 1.0},
        "mean": 1,
        "agreement": 1,
        "tags": 0,
    }
    assert cards.fidelity({"held-out scenes": scenes, "real files": files}).splitlines() == [
        "| class | held-out scenes (9 stretches) | real files (4 stretches) |",
        "|---|---|---|",
        "| Techno | 0.50 |  |",
        "| Trance |  | 1.00 |",
        "| **mean of these** | 0.50 | 1.00 |",
        "| same strongest class | 0.25 | 1.00 |",
        "| 50 tags, mean | 0.12 | 0.00 |",
    ]
    untagged = {title: each | {"tags": None} for title, each in (("a", scenes), ("b", files))}
    assert cards.fidelity(untagged).splitlines()[-1] == "| same strongest class | 0.25 | 1.00 |"


def test_the_card_of_another_model_stands_one_level_lower_without_its_title() -> None:
    assert cards.enclosed("# other\n\nSummary.\n\n## Data\n\nOne.\n") == "Summary.\n\n### Data\n\nOne."
