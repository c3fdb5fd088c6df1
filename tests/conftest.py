"""Fixtures that more than one module's tests share."""

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
