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
    with pytest.raises(TableError, match="a row has more values than there are columns"):
        tables.read(write(tmp_path, [row(64, "Trance") + ",more"]), tables.TABLE_2021)


@pytest.mark.parametrize("word", ["n/a", "nan", "inf"])
def test_what_is_no_number_is_an_error(tmp_path: Path, word: str) -> None:
    bad = row(128, "Trance").replace("0.3,", f"{word},", 1)
    with pytest.raises(TableError, match=r"beatport_2021jan\.csv: (could not convert|row 3 is not finite)"):
        tables.read(write(tmp_path, [row(64, "Trance"), bad]), tables.TABLE_2021)


def test_the_protocols_have_the_published_sizes_and_keep_artists_apart(shared_data: Path) -> None:
    found = {protocol.name: protocol for protocol in tables.protocols(shared_data)}
    assert list(found) == list(tables.REFERENCE)
    sizes = {name: (sum(len(test) for _, test in p.folds), len(p.classes), len(p.folds)) for name, p in found.items()}
    assert sizes == {
        "styles 2021, by artist": (2100, 11, 5),
        "styles 2016 to 2021": (2000, 10, 1),
        "32 genres 2021, by artist": (3200, 32, 5),
        "23 genres 2016, 10-fold": (2300, 23, 10),
    }
    artists = np.array(tables.read(shared_data, tables.TABLE_2021).artists)
    for name in ("styles 2021, by artist", "32 genres 2021, by artist"):
        for train, test in found[name].folds:
            assert not set(artists[train[train < 3200]]) & set(artists[test])


def test_a_protocol_teaches_its_own_labels_and_genres_and_nothing_of_what_is_tested(shared_data: Path) -> None:
    for protocol in tables.protocols(shared_data):
        assert all(len(task.labels) == len(protocol.rows) for task in protocol.others)
        for train, test in protocol.folds:
            assert not set(train) & set(test)
            assert (protocol.labels[test] >= 0).all()
            taught = [protocol.labels[train], *(task.labels[train] for task in protocol.others)]
            assert (np.max(taught, 0) >= 0).all()  # no row without any label
    across = tables.protocols(shared_data)[1]
    ((train, _),) = across.folds
    assert np.array_equal(across.rows[train], tables.read(shared_data, tables.TABLE_2016).rows)
    assert [task.classes for task in across.others] == [23]


def test_the_same_track_in_both_tables_is_taught_in_neither_while_it_is_tested(shared_data: Path) -> None:
    new, old = (tables.read(shared_data, name) for name in (tables.TABLE_2021, tables.TABLE_2016))
    both = tables.same_tracks(old.rows, new.rows)
    assert 5 < both.sum() < 40
    assert new.artists[int(np.abs(new.rows - old.rows[both][0]).sum(1).argmin())]
    for protocol in tables.protocols(shared_data)[2:]:
        for train, test in protocol.folds:
            other = train[(train < len(new.rows)) != (test[0] < len(new.rows))]
            assert len(other) > 2000
            assert not tables.same_tracks(protocol.rows[other], protocol.rows[test]).any()


def test_a_label_that_is_no_class_is_none() -> None:
    assert tables.indices(("b", "", "a"), ("a", "b")).tolist() == [1, tables.UNLABELLED, 0]


def test_no_real_row_is_halftime(shared_data: Path) -> None:
    both = (tables.read(shared_data, name) for name in (tables.TABLE_2021, tables.TABLE_2016))
    labelled = [style for table in both for style in table.styles]
    assert "Halftime" not in labelled
    assert labelled.count("Drum & Bass") == 200
