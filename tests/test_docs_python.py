"""docs/python.md: every example runs, one after the other, and prints what stands below it."""

import contextlib
import io
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import earmark

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
MUSIC = ("03-deep-house", "04-drum-and-bass", "06-future-house", "08-halftime")
TEACHING = PAGE[PAGE.index("## Your own styles") : PAGE.index("## For other programs")]


@pytest.fixture
def music(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of four examples, in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "music").mkdir()
    for name in MUSIC:
        shutil.copy(ROOT / "examples" / f"{name}.opus", tmp_path / "music")
    return tmp_path / "music"


def run(page: str, names: dict[str, Any]) -> int:
    """Run the examples of a page one after the other and compare what they print; how many there were."""
    blocks = list(BLOCK.finditer(page))
    for block in blocks:
        code, expected = block.group(1), block.group(2)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, "docs/python.md", "exec"), names)  # noqa: S102  our own page
        assert printed.getvalue() == (expected or ""), code
    return len(blocks)


@pytest.mark.usefixtures("music")
def test_the_examples_print_what_stands_below_them() -> None:
    page = PAGE.replace(TEACHING, "")
    assert run(page, {}) == page.count("```python") == 9


@pytest.mark.slow
@pytest.mark.usefixtures("music")
def test_the_example_of_teaching_prints_what_stands_below_it() -> None:
    assert run(TEACHING, {"Path": Path, "earmark": earmark}) == 1


def test_the_page_names_all_that_is_public() -> None:
    table = PAGE[PAGE.index("| name |") : PAGE.index("`import earmark` loads")]
    assert [name for name in earmark.__all__ if not re.search(rf"`(earmark\.)?{name}`", table)] == []
