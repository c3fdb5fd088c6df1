"""The table of styles agrees with everything that it is taken from, and tags are read as they stand in real files."""

import csv
import itertools
import math
import re
import tomllib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import Color, ColorSystem

from earmark.errors import EarmarkError
from earmark.hearing.bundle import read_config, shipped
from earmark.hearing.rhythm.bars import FOUR
from earmark.recipes.shipped import FILES
from earmark.styles import TABLE, Style, families, family_of, from_tag, index_names, normalise, read_table, styles
from earmark.synth import recipes
from earmark.synth.corpus import EXAMPLES

ROOT = Path(__file__).parents[1]
SHARED_TABLE = ROOT.parent / "shared" / "data" / "genre_to_style.csv"

# key, label and family as the specification and the design give them
STYLES = [
    (0, "Ambient / Electronic", "Ambient"),
    (1, "Brostep", "Bass"),
    (2, "Deep House", "House"),
    (3, "Drum & Bass", "Bass"),
    (4, "EDM & Big Room", "House"),
    (5, "Electro & Future House", "House"),
    (6, "Trance", "Trance"),
    (7, "Halftime", "Bass"),
    (8, "House / Nu Disco / Disco", "House"),
    (9, "Progressive House", "House"),
    (10, "Techno / Tech House", "Techno"),
    (11, "Trap", "Bass"),
]


def labels(tag: str) -> list[str]:
    return [style.label for style in from_tag(tag)]


