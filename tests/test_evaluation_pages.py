"""What the report looks like: Markdown, a page that needs nothing else (in a real browser), pictures, files."""

import io
import json
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from earmark.learning.evaluation import charts, markdown, report, webpage, wording
from earmark.learning.evaluation.charts import DARK, LIGHT, Bar, Theme
from earmark.learning.evaluation.comparison import Comparison, PairedDifference
from earmark.learning.evaluation.document import Document, Note, Picture, Section, Table, Tile, Tiles
from earmark.learning.evaluation.report import write
from earmark.learning.evaluation.results import Evaluation, Opponent, Speed, TrackResult
from earmark.learning.evaluation.styles import (
    Confusion,
    Coverage,
    FamilyRow,
    Mistake,
    Precisions,
    StyleFigures,
    StyleRow,
)
from earmark.learning.evaluation.tags import TagFigures, TagRow
from earmark.learning.evaluation.values import ValueFigures, ValueRow
from earmark.measures.classification import Reliability
from earmark.measures.uncertainty import Figure, McNemar

NASTY = '<img src="http://example.com/x.png" onerror=alert(1)> & | *a_b*\nc'
HALF = Figure(0.5, 0.25, 0.75)
NOWHERE = Figure(np.nan, np.nan, np.nan)
DOCUMENT = Document(
    "A & B",
    ("Text.", Note("Mind!"), Tiles((Tile("50 %", "right", "25–75"),))),
    (
        Section("One", (Table("lr", ("name", "share %"), (("a|b", "1.0"), ("<c>", "n/a"))),)),
        Section(
            "Two", (Picture("dots", "What it shows.", lambda theme: charts.bars([Bar("a", HALF, 3)], theme, "share")),)
        ),
    ),
)


@pytest.fixture(scope="module")
def style_figures() -> StyleFigures:
    """Return figures of two styles, one of which has a name that means something to every format."""
    ranks = (HALF, Figure(1.0, 0.5, 1.0), Figure(1.0, 0.5, 1.0))
    return StyleFigures(
        styles=("House", NASTY),
        precisions=tuple(
            Precisions(asked, average, 4, 2, ranks)
            for asked in ("style", "family", "style, one window")
            for average in ("micro", "macro")
        ),
        by_style=(StyleRow("House", "One", 2, ranks, 3, 0.6), StyleRow(NASTY, "Two", 2, ranks, 0, float("nan"))),
        by_family=(FamilyRow("One", 2, HALF, ranks), FamilyRow("Two", 2, HALF, ranks)),
        confusion=np.array([[1, 1], [2, 0]]),
        confused=(Confusion(NASTY, "House", 2),),
        calibration_error=0.1,
        confidence=0.7,
        reliability=Reliability(np.array([np.nan, 0.7]), np.array([np.nan, 0.5]), np.array([0, 4])),
        curve=np.array([[0.0, 0.6, 0.8], [1.0, 1.0, 0.25], [0.5, 0.5, 1.0]]),
        silence=(Coverage(0.65, 0.5, HALF), Coverage(0.6, 1.0, HALF), Coverage(0.9, 0.0, NOWHERE)),
        mistakes=(Mistake(f"crate/{NASTY}.wav", NASTY, "House", 0.8),),
    )


@pytest.fixture(scope="module")
def evaluation(style_figures: StyleFigures) -> Evaluation:
    """Return the record of a comparison with warnings and failures."""
    contrast = PairedDifference("P@1", 0.5, 0.25, Figure(0.25, -0.1, 0.6), is_share=True)
    return Evaluation(
        model="ours",
        manifest="lists/crate.csv",
        split="test",
        task="styles",
        outputs=style_figures.styles,
        artists=3,
        windows=9,
        skipped=("Polka",),
        left_out=1,
        warnings=("1 artist is also in the train part.",),
        failures=(("crate/d.wav", "the file is empty"),),
        speed=Speed(audio=600.0, wall=5.0, cpu=4.0, workers=2),
        figures=style_figures,
        opponent=Opponent("theirs", style_figures, Comparison((contrast,), McNemar(1, 5, 1, 2, 0.21875))),
        tracks=(TrackResult("crate/a.wav", ("House",), (0.8, 0.2)),) * 4,
    )


# How figures are written


