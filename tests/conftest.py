"""Fixtures that more than one module's tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from earmark.testing.bundles import tiny_bundle

# For tests that load ONNX Runtime themselves: it reports nothing.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# How long an example takes says how busy the machine is, and nothing else.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session")
def shared_audio() -> Path:
    """Return the folder of real music that lies beside the project on the machines where it was built."""
    folder = Path(__file__).parents[2] / "shared" / "audio"
    if not folder.is_dir():
        pytest.skip(f"the real music is not here: {folder}")
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny bundle, for tests that only read it."""
    return tiny_bundle(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of the tables of measured descriptors, beside the project on the machines it was built on."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the tables of measured descriptors are not here: {folder}")
    return folder


@pytest.fixture(scope="session")
def shared_music() -> Path:
    """Return the folder of openly licensed music, beside the project on the machines it was built on."""
    folder = Path(__file__).parents[2] / "shared" / "music"
    if not folder.is_dir():
        pytest.skip(f"the openly licensed music is not here: {folder}")
    return folder


@pytest.fixture(scope="session")
def shared_teachers() -> Path:
    """Return the folder of openly licensed networks, beside the project on the machines it was built on."""
    folder = Path(__file__).parents[2] / "shared" / "teachers"
    if not folder.is_dir():
        pytest.skip(f"the networks that teach are not here: {folder}")
    return folder


@pytest.fixture(autouse=True, scope="session")
def no_added_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the models away that whoever runs the tests has added, and what tests make out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARMARK_MODELS", str(tmp_path_factory.mktemp("added-models")))
        patch.setenv("EARMARK_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def made_up_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of small tables of descriptors: 240 rows by 60 artists, and 120 of which five are the same."""
    folder = tmp_path_factory.mktemp("tables")
    generator = np.random.default_rng(0)
    newer = ["Psy-Trance", "Trance", "Drum and Bass", "Techno", "Polka"]
    older = ["Trance", "DrumAndBass", "Polka"]
    columns = [*(f"{number}-d" for number in range(1, 69)), "69-BPM", "70-BPMconf", "71-BPMessentia"]
    centres = generator.normal(0, 1, (5, 68))
    lines = []
    for row in range(360):
        kind = row % 5 if row < 240 else [1, 2, 4][row % 3]
        values = centres[kind] + generator.normal(0, 1, 68)
        lines.append([*np.round(values, 4), 120, 0.1, round(120 + 10 * kind + generator.normal(0, 1), 2)])
    lines[240:245] = lines[10:15]
    tables = {
        "beatport_2021jan": [
            [*columns, "genre", "artist"],
            *([*line, newer[row % 5], f"Artist {row // 4}"] for row, line in enumerate(lines[:240])),
        ],
        "beatsdataset_201611_23genres": [
            [*columns, "class"],
            *([*line, older[row % 3]] for row, line in enumerate(lines[240:])),
        ],
        "genre_to_style": [
            ["table", "genre", "style"],
            ["beatport_2021jan", "Psy-Trance", "Trance"],
            ["beatport_2021jan", "Trance", "Trance"],
            ["beatport_2021jan", "Drum and Bass", "Drum & Bass"],
            ["beatport_2021jan", "Techno", "Techno / Tech House"],
            ["beatport_2021jan", "Polka", ""],
            ["beatsdataset_201611_23genres", "Trance", "Trance"],
            ["beatsdataset_201611_23genres", "DrumAndBass", "Drum & Bass"],
        ],
    }
    for name, table in tables.items():
        text = "\n".join(",".join(map(str, line)) for line in table)
        (folder / f"{name}.csv").write_text(text + "\n", encoding="utf-8")
    return folder
