"""The arrows of design.md hold, and a planted violation breaks each of them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"

ARROWS = "arrows point down"
TORCH = "torch is known to learning and recipes only"
TYPER = "typer is known to the CLI only"
ONNX = "ONNX Runtime is known to hearing only"
MUTAGEN = "mutagen is known to tags only"
RAY = "Ray is known to the cluster only"
NICEGUI = "the web server is known to web only"
LIVE = "sounddevice is known to live sound only"
NUMPY = "the base is NumPy only"
TEACHING = "teaching needs no torch"
RECIPES = "learning never imports recipes"
ROOMS = "the rooms of learning stand on each other"
DJ = "dj knows no networks"
WEB = "web reaches what is learned through app"
CIRCLES = "packages do not import each other in circles"

PLANTED = [
    # the contract, the module in which the import is planted, what is imported
    (ARROWS, "hearing.listener", "earmark.learning"),
    (ARROWS, "measures.ranking", "earmark.cli.show"),
    (ARROWS, "audio", "earmark.hearing"),
    (ARROWS, "timeline", "earmark.audio"),
    (ARROWS, "files", "earmark.styles"),
    (ARROWS, "library.audit", "earmark.hearing"),
    (TORCH, "library.scanning.scan", "torch"),
    (TORCH, "fingerprint", "torch"),
    (TORCH, "runner", "torch"),
    (TORCH, "hearing.model", "torch"),
    (TORCH, "cli.train", "safetensors"),
    (TORCH, "__init__", "lightning_fabric"),
    (TYPER, "library.scanning.scan", "typer"),
    (TYPER, "learning.evaluation.styles", "typer"),
    (TYPER, "app", "rich"),
    (ONNX, "learning.training.loop", "onnxruntime"),
    (ONNX, "learning.bundle", "onnxruntime"),
    (ONNX, "cli.listen", "onnxruntime"),
    (MUTAGEN, "learning.data.sources", "mutagen"),
    (MUTAGEN, "library.content", "mutagen"),
    (RAY, "library.scanning.scan", "ray"),
    (RAY, "runner", "ray"),
    (NICEGUI, "cli.listen", "nicegui"),
    (NICEGUI, "app", "nicegui"),
    (LIVE, "audio.recording", "sounddevice"),
    (NUMPY, "analysis", "onnxruntime"),
    (NUMPY, "measures.classification", "scipy"),
    (NUMPY, "spectra", "torch"),
    (TEACHING, "learning.teaching.heads", "earmark.learning.networks"),
    (TEACHING, "learning.data.embeddings", "torch"),
    (TEACHING, "app.teaching", "earmark.learning.bundle"),
    (ROOMS, "learning.networks.heads", "earmark.learning.bundle"),
    (DJ, "dj", "earmark.learning"),
    (WEB, "web.works", "earmark.learning.teaching"),
    (WEB, "web.api.together", "earmark.recipes"),
    (WEB, "web.pages.booth", "earmark.synth"),
    (RECIPES, "learning.training.run", "earmark.recipes.house12"),
]

CIRCULAR = [
    # the package, a module in one of its parts, an import that leads back to that part
    ("library", "library.scanning.scan", "earmark.library.catalogue"),
    ("learning", "learning.data.splits", "earmark.learning.training.run"),
    ("hearing", "hearing.loudness", "earmark.hearing.listener"),
]


class Verdict(NamedTuple):
    """The outcome of a check: exit status, KEPT or BROKEN for each contract, and the text with what broke each."""

    status: int
    contracts: dict[str, str]
    text: str

    def broken_by(self, contract: str) -> str:
        """What is said of a broken contract."""
        _, *sections = re.split(r"^(\S.*)\n-+\n", self.text, flags=re.MULTILINE)  # a heading, what stands below it, ...
        return dict(zip(sections[::2], sections[1::2], strict=True))[contract]


def copy_to(folder: Path) -> Path:
    """Copy the package and the project's contracts; returns the folder of the package."""
    package = folder / "earmark"
    shutil.copytree(ROOT / "src/earmark", package, ignore=shutil.ignore_patterns("models", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return package


def plant(package: Path, module: str, imported: str) -> None:
    path = package / f"{module.replace('.', '/')}.py"
    path = path if path.exists() else path.with_suffix("") / "__init__.py"
    path.write_text(path.read_text(encoding="utf-8") + f"\nimport {imported}\n", encoding="utf-8")


def lint(folder: Path) -> Verdict:
    """Check the contracts of a copy."""
    linted = subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"], check=False, cwd=folder, capture_output=True, encoding="utf-8"
    )
    found = re.findall(r"^(.+?) (KEPT|BROKEN)\b", linted.stdout, re.MULTILINE)
    return Verdict(linted.returncode, dict(found), linted.stdout + linted.stderr)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Verdict:
    """Give the verdict on a copy with all violations in it; each is looked for under its own contract."""
    folder = tmp_path_factory.mktemp("planted")
    package = copy_to(folder)
    for _, module, imported in PLANTED + CIRCULAR:
        plant(package, module, imported)
    return lint(folder)


def test_the_contracts_hold(tmp_path: Path) -> None:
    copy_to(tmp_path)
    verdict = lint(tmp_path)
    assert verdict.status == 0, verdict.text
    assert verdict.contracts == dict.fromkeys(
        (ARROWS, TORCH, TYPER, ONNX, MUTAGEN, RAY, NICEGUI, LIVE, NUMPY, TEACHING, RECIPES, DJ, WEB, ROOMS, CIRCLES),
        "KEPT",
    )


@pytest.mark.parametrize(("contract", "module", "imported"), PLANTED)
def test_a_planted_violation_breaks_its_contract(planted: Verdict, contract: str, module: str, imported: str) -> None:
    assert planted.status != 0
    assert planted.contracts[contract] == "BROKEN", planted.text
    importer = "earmark" if module == "__init__" else rf"earmark\.{re.escape(module)}"
    line = rf"-\s+{importer}\s*->\s*{re.escape(imported)}\s"
    assert re.search(line, planted.broken_by(contract)), planted.broken_by(contract)


@pytest.mark.parametrize("package", [package for package, _, _ in CIRCULAR])
def test_a_planted_circle_is_found(planted: Verdict, package: str) -> None:
    assert planted.contracts[CIRCLES] == "BROKEN", planted.text
    assert f"\nNo cycles are allowed in earmark.{package}.\n" in planted.broken_by(CIRCLES), planted.broken_by(CIRCLES)


def test_every_contract_has_its_violation() -> None:
    contracts = set(re.findall(r'^name = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE))
    assert {contract for contract, _, _ in PLANTED} | {CIRCLES} == contracts - {"earmark"}


def test_every_room_has_a_contract() -> None:
    rooms = {
        path.stem
        for path in (ROOT / "src/earmark").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    free = {"__init__", "__main__"}  # what holds no knowledge
    layers = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition(f'name = "{ARROWS}"')[2]
    layers = layers.partition("[[")[0]
    assert {room for room in rooms - free if not re.search(rf'["| ]{room}["| ]', layers)} == set()