def test_figures_are_written_with_their_intervals() -> None:
    figure = Figure(0.7142, 0.695, 0.7321)
    assert wording.percent_between(figure) == "71.4 % (69.5–73.2)"
    assert wording.hundredths_between(figure) == "71.4 (69.5–73.2)"
    assert wording.points_between(Figure(-0.031, -0.08, 0.02)) == "-3.1 points (-8.0 to +2.0)"
    assert wording.plain_between(Figure(12.345, 10, 15.04)) == "12.3 (10.0 to 15.0)"


def test_what_could_not_be_measured_is_said_so() -> None:
    for write_out in (wording.percent_between, wording.hundredths_between, wording.plain_between):
        assert write_out(NOWHERE) == "n/a"
    assert [wording.percent(np.nan), wording.hundredths(np.nan), wording.plain(np.nan)] == ["n/a"] * 3


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.16, "0.2 s"),
        (9.94, "9.9 s"),
        (10.4, "10 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "120 min"),
        (7200, "2.0 h"),
    ],
)
def test_lengths_are_written_in_fitting_units(seconds: float, written: str) -> None:
    assert wording.duration(seconds) == written


# Markdown


def test_markdown_of_a_small_document() -> None:
    assert (
        markdown.render(DOCUMENT)
        == """# A \\& B

Text.

> **Note:** Mind!

- **50 %** right: 25–75

## One

| name | share % |
|---|---:|
| a\\|b | 1.0 |
| \\<c\\> | n/a |

## Two

![What it shows.](dots.png)

*What it shows.*
"""
    )


def test_a_name_cannot_break_out_of_markdown(evaluation: Evaluation) -> None:
    text = markdown.render(report.compose(evaluation))
    assert "<img" not in text.replace("\\<img", "")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert any("crate/" in row for row in rows)
    for row in rows:
        assert row.endswith("|")
        cells = row.replace("\\\\", "").replace("\\|", "").count("|") - 1
        assert cells in {2, 3, 4, 6, 7}


# HTML


