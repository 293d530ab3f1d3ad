"""`voxloop predict` over a folder: one bad file costs one label map, and is told at the end."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from voxloop import recipes
from voxloop.data.phantom import make_spleen


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The recipe as a model that has learned nothing, small and coarse."""
    import torch
    from monai.networks.nets import UNet

    folder = tmp_path / "bundle"
    shutil.copytree(recipes.find("spleen_ct"), folder, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "configs" / "inference.json"
    config = json.loads(path.read_text())
    config |= {"spacing_mm": [8.0, 8.0, 8.0], "roi_size": [32, 32, 32]}
    config["network_def"] |= {"channels": [4, 8], "strides": [2]}
    path.write_text(json.dumps(config))
    torch.manual_seed(0)
    network = UNet(3, 1, 2, [4, 8], [2], num_res_units=2, norm="batch")
    (folder / "models").mkdir()
    torch.save(network.state_dict(), folder / "models" / "model.pt")
    return folder


def test_a_bad_file_does_not_end_the_night(bundle: Path, tmp_path: Path) -> None:
    make_spleen(tmp_path / "data", cases=2, seed=1, size="small", test_cases=0)
    scans = tmp_path / "scans"
    shutil.copytree(tmp_path / "data" / "imagesTr", scans)
    (scans / "spleen_0b.nii.gz").write_text("no scan")
    out = tmp_path / "out"
    words = [sys.executable, "-m", "voxloop", "predict", str(bundle), str(scans), "--out", str(out)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert sorted(path.name for path in out.iterdir()) == ["spleen_0.nii.gz", "spleen_1.nii.gz"]
    assert "not segmented: spleen_0b.nii.gz" in done.stdout
    assert "1 of 3 scans could not be segmented" in done.stderr
    again = subprocess.run([*words, "--json"], capture_output=True, text=True, check=False)
    rows = json.loads(again.stdout)["predictions"]
    assert [("error" in row, row.get("skipped")) for row in rows] == [(False, True), (True, None), (False, True)]
    alone = subprocess.run(
        [*words[:5], str(scans / "spleen_0b.nii.gz"), "--out", str(out)], capture_output=True, text=True, check=False
    )
    assert alone.returncode == 1
    assert alone.stderr.startswith("voxloop: spleen_0b.nii.gz")
