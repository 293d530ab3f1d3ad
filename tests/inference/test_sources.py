"""Whatever a person points at, what is to be segmented is found, and what is not is said."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests.data.dicom.test_labels import segmentation
from tests.data.dicom.writing import (
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
from voxloop.data.formats.reference import write_reference
from voxloop.data.formats.writing import write_volume
from voxloop.data.geometry import Geometry
from voxloop.errors import VoxloopError
from voxloop.inference.looking import look_in
from voxloop.inference.sources import sources_in, targets_of

SHAPE = (3, 5, 4)
CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def series(folder: Path, patient: str = "secret-7", **values: Any) -> list[Path]:
    return write_series(folder, some_hu(0, SHAPE), oblique(8.0), PatientID=patient, **values)


def volume(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_volume(path, some_hu(0, SHAPE), Geometry(SHAPE, oblique(3.0)))
    return path


def test_an_export_of_a_pacs_gives_a_scan_for_each_series(tmp_path: Path) -> None:
    """Nested folders, a table of contents, a viewer for Windows, a scout, a report and what was drawn on a scan."""
    root = tmp_path / "export"
    one = series(root / "DICOM" / "PA0" / "ST0" / "SE0")
    series(root / "DICOM" / "PA0" / "ST0" / "SE1", SeriesDescription="late venous")
    series(root / "DICOM" / "PA1" / "ST0" / "SE0", "secret-8")
    write_series(root / "DICOM" / "PA1" / "S", some_hu(0, (3, 5, 1)), oblique(80.0), ImageType=["A", "B", "LOCALIZER"])
    write_structures(root / "rt", {"liver": []})
    segmentation(root / "seg", one, np.ones(SHAPE, np.uint8))
    capture = header("OT", CAPTURE)
    pixels_of(capture, np.zeros((4, 6), np.uint8))
    save(capture, root / "capture")
    directory = Dataset()
    directory.SOPClassUID, directory.SOPInstanceUID = "1.2.840.10008.1.3.10", generate_uid()
    save(directory, root / "DICOMDIR")
    (root / "viewer.exe").write_bytes(b"MZ" + bytes(500))
    found = look_in([root])
    assert len(found.sources) == 3
    for source in found.sources:
        assert source.open().geometry.shape == SHAPE
        assert len(source.slices) == 4
        assert source.slices[0].parent == source.path
    assert all("secret" not in f"{source.case} {found.said}" for source in found.sources)
    said = "\n".join(found.said)
    assert "a scout (ImageType LOCALIZER)" in said
    assert '"abdomen" (RTSTRUCT) is left out: a structure set (RTSTRUCT), no scan.' in said
    assert "a segmentation (SEG), no scan." in said
    assert "a secondary capture that does not say where it lies" in said
    assert look_in([root / "DICOMDIR"]) == found
    assert tuple(sources_in([root])) == found.sources


def test_a_series_keeps_its_name_whatever_lies_beside_it(tmp_path: Path) -> None:
    """Of two exams of one patient, segmented one after the other into one folder, none is taken for the other."""
    first = generate_uid()
    series(tmp_path / "2019", series=first)
    (alone,) = sources_in([tmp_path / "2019"])
    assert alone.case.split("_")[1] == "abdomen"
    series(tmp_path / "2023")
    (other,) = sources_in([tmp_path / "2023"])
    assert alone.case != other.case
    assert alone.case.split("_")[0] == other.case.split("_")[0]
    assert {source.case for source in sources_in([tmp_path])} == {alone.case, other.case}
    shutil.copytree(tmp_path / "2019", tmp_path / "elsewhere" / "copy")
    (moved,) = sources_in([tmp_path / "elsewhere"])
    assert moved.case == alone.case


def test_a_description_that_is_no_file_name_becomes_one(tmp_path: Path) -> None:
    series(tmp_path / "a", SeriesDescription="../Ab/domen: 5.0 [1m " + "x" * 40)
    (source,) = sources_in([tmp_path])
    assert source.case.isascii()
    assert source.case.replace("_", "").replace("-", "").isalnum()
    assert len(source.case) < 80


def test_slices_that_are_named_one_by_one_are_one_scan(tmp_path: Path) -> None:
    files = series(tmp_path / "a", name="{}.dcm".format)
    (source,) = sources_in(files[::-1])
    assert source.open().geometry.shape == SHAPE
    assert source.path == tmp_path / "a"
    file = write_enhanced(tmp_path / "b" / "whole", some_hu(0, SHAPE), oblique(8.0))
    (source,) = sources_in([file])
    assert (source.path, source.slices) == (file, (file,))
    assert len(sources_in([*files, file])) == 2
    with pytest.raises(VoxloopError, match=r"0\.dcm holds no scan.*there is only one slice"):
        sources_in(files[:1])


def test_what_is_no_scan_is_refused_by_name(tmp_path: Path) -> None:
    path = write_structures(tmp_path / "rt.dcm", {"liver": []})
    with pytest.raises(VoxloopError, match=r"rt\.dcm holds no scan.*a structure set \(RTSTRUCT\), no scan"):
        sources_in([path])
    (tmp_path / "notes.txt").write_text("no scan")
    with pytest.raises(VoxloopError, match=r"notes\.txt is no scan of a format"):
        sources_in([tmp_path / "notes.txt"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(VoxloopError, match="empty holds no scan"):
        sources_in([tmp_path / "empty"])


def test_case_folders_give_the_one_scan_in_each(tmp_path: Path) -> None:
    root = tmp_path / "cases"
    for case in ("P1", "P2"):
        volume(root / case / "ct.nii.gz")
    volume(root / "site" / "P3" / "P3_t1.nrrd")
    volume(root / "P4" / "t1.nii.gz")
    volume(root / "P4" / "t2.nii.gz")
    volume(root / ".hidden" / "x.nii.gz")
    (root / "P1" / "._ct.nii.gz").write_bytes(b"")
    series(root / "P5" / "SE0")
    found = look_in([root])
    assert [source.case for source in found.sources][:3] == ["P1_ct", "P2_ct", "site_P3_t1"]
    assert len(found.sources) == 4
    assert found.sources[3].is_dicom
    assert f"{root / 'P4'} holds several scans (t1.nii.gz, t2.nii.gz), so it is left out" in found.said[0]


def test_a_case_folder_keeps_its_name_whatever_lies_beside_it(tmp_path: Path) -> None:
    volume(tmp_path / "P1" / "ct.nii.gz")
    (alone,) = sources_in([tmp_path])
    volume(tmp_path / "P2" / "ct.nii.gz")
    assert sources_in([tmp_path])[0] == alone


def test_a_folder_with_scans_of_its_own_is_not_searched_deeper(tmp_path: Path) -> None:
    volume(tmp_path / "a.nii.gz")
    volume(tmp_path / "labels" / "a.nii.gz")
    series(tmp_path, name="slice{}".format)
    found = look_in([tmp_path])
    assert [source.is_dicom for source in found.sources] == [False, True]
    assert found.said == (f"{tmp_path} has scans of its own, so its folders are not searched: labels.",)


def test_a_dataset_is_not_taken_for_a_folder_of_cases(tmp_path: Path) -> None:
    """Its truth would be segmented as well."""
    volume(tmp_path / "imagesTr" / "a.nii.gz")
    volume(tmp_path / "labelsTr" / "a.nii.gz")
    (tmp_path / "dataset.json").write_text("{}")
    with pytest.raises(VoxloopError, match=r"is a dataset; name its folder of scans, such as .*imagesTs"):
        sources_in([tmp_path])
    assert [source.case for source in sources_in([tmp_path / "imagesTr"])] == ["a"]


def test_what_is_named_twice_is_segmented_once(tmp_path: Path) -> None:
    volume(tmp_path / "n" / "a.nii.gz")
    series(tmp_path / "d")
    assert len(sources_in([tmp_path / "n", tmp_path / "n" / "a.nii.gz", tmp_path / "d", tmp_path / "d"])) == 2


def test_links_in_circles_end(tmp_path: Path) -> None:
    volume(tmp_path / "P1" / "ct.nii.gz")
    (tmp_path / "P1" / "up").symlink_to(tmp_path)
    assert [source.case for source in sources_in([tmp_path])] == ["P1_ct"]


def test_a_series_with_a_gap_is_refused_when_it_is_opened(tmp_path: Path) -> None:
    files = write_series(tmp_path / "a", some_hu(), oblique(8.0))
    files[5].unlink()
    found = look_in([tmp_path])
    assert "is only opened where gaps may be filled" in found.said[0]
    (source,) = found.sources
    with pytest.raises(VoxloopError, match=r"in .*/a: .*1 slice is missing.*filled by interpolation \(--allow-gaps\)"):
        source.open()
    (filling,) = sources_in([tmp_path], allow_gaps=True)
    assert filling.open().geometry.shape == (7, 11, 13)


def test_one_series_is_no_scan_of_several_channels(tmp_path: Path) -> None:
    series(tmp_path / "a")
    (source,) = sources_in([tmp_path])
    assert source.open(channels=1).channels == 1
    with pytest.raises(
        VoxloopError, match=r'is one DICOM series, and the model takes 4 channels.*"voxloop data import"'
    ):
        source.open(channels=4)


def test_searching_a_large_export_shows_that_it_goes_on(tmp_path: Path) -> None:
    series(tmp_path / "a")
    told: list[tuple[int, int]] = []
    look_in([tmp_path], progress=lambda done, total, _: told.append((done, total)))
    assert told == [(done, 4) for done in range(5)]


def test_targets_say_early_what_cannot_be_written(tmp_path: Path) -> None:
    series(tmp_path / "d", name="{}.dcm".format)
    (dicom,) = sources_in([tmp_path / "d"])
    (plain,) = sources_in([volume(tmp_path / "a.nii.gz")])
    write_reference(tmp_path / "b.volume.json", [dicom.slices])
    (reference,) = sources_in([tmp_path / "b.volume.json"])
    out = tmp_path / "out"
    assert targets_of([dicom, reference], out, ".dcm")[reference] == out / "b.dcm"
    with pytest.raises(VoxloopError, match=r"a\.nii\.gz is no DICOM, and a DICOM segmentation refers to"):
        targets_of([dicom, plain], out, ".dcm")
    with pytest.raises(VoxloopError, match=r'cannot be written as "\.png"; choose one of \.nii\.gz'):
        targets_of([dicom], out, ".png")
    shutil.copy(dicom.slices[0], tmp_path / "d" / f"{dicom.case}.dcm")
    one = dicom.slices[0].rename(tmp_path / "d" / f"{dicom.case}.dcm")
    (taken,) = sources_in([tmp_path / "d"])
    assert one in taken.slices
    with pytest.raises(VoxloopError, match="would overwrite the scan"):
        targets_of([taken], tmp_path / "d", ".dcm")


def test_positions_decide_on_a_series_not_its_folder(tmp_path: Path) -> None:
    """One series over two folders, and two series in one."""
    uid = generate_uid()
    files = write_series(tmp_path / "x" / "a", some_hu(), oblique(8.0), series=uid)
    for file in files[6:]:
        (tmp_path / "x" / "b").mkdir(exist_ok=True)
        file.rename(tmp_path / "x" / "b" / file.name)

    def lower(one: Dataset, k: int) -> None:
        one.ImagePositionPatient = ds(0, 0, -5.0 * k)

    write_series(tmp_path / "x" / "a", some_hu(0, SHAPE), np.eye(4), lower, name="other{}".format)
    split, other = sorted(sources_in([tmp_path / "x"]), key=lambda source: -len(source.slices))
    assert (split.path, split.open().geometry.shape) == (tmp_path / "x", (7, 11, 13))
    assert (other.path, other.open().geometry.shape) == (tmp_path / "x" / "a", SHAPE)
