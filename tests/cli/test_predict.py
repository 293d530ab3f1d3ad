"""`voxloop predict` over a folder: what is done stays, what fails is told at the end, and nothing is made in two ways."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from tests.data.dicom.writing import some_hu, write_series
from tests.data.test_grid import oblique
from voxloop import recipes
from voxloop.cli.main import app
from voxloop.data.phantom import make_spleen
from voxloop.data.scans import open_scan
from voxloop.errors import VoxloopError

CASES = ["spleen_0.nii.gz", "spleen_1.nii.gz", "spleen_2.nii.gz"]


def make_bundle(folder: Path, seed: int) -> Path:
    """The recipe as a model that has learned nothing, small and coarse."""
    import torch
    from monai.networks.nets import UNet

    shutil.copytree(recipes.find("spleen_ct"), folder, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "configs" / "inference.json"
    config = json.loads(path.read_text())
    config |= {"spacing_mm": [8.0, 8.0, 8.0], "roi_size": [32, 32, 32]}
    config["network_def"] |= {"channels": [4, 8], "strides": [2]}
    path.write_text(json.dumps(config))
    torch.manual_seed(seed)
    network = UNet(3, 1, 2, [4, 8], [2], num_res_units=2, norm="batch")
    (folder / "models").mkdir()
    torch.save(network.state_dict(), folder / "models" / "model.pt")
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("models") / "bundle", 0)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    make_spleen(folder / "data", cases=3, seed=1, size="small", test_cases=0)
    return folder / "data" / "imagesTr"


@pytest.fixture
def scans(drawn: Path, tmp_path: Path) -> Path:
    shutil.copytree(drawn, tmp_path / "scans")
    return tmp_path / "scans"


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["predict", *map(str, words)])


def rows_of(done: Result) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(done.stdout)["predictions"]
    return rows


def refusal(done: Result) -> str:
    assert isinstance(done.exception, VoxloopError), done.output
    return str(done.exception)


def maps_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(".nii.gz"))


def recorded(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "predictions.json").read_text())["predictions"]
    return content


def test_a_bad_file_does_not_end_the_night(bundle: Path, scans: Path, tmp_path: Path) -> None:
    (scans / "spleen_0b.nii.gz").write_text("no scan")
    out = tmp_path / "out"
    done = run(bundle, scans, "--out", out)
    assert done.exit_code == 1
    assert "1 of 4 scans could not be segmented" in refusal(done)
    assert "not segmented: spleen_0b.nii.gz" in done.stdout
    assert "3 of 4 scans segmented in" in done.stdout
    assert "Not a medical device" in done.stdout
    assert maps_in(out) == CASES == sorted(recorded(out))
    again = run(bundle, scans, "--out", out, "--json")
    assert again.exit_code == 1
    rows = rows_of(again)
    assert [("error" in row, row.get("skipped")) for row in rows] == [
        *[(False, True), (True, None), (False, True), (False, True)],
    ]
    assert rows[0]["volume_ml"] == recorded(out)[CASES[0]]["volume_ml"]
    assert refusal(run(bundle, scans / "spleen_0b.nii.gz", "--out", out)).startswith("spleen_0b.nii.gz")


def interrupted(bundle: Path, scans: Path, out: Path, number: signal.Signals) -> subprocess.CompletedProcess[str]:
    """The command, as a process that is sent a signal when its first label map is there."""
    words = [sys.executable, "-m", "voxloop", "predict", str(bundle), str(scans), "--out", str(out)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not (out / CASES[0]).exists():
        time.sleep(0.005)
    process.send_signal(number)
    told, said = process.communicate()
    return subprocess.CompletedProcess(words, process.returncode, told, said)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_folder_that_was_interrupted_goes_on_where_it_was(
    bundle: Path, scans: Path, tmp_path: Path, number: signal.Signals
) -> None:
    out, straight = tmp_path / "out", tmp_path / "straight"
    # Many links to one scan: a process that is told to stop has always some before it.
    for extra in range(3, 40):
        os.link(scans / CASES[2], scans / f"spleen_x{extra}.nii.gz")
    stopped = interrupted(bundle, scans, out, number)
    if number == signal.SIGINT:
        assert stopped.returncode == 130
        assert "interrupted; " in stopped.stderr
        assert "of 40 scans are segmented, and the same command goes on from there" in stopped.stderr
        assert "Traceback" not in stopped.stderr
    finished = [name for name, entry in recorded(out).items() if "made" in entry]
    assert 0 < len(maps_in(out)) < 40
    before = {name: (out / name).stat().st_mtime_ns for name in finished}
    wanted = [scans / name for name in CASES]
    rows = rows_of(run(bundle, *wanted, "--out", out, "--json"))
    assert {Path(row["labels"]).name for row in rows if row["skipped"]} == set(finished) & set(CASES)
    assert {name: (out / name).stat().st_mtime_ns for name in finished} == before
    run(bundle, *wanted, "--out", straight)
    for name in CASES:
        assert (nib.load(out / name).get_fdata() == nib.load(straight / name).get_fdata()).all()
        assert recorded(out)[name]["volume_ml"] == recorded(straight)[name]["volume_ml"]


def test_label_maps_of_other_models_or_settings_are_left_alone_and_told_of(
    bundle: Path, scans: Path, tmp_path: Path
) -> None:
    out, other = tmp_path / "out", make_bundle(tmp_path / "other", 1)
    assert run(bundle, scans, "--out", out).exit_code == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    ways: list[tuple[Path, list[str]]] = [(other, []), (bundle, ["--with", str(other)]), (bundle, ["--flips", "x"])]
    for model, words in ways:
        said = refusal(run(model, scans, "--out", out, *words))
        assert (
            f"{out} holds label maps that this command would not make: spleen_0.nii.gz was made by bundle, and 2 more"
            in said
        )
        assert "--overwrite" in said
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    # The same model by another name is the same; and what is asked for anew is made anew.
    shutil.copytree(bundle, tmp_path / "copy")
    assert all(row["skipped"] for row in rows_of(run(tmp_path / "copy", scans, "--out", out, "--json")))
    rows = rows_of(run(other, scans, "--out", out, "--overwrite", "--json"))
    assert not any(row["skipped"] for row in rows)
    assert all(entry["models"][0]["name"] == "other" for entry in recorded(out).values())
    run(other, scans, "--out", out, "--overwrite", "--flips", "yx", "--with", bundle)
    assert "spleen_0.nii.gz was made by other and bundle (flips xy)" in refusal(run(other, scans, "--out", out))


def test_a_label_map_of_a_scan_that_has_changed_or_of_unknown_origin_is_told_of(
    bundle: Path, scans: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert run(bundle, scans, "--out", out).exit_code == 0
    # A copy has another time and the same bytes.
    (scans / CASES[0]).write_bytes((scans / CASES[0]).read_bytes())
    assert all(row["skipped"] for row in rows_of(run(bundle, scans, "--out", out, "--json")))
    shutil.copyfile(scans / CASES[1], scans / CASES[0])
    assert f"{CASES[0]} was made of another scan, or of this one before" in refusal(run(bundle, scans, "--out", out))
    (tmp_path / "mine").mkdir()
    shutil.copyfile(out / CASES[1], tmp_path / "mine" / CASES[1])
    assert f"{CASES[1]} is not recorded in predictions.json; give" in refusal(
        run(bundle, scans, "--out", tmp_path / "mine")
    )
    # What a person corrected in a map that was made here stays.
    (out / CASES[1]).write_bytes((out / CASES[2]).read_bytes())
    assert rows_of(run(bundle, scans / CASES[1], "--out", out, "--json"))[0]["skipped"]
    (out / "predictions.json").write_text("[]")
    assert "cannot be read as the record" in refusal(run(bundle, scans, "--out", out))


def test_folds_flips_and_probabilities_in_one_command(bundle: Path, scans: Path, tmp_path: Path) -> None:
    out, fold = tmp_path / "out", make_bundle(tmp_path / "fold", 1)
    asked: list[str | Path] = [bundle, scans / CASES[0], "--with", fold, "--flips", "all", "--out", out, "--json"]
    done = run(*asked, "--probabilities")
    content = json.loads(done.stdout)
    assert content["models"] == ["bundle", "fold"]
    assert content["flips"] == "xyz"
    maps = Path(content["predictions"][0]["probabilities"])
    assert maps == out / "spleen_0.probabilities.nii.gz"
    shown, scan = nib.load(maps), nib.load(scans / CASES[0])
    assert shown.shape == (*scan.shape, 2)
    assert np.allclose(shown.get_fdata().sum(axis=3), 1, atol=1e-4)
    assert rows_of(run(*asked))[0]["skipped"]
    maps.unlink()
    assert rows_of(run(*asked))[0]["skipped"]
    # Maps that are asked for later leave the label map as it is, which somebody may have corrected.
    before = (out / CASES[0]).stat().st_mtime_ns
    assert not rows_of(run(*asked, "--probabilities"))[0]["skipped"]
    assert maps.exists()
    assert (out / CASES[0]).stat().st_mtime_ns == before


def test_each_volume_of_a_file_becomes_a_volume_of_its_label_map(bundle: Path, scans: Path, tmp_path: Path) -> None:
    one = nib.load(scans / CASES[0])
    voxels = np.stack([np.asarray(one.dataobj), np.asarray(one.dataobj) - 500], axis=3)
    nib.save(nib.Nifti1Image(voxels, one.affine), tmp_path / "times.nii.gz")
    out = tmp_path / "out"
    assert "--each-volume" in refusal(run(bundle, tmp_path / "times.nii.gz", "--out", out))
    (row,) = rows_of(run(bundle, scans / CASES[0], "--out", out, "--json"))
    (both,) = rows_of(run(bundle, tmp_path / "times.nii.gz", "--out", out, "--json", "--each-volume"))
    made = np.asarray(nib.load(both["labels"]).dataobj)
    assert made.shape == (*one.shape, 2)
    assert (made[..., 0] == np.asarray(nib.load(row["labels"]).dataobj)).all()
    assert both["volume_ml"]["spleen"][0] == row["volume_ml"]["spleen"] != both["volume_ml"]["spleen"][1]
    told = run(bundle, tmp_path / "times.nii.gz", "--out", out, "--each-volume")
    assert "spleen {:.1f}/{:.1f} mL (already there)".format(*both["volume_ml"]["spleen"]) in told.stdout


@pytest.mark.parametrize("ending", ["seg.nrrd", "mha"])
def test_label_maps_are_written_as_is_asked_for(bundle: Path, scans: Path, tmp_path: Path, ending: str) -> None:
    (row,) = rows_of(run(bundle, scans / CASES[0], "--out", tmp_path / "out", "--json", "--format", ending))
    assert Path(row["labels"]) == tmp_path / "out" / f"spleen_0.{ending}"
    assert open_scan(Path(row["labels"])).geometry.same_as(open_scan(scans / CASES[0]).geometry)
    assert rows_of(run(bundle, scans / CASES[0], "--out", tmp_path / "out", "--json", "--format", ending))[0]["skipped"]
    assert 'cannot be written as ".png"' in refusal(run(bundle, scans, "--out", tmp_path / "out", "--format", "png"))


def test_a_dicom_series_becomes_a_dicom_segmentation_that_is_known_again(bundle: Path, tmp_path: Path) -> None:
    series = write_series(tmp_path / "export" / "S", some_hu(0, (24, 26, 28)), oblique(8.0, (4.0, 4.0, 5.0)))
    asked: list[str | Path] = [bundle, tmp_path / "export", "--out", tmp_path / "out", "--format", "dcm", "--json"]
    (row,) = rows_of(run(*asked, "--probabilities"))
    assert Path(row["labels"]).suffix == ".dcm"
    assert nib.load(row["probabilities"]).shape == (24, 26, 28, 2)
    assert rows_of(run(*asked))[0]["skipped"]
    # One slice of it is another one now.
    series[3].write_bytes(series[4].read_bytes())
    assert "was made of another scan, or of this one before it changed" in refusal(run(*asked))


def test_axes_that_are_none_are_refused_before_anything_is_read(bundle: Path, scans: Path, tmp_path: Path) -> None:
    assert "names no axes to flip" in refusal(run(bundle, scans, "--out", tmp_path / "out", "--flips", "sideways"))
    assert not (tmp_path / "out").exists()
