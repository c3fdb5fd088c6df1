"""The pages say what the tables of the code say: an entry that is not on its page fails here."""

import re
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from earmark.cli import app
from earmark.learning.networks import ARCHITECTURES, TRAINED
from earmark.library.exports import FORMATS
from earmark.library.tags.containers import CONTAINERS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
COMMANDS = sorted(vars(get_command(app))["commands"])
LINKED = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs/decisions").glob("*.md"))]


def options_of(name: str, command: Any) -> dict[str, list[tuple[str, ...]]]:  # noqa: ANN401  of click, which typer hides
    """The options of a command and of those below it, each with all of its names."""
    own = [(*each.opts, *each.secondary_opts) for each in command.params if each.param_type_name == "option"]
    found = {name: own}
    for below, each in getattr(command, "commands", {}).items():
        found |= options_of(f"{name} {below}".strip(), each)
    return found


OPTIONS = options_of("", get_command(app))


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the table of a page whose first heading is this."""
    lines = iter((ROOT / page).read_text(encoding="utf-8").splitlines())
    next(line for line in lines if line.startswith(f"| {heading} |"))
    table = takewhile(lambda line: line.startswith("|"), islice(lines, 1, None))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_the_page_of_bundles_has_every_architecture() -> None:
    assert rows("docs/bundles.md", "architecture") == [
        [f"`{row.name}`", row.summary, row.source] for row in ARCHITECTURES.values()
    ]


def test_the_page_of_training_has_every_architecture_that_is_trained_on_sound() -> None:
    page = (ROOT / "docs/train.md").read_text(encoding="utf-8")
    (named,) = re.findall(r'^architecture = "emusic" +# (.*)$', page, re.MULTILINE)
    assert tuple(named.split(", ")) == TRAINED


def test_the_page_of_exports_has_every_format_and_its_suffix() -> None:
    table = {form.strip("`"): out for form, out, _ in rows("docs/export-library.md", "format")}
    assert table.keys() == FORMATS.keys()
    suffixes = {name: set(re.findall(r"`(\.\w+)`", out)) for name, out in table.items()}
    assert suffixes == {name: {form.suffix} - {""} for name, form in FORMATS.items()}


def test_the_page_of_tags_has_every_container() -> None:
    assert rows("docs/tag.md", "container") == [
        [each.name, " ".join(each.suffixes), str(each.family), "written" if each.open else "read only"]
        for each in CONTAINERS
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_shown_in_a_page(command: str) -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert re.search(rf"earmark {re.escape(command)}(?![\w-])", text), f"no page shows `earmark {command}`"


def test_no_page_shows_a_command_that_is_none() -> None:
    shown = {
        (page.name, command)
        for page in PAGES
        for command in re.findall(r"^ {4}earmark ([a-z][a-z0-9-]*)", page.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert {(page, command) for page, command in shown if command not in COMMANDS} == set()


@pytest.mark.parametrize("command", sorted(OPTIONS.keys() - {""}))
def test_every_option_is_on_a_page_that_shows_its_command(command: str) -> None:
    text = "\n".join(text for text in TEXTS.values() if re.search(rf"earmark {command}(?![\w-])", text))
    missing = [
        names
        for names in OPTIONS[command]
        if "--help" not in names and not any(re.search(rf"(?<![\w-]){name}(?![\w-])", text) for name in names)
    ]
    assert missing == []


def _options(command: str) -> list[tuple[str, ...]]:
    """The options of a command and of all below it."""
    return [names for each, options in OPTIONS.items() if each.split(" ")[0] == command for names in options]


def test_no_page_shows_an_option_that_is_none() -> None:
    shown = [
        (page.name, command, option)
        for page, text in TEXTS.items()
        for command, rest in re.findall(r"\bearmark ([a-z][a-z0-9-]*)([^\n`|;#]*)", text.replace("\\\n", ""))
        if command in COMMANDS
        for option in re.findall(r"(?<!\S)--[a-z][\w-]*", rest)
    ]
    known = {command: {name for names in _options(command) for name in names} for command in COMMANDS}
    assert len(shown) > 100
    assert [(page, command, option) for page, command, option in shown if option not in known[command]] == []


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings_that_are_there(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, heading = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        if heading:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in [re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings], link
