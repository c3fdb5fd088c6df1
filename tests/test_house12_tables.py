"""Tables of measured descriptors: read strictly, split by artist."""

from pathlib import Path

import numpy as np
import pytest

from earmark.errors import TableError
from earmark.recipes.house12 import tables

HEADER = ",".join([*(f"{number}-d" for number in range(1, 69)), "69-BPM", "70-BPMconf", "71-BPMessentia"])
CROSSWALK = "table,genre,style\nbeatport_2021jan,Trance,Trance\nbeatport_2021jan,Big Room,EDM & Big Room\n"


def write(folder: Path, rows: list[str], header: str = HEADER + ",genre,artist,track") -> Path:
    (folder / "genre_to_style.csv").write_text(CROSSWALK, encoding="utf-8")
    (folder / f"{tables.TABLE_2021}.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return folder


def row(bpm: float, genre: str, artist: str = "Ärtist") -> str:
    return ",".join([*(str(number / 10) for number in range(68)), "120", "0.1", str(bpm), genre, artist, "Title"])


def test_a_table_gives_descriptors_styles_and_artists(tmp_path: Path) -> None:
    table = tables.read(write(tmp_path, [row(64, "Trance"), row(90.51, "Polka", "Other")]), tables.TABLE_2021)
    assert table.rows.shape == (2, 70)
    assert table.rows[0, :3].tolist() == pytest.approx([0.0, 0.1, 0.2])
    assert table.rows[0, 68:].tolist() == pytest.approx([0.0, 1.0], abs=1e-6)  # 64 BPM is 2 to the 6: a whole turn
    assert table.rows[1, 68:].tolist() == pytest.approx([0.0, -1.0], abs=1e-3)  # half an octave further
    assert table.styles == ("Trance", "")
    assert table.artists == ("Ärtist", "Other")


@pytest.mark.parametrize("bpm", [87.0, 140.0])
def test_half_and_double_tempo_give_the_same_row(tmp_path: Path, bpm: float) -> None:
    table = tables.read(write(tmp_path, [row(bpm, "Trance"), row(2 * bpm, "Trance")]), tables.TABLE_2021)
    assert table.rows[0] == pytest.approx(table.rows[1], abs=1e-5)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"beatport_2021jan\.csv: no such table"):
        tables.read(tmp_path, tables.TABLE_2021)


def test_an_empty_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="the table is empty"):
        tables.read(write(tmp_path, []), tables.TABLE_2021)


def test_a_missing_column_is_an_error(tmp_path: Path) -> None:
    header = HEADER.replace("14-d", "a-d")
    with pytest.raises(TableError, match="columns 1 to 71"):
        tables.read(write(tmp_path, [row(64, "Trance")], header + ",genre,artist,track"), tables.TABLE_2021)


def test_a_row_with_too_many_values_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="row 2 has more values than there are columns"):
        tables.read(write(tmp_path, [row(64, "Trance") + ",more"]), tables.TABLE_2021)


@pytest.mark.parametrize("word", ["n/a", "nan", "inf"])
def test_what_is_no_number_is_an_error(tmp_path: Path, word: str) -> None:
    bad = row(128, "Trance").replace("0.3,", f"{word},", 1)
    with pytest.raises(TableError, match=r"beatport_2021jan\.csv: (could not convert|row 3 is not finite)"):
        tables.read(write(tmp_path, [row(64, "Trance"), bad]), tables.TABLE_2021)


def test_a_label_that_is_no_class_is_none() -> None:
    assert tables.indices(("b", "", "a"), ("a", "b")).tolist() == [1, tables.UNLABELLED, 0]


def test_the_table_of_2016_names_its_genres_classes_and_no_artists(tmp_path: Path) -> None:
    folder = write(tmp_path, [row(64, "Trance")])
    line = row(128, "Trance").rpartition(",Trance,")[0]
    (folder / f"{tables.TABLE_2016}.csv").write_text(f"{HEADER},class\n{line},Trance\n", encoding="utf-8")
    table = tables.read(folder, tables.TABLE_2016)
    assert table.genres == ("Trance",)
    assert table.styles == ("",)  # the genre of the other table is another one
    assert table.artists == ("",)


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        (tables.TABLE_2021, HEADER + ",genre,artist,track\n1,2,3\n", "row 2 has fewer values than there are columns"),
        (tables.TABLE_2021, HEADER + "\n" + ",".join(["1"] * 71) + "\n", "there is no column 'genre'"),
        ("genre_to_style", "table,genre\nbeatport_2021jan,Trance\n", "there is no column 'style'"),
        ("genre_to_style", "", "the table is empty"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, file: str, text: str, reason: str) -> None:
    folder = write(tmp_path, [row(64, "Trance")])
    (folder / f"{file}.csv").write_text(text, encoding="utf-8")
    with pytest.raises(TableError, match=rf"{file}\.csv: {reason}"):
        tables.read(folder, tables.TABLE_2021)


def test_a_table_that_is_no_text_is_named(tmp_path: Path) -> None:
    (write(tmp_path, []) / f"{tables.TABLE_2021}.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TableError, match=r"beatport_2021jan\.csv: "):
        tables.read(tmp_path, tables.TABLE_2021)


def test_genres_of_both_tables_are_labels_of_their_own(made_up_tables: Path) -> None:
    new, old = (tables.read(made_up_tables, name) for name in (tables.TABLE_2021, tables.TABLE_2016))
    newer, older = tables.genres_of_both(new, old)
    assert (newer.classes, older.classes) == (5, 3)
    assert (newer.indices[240:] == tables.UNLABELLED).all()
    assert (older.indices[:240] == tables.UNLABELLED).all()
    assert newer.indices[:5].tolist() == [2, 4, 0, 3, 1]  # in the order of their names
    assert older.indices[240:243].tolist() == [2, 0, 1]


def test_the_same_tracks_are_those_whose_descriptors_all_but_agree(made_up_tables: Path) -> None:
    new, old = (tables.read(made_up_tables, name) for name in (tables.TABLE_2021, tables.TABLE_2016))
    moved = old.rows + np.float32(0.01) * old.rows.std(0)
    assert np.flatnonzero(tables.same_tracks(moved, new.rows)).tolist() == [0, 1, 2, 3, 4]


def test_the_synthesizer_follows_the_lines_of_each_style(made_up_tables: Path) -> None:
    lines = tables.measured(made_up_tables)
    assert {style: len(found) for style, found in lines.items() if found} == {
        "Trance": 96 + 40,
        "Drum & Bass": 48 + 40,
        "Halftime": 48 + 40,
        "Techno / Tech House": 48,
    }
