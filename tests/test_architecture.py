"""The arrows of design.md hold, and a planted violation breaks them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a folder with a copy of the package and of the project's contracts."""
    shutil.copytree(ROOT / "src/earmark", tmp_path / "earmark", ignore=shutil.ignore_patterns("models", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder: Path) -> tuple[int, dict[str, str], str]:
    """Check the contracts of a copy: exit status, the verdict on each contract, and all that was said."""
    linted = subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"], check=False, cwd=folder, capture_output=True, encoding="utf-8"
    )
    lines = [line.rsplit(maxsplit=1) for line in linted.stdout.splitlines()]
    verdicts = {line[0]: line[1] for line in lines if line[1:] in (["KEPT"], ["BROKEN"])}
    return linted.returncode, verdicts, linted.stdout + linted.stderr


def test_the_contracts_hold(copy: Path) -> None:
    status, verdicts, said = lint(copy)
    assert (status, set(verdicts.values())) == (0, {"KEPT"}), said
    assert {
        "arrows point down",
        "torch is known to learning only",
        "typer is known to the CLI only",
        "the base is NumPy only",
    } <= set(verdicts)


@pytest.mark.parametrize(
    ("contract", "module", "planted", "imported"),
    [
        ("torch is known to learning only", "hearing.model", "import torch", "torch"),
        ("typer is known to the CLI only", "learning.evaluate", "import typer", "typer"),
        ("the base is NumPy only", "analysis", "import onnxruntime", "onnxruntime"),
        ("arrows point down", "hearing.listener", "from earmark import learning", "earmark.learning"),
        ("arrows point down", "learning.measures", "from earmark.cli import show", "earmark.cli.show"),
        ("arrows point down", "audio", "import earmark.hearing", "earmark.hearing"),
        ("arrows point down", "timeline", "from earmark.audio import decode", "earmark.audio"),
    ],
)
def test_a_planted_violation_breaks_its_contract(
    copy: Path, contract: str, module: str, planted: str, imported: str
) -> None:
    path = copy / "earmark" / f"{module.replace('.', '/')}.py"
    path.write_text(path.read_text(encoding="utf-8") + f"\n{planted}\n", encoding="utf-8")
    status, verdicts, said = lint(copy)
    assert status != 0
    assert verdicts[contract] == "BROKEN", said
    assert re.search(rf"earmark\.{module}\s*->\s*{imported}\b", said), said


def test_every_room_has_a_contract() -> None:
    rooms = {
        path.stem
        for path in (ROOT / "src/earmark").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    free = {"__init__", "__main__"}  # what holds no knowledge
    layers = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition('name = "arrows point down"')[2]
    layers = layers.partition("[[")[0]
    assert {room for room in rooms - free if f"earmark.{room}" not in layers} == set()
