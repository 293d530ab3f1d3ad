"""BIDS: a session is a case, a subject a patient, a suffix a channel, and labels lie below derivatives."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.importing.sources import label, scan
from voxloop.data.decathlon import read_dataset
from voxloop.data.importing import Wanted, bring_in
from voxloop.data.scans import open_scan
from voxloop.errors import VoxloopError

NAMES = Wanted(names={1: "lesion"})


def bids(folder: Path, sessions: bool = True, suffix: str = "dseg") -> Path:
    for subject in ("01", "02"):
        for session in ("a", "b") if sessions else ("",):
            place = f"sub-{subject}/ses-{session}/anat" if sessions else f"sub-{subject}/anat"
            stem = f"sub-{subject}_ses-{session}" if sessions else f"sub-{subject}"
            for number, channel in enumerate(("T1w", "FLAIR")):
                scan(folder / place / f"{stem}_{channel}.nii.gz", int(subject) * 10 + number)
            label(folder / "derivatives/manual" / place / f"{stem}_{suffix}.nii.gz")
    scan(folder / "sub-01/func/sub-01_bold.nii.gz")
    return folder


def test_sessions_are_cases_and_subjects_patients(tmp_path: Path) -> None:
    made = bring_in(bids(tmp_path / "source"), tmp_path / "out", wanted=NAMES)
    assert made.layout == "bids"
    dataset = read_dataset(made.folder)
    assert dataset.patients == {
        "sub-01_ses-a": "sub-01",
        "sub-01_ses-b": "sub-01",
        "sub-02_ses-a": "sub-02",
        "sub-02_ses-b": "sub-02",
    }
    assert list(dataset.modality.values()) == ["FLAIR", "T1w"]
    assert open_scan(dataset.training[0].image).channels == 2


def test_channels_are_chosen_by_suffix(tmp_path: Path) -> None:
    source = bids(tmp_path / "source", sessions=False)
    made = bring_in(source, tmp_path / "out", wanted=Wanted(names={1: "lesion"}, modality=("T1w",)))
    image = read_dataset(made.folder).case("sub-02").image
    assert image.readlink() == source / "sub-02/anat/sub-02_T1w.nii.gz"
    assert any("not: FLAIR" in one for one in made.said)
    with pytest.raises(VoxloopError, match='ends in "T2w"; there are: FLAIR, T1w'):
        bring_in(source, tmp_path / "other", wanted=Wanted(names={1: "lesion"}, modality=("T2w",)))


def test_a_suffix_that_not_all_have_is_no_channel_by_itself(tmp_path: Path) -> None:
    source = bids(tmp_path / "source", sessions=False)
    (source / "sub-02/anat/sub-02_FLAIR.nii.gz").unlink()
    assert bring_in(source, tmp_path / "out", wanted=NAMES).modality == ["T1w"]
    (source / "sub-01/anat/sub-01_T1w.nii.gz").unlink()
    with pytest.raises(VoxloopError, match="choose channels with --modality"):
        bring_in(source, tmp_path / "other", wanted=NAMES)


@pytest.mark.parametrize("place", ["dseg.tsv", "derivatives/manual/dseg.tsv", "derivatives/manual/desc-aseg_dseg.tsv"])
def test_names_come_from_the_table(tmp_path: Path, place: str) -> None:
    source = bids(tmp_path / "source")
    (source / place).write_text("index\tname\n0\tbackground\n1\tgrey matter\n2\twhite matter\n")
    made = bring_in(source, tmp_path / "out")
    assert made.labels == {0: "background", 1: "grey matter", 2: "white matter"}


def test_a_mask_of_one_thing_names_itself(tmp_path: Path) -> None:
    made = bring_in(bids(tmp_path / "source", suffix="label-lesion_mask"), tmp_path / "out")
    assert made.labels == {0: "background", 1: "lesion"}


def test_two_labels_of_a_session_are_told_apart_by_their_path(tmp_path: Path) -> None:
    source = bids(tmp_path / "source", sessions=False)
    label(source / "derivatives/automatic/sub-01/anat/sub-01_dseg.nii.gz")
    with pytest.raises(VoxloopError, match="Two labels are there for sub-01"):
        bring_in(source, tmp_path / "out", wanted=NAMES)
    made = bring_in(source, tmp_path / "out", wanted=Wanted(labels="manual", names={1: "lesion"}))
    assert "manual" in read_dataset(made.folder).case("sub-01").label.readlink().as_posix()


def test_two_scans_of_one_suffix_are_refused(tmp_path: Path) -> None:
    source = bids(tmp_path / "source", sessions=False)
    scan(source / "sub-01/anat/sub-01_run-2_T1w.nii.gz")
    with pytest.raises(VoxloopError, match="Two scans are there for sub-01"):
        bring_in(source, tmp_path / "out", wanted=NAMES)
