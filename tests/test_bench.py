"""The page of benchmarks: no section overwrites another."""

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def write() -> Callable[..., None]:
    found: Callable[..., None] = runpy.run_path(str(ROOT / "bench/page.py"))["write"]
    return found


def test_a_section_is_replaced_and_the_rest_stays(write: Callable[..., None], tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A\n<!-- one -->\nold\n<!-- end -->\nby hand\n<!-- two -->\n<!-- end -->\n", encoding="utf-8")
    write("two", "2 is \\1\n", page)
    write("one", "\nnew", page)
    expected = "# A\n<!-- one -->\nnew\n<!-- end -->\nby hand\n<!-- two -->\n2 is \\1\n<!-- end -->\n"
    assert page.read_text(encoding="utf-8") == expected


def test_a_page_without_the_section_is_left_alone(write: Callable[..., None], tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- one -->\nno end", encoding="utf-8")
    for name in ("one", "two"):
        with pytest.raises(ValueError, match=f"there is no section `<!-- {name} -->`"):
            write(name, "new", page)
    assert page.read_text(encoding="utf-8") == "<!-- one -->\nno end"


@pytest.mark.parametrize(
    ("page", "sections"),
    [
        ("benchmarks", ["speed", "parts", "peers", "scan", "rhythm", "tempi"]),
        ("mix", ["structure", "mix"]),
        ("recommend", ["listeners", "playlists"]),
        ("similar", ["embeddings", "hubs", "large"]),
        ("serve", ["web"]),
    ],
)
def test_a_page_has_a_section_for_each_script(page: str, sections: list[str]) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    marks = [line[5:-4] for line in text.splitlines() if line.startswith("<!-- ")]
    assert marks == [mark for section in sections for mark in (section, "end")]


@pytest.fixture
def arguments() -> Callable[..., list[str]]:
    found: Callable[..., list[str]] = runpy.run_path(str(ROOT / "bench/arguments.py"))["arguments"]
    return found


@pytest.mark.parametrize(
    ("names", "given"),
    [((), []), (("[FILE]",), []), (("[TRACKS]", "[FILE]"), ["7", "a.db"]), (("FILE...",), ["a", "b"]), (("A",), ["a"])],
)
def test_a_script_has_the_arguments_that_it_names(
    arguments: Callable[..., list[str]], names: tuple[str, ...], given: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["script", *given])
    assert arguments("It measures.", *names) == given


@pytest.mark.parametrize(
    ("given", "status", "told"), [(["--help"], 0, "It measures.\n\nAll."), (["a"], 2, "unrecognized")]
)
def test_a_script_without_arguments_says_so_and_does_nothing(
    arguments: Callable[..., list[str]],
    given: list[str],
    status: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["script", *given])
    with pytest.raises(SystemExit, match=f"^{status}$"):
        arguments("It measures.\n\nAll.")
    assert told in "".join(capsys.readouterr())


@pytest.mark.parametrize("script", sorted((ROOT / "bench").glob("*.py")), ids=lambda path: path.stem)
def test_each_script_answers_help(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert "__main__" not in text or "arguments(__doc__" in text or ".parse_args(" in text
