"""A PACS export becomes cases: each series with what was drawn on it, the label map written, the slices referred to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import generate_uid

from tests.data.dicom.tracing import Mask, blob, contours_of
from tests.data.dicom.writing import some_hu, write_series, write_structures
from tests.data.importing.sources import label, state
from tests.data.test_grid import SHAPE, oblique
from voxloop.data.decathlon import read_dataset
from voxloop.data.dicom import open_series
from voxloop.data.importing import Wanted, bring_in
from voxloop.data.manifest import read_manifest
from voxloop.data.scans import open_labels, open_scan
from voxloop.errors import VoxloopError


def visit(
    folder: Path, patient: str, names: dict[str, int], seed: int = 0, parts: int = 1, **values: Any
) -> dict[str, Mask]:
    """A series, and structures of these names drawn on it, in one file or several."""
    uid = generate_uid()
    files = write_series(folder / "ct", some_hu(seed), oblique(9.0), series=uid, PatientID=patient, **values)
    grid = open_series(files).geometry
    masks = {name: blob(one, SHAPE) for name, one in names.items()}
    for part in range(parts):
        mine = {name: contours_of(mask, grid) for name, mask in list(masks.items())[part::parts]}
        write_structures(folder / f"rt{part or ''}", mine, series=uid)
    return masks


def test_structures_become_labels_and_slices_are_referred_to(tmp_path: Path) -> None:
    source = tmp_path / "pacs"
    masks = [
        visit(source / who, who, {"Spleen": number}, number) for number, who in enumerate(("secret-a", "secret-b"))
    ]
    before = state(source)
    made = bring_in(source, tmp_path / "out")
    assert (made.layout, made.cases, made.labels, made.modality) == ("dicom", 2, {0: "background", 1: "Spleen"}, ["CT"])
    assert state(source) == before
    dataset = read_dataset(made.folder)
    assert len(set(dataset.patients.values())) == 2
    for case in dataset.training:
        assert "secret" not in case.id
        image = open_scan(case.image)
        number = int((image.array() == some_hu(1)).all())
        assert (image.array() == some_hu(number)).all()
        labels = open_labels(case.label, like=image.geometry).array()
        assert (labels == masks[number]["Spleen"]).all()
        assert case.image.name == f"{case.id}.volume.json"
        assert case.label.name == f"{case.id}.nii.gz"
    assert "secret" not in (made.folder / "dataset.json").read_text()


def test_the_same_export_again_draws_nothing_and_a_new_structure_set_draws_anew(tmp_path: Path) -> None:
    source = tmp_path / "pacs"
    visit(source / "a", "a", {"Spleen": 1})
    folder = bring_in(source, tmp_path / "out").folder
    before, first = state(folder), read_manifest(folder)
    assert bring_in(source, folder).changed == 0
    assert state(folder) == before
    visit(source / "b", "b", {"SPLEEN": 2}, seed=5)
    again = bring_in(source, folder)
    assert (again.added, again.changed) == (1, 0)
    (uid,) = {read_manifest(folder).cases[number].id for number in range(2)} - {first.cases[0].id}
    rt = source / "b/rt"
    grid = open_series(sorted((source / "b/ct").iterdir())).geometry
    series = next(iter(_series(source / "b/ct")))
    write_structures(rt, {"spleen": contours_of(blob(9, SHAPE), grid)}, series=series)
    third = bring_in(source, folder)
    assert [row.id for row in third.rows if row.what == "changed"] == [uid]
    case = read_dataset(folder).case(uid)
    assert (open_labels(case.label, like=grid).array() == blob(9, SHAPE)).all()


def _series(folder: Path) -> set[str]:
    from voxloop.data.dicom import discover

    return {one.uid for one in discover(folder).series}


def test_structures_that_differ_are_asked_about_and_chosen_by_name(tmp_path: Path) -> None:
    source = tmp_path / "pacs"
    masks = visit(source / "a", "a", {"BODY": 1, "spleen": 2, "liver": 3}, StudyDescription="x")
    visit(source / "b", "b", {"Spleen": 4}, seed=1)
    visit(source / "c", "c", {"heart": 5}, seed=2, SeriesDescription="thorax")
    with pytest.raises(VoxloopError, match=r"hold different structures: .*spleen.*--label 1="):
        bring_in(source, tmp_path / "out")
    made = bring_in(source, tmp_path / "out", wanted=Wanted(names={1: "liver", 2: "spleen"}))
    assert made.cases == 2
    told = " ".join(made.said)
    assert "thorax (heart)" in told
    assert "lack a structure, which is background there: abdomen (liver)" in told
    dataset = read_dataset(made.folder)
    drawn = [open_scan(case.label).array() for case in dataset.training]
    a = next(labels for labels in drawn if labels.max() == 2 and (labels == 1).any())
    assert (a[~(masks["spleen"] | masks["liver"])] == 0).all()
    assert (a[masks["spleen"] & ~masks["liver"]] == 2).all()
    assert (a[masks["liver"] & ~masks["spleen"]] == 1).all()


def test_structures_in_several_files_are_put_together(tmp_path: Path) -> None:
    source = tmp_path / "pacs"
    masks = visit(source / "a", "a", {"liver": 3, "spleen": 2}, parts=2)
    folder = bring_in(source, tmp_path / "out", wanted=Wanted(names={1: "liver", 2: "spleen"})).folder
    labels = open_scan(read_dataset(folder).training[0].label).array()
    assert set(np.unique(labels)) == {0, 1, 2}
    assert ((labels > 0) == (masks["liver"] | masks["spleen"])).all()
    assert (labels[masks["spleen"] & ~masks["liver"]] == 2).all()


def test_two_sets_of_one_structure_leave_their_case_out(tmp_path: Path) -> None:
    source = tmp_path / "pacs"
    visit(source / "a", "a", {"spleen": 1})
    visit(source / "b", "b", {"spleen": 2}, seed=1, SeriesDescription="twice")
    (source / "b/rt2").write_bytes(
        write_structures(tmp_path / "spare", {"Spleen": []}, series=next(iter(_series(source / "b/ct")))).read_bytes()
    )
    made = bring_in(source, tmp_path / "out")
    assert made.cases == 1
    assert any("twice (spleen in rt, rt2)" in one for one in made.said)


def test_what_nothing_was_drawn_on_is_told_and_two_series_of_a_patient_are_told_apart(tmp_path: Path) -> None:
    source = tmp_path / "pacs"
    for seed, phase in enumerate(("arterial", "venous")):
        visit(source / phase, "anna", {"spleen": seed}, seed, SeriesDescription=phase)
    write_series(source / "other", some_hu(7), oblique(0.0), SeriesDescription="scan of nothing")
    made = bring_in(source, tmp_path / "out")
    dataset = read_dataset(made.folder)
    (patient,) = set(dataset.patients.values())
    assert sorted(dataset.patients) == [f"{patient}_arterial", f"{patient}_venous"]
    assert any("CT scan of nothing" in one for one in made.said)


def test_copies_need_no_dicom_any_more(tmp_path: Path) -> None:
    source = tmp_path / "pacs"
    visit(source / "a", "a", {"spleen": 1})
    folder = bring_in(source, tmp_path / "out", copy=True).folder
    image = read_dataset(folder).training[0].image
    assert image.name.endswith(".nii.gz")
    assert (open_scan(image).array() == some_hu(0)).all()


def test_a_large_export_goes_on_where_it_was(tmp_path: Path) -> None:
    source = tmp_path / "pacs"
    for number, who in enumerate("abc"):
        visit(source / who, who, {"spleen": number}, number)
    drawn = tmp_path / ".partial-out/labelsTr"

    def interrupt(done: int, total: int, what: str) -> None:
        if drawn.is_dir() and len(list(drawn.iterdir())) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bring_in(source, tmp_path / "out", progress=interrupt)
    times = {path.name: path.stat().st_mtime_ns for path in drawn.iterdir()}
    folder = bring_in(source, tmp_path / "out").folder
    after = {path.name: path.stat().st_mtime_ns for path in (folder / "labelsTr").iterdir()}
    assert len(after) == 3
    assert times.items() <= after.items()


def test_scans_without_structures_are_no_dataset(tmp_path: Path) -> None:
    write_series(tmp_path / "pacs", some_hu(), oblique(0.0))
    with pytest.raises(VoxloopError, match="no structure set"):
        bring_in(tmp_path / "pacs", tmp_path / "out")
    (tmp_path / "text").mkdir()
    (tmp_path / "text/readme.txt").write_text("nothing")
    with pytest.raises(VoxloopError, match="holds no DICOM series"):
        bring_in(tmp_path / "text", tmp_path / "out")
    label(tmp_path / "alone/labels/a.nii.gz")
    with pytest.raises(VoxloopError, match="--images"):
        bring_in(tmp_path / "alone", tmp_path / "out")


def test_a_series_with_a_gap_is_left_out_with_a_reason_or_filled_when_asked_for(tmp_path: Path) -> None:
    source = tmp_path / "pacs"
    visit(source / "whole", "whole", {"Spleen": 1})
    visit(source / "torn", "torn", {"Spleen": 2}, seed=3)
    (source / "torn" / "ct" / "slice_004").unlink()
    strict = bring_in(source, tmp_path / "strict")
    assert strict.cases == 1
    assert any("missing" in sentence for sentence in strict.said)
    filled = bring_in(source, tmp_path / "filled", wanted=Wanted(allow_gaps=True))
    assert filled.cases == 2
    hu = some_hu(3).astype(np.float64)
    torn = next(
        scan
        for case in read_dataset(filled.folder).training
        if (scan := open_scan(case.image)).geometry.shape == SHAPE and not (scan.array() == some_hu(0)).all()
    )
    voxels = torn.array().astype(np.float64)
    assert np.abs(voxels[:, :, 4] - (hu[:, :, 3] + hu[:, :, 5]) / 2).max() <= 1
    rest = [k for k in range(SHAPE[2]) if k != 4]
    assert (voxels[:, :, rest] == hu[:, :, rest]).all()
    assert bring_in(source, filled.folder, wanted=Wanted(allow_gaps=True)).changed == 0
