"""Loose files are paired by a name in their paths, never by their order; what has no partner is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.importing.sources import label, loose, scan, state
from voxloop.data.decathlon import read_dataset
from voxloop.data.importing import Imported, Wanted, bring_in
from voxloop.data.importing.patterns import compiled
from voxloop.data.scans import open_labels, open_scan
from voxloop.errors import VoxloopError

SPLEEN = Wanted(names={1: "spleen"}, modality=("CT",))


def bring(source: Path, wanted: Wanted = SPLEEN) -> Imported:
    return bring_in(source, source.parent / "dataset", wanted=wanted, layout="pairs")


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("images/{}.nii.gz", "labels/{}.nii.gz"),
        ("images/{}_ct.nii.gz", "labels/{}_seg.nii.gz"),
        ("Images/{}.nrrd", "Masks/{}-mask.nii.gz"),
        ("{}_image.mha", "{}_label.mha"),
        ("{}.nii.gz", "{}_seg.nii.gz"),
        ("{0}/image.nii", "{0}/label.nii.gz"),
        ("deep/{0}/{0}_ct.nii.gz", "deep/{0}/{0}_gt.nii.gz"),
        ("train/scans/{}.nii.gz", "train/segmentations/{}_segmentation.nrrd"),
    ],
)
def test_the_usual_ways_to_name_files_are_guessed_and_told(tmp_path: Path, images: str, labels: str) -> None:
    source = loose(tmp_path / "source", ["a_2", "a_10", "b"], images, labels)
    made = bring(source)
    assert [row.id for row in made.rows] == ["a_2", "a_10", "b"]
    assert "Guessed" in made.said[0]
    for case in read_dataset(made.folder).training:
        assert case.image.resolve() == source / images.format(case.id)
        assert case.label.resolve() == source / labels.format(case.id)


def test_a_missing_label_shifts_no_pair(tmp_path: Path) -> None:
    source = loose(tmp_path / "source", ["a", "b", "c"])
    (source / "labels/a_seg.nii.gz").unlink()
    scan(source / "images/._b_ct.nii.gz")
    (source / "images/notes.nii.gz.txt").touch()
    made = bring(source)
    assert [row.id for row in made.rows] == ["b", "c"]
    assert any("1 scan is left out, no label has their name: images/a_ct.nii.gz" in one for one in made.said)
    for case in read_dataset(made.folder).training:
        assert case.image.resolve().name[0] == case.label.resolve().name[0]


def test_a_pattern_says_which_part_is_the_patient(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for who in ("anna", "ben"):
        for visit in ("1", "2"):
            scan(source / f"ct/{who}/{visit}.nii.gz", int(visit))
            label(source / f"seg/{who}/{visit}.nrrd")
    made = bring(source, Wanted("ct/{patient}/{case}", "seg/{patient}/{case}", {1: "spleen"}))
    dataset = read_dataset(made.folder)
    assert dataset.patients == {"anna_1": "anna", "anna_2": "anna", "ben_1": "ben", "ben_2": "ben"}


def test_channels_in_files_of_their_own_become_one_scan(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for number, case in enumerate(("BraTS_1", "BraTS_2")):
        for channel in ("t1", "flair"):
            scan(source / case / f"{case}_{channel}.nii.gz", number * 2 + (channel == "t1"))
        label(source / case / f"{case}_seg.nii.gz", (1, 2))
    wanted = Wanted(names={1: "edema", 2: "core"}, modality=("t1", "flair"))
    made = bring(source, wanted)
    dataset = read_dataset(made.folder)
    assert dataset.modality == {0: "t1", 1: "flair"}
    opened = open_scan(dataset.training[0].image)
    assert opened.channels == 2
    assert (opened.array()[..., 0] == open_scan(source / "BraTS_1/BraTS_1_t1.nii.gz").array()).all()
    (source / "BraTS_2/BraTS_2_t1.nii.gz").unlink()
    again = bring_in(source, tmp_path / "less", wanted=wanted)
    assert [row.id for row in again.rows] == ["BraTS_1"]
    assert any("BraTS_2 (no t1)" in one for one in again.said)


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        (Wanted("images/x_ct.nii.gz", "labels/{case}.nii.gz"), "does not say where a case's name stands"),
        (Wanted("images/{name}.nii.gz", "labels/{case}.nii.gz"), "is not known"),
        (Wanted("images/{case}_mr", "labels/{case}_seg"), "no case with scan"),
        (Wanted("images/{case}_ct", None), "together"),
        (Wanted("images/{case}_*", "labels/{case}_seg", {1: "spleen"}), 'Two scans are there for the case "a"'),
        (Wanted("images/{case}_ct", "labels/{case}_*", {1: "spleen"}), 'Two labels are there for the case "a"'),
    ],
)
def test_a_pattern_that_does_not_fit_is_refused(tmp_path: Path, wanted: Wanted, part: str) -> None:
    source = loose(tmp_path / "source", ["a", "b"])
    scan(source / "images/a_extra.nii.gz")
    label(source / "labels/a_other.nii.gz")
    with pytest.raises(VoxloopError, match=part) as caught:
        bring(source, wanted)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "dataset").exists()


def test_what_values_mean_is_asked_for_with_the_values_that_are_there(tmp_path: Path) -> None:
    source = loose(tmp_path / "source", ["a"])
    label(source / "labels/a_seg.nii.gz", (3, 7))
    with pytest.raises(VoxloopError, match="the values 3, 7; name them: --label 3=NAME --label 7=NAME"):
        bring(source, Wanted())


def test_segments_name_themselves(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for case, names in (("a", {1: "liver", 2: "spleen"}), ("b", {1: "spleen", 2: "liver"})):
        scan(source / f"{case}.nrrd")
        label(source / f"{case}_seg.seg.nrrd", (1, 2), names)
    wanted = Wanted("{case}.nrrd", "{case}_seg.seg.nrrd")
    with pytest.raises(VoxloopError, match="renumbered by name"):
        bring(source, wanted)
    before = state(source)
    made = bring(source, Wanted("{case}.nrrd", "{case}_seg.seg.nrrd", {1: "spleen", 2: "liver"}))
    dataset = read_dataset(made.folder)
    assert dataset.labels == {0: "background", 1: "spleen", 2: "liver"}
    a, b = (open_labels(case.label, like=open_scan(case.image).geometry).array() for case in dataset.training)
    original = open_scan(source / "b_seg.seg.nrrd").array()
    assert (b == original).all()
    assert (a == [0, 2, 1][0] + (original == 1) * 2 + (original == 2) * 1).all()
    assert dataset.case("b").label.is_symlink()
    assert not dataset.case("a").label.is_symlink()
    assert state(source) == before


def test_links_in_circles_end(tmp_path: Path) -> None:
    source = loose(tmp_path / "source", ["a"])
    (source / "images/round").symlink_to(source)
    assert bring(source).cases == 1


@pytest.mark.parametrize("text", ["images/{patient}/{case}_ct.nii.gz", "./images/{patient}/{case}_ct", "**/{case}_ct"])
def test_patterns_read_paths(text: str) -> None:
    place = compiled(text).place("images/p1/c_7_ct.nii.gz")
    assert place is not None
    assert place.case == "c_7"
    assert compiled(text).place("images/p1/c_7_mr.nii.gz") is None
