"""Fixtures that more than one module's tests share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_audio() -> Path:
    """Return the folder of real music that lies beside the project on the machines where it was built."""
    folder = Path(__file__).parents[2] / "shared" / "audio"
    if not folder.is_dir():
        pytest.skip(f"the real music is not here: {folder}")
    return folder
