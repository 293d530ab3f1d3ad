"""A folder as a PACS exports it becomes series; what is left out is said, in a sentence each."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests.data.dicom.writing import (
    MR,
    ds,
    header,
    pixels_of,
    save,
    some_hu,
    write_enhanced,
    write_series,
    write_structures,
)
from tests.data.test_grid import oblique
from voxloop.data.dicom import Discovery, Series, discover, open_series
from voxloop.errors import VoxloopError

CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def only(found: Discovery) -> Series:
    assert len(found.series) == 1
    return found.series[0]


def sentences(found: Discovery) -> str:
    assert not any("\n" in problem.sentence for problem in found.problems)
    return "\n".join(problem.sentence for problem in found.problems)


def test_a_clean_series_is_found_and_opens(tmp_path: Path) -> None:
    files = write_series(
        tmp_path / "ST0" / "SE1", some_hu(), oblique(8.0), name=lambda k: f"I{random.Random(k).random()}"
    )
    found = discover(tmp_path)
    series = only(found)
    assert found.problems == ()
    assert series.files == tuple(files)
    assert (series.kind, series.modality, series.description, series.number) == ("image", "CT", "abdomen", 3)
    assert (series.rows, series.columns, series.slices) == (11, 7, 13)
    assert (open_series(series.files).array() == some_hu()).all()


def test_no_name_leaves_the_folder_and_patients_stay_apart(tmp_path: Path) -> None:
    write_series(tmp_path / "a", some_hu(), oblique(8.0), PatientID="secret-7")
    write_series(tmp_path / "b", some_hu(), oblique(8.0), PatientID="secret-8")
    found = discover(tmp_path)
    assert len({series.patient for series in found.series}) == 2
    for identifying in ("secret", "Doe", "Jane", "1970"):
        assert identifying not in repr(found)


def test_what_is_no_dicom_is_counted_and_directories_are_passed_over(tmp_path: Path) -> None:
    write_series(tmp_path, some_hu(), oblique(8.0))
    (tmp_path / "viewer.exe").write_bytes(b"MZ" + bytes(500))
    (tmp_path / "._slice_001").write_bytes(b"\0\5\x16\7" + bytes(50))
    (tmp_path / "empty").touch()
    directory = Dataset()
    directory.FileSetID = "X"
    directory.SOPClassUID, directory.SOPInstanceUID = "1.2.840.10008.1.3.10", generate_uid()
    save(directory, tmp_path / "DICOMDIR")
    os.mkfifo(tmp_path / "pipe")
    found = discover(tmp_path)
    assert (found.skipped, found.problems) == (4, ())
    assert len(only(found).files) == 13


def test_links_in_circles_end(tmp_path: Path) -> None:
    write_series(tmp_path / "a" / "b", some_hu(), oblique(8.0))
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path / "a")
    (tmp_path / "again").symlink_to(tmp_path / "a")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    found = discover(tmp_path)
    assert len(only(found).files) == 13
    assert sentences(found) == "gone cannot be read (No such file or directory); it is left out."


def test_progress_is_told_of_each_file(tmp_path: Path) -> None:
    write_series(tmp_path, some_hu(), oblique(8.0))
    told: list[tuple[int, int]] = []
    discover(tmp_path, lambda done, total, _name: told.append((done, total)))
    assert told == [(done, 13) for done in range(14)]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(VoxloopError, match="No folder is at"):
        discover(tmp_path / "no")


def test_a_scout_in_the_series_is_left_out(tmp_path: Path) -> None:
    uid = generate_uid()
    write_series(tmp_path, some_hu(), oblique(8.0), series=uid)
    scout = np.zeros((40, 50, 1), np.int16)
    write_series(tmp_path / "s", scout, oblique(80.0), series=uid, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    found = discover(tmp_path)
    assert len(only(found).files) == 13
    assert sentences(found) == 'Series 3 "abdomen": slice_000 left out: a scout (ImageType LOCALIZER).'


def test_a_series_of_scouts_is_left_out(tmp_path: Path) -> None:
    write_series(tmp_path, some_hu()[..., :3], oblique(8.0), SeriesDescription="3-plane Localizer")
    found = discover(tmp_path)
    assert found.series == ()
    assert "3 files (slice_000 ...) left out: a scout, by its description" in sentences(found)


def test_pictures_are_left_out(tmp_path: Path) -> None:
    uid = generate_uid()
    write_series(tmp_path, some_hu(), oblique(8.0), series=uid)
    capture = header(series=uid, sop_class=CAPTURE)
    pixels_of(capture, np.zeros((5, 6), np.uint8))
    save(capture, tmp_path / "capture")
    colour = header(series=uid, sop_class=CAPTURE)
    pixels_of(colour, np.zeros((5, 6), np.uint8))
    colour.SamplesPerPixel = 3
    save(colour, tmp_path / "colour")
    write_series(
        tmp_path / "s", some_hu()[..., :1], oblique(8.0), series=uid, ImageType=["DERIVED", "SECONDARY", "SCREEN SAVE"]
    )
    found = discover(tmp_path)
    assert len(only(found).files) == 13
    said = sentences(found)
    assert "capture left out: a secondary capture that does not say where it lies in the patient" in said
    assert "colour left out: a picture in colour" in said
    assert "slice_000 left out: a screenshot" in said


def test_derived_slices_with_a_place_stay(tmp_path: Path) -> None:
    """Reformatted series are derived, and so is much of what archives publish."""
    write_series(tmp_path, some_hu(), oblique(8.0), ImageType=["DERIVED", "SECONDARY", "REFORMATTED"])
    found = discover(tmp_path)
    assert found.problems == ()
    assert len(only(found).files) == 13


def test_mixed_orientations_and_sizes_are_parted_and_the_largest_is_the_scan(tmp_path: Path) -> None:
    uid = generate_uid()
    files = write_series(tmp_path / "a", some_hu(), oblique(8.0), series=uid)
    write_series(tmp_path / "b", some_hu()[..., :6], oblique(70.0), series=uid)
    write_series(tmp_path / "c", some_hu()[:5, :, :4], oblique(8.0), series=uid)
    found = discover(tmp_path)
    assert only(found).files == tuple(files)
    said = sentences(found)
    assert "mixed orientations, 6 slices with another orientation are left out; the scan has 13." in said
    assert "4 slices with another size (5×11, not 7×11) are left out" in said


@pytest.mark.parametrize(
    ("keyword", "values", "said"),
    [
        ("EchoTime", ["10", "90"], "another echo (90, not 10)"),
        ("DiffusionBValue", [0.0, 800.0], "another b-value (800.0, not 0.0)"),
        ("TemporalPositionIdentifier", [1, 2], "another temporal position (2, not 1)"),
        ("AcquisitionNumber", [1, 2], "another acquisition (2, not 1)"),
        ("StudyID", ["a", "b"], "the same positions once more"),
    ],
)
def test_volumes_at_the_same_place_are_parted(tmp_path: Path, keyword: str, values: list[Any], said: str) -> None:
    uid = generate_uid()
    parts = [
        write_series(tmp_path / str(n), some_hu(n), oblique(8.0), series=uid, SOPClassUID=MR, **{keyword: value})
        for n, value in enumerate(values)
    ]
    found = discover(tmp_path)
    assert only(found).files == tuple(parts[0])
    assert f"4D, 13 slices with {said} are left out" in sentences(found)
    assert (open_series(only(found).files).array() == some_hu(0)).all()


def test_a_time_that_grows_from_slice_to_slice_parts_nothing(tmp_path: Path) -> None:
    def trigger(one: Dataset, k: int) -> None:
        one.TriggerTime, one.AcquisitionNumber = str(k * 40), k // 4

    write_series(tmp_path, some_hu(), oblique(8.0), trigger)
    found = discover(tmp_path)
    assert (len(only(found).files), found.problems) == (13, ())
    # Nor does it when one slice is there twice.
    uid = only(found).uid
    write_series(tmp_path / "again", some_hu()[..., :1], oblique(8.0), series=uid, TriggerTime="7", InstanceNumber=50)
    found = discover(tmp_path)
    assert len(only(found).files) == 13
    assert "1 slice where another lies already" in sentences(found)


def test_a_slice_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    uid = generate_uid()
    files = write_series(tmp_path, some_hu(), oblique(8.0), series=uid)
    shutil.copy(files[4], tmp_path / "copy")
    write_series(tmp_path / "again", some_hu()[..., :1], oblique(8.0), series=uid, InstanceNumber=99)
    found = discover(tmp_path)
    assert len(only(found).files) == 13
    said = sentences(found)
    assert "left out: the same instance as another file (SOPInstanceUID)" in said
    assert "1 slice where another lies already; the one with the lowest number is kept" in said
    assert (open_series(only(found).files).array() == some_hu()).all()


def test_missing_slices_are_counted_and_placed(tmp_path: Path) -> None:
    files = write_series(tmp_path, some_hu(), np.diag([1.0, 1.0, 2.0, 1.0]))
    for gone in (3, 4, 8):
        files[gone].unlink()
    found = discover(tmp_path)
    assert only(found).slices == 10
    assert "3 slices are missing along the stack (2 between 4.0 and 10.0 mm, 1 between 14.0 and 18.0 mm)" in sentences(
        found
    )


def test_uneven_spacing_is_said(tmp_path: Path) -> None:
    def lift(one: Dataset, k: int) -> None:
        one.ImagePositionPatient = ds(0, 0, k + 0.4 * (k % 2))

    write_series(tmp_path, some_hu(), np.eye(4), lift)
    assert "not evenly spaced (from 0.60 to 1.40 mm apart" in sentences(discover(tmp_path))


def test_a_tilted_gantry_is_measured_and_kept(tmp_path: Path) -> None:
    affine = np.diag([1.0, 1.0, 2.0, 1.0])
    affine[1, 2] = 2.0 * np.tan(np.deg2rad(12.0))
    write_series(tmp_path, some_hu(), affine)
    found = discover(tmp_path)
    assert "tilted by 12.0 degrees against their stack (gantry tilt)" in sentences(found)
    np.testing.assert_allclose(open_series(only(found).files).geometry.affine, affine, atol=1e-6)


def test_one_slice_is_said_to_be_one(tmp_path: Path) -> None:
    write_series(tmp_path, some_hu()[..., :1], oblique(8.0))
    found = discover(tmp_path)
    assert "there is only one slice" in sentences(found)
    # Alone, it is as thick as it says.
    assert open_series(only(found).files).geometry.spacing_mm[2] == pytest.approx(1.25)


def test_files_of_many_frames_are_series_too(tmp_path: Path) -> None:
    write_enhanced(tmp_path / "one", some_hu(), oblique(8.0))
    write_enhanced(tmp_path / "two", np.stack([some_hu(0), some_hu(1)], -1), oblique(8.0), times=2)
    found = discover(tmp_path)
    assert [series.slices for series in found.series] == [13, 13]
    assert "4D, 13 slices with another temporal position (2, not 1) are read as another channel" in sentences(found)


def test_structures_point_to_the_series_that_they_were_drawn_on(tmp_path: Path) -> None:
    uid = generate_uid()
    write_series(tmp_path / "ct", some_hu(), oblique(8.0), series=uid)
    write_structures(tmp_path / "said", {"spleen": []}, series=uid)
    write_structures(tmp_path / "unsaid", {"spleen": []})
    kinds = {series.files[0].name: series for series in discover(tmp_path).series}
    assert kinds["said"].kind == kinds["unsaid"].kind == "rtstruct"
    # Where no series is named, the one of the same study and frame of reference is.
    assert kinds["said"].references == kinds["unsaid"].references == (uid,)
    assert kinds["slice_000"].references == ()


def test_other_objects_are_listed_as_other(tmp_path: Path) -> None:
    save(header("SR", "1.2.840.10008.5.1.4.1.1.88.11"), tmp_path / "report")
    assert only(discover(tmp_path)).kind == "other"


def test_a_file_without_preamble_is_read(tmp_path: Path) -> None:
    for file in write_series(tmp_path, some_hu(), oblique(8.0)):
        file.write_bytes(file.read_bytes()[132:])
    found = discover(tmp_path)
    assert (open_series(only(found).files).array() == some_hu()).all()


def test_what_a_description_says_stays_on_its_line(tmp_path: Path) -> None:
    """Sentences go to terminals, which obey escape sequences."""
    written = {"SpecificCharacterSet": "ISO_IR 192", "SeriesDescription": "a\x1b[2Jb\u2028c"}
    write_series(tmp_path, some_hu()[..., :1], oblique(8.0), **written)  # type: ignore[arg-type]
    found = discover(tmp_path)
    assert only(found).description == "a [2Jb c"
    assert "\x1b" not in sentences(found)


def test_slices_that_are_mostly_missing_are_not_promised(tmp_path: Path) -> None:
    files = write_series(tmp_path, some_hu(), np.eye(4))
    for gone in files[3:-1]:
        gone.unlink()
    said = sentences(discover(tmp_path))
    assert "9 slices are missing along the stack (9 between 2.0 and 12.0 mm); it cannot be opened." in said
