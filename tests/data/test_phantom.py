"""Phantoms are in exact Decathlon layout, the same on every machine, and hard enough that learning is needed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from voxloop.data.decathlon import read_dataset
from voxloop.data.phantom import make_brain_tumour, make_broken, make_spleen
from voxloop.data.scans import open_labels, open_scan
from voxloop.errors import VoxloopError


@pytest.fixture(scope="module")
def spleens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "Task09_Spleen"
    make_spleen(folder, cases=12, seed=4, size="small")
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.nii.gz")
    }


def test_the_layout_is_the_decathlons(spleens: Path) -> None:
    content = json.loads((spleens / "dataset.json").read_text())
    fields = ["name", "description", "reference", "licence", "release", "tensorImageSize", "modality", "labels"]
    assert [*content] == [*fields, "numTraining", "numTest", "training", "test"]
    assert (content["numTraining"], content["numTest"]) == (12, 3)
    assert content["labels"] == {"0": "background", "1": "spleen"}
    assert content["training"][0] == {"image": "./imagesTr/spleen_0.nii.gz", "label": "./labelsTr/spleen_0.nii.gz"}
    assert len(read_dataset(spleens).training) == 12


def test_scans_are_awkward_as_real_ones_are(spleens: Path) -> None:
    scans = [nib.load(case.image) for case in read_dataset(spleens).training]
    orientations = {"".join(nib.aff2axcodes(scan.affine)) for scan in scans}
    assert {"LAS", "RAS", "LPS"} <= orientations
    tilted = [scan for scan in scans if np.count_nonzero(np.abs(scan.affine[:3, :3]) > 1e-3) > 3]
    assert tilted, "some are oblique"
    apart = [scan for scan in scans if np.abs(scan.get_sform() - scan.get_qform()).max() > 0.05]
    assert apart, "in some, qform and sform differ"
    assert all(scan.get_data_dtype() == np.int16 for scan in scans)
    assert min(scan.shape[2] for scan in scans) < 20 < max(scan.shape[2] for scan in scans), "some are short"


def test_labels_lie_on_their_scans_and_one_patient_has_no_spleen(spleens: Path) -> None:
    fractions = []
    for case in read_dataset(spleens).training:
        labels = open_labels(case.label, like=open_scan(case.image).geometry, tolerance_mm=0.001).array()
        assert set(np.unique(labels)) <= {0, 1}
        fractions.append(labels.mean())
    assert fractions.count(0.0) == 1
    assert 0.002 <= np.mean(fractions) <= 0.012


def test_the_spleen_is_on_the_patients_left_in_every_header(spleens: Path) -> None:
    for case in read_dataset(spleens).training:
        scan, labels = nib.load(case.image), np.asarray(nib.load(case.label).dataobj)
        if labels.any():
            x_mm, _, _ = (scan.affine @ [*np.argwhere(labels).mean(axis=0), 1.0])[:3]
            # RAS: to the left is below zero.
            assert x_mm < -50


def test_a_threshold_does_not_find_it(tmp_path: Path) -> None:
    report = make_spleen(tmp_path / "spleen", cases=4, seed=1, size="small")
    assert 0.0 < report.threshold_dice < 0.5
    assert make_brain_tumour(tmp_path / "brain", cases=4, seed=1, size="small").threshold_dice < 0.5


def test_the_threshold_is_the_best_there_is(spleens: Path) -> None:
    """Against plain search on the voxels themselves, with the same step."""
    note = json.loads((spleens / "phantom.json").read_text())
    values, truth = [], []
    for case in read_dataset(spleens).training:
        values.append(np.asarray(nib.load(case.image).dataobj).ravel())
        truth.append(np.asarray(nib.load(case.label).dataobj).ravel() > 0)
    hu, spleen = np.concatenate(values), np.concatenate(truth)
    best = 0.0
    for low in range(60, 140, 8):
        for high in range(low + 8, 200, 8):
            taken = (hu >= low) & (hu < high)
            best = max(best, 2 * (taken & spleen).sum() / (taken.sum() + spleen.sum()))
    # The note counts the unlabelled test scans as well, hence not to the last digit.
    assert note["threshold_dice"] == pytest.approx(best, abs=0.03)


def test_the_same_seed_gives_the_same_bytes_whatever_else_is_drawn(tmp_path: Path) -> None:
    make_spleen(tmp_path / "three", cases=3, seed=7, size="small", test_cases=1)
    make_spleen(tmp_path / "two", cases=2, seed=7, size="small", test_cases=1)
    three, two = digests(tmp_path / "three"), digests(tmp_path / "two")
    for name in ("imagesTr/spleen_0.nii.gz", "labelsTr/spleen_1.nii.gz"):
        assert three[name] == two[name]
    make_spleen(tmp_path / "other", cases=2, seed=8, size="small", test_cases=1)
    assert digests(tmp_path / "other")["imagesTr/spleen_0.nii.gz"] != two["imagesTr/spleen_0.nii.gz"]


def test_this_is_the_phantom_of_every_machine(tmp_path: Path) -> None:
    """A changed sum means that published figures on phantoms no longer hold; change it knowingly."""
    make_spleen(tmp_path / "golden", cases=1, seed=42, size="small", test_cases=0)
    label = np.asarray(nib.load(tmp_path / "golden" / "labelsTr" / "spleen_0.nii.gz").dataobj)
    scan = np.asarray(nib.load(tmp_path / "golden" / "imagesTr" / "spleen_0.nii.gz").dataobj)
    assert scan.shape == (72, 72, 35)
    assert int(label.sum()) == 1032
    # Sines may differ in their last bit between processors, and with them a few voxels by one HU.
    assert int(scan.astype(np.int64).sum()) == pytest.approx(-96498831, rel=1e-5)


def test_a_second_hospital_scans_differently(tmp_path: Path, spleens: Path) -> None:
    make_spleen(tmp_path / "B", cases=3, seed=4, size="small", hospital="B")

    def spleen_hu(folder: Path) -> float:
        values = [
            np.asarray(nib.load(case.image).dataobj)[np.asarray(nib.load(case.label).dataobj) > 0].mean()
            for case in read_dataset(folder).training[:3]
        ]
        return float(np.mean(values))

    assert spleen_hu(spleens) - spleen_hu(tmp_path / "B") > 25


def test_another_folder_is_not_overwritten_and_the_same_is_not_made_again(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years")
    with pytest.raises(VoxloopError, match="not a phantom"):
        make_spleen(tmp_path, cases=1, size="small")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    made = tmp_path / "made"
    first = make_spleen(made, cases=2, size="small")
    stamps = {path: path.stat().st_mtime_ns for path in made.rglob("*.nii.gz")}
    assert make_spleen(made, cases=2, size="small") == first
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*.nii.gz")} == stamps
    with pytest.raises(VoxloopError, match="other settings"):
        make_spleen(made, cases=2, seed=5, size="small")


def test_a_brain_has_four_aligned_channels_and_named_tissues(tmp_path: Path) -> None:
    make_brain_tumour(tmp_path / "brain", cases=5, seed=2, size="small")
    content = json.loads((tmp_path / "brain" / "dataset.json").read_text())
    assert content["modality"] == {"0": "FLAIR", "1": "T1w", "2": "T1gd", "3": "T2w"}
    assert content["labels"] == {"0": "background", "1": "edema", "2": "non-enhancing tumor", "3": "enhancing tumour"}
    present = []
    for case in read_dataset(tmp_path / "brain").training:
        scan, labels = np.asarray(nib.load(case.image).dataobj), np.asarray(nib.load(case.label).dataobj)
        assert scan.shape == (*labels.shape, 4)
        inside = np.asarray((scan > 0).all(axis=-1))
        assert not scan[~inside].any(), "zero outside the brain in every channel"
        assert inside[labels > 0].all()
        present.append(set(np.unique(labels).tolist()) - {0})
    assert {1, 2, 3} in present
    assert any(len(classes) == 2 for classes in present), "one class is missing at times"


def test_every_planted_fault_is_there(tmp_path: Path) -> None:
    faults = {fault.kind: fault for fault in make_broken(tmp_path / "broken")}
    assert len(faults) >= 16
    listed = json.loads((tmp_path / "broken" / "faults.json").read_text())
    assert {fault["kind"] for fault in listed} == set(faults)

    def path(kind: str) -> Path:
        return tmp_path / "broken" / faults[kind].file

    for kind in ("truncated", "lying_header", "no_affine", "apple_double"):
        with pytest.raises(VoxloopError):
            open_scan(path(kind))
    for kind in ("label_shape", "label_shifted", "label_flipped"):
        image = path(kind).parent.parent / "imagesTr" / path(kind).name
        with pytest.raises(VoxloopError, match=path(kind).name):
            open_labels(path(kind), like=open_scan(image).geometry)
    with pytest.raises(VoxloopError, match="fractions"):
        open_labels(path("label_fractions"), like=open_scan(path("label_fractions")).geometry).array()
    assert not np.asarray(nib.load(path("label_empty")).dataobj).any()
    assert 255 in np.unique(np.asarray(nib.load(path("label_value")).dataobj))
    assert np.isnan(np.asarray(nib.load(path("not_finite")).dataobj)).any()
    assert nib.load(path("extra_axis")).ndim == 4
    forms = nib.load(path("two_forms"))
    assert np.abs(forms.get_sform() - forms.get_qform()).max() == pytest.approx(40, abs=1e-3)
    assert path("duplicate").read_bytes() == (tmp_path / "broken" / "imagesTr" / "spleen_0.nii.gz").read_bytes()
