"""The examples in the pages on similar tracks, sets and back to back are what the commands print."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from earmark.cli import main

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have a catalogue of the example tracks, and work in the root of the project."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARMARK_CATALOGUE", str(tmp_path_factory.mktemp("dj") / "catalogue.db"))
        patch.chdir(ROOT)
        patch.setattr(sys, "argv", ["earmark", "scan", "examples"])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code in (None, 0)
        yield


@pytest.mark.parametrize(
    ("page", "keys", "arguments"),
    [
        ("similar", "", ("similar", "examples/03-deep-house.opus", "--limit", "4")),
        ("sets", "", ("set", "--from", "late room", "--to", "Trance", "--tracks", "4", "--repeat-artists")),
        ("back-to-back", "concrete hours\n\n", ("b2b", "--repeat-artists", "--player", "none")),
    ],
)
def test_a_page_shows_what_the_command_prints(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    page: str,
    keys: str,
    arguments: tuple[str, ...],
) -> None:
    monkeypatch.setattr(sys, "argv", ["earmark", *arguments])
    monkeypatch.setattr(sys, "stdin", io.StringIO(keys))
    with pytest.raises(SystemExit):
        main()
    printed = [line.strip() for line in capsys.readouterr().out.splitlines()]
    shown = [line.strip() for line in (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8").splitlines()]
    assert len(printed) >= 7
    assert [line for line in printed if line not in shown] == []


def test_the_picture_of_a_set_is_what_the_command_draws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    drawn = tmp_path / "sets.svg"
    wish = ["--from", "late room", "--to", "Trance", "--tracks", "6", "--repeat-artists"]
    monkeypatch.setattr(sys, "argv", ["earmark", "set", *wish, "--picture", str(drawn)])
    with pytest.raises(SystemExit):
        main()
    assert drawn.read_text(encoding="utf-8") == (ROOT / "docs" / "sets.svg").read_text(encoding="utf-8")