def luminance_and_lab(colour: str) -> tuple[float, tuple[float, float, float]]:
    """Relative luminance (WCAG) and CIE L*a*b* (D65) of a colour written #rrggbb."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.0891
    fx, fy, fz = (v ** (1 / 3) if v > 216 / 24389 else (24389 / 27 * v + 16) / 116 for v in (x, y, z))
    return y, (116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz))


def test_the_twelve_styles_stand_in_the_order_of_the_models_outputs() -> None:
    assert [(style.key, style.label, style.family) for style in styles()] == STYLES


def test_families_come_in_the_order_of_their_first_style() -> None:
    assert families() == ("Ambient", "Bass", "House", "Trance", "Techno")


def test_a_label_knows_its_family() -> None:
    assert [family_of(label) for _, label, _ in STYLES] == [family for _, _, family in STYLES]


def test_an_unknown_label_has_no_family_and_the_error_lists_the_styles() -> None:
    with pytest.raises(EarmarkError, match="no style is called 'Polka'; the styles are: Ambient / Electronic,"):
        family_of("Polka")


def test_every_style_says_in_one_sentence_what_is_meant() -> None:
    assert [style.label for style in styles() if not re.fullmatch(r"[A-Z].{20,}[^.]\.", style.meant)] == []


@pytest.mark.parametrize("style", styles(), ids=lambda style: style.label)
def test_every_name_reads_as_its_own_style_and_nothing_else(style: Style) -> None:
    assert {name: labels(name) for name in style.names} == {name: [style.label] for name in style.names}


@pytest.mark.parametrize("style", styles(), ids=lambda style: style.label)
def test_no_alias_repeats_what_another_source_already_says(style: Style) -> None:
    id3 = (name for _, name in style.id3)
    sourced = {normalise(name) for name in (style.label, *style.beatport, *style.discogs, *style.musicbrainz, *id3)}
    keys = [normalise(alias) for alias in style.aliases]
    assert sourced.intersection(keys) == set()
    assert len(keys) == len(set(keys))


def test_the_label_is_the_first_name_and_no_spelling_comes_twice() -> None:
    assert [style.names[0] for style in styles()] == [label for _, label, _ in STYLES]
    assert [len(style.names) - len(set(style.names)) for style in styles()] == [0] * 12


def test_musicbrainz_names_are_lower_case() -> None:
    assert [name for style in styles() for name in style.musicbrainz if name != name.lower()] == []


def test_the_shared_table_of_genres_agrees() -> None:
    if not SHARED_TABLE.exists():
        pytest.skip(f"{SHARED_TABLE} belongs to the developers' data, not to the source distribution")
    with SHARED_TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 36
    assert {row["genre"]: labels(row["genre"]) for row in rows} == {row["genre"]: [row["style"]] for row in rows}


def test_id3_numbers_and_names_are_those_that_mutagen_knows() -> None:
    constants = pytest.importorskip("mutagen._constants", reason="mutagen is the oracle for ID3v1 genres")
    ours = {number: name for style in styles() for number, name in style.id3}
    assert ours == {number: constants.GENRES[number] for number in ours}
    assert len(ours) == 16


def test_every_id3_name_that_we_know_has_its_number() -> None:
    constants = pytest.importorskip("mutagen._constants", reason="mutagen is the oracle for ID3v1 genres")
    by_number = {str(number): labels(str(number)) for number in range(len(constants.GENRES))}
    assert by_number == {str(number): labels(name) for number, name in enumerate(constants.GENRES)}


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("Drum'n'Bass", ["Drum & Bass"]),
        ("Drum \N{RIGHT SINGLE QUOTATION MARK}n\N{RIGHT SINGLE QUOTATION MARK} Bass", ["Drum & Bass"]),
        ("DRUM AND BASS", ["Drum & Bass"]),
        ("drum & bass", ["Drum & Bass"]),
        ("Drum+Bass", ["Drum & Bass"]),
        ("Drum &amp; Bass", ["Drum & Bass"]),
        ("d'n'b", ["Drum & Bass"]),
        ("D&B", ["Drum & Bass"]),
        ("Liquid_Funk", ["Drum & Bass"]),
        ("Half Time", ["Halftime"]),
        ("Bigroom", ["EDM & Big Room"]),
        ("Psytrance", ["Trance"]),
        ("T\N{LATIN SMALL LETTER E WITH ACUTE}chno", ["Techno / Tech House"]),
        ("D\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}SCO", ["House / Nu Disco / Disco"]),
        ("d\N{LATIN SMALL LETTER DOTLESS I}sco", ["House / Nu Disco / Disco"]),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER T}rance", ["Trance"]),
    ],
)
def test_spelling_does_not_count(tag: str, expected: list[str]) -> None:
    assert labels(tag) == expected


@pytest.mark.parametrize("separator", [";", "; ", ",", ", ", "/", " / ", "|", " | ", "\0", "\\\\", "\n", "\r\n", ";;,"])
def test_several_values_are_read_in_their_order_and_once(separator: str) -> None:
    tag = separator.join(["Trap", "Polka", "Trance", "EDM Trap", "Brostep"])
    assert labels(tag) == ["Trap", "Trance", "Brostep"]


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("Nu Disco / Disco", ["House / Nu Disco / Disco"]),
        ("Minimal / Deep Tech; Trap / Wave", ["Techno / Tech House", "Trap"]),
        ("Trance, Techno (Peak Time / Driving), House", ["Trance", "Techno / Tech House", "House / Nu Disco / Disco"]),
        ("Trance (Raw / Deep / Hypnotic)", ["Trance"]),
        ("Techno (Raw / Deep / Hypnotic)", ["Techno / Tech House"]),
        ("Mainstage | Electro House", ["Electro & Future House"]),
        ("Drum & Bass | Halftime", ["Halftime"]),
        ("Drum & Bass; Halftime", ["Drum & Bass", "Halftime"]),
        ("Ambient / Electronic / Trance", ["Ambient / Electronic", "Trance"]),
    ],
)
def test_a_name_that_holds_a_separator_is_found_whole(tag: str, expected: list[str]) -> None:
    assert labels(tag) == expected


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("Deep, House", ["House / Nu Disco / Disco"]),
        ("Electro / House", ["House / Nu Disco / Disco"]),
        ("Tech; House", ["House / Nu Disco / Disco"]),
        ("Trance House", []),
    ],
)
def test_two_values_do_not_grow_together_into_a_name(tag: str, expected: list[str]) -> None:
    assert labels(tag) == expected


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("127", ["Drum & Bass"]),
        ("(127)", ["Drum & Bass"]),
        ("(31)Trance", ["Trance"]),
        ("(31)(18)", ["Trance", "Techno / Tech House"]),
        ("(52)Drum & Bass", ["Drum & Bass"]),
        ("(4)Eurodisco", ["House / Nu Disco / Disco"]),
        ("18\x0031", ["Techno / Tech House", "Trance"]),
        ("(31)Trance / (35)House", ["Trance", "House / Nu Disco / Disco"]),
        ("(17)", []),
        ("(RX)", []),
        ("1270", []),
        ("Breaks (126)", []),  # a tempo, not Goa
    ],
)
def test_id3_numbers_are_read_in_every_form(tag: str, expected: list[str]) -> None:
    assert labels(tag) == expected


@pytest.mark.parametrize(
    "tag",
    [
        *("", " ", ";", "Polka", "Electronic", "EDM", "Dance", "Bass", "Electro", "Progressive", "Riddim", "Wave"),
        *("140 / Deep Dubstep / Grime", "Future Bass", "Electro (Classic / Detroit / Modern)", "Dance / Pop"),
        # the genres of the measured tables that genre_to_style.csv leaves out
        *("Breaks", "Dance", "FunkRAndB", "GlitchHop", "HardDance", "HardcoreHardTechno", "HipHop", "ReggaeDub"),
        *("Afro House", "Dance-Electro Pop", "Electro (Classic-Detroit-Modern)", "Garage-Bassline-Grime"),
        *("Hard Dance-Hardcore", "Leftfield Bass", "Leftfield House & Techno", "Melodic House&Techno"),
        *("Organic House-Downtempo", "Reggae-Dancehall-Dub", "Organic House / Downtempo", "Hardcore / Hard Techno"),
    ],
)
def test_what_is_no_style_of_ours_gives_nothing(tag: str) -> None:
    assert labels(tag) == []


def test_normalise_keeps_letters_digits_and_separators_only() -> None:
    assert normalise(" Funky / Groove / Jackin' House\0R&B_140 ") == "funky/groove/jackinhouse;randb140"


@pytest.mark.parametrize(
    ("line", "changed", "reason"),
    [
        ("bpm = [130, 160]\n", "", "Trap: missing: bpm"),
        ('label = "Trap"\n', "", "a style without a label: missing: label"),
        ("bpm = [130, 160]", "bpm = [130, 160]\nmood = 1", "Trap: unknown: mood"),
    ],
)
def test_an_entry_that_lacks_a_key_or_has_one_too_many_is_refused(line: str, changed: str, reason: str) -> None:
    text = TABLE.read_text(encoding="utf-8")
    assert line in text
    with pytest.raises(EarmarkError, match=rf"^styles\.toml: {reason}$"):
        read_table(text.replace(line, changed))


def test_a_name_claimed_by_two_styles_is_refused() -> None:
    text = TABLE.read_text(encoding="utf-8").replace('aliases = ["EDM Trap"', 'aliases = ["goa TRANCE", "EDM Trap"')
    with pytest.raises(EarmarkError, match=r"styles\.toml: 'goa TRANCE' is claimed by both Trance and Trap"):
        index_names(*read_table(text))


def test_a_name_that_is_no_style_as_a_whole_cannot_be_a_style_too() -> None:
    with pytest.raises(EarmarkError, match=r"styles\.toml: 'Trap' is claimed by both none and Trap"):
        index_names(styles(), ["trap"])


@pytest.mark.parametrize("background", ["#ffffff", "#000000", "#fdf6e3", "#002b36"])
@pytest.mark.parametrize("colours", [16_777_216, 256])
def test_colours_can_be_read_on_white_on_black_and_on_solarized(background: str, colours: int) -> None:
    behind = luminance_and_lab(background)[0]
    contrast = {}
    for style in styles():
        red, green, blue = (
            Color.parse(style.colour)
            .downgrade(ColorSystem.EIGHT_BIT if colours == 256 else ColorSystem.TRUECOLOR)
            .get_truecolor()
        )
        front = luminance_and_lab(f"#{red:02x}{green:02x}{blue:02x}")[0]
        contrast[style.label] = (max(front, behind) + 0.05) / (min(front, behind) + 0.05)
    # 3 : 1 is what WCAG asks of graphics and of large text
    assert {label: ratio for label, ratio in contrast.items() if ratio < 3} == {}


def test_of_16_colours_each_family_has_one_that_terminals_paint_readably() -> None:
    by_family = {family: {style.ansi for style in styles() if style.family == family} for family in families()}
    assert by_family == {
        "Ambient": {"green"},
        "Bass": {"magenta"},
        "House": {"red"},
        "Trance": {"cyan"},
        "Techno": {"default"},
    }


def test_no_two_colours_can_be_taken_for_each_other() -> None:
    lab = {style.label: luminance_and_lab(style.colour)[1] for style in styles()}
    close = {
        (one, other): distance
        for one, other in itertools.combinations(lab, 2)
        # about 2.3 is just noticeable
        if (distance := sum((a - b) ** 2 for a, b in zip(lab[one], lab[other], strict=True)) ** 0.5) < 30
    }
    assert close == {}


def test_the_hues_of_a_family_are_related() -> None:
    # CIE L*a*b* hue angle in degrees: House from red to yellow, Bass from blue to violet
    lab = {style.label: luminance_and_lab(style.colour)[1] for style in styles()}
    hue = {label: math.degrees(math.atan2(b, a)) % 360 for label, (_, a, b) in lab.items()}
    assert {label for _, label, family in STYLES if family == "House" and not 0 <= hue[label] <= 95} == set()
    assert {label for _, label, family in STYLES if family == "Bass" and not 265 <= hue[label] <= 345} == set()


@given(st.text())
def test_any_text_can_be_read_and_gives_each_style_once(text: str) -> None:
    found = from_tag(text)
    assert set(found) <= set(styles())
    assert len(found) == len(set(found))


NAMES = st.sampled_from([(style, name) for style in styles() for name in style.names])


@given(st.lists(NAMES.map(lambda pair: pair[1]) | st.text()), st.sampled_from([str.upper, str.lower, str.swapcase]))
def test_case_does_not_count(values: list[str], change: Callable[[str], str]) -> None:
    tag = ";".join(values)
    assert from_tag(change(tag)) == from_tag(tag)


@given(NAMES, NAMES)
def test_two_names_joined_give_both_styles_in_order(one: tuple[Style, str], other: tuple[Style, str]) -> None:
    expected = [one[0]] if one[0] is other[0] else [one[0], other[0]]
    assert from_tag(f"{one[1]};{other[1]}") == expected
    assert from_tag(f"{one[1]}\0{other[1]}") == expected


# What a style needs beside its entry in the table


NEEDED: dict[str, Callable[[], Collection[str]]] = {
    "the recipes of the synthesizer (src/earmark/synth/club_recipes.py, broken_recipes.py)": lambda: recipes.ALL,
    "the example tracks (EXAMPLES in src/earmark/synth/corpus.py)": lambda: EXAMPLES,
    "the table of the pool ([styles] in house12-pool.toml)": lambda: pool_recipe()["styles"],
    "the table of styles in README.md": lambda: cells(ROOT / "README.md", "family", 1),
    "the table of tempi in docs/rhythm.md": lambda: (
        cells(ROOT / "docs/rhythm.md", "style", 0)
        + [cell for cell in cells(ROOT / "docs/rhythm.md", "style", 2) if cell]
    ),
    "the table of colours in docs/export-library.md": lambda: cells(ROOT / "docs/export-library.md", "colour", 1),
}


def pool_recipe() -> dict[str, Any]:
    return tomllib.loads(FILES["house12-pool"].read_text(encoding="utf-8"))


def rows(page: Path, heading: str) -> list[list[str]]:
    """The cells of the table of a page whose first heading is this."""
    lines = iter(page.read_text(encoding="utf-8").splitlines())
    next(line for line in lines if line.startswith(f"| {heading} |"))
    table = itertools.takewhile(lambda line: line.startswith("|"), itertools.islice(lines, 1, None))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def cells(page: Path, heading: str, column: int) -> list[str]:
    return [label for row in rows(page, heading) for label in re.split(" · |, ", row[column])]


def tempi_of_the_page() -> dict[str, tuple[float, float]]:
    """The usual tempi in docs/rhythm.md, whose table has two styles in a row."""
    pairs = [pair for row in rows(ROOT / "docs/rhythm.md", "style") for pair in (row[:2], row[2:]) if pair[0]]
    return {label: (float(low), float(high)) for label, tempo in pairs for low, high in [tempo.split("\N{EN DASH}")]}


@pytest.mark.parametrize("where", NEEDED)
def test_what_a_style_needs_is_there_for_each_and_for_no_other(where: str) -> None:
    labels, found = [style.label for style in styles()], list(NEEDED[where]())
    assert not (missing := [label for label in labels if label not in found]), f"{where}: nothing for {missing}"
    assert not (other := [label for label in found if label not in labels]), f"{where}: {other} are no styles"
    assert len(found) == len(labels), f"{where}: a style comes twice"


def test_the_pages_say_of_a_style_what_its_entry_says() -> None:
    assert tempi_of_the_page() == {style.label: style.bpm for style in styles()}
    families_of_the_page = {
        label: family for family, labels in rows(ROOT / "README.md", "family") for label in labels.split(" · ")
    }
    assert families_of_the_page == {style.label: style.family for style in styles()}
    colours_of_the_page = {
        label: colour
        for colour, labels in rows(ROOT / "docs/export-library.md", "colour")
        for label in labels.split(", ")
    }
    assert colours_of_the_page == {style.label: style.rekordbox for style in styles()}


def test_every_family_has_a_kick_on_each_beat_or_is_known_to_have_none() -> None:
    assert set(families()) == {*FOUR, "Ambient", "Bass"}, "FOUR in src/earmark/hearing/rhythm/bars.py: a new family"


def test_the_shipped_models_know_the_styles() -> None:
    expected = [style.label for style in styles()]
    found = {name: read_config(folder).styles for name, folder in shipped().items()}
    assert found == dict.fromkeys(found, expected), "a new style needs the shipped models trained anew: `make models`"
