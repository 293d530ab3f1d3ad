"""What a user gets from `pip install voxloop`: in an empty environment, the demo works and learns.

The slowest test there is, and the one that stands for the first minute.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = out.glob("*.whl")
    return made


def test_the_wheel_carries_the_page_and_the_recipes(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "voxloop/server/page/index.html" in names
    assert "voxloop/monai/tracking.json" in names
    assert any(name.startswith("voxloop/server/page/assets/") and name.endswith(".js") for name in names)
    assert "voxloop/recipes/spleen_ct/configs/train.json" in names
    assert not [name for name in names if "__pycache__" in name or name.endswith((".map", ".nii.gz"))]


@pytest.mark.slow
def test_the_demo_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
    python = tmp_path / "env" / "bin" / "python"
    install = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        # Half of what is installed is never imported; the rest is compiled when it is.
        "--no-compile",
        "-c",
        str(ROOT / "constraints.txt"),
    ]
    subprocess.run([*install, str(wheel)], check=True)
    demo = [str(python.parent / "voxloop"), "demo", "--no-serve", "--json", "--out", str(tmp_path / "demo")]
    done = subprocess.run(demo, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["unseen_dice"] >= 0.85
    assert result["threshold_dice"] < 0.5

    again = subprocess.run(demo, cwd=tmp_path, capture_output=True, text=True, check=True)
    for step in ("already there", "already trained", "already evaluated"):
        assert step in again.stderr
    assert json.loads(again.stdout)["run"] == result["run"]
