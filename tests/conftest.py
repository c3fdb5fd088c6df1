"""Fixtures that more than one module's tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from earmark.testing.bundles import tiny_bundle


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
def shared_teachers() -> Path:
    """Return the folder of openly licensed networks, beside the project on the machines it was built on."""
    folder = Path(__file__).parents[2] / "shared" / "teachers"
    if not folder.is_dir():
        pytest.skip(f"the networks that teach are not here: {folder}")
    return folder


@pytest.fixture(autouse=True, scope="session")
def no_added_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the models away that whoever runs the tests has added."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARMARK_MODELS", str(tmp_path_factory.mktemp("added-models")))
        yield
