"""An import is whole or not there; the same again changes nothing, more adds, and no id ever changes."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.importing.sources import content, label, loose, same, scan, state, write
from voxloop.data.decathlon import read_dataset, split_cases
from voxloop.data.dividing import extend_all
from voxloop.data.formats.writing import write_volume
from voxloop.data.importing import Wanted, bring_in
from voxloop.data.importing.names import parse_names
from voxloop.data.importing.record import ids_for
from voxloop.data.scans import open_scan
from voxloop.errors import VoxloopError

SPLEEN = Wanted(names={1: "spleen"}, modality=("CT",))


def test_a_dataset_refers_to_its_source_and_leaves_it_alone(tmp_path: Path) -> None:
    source = loose(tmp_path / "source", ["a", "b"])
    before = state(source)
    made = bring_in(source, tmp_path / "out", "spleens", wanted=SPLEEN)
    assert (made.cases, made.added, made.changed) == (2, 2, 0)
    dataset = read_dataset(made.folder)
    assert (dataset.name, dataset.labels, dataset.modality) == ("spleens", {0: "background", 1: "spleen"}, {0: "CT"})
    assert dataset.case("a").image.readlink() == source / "images/a_ct.nii.gz"
    assert state(source) == before
    assert list(tmp_path.glob(".*")) == []


def test_a_dry_run_writes_nothing_and_says_all(tmp_path: Path) -> None:
    source = loose(tmp_path / "source", ["a", "b"])
    before = state(tmp_path)
    told = bring_in(source, tmp_path / "out", wanted=SPLEEN, dry_run=True)
    assert state(tmp_path) == before
    made = bring_in(source, tmp_path / "out", wanted=SPLEEN)
    assert replace(told, dry_run=False) == made


def test_the_same_source_again_is_no_change(tmp_path: Path) -> None:
    source = loose(tmp_path / "source", ["a", "b"])
    first = bring_in(source, tmp_path / "out", wanted=SPLEEN).folder
    before = state(first)
    again = bring_in(source, first)
    assert (again.cases, again.added, again.changed) == (2, 0, 0)
    assert state(first) == before


def test_more_cases_are_added_and_the_old_ones_stay(tmp_path: Path) -> None:
    source = loose(tmp_path / "source", ["b", "c"])
    folder = bring_in(source, tmp_path / "out", wanted=SPLEEN).folder
    old = {entry["image"]: entry for entry in content(folder)["training"]}
    split = split_cases(folder)
    loose(source, ["a", "d"])
    again = bring_in(source, folder)
    assert [row.id for row in again.rows if row.what == "new"] == ["a", "d"]
    new = {entry["image"]: entry for entry in content(folder)["training"]}
    assert old.items() <= new.items()
    assert len(new) == 4
    assert split_cases(folder) == split
    assert any("--extend" in one for one in again.said)
    extend_all(folder)
    assert not any("--extend" in one for one in bring_in(source, folder).said)


def test_cases_that_left_the_source_stay_and_are_told(tmp_path: Path) -> None:
    source = loose(tmp_path / "source", ["a", "b"])
    folder = bring_in(source, tmp_path / "out", wanted=SPLEEN, copy=True).folder
    (source / "labels/a_seg.nii.gz").unlink()
    again = bring_in(source, folder, copy=True)
    assert again.cases == 2
    assert any("1 are not in" in one and "a" in one for one in again.said)
    assert len(read_dataset(folder).training) == 2


def test_a_source_that_moved_is_found_and_another_of_its_names_refused(tmp_path: Path) -> None:
    source = loose(tmp_path / "source", ["a", "b"])
    folder = bring_in(source, tmp_path / "out", wanted=SPLEEN).folder
    other = loose(tmp_path / "other", ["a"])
    with pytest.raises(VoxloopError, match=r'case "a" is made from .*has the same name'):
        bring_in(other, folder)
    moved = source.rename(tmp_path / "moved")
    again = bring_in(moved, folder)
    assert again.changed == 2
    assert read_dataset(folder).case("a").image.readlink() == moved / "images/a_ct.nii.gz"


def test_a_case_taken_off_the_list_stays_off_and_one_put_there_stays(tmp_path: Path) -> None:
    source = loose(tmp_path / "source", ["a", "b", "c"])
    folder = bring_in(source, tmp_path / "out", wanted=SPLEEN).folder
    said = content(folder)
    scan(folder / "imagesTr/mine.nii.gz")
    label(folder / "labelsTr/mine.nii.gz")
    mine = {"image": "./imagesTr/mine.nii.gz", "label": "./labelsTr/mine.nii.gz", "patient": "Me"}
    write(folder / "dataset.json", {**said, "training": [*said["training"][1:], mine]})
    again = bring_in(source, folder)
    assert any("taken off the list" in one for one in again.said)
    assert read_dataset(folder).patients == {"b": None, "c": None, "mine": "Me"}
    loose(source, ["mine"])
    with pytest.raises(VoxloopError, match="put there by hand"):
        bring_in(source, folder)


@pytest.mark.parametrize("ending", [".nii.gz", ".nii", ".nrrd", ".mha"])
def test_copies_hold_the_same_voxels_without_the_source(tmp_path: Path, ending: str) -> None:
    source = loose(tmp_path / "source", ["a"], f"images/{{}}{ending}", f"labels/{{}}{ending}")
    before = {name: open_scan(source / f"{name}/a{ending}") for name in ("images", "labels")}
    voxels = {name: opened.array() for name, opened in before.items()}
    folder = bring_in(source, tmp_path / "out", wanted=SPLEEN, copy=True).folder
    shutil.rmtree(source)
    case = read_dataset(folder).case("a")
    for name, path in (("images", case.image), ("labels", case.label)):
        assert path.name == "a.nii.gz"
        assert not path.is_symlink()
        copied = open_scan(path)
        assert same(copied.array(), voxels[name])
        assert (copied.geometry.affine == before[name].geometry.affine).all()


def test_what_was_referred_to_can_be_copied_later(tmp_path: Path) -> None:
    source = loose(tmp_path / "source", ["a", "b"], "images/{}.nrrd", "labels/{}.nrrd")
    folder = bring_in(source, tmp_path / "out", wanted=SPLEEN).folder
    again = bring_in(source, folder, copy=True)
    assert again.changed == 2
    assert sorted(path.name for path in (folder / "imagesTr").iterdir()) == ["a.nii.gz", "b.nii.gz"]


def test_an_import_that_was_interrupted_goes_on_where_it_was(tmp_path: Path) -> None:
    source = loose(tmp_path / "source", ["a", "b", "c"], "images/{}.nrrd", "labels/{}.nrrd")

    def interrupt(done: int, total: int, what: str) -> None:
        if what == "c" and list((tmp_path / ".partial-out/imagesTr").glob("b*")):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bring_in(source, tmp_path / "out", wanted=SPLEEN, copy=True, progress=interrupt)
    assert not (tmp_path / "out").exists()
    half = tmp_path / ".partial-out/imagesTr/a.nii.gz"
    made = half.stat().st_mtime_ns
    # Another file than the one that was read: its copy is no longer good.
    scan(source / "images/b.nrrd", seed=99)
    folder = bring_in(source, tmp_path / "out", wanted=SPLEEN, copy=True).folder
    assert (folder / "imagesTr/a.nii.gz").stat().st_mtime_ns == made
    assert same(open_scan(folder / "imagesTr/b.nii.gz").array(), open_scan(source / "images/b.nrrd").array())
    assert not (tmp_path / ".partial-out").exists()


def test_files_that_cannot_be_read_leave_only_their_case_out(tmp_path: Path) -> None:
    source = loose(tmp_path / "source", ["a", "b", "c"])
    (source / "images/b_ct.nii.gz").write_bytes(b"no scan")
    (source / "labels/c_seg.nii.gz").unlink()
    (source / "labels/c_seg.nii.gz").symlink_to(tmp_path / "nowhere")
    made = bring_in(source, tmp_path / "out", wanted=SPLEEN)
    assert [row.id for row in made.rows] == ["a"]
    assert any("2 cases are left out" in one and "b (" in one and "c (" in one for one in made.said)


@pytest.mark.parametrize("place", ["source/out", "source", "."])
def test_nothing_is_written_into_a_source(tmp_path: Path, place: str) -> None:
    source = loose(tmp_path / "source", ["a"])
    with pytest.raises(VoxloopError, match="--out"):
        bring_in(source, tmp_path / place, wanted=SPLEEN)


def test_a_folder_of_somebody_else_is_not_brought_into(tmp_path: Path) -> None:
    source = loose(tmp_path / "source", ["a"])
    write(tmp_path / "out/dataset.json", {"name": "out"})
    with pytest.raises(VoxloopError, match="not made by"):
        bring_in(source, tmp_path / "out", wanted=SPLEEN)


def test_labels_and_channels_that_contradict_the_dataset_are_refused(tmp_path: Path) -> None:
    source = loose(tmp_path / "source", ["a"])
    folder = bring_in(source, tmp_path / "out", wanted=SPLEEN).folder
    with pytest.raises(VoxloopError, match='calls the label 1 "spleen", and it is "liver"'):
        bring_in(source, folder, wanted=Wanted(names={1: "liver"}))
    with pytest.raises(VoxloopError, match="are CT, and these are MR"):
        bring_in(source, folder, wanted=Wanted(modality=("MR",)))
    scan(source / "images/b_ct.nii.gz", channels=4)
    label(source / "labels/b_seg.nii.gz")
    with pytest.raises(VoxloopError, match="has 4 channels"):
        bring_in(source, folder)


@pytest.mark.parametrize("said", ["spleen", "1=", "=spleen", "300=spleen", "-1=spleen", "one=spleen"])
def test_a_name_without_a_value_is_refused(said: str) -> None:
    with pytest.raises(VoxloopError, match="VALUE=NAME"):
        parse_names([said])


def test_two_values_of_one_name_are_refused() -> None:
    with pytest.raises(VoxloopError, match="both called"):
        parse_names(["1=Spleen", "2=spleen"])


# Ids

names = st.dictionaries(st.text(min_size=1, max_size=12), st.text(min_size=1, max_size=12), min_size=1, max_size=12)


@settings(deadline=None, max_examples=100)
@given(names, names, st.randoms(use_true_random=False))
def test_ids_are_unlike_fit_for_files_and_stay(first: dict[str, str], later: dict[str, str], chance: object) -> None:
    ids = ids_for(first, {})
    assert len({one.casefold() for one in ids.values()}) == len(first)
    for one in ids.values():
        assert "/" not in one
        assert one.isprintable()
        assert not one.startswith((".", "-"))
    assert ids_for(dict(reversed(first.items())), {}) == ids
    more = ids_for({**later, **first}, ids)
    assert {key: more[key] for key in ids} == ids
    assert len({one.casefold() for one in more.values()}) == len(more)


def test_an_id_is_the_name_where_the_name_can_be_one() -> None:
    assert ids_for({"1": "spleen_12", "2": "Zoë 3", "3": "Zoë_3"}, {})["1"] == "spleen_12"
    ids = ids_for({"2": "Zoë 3", "3": "Zoë_3", "4": "../../etc/passwd"}, {})
    assert ids["3"] == "Zoë_3"
    assert ids["2"].startswith("Zoë_3-")
    assert ids["4"] == "_.._etc_passwd"


def test_a_label_that_was_corrected_in_the_dataset_outlives_every_import(tmp_path: Path) -> None:
    source = loose(tmp_path / "source", ["a", "b"])
    wanted = Wanted("images/{case}_ct", "labels/{case}_seg", {1: "liver"}, ("CT",))
    folder = bring_in(source, tmp_path / "dataset", wanted=wanted, copy=True).folder
    label = folder / "labelsTr" / "a.nii.gz"
    grid = open_scan(label).geometry
    corrected = np.ones(grid.shape, np.uint8)
    write_volume(label, corrected, grid)
    for moved in (False, True):
        if moved:
            source = source.rename(tmp_path / "moved")
        again = bring_in(source, folder, wanted=wanted)
        assert (open_scan(label).array() == corrected).all()
        assert not any(path.is_symlink() for path in folder.rglob("*")), "what was copied once stays a copy"
    assert any("labelsTr/a.nii.gz was changed in the dataset" in sentence for sentence in again.said)
    label.unlink()
    bring_in(source, folder, wanted=wanted)
    assert not (open_scan(label).array() == corrected).all(), "made anew where it was deleted"


def test_a_link_that_was_replaced_by_a_corrected_label_is_not_put_back(tmp_path: Path) -> None:
    source = loose(tmp_path / "source", ["a"])
    wanted = Wanted("images/{case}_ct", "labels/{case}_seg", {1: "liver"}, ("CT",))
    folder = bring_in(source, tmp_path / "dataset", wanted=wanted).folder
    label = folder / "labelsTr" / "a.nii.gz"
    grid = open_scan(label).geometry
    label.unlink()
    write_volume(label, np.ones(grid.shape, np.uint8), grid)
    bring_in(source.rename(tmp_path / "moved"), folder, wanted=wanted)
    assert (open_scan(label).array() == 1).all()
    assert (folder / "imagesTr" / "a.nii.gz").readlink().is_relative_to(tmp_path / "moved")
