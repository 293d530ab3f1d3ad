"""Bad input gets one sentence on stderr and an exit code; no traceback, and nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import voxloop as vx
from voxloop.data.phantom import make_spleen


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "Task09_Spleen"
    make_spleen(folder, cases=4, seed=5, size="small")
    return folder


@pytest.fixture
def copy(dataset: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(dataset, tmp_path / "Task09_Spleen"))


def command(*words: str, cwd: Path, expect: int = 1) -> str:
    """Runs the program as a person would; answers with what it said on stderr."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "400"}
    done = subprocess.run(
        [sys.executable, "-m", "voxloop", *words],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    return done.stderr


def said(stderr: str) -> str:
    lines = [line for line in stderr.splitlines() if line.startswith("voxloop: ")]
    assert len(lines) == 1, stderr
    return lines[0]


def test_a_missing_folder(tmp_path: Path) -> None:
    assert "No dataset is at" in said(command("train", "spleen_ct", "--data", "nowhere", cwd=tmp_path))


def test_a_folder_that_is_no_dataset(tmp_path: Path) -> None:
    assert "has no dataset.json" in said(command("train", "spleen_ct", "--data", ".", cwd=tmp_path))


def test_an_empty_dataset(copy: Path) -> None:
    content = json.loads((copy / "dataset.json").read_text())
    (copy / "dataset.json").write_text(json.dumps({**content, "training": []}))
    assert "lists no training case" in said(command("train", "spleen_ct", "--data", str(copy), cwd=copy.parent))


def test_the_wrong_task(copy: Path) -> None:
    content = json.loads((copy / "dataset.json").read_text())
    (copy / "dataset.json").write_text(json.dumps({**content, "labels": {"0": "background", "1": "liver"}}))
    sentence = said(command("train", "spleen_ct", "--data", str(copy), cwd=copy.parent))
    assert 'no label "spleen"' in sentence
    assert "liver" in sentence


def test_a_truncated_scan_is_found_before_training(copy: Path) -> None:
    scan = sorted((copy / "imagesTr").iterdir())[0]
    scan.write_bytes(scan.read_bytes()[: scan.stat().st_size // 2])
    sentence = said(command("train", "spleen_ct", "--data", str(copy), "--preset", "quick", cwd=copy.parent))
    assert scan.name in sentence
    assert "cut off" in sentence


def test_a_label_on_another_grid_is_found_before_training(copy: Path) -> None:
    import nibabel as nib
    import numpy as np

    path = sorted((copy / "labelsTr").iterdir())[0]
    label = nib.load(path)
    nib.save(nib.Nifti1Image(np.asarray(label.dataobj)[:-1], label.affine, label.header), path)
    sentence = said(command("train", "spleen_ct", "--data", str(copy), "--preset", "quick", cwd=copy.parent))
    assert path.name in sentence
    assert "the label has" in sentence


def test_an_unknown_recipe(dataset: Path, tmp_path: Path) -> None:
    sentence = said(command("train", "spleen_cd", "--data", str(dataset), cwd=tmp_path))
    assert 'did you mean "spleen_ct"' in sentence


def test_a_config_mistake(dataset: Path, tmp_path: Path) -> None:
    sentence = said(command("train", "spleen_ct", "--data", str(dataset), "learning_rat=1", cwd=tmp_path))
    assert "learning_rat=1" in sentence
    assert '"learning_rate"' in sentence


def test_a_value_that_monai_refuses(dataset: Path, tmp_path: Path) -> None:
    """The kind is right, and still the network cannot be made of it."""
    words = ["train", "spleen_ct", "--data", str(dataset), "--preset", "quick", "network_def#channels=[4]"]
    assert "network_def" in said(command(*words, cwd=tmp_path))


def test_nothing_is_left_behind_by_a_refused_training(dataset: Path, tmp_path: Path) -> None:
    command("train", "spleen_ct", "--data", str(dataset), "learning_rat=1", cwd=tmp_path)
    assert not (tmp_path / ".voxloop").exists()


@pytest.mark.parametrize("kilobytes", [100, 400, 1500])
def test_no_space_left_at_any_point_is_one_sentence(dataset: Path, tmp_path: Path, kilobytes: int) -> None:
    """A training whose files may not grow past a size, as on a full disk; with space, the same project goes on."""
    small = "epochs=1 val_interval=1 spacing_mm=[6,6,6] roi_size=[32,32,32] cache_workers=0"
    train = f"{sys.executable} -m voxloop train spleen_ct --data {dataset} --preset quick {small}"
    done = subprocess.run(
        ["bash", "-c", f"trap '' XFSZ; ulimit -f {kilobytes}; {train}"],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "400"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "free some space" in said(done.stderr)
    command("runs", "--project", str(tmp_path), cwd=tmp_path, expect=0)


def test_no_project(tmp_path: Path) -> None:
    assert ".voxloop" in said(command("runs", cwd=tmp_path))


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    vx.Run(name="one", project=tmp_path).finish()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        sentence = said(command("serve", "--project", str(tmp_path), "--port", port, "--no-open", cwd=tmp_path))
    assert port in sentence
    assert "--port" in sentence


def test_an_unknown_model(dataset: Path, tmp_path: Path) -> None:
    vx.Run(name="one", project=tmp_path).finish()
    sentence = said(command("evaluate", "spleen-ct:best", "--data", str(dataset), cwd=tmp_path))
    assert "spleen-ct" in sentence


def test_debug_shows_the_whole_story(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "voxloop", "train", "spleen_ct", "--data", "nowhere", "--debug"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" in done.stderr