class Outline(HTMLParser):
    """The tags of a page, whether they are closed, what they refer to, and its text."""

    VOID = frozenset({"meta", "img", "source"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"


@pytest.fixture(scope="module")
def folder(evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a written report."""
    out = tmp_path_factory.mktemp("reports") / "deep" / "report"
    write(evaluation, out)
    return out


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    """Return the text of the page."""
    return (folder / "report.html").read_text(encoding="utf-8")


def test_the_page_is_well_formed_and_refers_to_nothing_outside(page: str) -> None:
    outline = Outline(page)
    assert outline.open == []
    references = [
        value
        for _, attributes in outline.tags
        for name, value in attributes.items()
        if name in {"src", "srcset", "href", "data", "action", "poster"}
    ]
    assert len(references) == 8  # four pictures, for light and for dark
    assert all(value and value.startswith("data:image/png;base64,") for value in references)
    assert {tag for tag, _ in outline.tags}.isdisjoint({"script", "link", "iframe", "object", "base"})
    assert "@import" not in page
    assert "url(" not in page


def test_a_name_cannot_break_out_of_the_page(page: str) -> None:
    outline = Outline(page)
    assert not any("onerror" in attributes for _, attributes in outline.tags)
    assert NASTY in outline.text


class _Blank(dict[str, tuple[bytes, bytes]]):
    """A picture for every name."""

    def __missing__(self, name: str) -> tuple[bytes, bytes]:
        return bytes(20), b""


def test_numbers_stand_on_the_right() -> None:
    outline = Outline(webpage.render(DOCUMENT, _Blank()))
    aligned = [attributes["class"] for tag, attributes in outline.tags if tag in {"th", "td"}]
    assert aligned == ["l", "r"] * 3


CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Return a real browser without a window."""
    if not CHROMIUM:
        pytest.skip("there is no chromium on the path")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  not every machine that tests has a browser

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM)
        yield opened
        opened.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_browser_the_page_is_whole_and_asks_for_nothing(browser: Any, folder: Path, scheme: str) -> None:  # noqa: ANN401
    tab = browser.new_page(color_scheme=scheme, viewport={"width": 400, "height": 800})
    asked: list[str] = []
    said: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    address = (folder / "report.html").as_uri()
    tab.goto(address, wait_until="load")
    images = tab.evaluate(
        "[...document.images].map(i => [i.complete, i.naturalWidth, i.naturalHeight, i.currentSrc.slice(0, 15)])"
    )
    assert [url for url in asked if not url.startswith("data:")] == [address]
    assert said == []
    assert len(images) == 4
    for complete, width, height, source in images:
        assert complete
        assert width > 300
        assert height > 200
        assert source == "data:image/png;"
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400  # wide tables scroll by themselves
    paper = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 28)"}[scheme]
    first = tab.evaluate("document.images[0].currentSrc")
    assert first == tab.evaluate(
        "document.images[0].parentElement.querySelector('source').srcset"
        if scheme == "dark"
        else "document.images[0].src"
    )
    tab.close()


# What is said


SENTENCES = """
ours on lists/crate.csv
The model ours heard the test part of lists/crate.csv: 4 tracks of 3 artists, 10 min of sound in 9 windows.
Left out, because a model does not know them: Polka, and with them 1 track.
1 file could not be heard: see the end.
1 artist is also in the train part.
artists are drawn, each with all of their tracks
P@1 50.0 % 25.0 % +25.0 points (-10.0 to +60.0)
Of the tracks that one has right and the other wrong, 5 are right with ours and 1 with theirs.
Were the models equally good, such a difference would be nothing unusual: p = 0.22 (McNemar's test, exact).
The mean confidence is 70.0 % and 50.0 % of the answers are right: on these tracks the model is too sure.
10 min of sound in 5.0 s with 2 processes, their start included: 120 seconds of sound a second,
and 150 for each second of processor time.
crate/d.wav the file is empty
""".strip().splitlines()


def said(evaluation: Evaluation) -> str:
    """All that a page says, with single spaces."""
    return " ".join(Outline(webpage.render(report.compose(evaluation), _Blank())).text.split())


def test_the_report_says_what_was_heard(evaluation: Evaluation) -> None:
    text = said(evaluation)
    for sentence in SENTENCES:
        assert sentence in text


def test_tags_and_values_have_their_own_report(evaluation: Evaluation, tmp_path: Path) -> None:
    tags = TagFigures((TagRow("dark", 3, HALF, HALF), TagRow("$", 0, NOWHERE, NOWHERE)), 1, HALF, HALF, 0.3)
    truth = np.array([[1.0, 5.0], [2.0, 6.0], [3.0, 4.0]])
    values = ValueFigures(
        (ValueRow("tempo", Figure(3.21, 2, 4), HALF, HALF), ValueRow("$\\frac$", HALF, HALF, HALF)), truth, truth + 1
    )
    for task, found, names, expected in (
        ("tags", tags, {"tags.png"}, "dark 3 0.500 (0.250 to 0.750) 0.500 (0.250 to 0.750) $ 0 n/a n/a"),
        ("values", values, {"values.png"}, "tempo 3.21 (2.00 to 4.00) 0.500 (0.250 to 0.750) 0.500 "),
    ):
        record = Evaluation(**{**vars(evaluation), "task": task, "figures": found, "opponent": None})
        assert expected in said(record)
        write(record, tmp_path / task)
        files = {path.name for path in (tmp_path / task).iterdir()}
        assert files == names | {"report.md", "report.html", "report.json"}


# Files


def test_the_folder_holds_the_report_and_nothing_else(folder: Path, evaluation: Evaluation) -> None:
    pictures = {"styles.png", "confusion.png", "reliability.png", "coverage.png"}
    assert {path.name for path in folder.iterdir()} == pictures | {"report.md", "report.html", "report.json"}
    assert json.loads((folder / "report.json").read_text(encoding="utf-8")) == json.loads(
        json.dumps(evaluation.as_json())
    )
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert {name for name in pictures if f"]({name})" in text} == pictures


def test_a_report_is_replaced_and_other_files_stay(evaluation: Evaluation, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "report.html").write_text("old", encoding="utf-8")
    write(evaluation, tmp_path)
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert written.pop("notes.txt") == b"mine"
    assert written == {path.name: path.read_bytes() for path in folder.iterdir()}  # the same each time, to the byte


def test_a_file_name_that_is_no_text_is_written_all_the_same(evaluation: Evaluation, tmp_path: Path) -> None:
    plain = {"task": "tags", "figures": TagFigures((), 0, NOWHERE, NOWHERE, np.nan), "opponent": None}
    write(Evaluation(**{**vars(evaluation), **plain, "failures": (("caf\udce9.wav", "damaged"),)}), tmp_path)
    for page in ("report.html", "report.md"):
        text = (tmp_path / page).read_text(encoding="utf-8")
        assert "caf\\udce9.wav" in text
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["failures"][0][0] == "caf\udce9.wav"


# Pictures


def pixels(png: bytes) -> np.ndarray:
    """A picture, (height, width, 3), 0-1."""
    return np.asarray(imread(io.BytesIO(png)))[:, :, :3]


def area(png: bytes, colour: str) -> int:
    """How many pixels are (nearly) of a colour."""
    return int((np.abs(pixels(png) - to_rgb(colour)).max(2) < 0.04).sum())


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_paper_is_that_of_the_theme(theme: Theme) -> None:
    image = pixels(charts.bars([Bar("a", HALF, 3)], theme, "share"))
    assert image[0, 0] == pytest.approx(to_rgb(theme.paper), abs=0.01)
    assert image[-1, -1] == pytest.approx(to_rgb(theme.paper), abs=0.01)


def test_a_bar_is_as_long_as_its_share() -> None:
    def width(share: float) -> int:
        image = pixels(charts.bars([Bar("a", Figure(share, share, share), 3)], LIGHT, "share"))
        blue = (image[:, :, 2] - image[:, :, 0]) > 0.3  # rows, columns
        return int(blue.any(0).sum())

    assert width(0.5) / width(0.25) == pytest.approx(2, abs=0.05)
    assert width(1.0) / width(0.25) == pytest.approx(4, abs=0.1)


def test_a_cell_is_the_darker_the_more_of_its_row_it_holds() -> None:
    some = charts.confusion(np.array([[9, 1], [1, 9]]), ["a", "b"], ["a", "b"], LIGHT)
    all_of_them = charts.confusion(np.array([[10, 0], [0, 10]]), ["a", "b"], ["a", "b"], LIGHT)
    assert area(all_of_them, LIGHT.full) > 20_000
    assert area(some, LIGHT.full) < 100


def test_on_the_diagonal_there_is_no_gap_to_be_seen() -> None:
    count = np.array([5, 5])
    honest = Reliability(np.array([0.25, 0.75]), np.array([0.25, 0.75]), count)
    sure = Reliability(np.array([0.25, 0.75]), np.array([0.05, 0.35]), count)
    assert area(charts.reliability(honest, LIGHT), LIGHT.other) == 0
    assert area(charts.reliability(sure, LIGHT), LIGHT.other) > 300


def test_a_second_model_has_its_own_colour() -> None:
    row = Bar("a", HALF, 3, other=0.75)
    assert area(charts.bars([row], LIGHT, "share", legend=("ours", "theirs")), LIGHT.other) > 100
    assert area(charts.bars([Bar("a", HALF, 3)], LIGHT, "share"), LIGHT.other) == 0
    curve = ("ours", np.array([1.0, 0.5]), np.array([0.5, 1.0]))
    assert area(charts.coverage([curve], [(1.0, 0.5)], LIGHT), LIGHT.other) == 0
    both = charts.coverage([curve, ("theirs", curve[1], curve[2] - 0.2)], [(1.0, 0.5), (1.0, 0.3)], LIGHT)
    assert area(both, LIGHT.other) > 1000


@pytest.mark.parametrize("name", ["$\\frac{", "$x", "Money $$$ & 100 %_^", "テクノ", "a\nb\tc", "_hidden"])
def test_any_name_can_be_drawn_and_none_is_a_formula(name: str) -> None:
    drawn = [
        charts.bars([Bar(name, HALF, 3, 0.5)], LIGHT, "share", legend=(name, name)),
        charts.confusion(np.array([[1]]), [name], [name], LIGHT),
        charts.coverage([(name, np.ones(2), np.ones(2))] * 2, [(1.0, 1.0)] * 2, LIGHT),
        charts.scatter([name], np.ones((2, 1)), np.ones((2, 1)), LIGHT),
    ]
    assert all(area(png, LIGHT.ink) > 0 for png in drawn)
