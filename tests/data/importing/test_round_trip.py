"""Law: what is exported and brought in again has the same voxels, the same places and the same names, bit for bit."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.data.importing.sources import content, loose, same, scan, state
from voxloop.data.decathlon import read_dataset
from voxloop.data.dividing import divide
from voxloop.data.exporting import export_dataset
from voxloop.data.formats.writing import write_volume
from voxloop.data.geometry import Affine, Geometry
from voxloop.data.importing import Wanted, bring_in
from voxloop.data.scans import open_scan
from voxloop.data.splits import Rule, read_splits
from voxloop.errors import VoxloopError

ORIENTATIONS = [
    (order, signs) for order in itertools.permutations(range(3)) for signs in itertools.product((-1.0, 1.0), repeat=3)
]


@st.composite
def affines(draw: st.DrawFn) -> Affine:
    """Any of the 48 orientations, turned by some degrees, with voxels up to eight times as long as wide."""
    order, signs = draw(st.sampled_from(ORIENTATIONS))
    spacing = [draw(st.sampled_from([0.5, 0.7421875, 1.0, 4.0])) for _ in range(3)]
    turn = np.eye(3)
    for axis, degrees in enumerate(draw(st.tuples(*[st.sampled_from([0.0, 7.0, -21.5])] * 3))):
        one, other = [i for i in range(3) if i != axis]
        sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
        step = np.eye(3)
        step[one, one] = step[other, other] = cosine
        step[one, other], step[other, one] = -sine, sine
        turn = turn @ step
    axes = np.zeros((3, 3))
    for axis, (to, sign) in enumerate(zip(order, signs, strict=True)):
        axes[to, axis] = sign * spacing[axis]
    affine = np.eye(4)
    affine[:3, :3] = turn @ axes
    affine[:3, 3] = draw(st.tuples(*[st.sampled_from([0.0, -123.4375, 1e3])] * 3))
    # NIfTI keeps places as float32; other formats keep more, and lose nothing of it.
    return affine.astype(np.float32).astype(np.float64)


@st.composite
def scans(draw: st.DrawFn) -> tuple[npt.NDArray[Any], npt.NDArray[np.uint8], Affine]:
    shape = draw(st.sampled_from([(5, 7, 3), (1, 6, 4), (4, 1, 1), (3, 2, 1)]))
    channels = draw(st.sampled_from([1, 1, 2, 4]))
    dtype = draw(st.sampled_from([np.int16, np.uint8, np.float32, np.int32, np.float64]))
    chance = np.random.default_rng(draw(st.integers(0, 999)))
    voxels = chance.integers(0, 200, shape if channels == 1 else (*shape, channels)).astype(dtype)
    return voxels, chance.integers(0, 3, shape).astype(np.uint8), draw(affines())


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(scans(), st.sampled_from(["decathlon", "nnunet"]), st.sampled_from([".nii.gz", ".nrrd", ".mha"]), st.booleans())
def test_import_after_export_gives_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: tuple[npt.NDArray[Any], npt.NDArray[np.uint8], Affine],
    to: str,
    ending: str,
    copy: bool,
) -> None:
    voxels, labels, affine = drawn
    place = tmp_path_factory.mktemp("trip")
    source = place / "source"
    for folder in ("images", "labels"):
        (source / folder).mkdir(parents=True)
    grid = Geometry((labels.shape[0], labels.shape[1], labels.shape[2]), affine)
    write_volume(source / "images/case 1.nii.gz", voxels, grid)
    write_volume(source / "labels/case 1.nii.gz", labels, grid)
    channels = tuple(f"c{number}" for number in range(1 if voxels.ndim == 3 else voxels.shape[3]))
    wanted = Wanted(names={1: "liver", 2: "tumour of the liver"}, modality=channels)
    first = bring_in(source, place / "first", "livers", wanted=wanted, copy=copy)
    export_dataset(first.folder, place / "out", to, ending)
    second = bring_in(place / "out", place / "second")
    before, after = read_dataset(first.folder), read_dataset(second.folder)
    assert (after.labels, after.modality) == (before.labels, before.modality)
    assert [case.id for case in after.training] == [case.id for case in before.training] == ["case_1"]
    for one, other in (
        (before.training[0].image, after.training[0].image),
        (before.training[0].label, after.training[0].label),
    ):
        old, new = open_scan(one), open_scan(other)
        assert same(new.array(), old.array())
        if ending == ".mha":
            # MetaImage keeps directions and spacing apart, and their product is rounded once.
            assert np.allclose(new.geometry.affine, old.geometry.affine, rtol=0, atol=1e-12)
        else:
            assert (new.geometry.affine == old.geometry.affine).all()
    assert same(open_scan(after.training[0].image).array(), voxels)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    source = loose(tmp_path / "source", [f"p{who}_{visit}" for who in range(4) for visit in "ab"])
    wanted = Wanted("images/{case}_ct", "labels/{case}_seg", {1: "liver", 4: "spleen"}, ("CT",))
    folder = bring_in(source, tmp_path / "dataset", "organs", wanted=wanted).folder
    said = content(folder)
    for entry in said["training"]:
        entry["patient"] = Path(entry["image"]).name[:2]
    (folder / "dataset.json").write_text(json.dumps(said))
    (folder / "splits.json").unlink()
    divide(folder, "cv", Rule(4))
    return folder


def test_an_export_is_whole_and_leaves_the_dataset_alone(dataset: Path, tmp_path: Path) -> None:
    before = state(dataset)
    export_dataset(dataset, tmp_path / "out")
    assert state(dataset) == before
    assert not any(path.is_symlink() for path in (tmp_path / "out").rglob("*"))
    exported = read_dataset(tmp_path / "out")
    assert exported.patients == read_dataset(dataset).patients
    assert read_splits(tmp_path / "out") == read_splits(dataset)
    assert list(tmp_path.glob(".*")) == []


def test_nnunet_gets_its_own_words(dataset: Path, tmp_path: Path) -> None:
    made = export_dataset(dataset, tmp_path / "Dataset001_Organs", "nnunet", ".nrrd", split="cv")
    said = content(made.folder)
    assert said["channel_names"] == {"0": "CT"}
    assert said["labels"] == {"background": 0, "liver": 1, "spleen": 2}
    assert said["file_ending"] == ".nrrd"
    assert any("4 is 2" in one for one in made.said)
    assert (made.folder / "imagesTr/p0_a_0000.nrrd").is_file()
    folds = json.loads((made.folder / "splits_final.json").read_text())
    assert [sorted(one) for one in folds] == [["train", "val"]] * 4
    back = bring_in(made.folder, tmp_path / "back").folder
    assert read_dataset(back).patients == read_dataset(dataset).patients
    mine, theirs = read_splits(dataset), read_splits(back)
    assert all(theirs[f"nnunet/{fold}"].parts == mine[f"cv/{fold}"].parts for fold in range(4))


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({"to": "elsewhere"}, "No layout"),
        ({"ending": ".dcm"}, "cannot be written"),
        ({"split": "cvv"}, 'Did you mean "cv"'),
    ],
)
def test_an_export_that_cannot_be_is_refused(dataset: Path, tmp_path: Path, arguments: Any, part: str) -> None:
    with pytest.raises(VoxloopError, match=part):
        export_dataset(dataset, tmp_path / "out", **arguments)
    with pytest.raises(VoxloopError, match="already there"):
        export_dataset(dataset, dataset)


def test_an_export_that_breaks_off_leaves_nothing(dataset: Path, tmp_path: Path) -> None:
    broken = (dataset / "imagesTr/p2_a.nii.gz").resolve()
    broken.write_bytes(broken.read_bytes()[:-20])
    with pytest.raises(VoxloopError, match="p2_a"):
        export_dataset(dataset, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert list(tmp_path.glob(".*")) == []


def test_a_dataset_elsewhere_comes_with_all_that_it_says(dataset: Path, tmp_path: Path) -> None:
    scan(dataset / "imagesTs/later.nii.gz")
    said = {**content(dataset), "licence": "CC-BY-SA 4.0", "test": ["./imagesTs/later.nii.gz"]}
    (dataset / "dataset.json").write_text(json.dumps(said))
    made = bring_in(dataset, tmp_path / "again", "organs")
    assert (made.layout, made.tests) == ("decathlon", 1)
    assert content(made.folder)["licence"] == "CC-BY-SA 4.0"
    again = read_dataset(made.folder)
    assert again.patients == read_dataset(dataset).patients
    mine, theirs = read_splits(dataset), read_splits(made.folder)
    assert {name: theirs[name] for name in mine} == mine


def test_a_value_without_a_name_does_not_become_a_class_where_numbers_change(dataset: Path, tmp_path: Path) -> None:
    """5 is the second class and would be 2 for nnU-Net, where the label holds a 2 that nobody has named."""
    case = read_dataset(dataset).training[0]
    scan = open_scan(case.image)
    labels = np.zeros(scan.geometry.shape, np.uint8)
    labels[0], labels[1] = 2, 5
    case.label.unlink()
    write_volume(case.label, labels, scan.geometry)
    said = json.loads((dataset / "dataset.json").read_text())
    said["labels"] = {"0": "background", "5": "liver"}
    (dataset / "dataset.json").write_text(json.dumps(said))
    with pytest.raises(VoxloopError, match=f"{case.id}: its label holds .*2"):
        export_dataset(dataset, tmp_path / "out", "nnunet")
    assert not (tmp_path / "out").exists()
