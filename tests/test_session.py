"""Sessions of ONNX Runtime."""

import os
import subprocess
import sys
from pathlib import Path


def test_onnx_runtime_keeps_and_sends_no_report_of_its_use(tiny: Path, tmp_path: Path) -> None:
    elsewhere = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "XDG_"))}
    code = f"from earmark.hearing import Model; Model.open({str(tiny)!r})"
    subprocess.run([sys.executable, "-c", code], env=environment | elsewhere, check=True)
    assert [path for path in tmp_path.rglob("*") if "onnxruntime" in path.name.lower()] == []
