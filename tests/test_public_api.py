"""What `import earmark` offers, and the errors that travel between processes."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import earmark
from earmark import _HOME, errors
from earmark.errors import (
    BundleError,
    CatalogueError,
    DownloadError,
    EarmarkError,
    ExchangeError,
    FileError,
    ManifestError,
    MissingExtra,
    PlanError,
    TableError,
    TagError,
    UnexpectedError,
    UnreadableAudio,
)

ERRORS = [
    (EarmarkError("something"), "something"),
    (UnreadableAudio(Path("a/b.mp3"), "the file is empty"), f"{Path('a/b.mp3')}: the file is empty"),
    (UnreadableAudio("b.mp3", "damaged"), "b.mp3: damaged"),
    (FileError("b.mp3", "it is gone"), "b.mp3: it is gone"),
    (UnexpectedError("b.mp3", "TypeError: no", "Traceback: line 1"), "b.mp3: TypeError: no"),
    (BundleError("m/config.json: missing: name"), "m/config.json: missing: name"),
    (TableError("t.csv: no rows"), "t.csv: no rows"),
    (ManifestError("tracks.csv, line 3: a label is empty"), "tracks.csv, line 3: a label is empty"),
    (CatalogueError("c.db: of a newer earmark"), "c.db: of a newer earmark"),
    (TagError("b.mp3", "damaged"), "b.mp3: damaged"),
    (PlanError("there is no set"), "there is no set"),
    (ExchangeError("r.xml: no rekordbox"), "r.xml: no rekordbox"),
    (DownloadError("https://a.b/c", "no network"), "https://a.b/c: no network"),
    (
        MissingExtra("`earmark train`", "train"),
        "`earmark train` needs more than the base install: pip install 'earmark[train]'",
    ),
]


NAMES = (
    *("Analysis", "BundleError", "Catalogue", "EarmarkError", "Heard", "Key", "Listener", "Loudness", "Model"),
    *("Recording", "Rhythm", "Segment", "Timeline", "Track", "UnreadableAudio", "decode"),
)


def test_every_public_name_has_a_home() -> None:
    assert tuple(earmark.__all__) == NAMES
    assert tuple(sorted(_HOME)) == NAMES
    assert dir(earmark) == sorted([*earmark.__all__, "__version__"])


@pytest.mark.parametrize("name", sorted(_HOME))
def test_a_public_name_is_the_one_in_its_home(name: str) -> None:
    thing = getattr(earmark, name)
    assert thing.__name__ == name
    assert thing.__module__.startswith(_HOME[name])


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'earmark' has no attribute 'Listenr'"):
        earmark.Listenr  # noqa: B018


def test_every_error_belongs_to_the_tree() -> None:
    raised = {thing for thing in vars(errors).values() if isinstance(thing, type) and issubclass(thing, BaseException)}
    assert raised == {type(error) for error, _ in ERRORS}
    assert all(issubclass(error, EarmarkError) for error in raised)
    drawn = errors.__doc__ or ""
    assert all(f"{error.__name__}" in drawn for error in raised)


@pytest.mark.parametrize(("error", "message"), ERRORS, ids=lambda value: type(value).__name__)
def test_an_error_keeps_its_message_on_its_way_between_processes(error: EarmarkError, message: str) -> None:
    back = pickle.loads(pickle.dumps(error))  # noqa: S301  our own
    assert (type(back), str(back)) == (type(error), message)
    assert vars(back) == vars(error)


def test_importing_earmark_loads_nothing_heavy() -> None:
    heavy = "{'av', 'numpy', 'onnxruntime', 'rich', 'soxr', 'torch', 'typer'}"
    loaded = subprocess.run(
        [sys.executable, "-c", f"import sys, earmark; earmark.__version__; print(sorted({heavy} & set(sys.modules)))"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert loaded.stdout.strip() == "[]"
