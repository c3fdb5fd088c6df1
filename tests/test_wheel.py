"""The wheel holds what hearing needs, and is small."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
LARGEST = 15_000_000  # bytes


def test_the_wheel_is_small_and_brings_both_models(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=ROOT, check=True)
    (wheel,) = tmp_path.iterdir()
    with zipfile.ZipFile(wheel) as content:
        names = set(content.namelist())
    for model in ("emusic12", "house12"):
        for part in ("config.json", "model.onnx", "weights.safetensors", "README.md", "check.npz"):
            assert f"earmark/models/{model}/{part}" in names
    assert wheel.stat().st_size <= LARGEST
