"""A label map written as a DICOM segmentation comes back on its scan's voxels, in our reader and in others', and says whose it is."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import numpy.typing as npt
import pydicom
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from tests.data.dicom.writing import LPS, some_hu, write_enhanced, write_series
from tests.data.test_grid import ORIENTATIONS, oblique, reordered, some_labels
from voxloop.data.colours import colour_of
from voxloop.data.dicom import Maker, labels_of, open_series, structures, write_segmentation
from voxloop.data.geometry import Geometry
from voxloop.data.scans import Scan
from voxloop.errors import VoxloopError

Affine = npt.NDArray[np.float64]
Labels = npt.NDArray[np.uint8]
SMALL = (3, 5, 4)
NAMES = {1: "spleen", 2: "left kidney", 3: "liver tumour"}
MAKER = Maker("organs-ct", "v3", "1.0")


def written(path: Path, labels: Labels, scan: Scan, slices: Sequence[Path], **how: Any) -> Any:
    how = {"names": NAMES, "maker": MAKER, **how}
    write_segmentation(path, labels, scan.geometry, slices=slices, **how)
    return pydicom.dcmread(path)


def comes_back(path: Path, labels: Labels, scan: Scan) -> None:
    """Names, values and places, by our reader; only what is not there is said to be left out."""
    made = labels_of(path, scan)
    assert made.names == NAMES
    assert (made.labels == labels).all()
    assert all("covers no voxel" in said for said in made.problems)


def agrees(path: Path, labels: Labels, scan: Scan) -> None:
    """highdicom finds every labelled voxel at the same millimetres."""
    seg = hd.seg.segread(path)
    volume = seg.get_volume(combine_segments=True, skip_overlap_checks=True)
    index = np.argwhere(volume.array)
    lps = volume.map_indices_to_reference(index)
    theirs = {
        (*np.round(mm, 2), value) for mm, value in zip(lps * (-1, -1, 1), volume.array[tuple(index.T)], strict=True)
    }
    places = np.argwhere(labels)
    mm = places @ scan.geometry.affine[:3, :3].T + scan.geometry.affine[:3, 3]
    ours = {(*np.round(one, 2), value) for one, value in zip(mm, labels[tuple(places.T)], strict=True)}
    assert theirs == ours


def labels_in(shape: Sequence[int], seed: int = 0) -> Labels:
    labels = some_labels(seed, (shape[0], shape[1], shape[2]))
    labels.flat[seed % labels.size] = 1
    return labels


def test_every_orientation_comes_back(tmp_path: Path) -> None:
    for which, (order, flips) in enumerate(ORIENTATIONS):
        stored, affine = reordered(some_labels(which, SMALL), oblique(17.0 * (which % 2)), order, flips)
        files = write_series(tmp_path / str(which), stored.astype(np.int16), affine)
        scan = open_series(files)
        labels = scan.array().astype(np.uint8)
        written(tmp_path / "seg.dcm", labels, scan, files)
        comes_back(tmp_path / "seg.dcm", labels, scan)
        if which % 3 == 0:
            agrees(tmp_path / "seg.dcm", labels, scan)


@settings(deadline=None, max_examples=40)
@given(
    degrees=st.floats(-40, 40),
    spacing=st.tuples(st.floats(0.4, 2.0), st.floats(0.4, 2.0), st.floats(0.4, 8.0)),
    shape=st.tuples(*[st.integers(1, 5)] * 3),
    seed=st.integers(0, 99),
)
def test_any_grid_that_slices_can_make_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    degrees: float,
    spacing: tuple[float, float, float],
    shape: tuple[int, int, int],
    seed: int,
) -> None:
    """One voxel thick, with slices many times as far apart as pixels, and turned."""
    folder = tmp_path_factory.mktemp("any")
    affine = oblique(degrees, spacing)
    files = write_series(folder / "ct", some_hu(1, shape), affine, SpacingBetweenSlices="", SliceThickness="2")
    scan = open_series(files)
    labels = labels_in(shape, seed)
    # A few slices are enough to know where a frame lies.
    labels[:, :, 1 + seed % 3 :] = 0
    labels.flat[0] = 1
    written(folder / "seg.dcm", labels, scan, files)
    comes_back(folder / "seg.dcm", labels, scan)


def frames_of(seg: Any) -> dict[tuple[int, float], tuple[Any, bytes]]:
    """By segment and height, what each frame is derived from and its pixels; highdicom writes the uppermost first."""
    pixels = seg.pixel_array
    return {
        (
            one.SegmentIdentificationSequence[0].ReferencedSegmentNumber,
            one.PlanePositionSequence[0].ImagePositionPatient[2],
        ): (one.DerivationImageSequence, pixels[number].tobytes())
        for number, one in enumerate(seg.PerFrameFunctionalGroupsSequence)
    }


@pytest.mark.parametrize(("degrees", "beside"), [(1.0, "0.5"), (12.0, "6.4"), (-25.0, "14.0")])
def test_a_tilted_gantry_is_refused(tmp_path: Path, degrees: float, beside: str) -> None:
    """dcmqi, with which 3D Slicer reads, straightens the stack: seven slices of 5 mm end this far from their place."""
    affine = np.diag([1.0, 1.0, 5.0, 1.0])
    affine[1, 2] = 5.0 * np.tan(np.radians(degrees))
    files = write_series(tmp_path / "ct", some_hu(0, (3, 5, 7)), affine)
    scan = open_series(files)
    with pytest.raises(VoxloopError, match=rf"up to {beside} mm beside its place.*save as \.nii\.gz or \.nrrd"):
        written(tmp_path / "seg.dcm", labels_in((3, 5, 7)), scan, files)


def test_positions_that_are_rounded_are_no_tilt(tmp_path: Path) -> None:
    affine = np.diag([0.9, 0.9, 1.0, 1.0])
    affine[1, 2] = 0.002
    files = write_series(tmp_path / "ct", some_hu(0, (3, 5, 100)), affine)
    scan = open_series(files)
    labels = labels_in((3, 5, 100))
    written(tmp_path / "seg.dcm", labels, scan, files)
    comes_back(tmp_path / "seg.dcm", labels, scan)


def test_what_highdicom_writes_of_the_same_labels_is_the_same(tmp_path: Path) -> None:
    """But for what each says of itself, and of the classes."""
    files = write_series(tmp_path / "ct", some_hu(), oblique(12.0))
    scan = open_series(files)
    labels = labels_in(scan.geometry.shape)
    labels[:, :, 3] = 0
    ours = written(tmp_path / "ours.dcm", labels, scan, files)
    described = [
        hd.seg.SegmentDescription(
            number,
            name,
            codes.cid7150.AnatomicalStructure,
            codes.cid7192.Spleen,
            "AUTOMATIC",
            hd.AlgorithmIdentificationSequence("organs-ct", codes.DCM.ArtificialIntelligence, "v3"),
        )
        for number, name in NAMES.items()
    ]
    sources = [pydicom.dcmread(file) for file in files]
    hd.seg.Segmentation(
        sources, labels.T, "BINARY", described, hd.UID(), 9003, hd.UID(), 1, "Voxloop", "voxloop", "1.0", "none"
    ).save_as(tmp_path / "theirs.dcm")
    theirs = pydicom.dcmread(tmp_path / "theirs.dcm")
    assert frames_of(ours) == frames_of(theirs)
    assert ours.ReferencedSeriesSequence == theirs.ReferencedSeriesSequence
    assert set(theirs.dir()) - set(ours.dir()) <= {
        "SourceImageSequence",
        "PresentationLUTShape",
        "ContributingEquipmentSequence",
    }
    own = re.compile("UID|Date|Time|Sequence|^Content|^PixelData|SeriesDescription|CharacterSet")
    for keyword in (keyword for keyword in theirs.dir() if keyword in ours and not own.search(keyword)):
        assert ours[keyword].value == theirs[keyword].value, keyword
    shared, expected = ours.SharedFunctionalGroupsSequence[0], theirs.SharedFunctionalGroupsSequence[0]
    assert shared.PlaneOrientationSequence == expected.PlaneOrientationSequence
    assert shared.PixelMeasuresSequence[0].PixelSpacing == expected.PixelMeasuresSequence[0].PixelSpacing
    assert shared.PixelMeasuresSequence[0].SpacingBetweenSlices == pytest.approx(5.0)


def test_itk_reads_the_frames_where_they_are(tmp_path: Path) -> None:
    """GDCM stacks the frames of one class. It leaves out what does not fill a byte, so that here all bits do."""
    files = write_series(tmp_path / "ct", some_hu(0, (7, 8, 13)), oblique(23.0))
    scan = open_series(files)
    labels = (labels_in(scan.geometry.shape) > 0).astype(np.uint8)
    written(tmp_path / "seg.dcm", labels, scan, files, names={1: "spleen"})
    image = SimpleITK.ReadImage(str(tmp_path / "seg.dcm"))
    turn = np.array(image.GetDirection()).reshape(3, 3) @ np.diag(image.GetSpacing())
    lps = np.eye(4)
    lps[:3, :3], lps[:3, 3] = turn, image.GetOrigin()
    assert scan.geometry.same_as(Geometry(image.GetSize(), LPS @ lps), 1e-3)
    assert ((SimpleITK.GetArrayFromImage(image) > 0) == labels.T).all()


def test_each_frame_refers_to_the_file_whose_slice_it_is(tmp_path: Path) -> None:
    files = write_series(tmp_path / "ct", some_hu(), oblique(8.0), name=lambda k: f"IM{(k * 7) % 13:04d}")
    scan = open_series(files)
    seg = written(tmp_path / "seg.dcm", labels_in(scan.geometry.shape), scan, files[::-1])
    places = {}
    for file in files:
        one = pydicom.dcmread(file)
        places[one.SOPInstanceUID] = [float(number) for number in one.ImagePositionPatient]
    for frame in seg.PerFrameFunctionalGroupsSequence:
        (source,) = frame.DerivationImageSequence[0].SourceImageSequence
        assert frame.PlanePositionSequence[0].ImagePositionPatient == places[source.ReferencedSOPInstanceUID]
    (series,) = seg.ReferencedSeriesSequence
    assert {one.ReferencedSOPInstanceUID for one in series.ReferencedInstanceSequence} == set(places)
    assert structures(tmp_path / "seg.dcm").series == series.SeriesInstanceUID


@pytest.mark.parametrize("frames", [1, 2], ids=["one volume", "two times"])
def test_a_scan_in_one_file_of_many_frames_is_referred_to_frame_by_frame(tmp_path: Path, frames: int) -> None:
    stored = np.stack([some_hu(0, SMALL)] * frames, -1)
    file = write_enhanced(tmp_path / "ct", stored, oblique(8.0), times=frames)
    scan = open_series([file])
    labels = labels_in(SMALL)
    seg = written(tmp_path / "seg.dcm", labels, scan, [file])
    comes_back(tmp_path / "seg.dcm", labels, scan)
    source = pydicom.dcmread(file).PerFrameFunctionalGroupsSequence
    for frame in seg.PerFrameFunctionalGroupsSequence:
        named = frame.DerivationImageSequence[0].SourceImageSequence
        assert len(named) == frames
        for one in named:
            there = source[one.ReferencedFrameNumber - 1].PlanePositionSequence[0]
            assert there.ImagePositionPatient == frame.PlanePositionSequence[0].ImagePositionPatient


def test_a_scan_in_several_files_of_many_frames_is_one_scan(tmp_path: Path) -> None:
    hu, affine, series = some_hu(0, (3, 5, 6)), oblique(8.0), generate_uid()
    upper = affine.copy()
    upper[:3, 3] = (affine @ (0, 0, 3, 1))[:3]
    files = [
        write_enhanced(tmp_path / "a", hu[..., :3], affine, series=series),
        write_enhanced(tmp_path / "b", hu[..., 3:], upper, series=series),
    ]
    scan = open_series(files)
    labels = labels_in((3, 5, 6))
    written(tmp_path / "seg.dcm", labels, scan, files)
    comes_back(tmp_path / "seg.dcm", labels, scan)


def test_slices_that_were_filled_in_have_frames_that_refer_to_no_file(tmp_path: Path) -> None:
    files = write_series(tmp_path / "ct", some_hu(), oblique(8.0))
    there = files[:5] + files[7:]
    scan = open_series(there, fill_missing=True)
    assert scan.geometry.shape == (7, 11, 13)
    labels = np.full((7, 11, 13), 1, np.uint8)
    seg = written(tmp_path / "seg.dcm", labels, scan, there)
    comes_back(tmp_path / "seg.dcm", labels, scan)
    referring = [len(frame.DerivationImageSequence) for frame in seg.PerFrameFunctionalGroupsSequence]
    assert referring == [1] * 5 + [0] * 2 + [1] * 6
    assert seg.ContentDescription == "For research, not for diagnosis; 2 slices are interpolated"


def test_an_uneven_series_has_its_frames_on_the_even_grid(tmp_path: Path) -> None:
    """Only the slices that lie on it, such as the first and the last, are referred to."""
    heights = np.cumsum([0, 5, 5, 7, 5, 4, 5, 8, 5])

    def move(one: Dataset, k: int) -> None:
        one.ImagePositionPatient = [0, 0, float(heights[k])]

    files = write_series(tmp_path / "ct", some_hu(0, (3, 5, 9)), np.diag([1.0, 1.0, 5.0, 1.0]), move)
    scan = open_series(files, fill_missing=True)
    labels = labels_in(scan.geometry.shape)
    labels[0, 0] = 1
    seg = written(tmp_path / "seg.dcm", labels, scan, files)
    comes_back(tmp_path / "seg.dcm", labels, scan)
    spleen = [
        frame
        for frame in seg.PerFrameFunctionalGroupsSequence
        if frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber == 1
    ]
    referring = [len(frame.DerivationImageSequence) for frame in spleen]
    assert referring[0] == referring[-1] == 1
    assert 0 in referring


def test_a_lone_slice_comes_back(tmp_path: Path) -> None:
    files = write_series(tmp_path / "ct", some_hu(0, (5, 4, 1)), oblique(8.0))
    scan = open_series(files)
    labels = labels_in((5, 4, 1))
    written(tmp_path / "seg.dcm", labels, scan, files)
    comes_back(tmp_path / "seg.dcm", labels, scan)


def test_frames_of_a_few_pixels_follow_each_other_within_a_byte(tmp_path: Path) -> None:
    files = write_series(tmp_path / "ct", some_hu(0, (1, 3, 9)), oblique(8.0))
    scan = open_series(files)
    labels = np.ones((1, 3, 9), np.uint8)
    labels[0, 1] = 0
    seg = written(tmp_path / "seg.dcm", labels, scan, files)
    assert len(seg.PixelData) == 4
    comes_back(tmp_path / "seg.dcm", labels, scan)


def test_nothing_found_is_a_result(tmp_path: Path) -> None:
    """Every class has an empty frame, so that others can open the file and see that there is nothing."""
    files = write_series(tmp_path / "ct", some_hu(), oblique(8.0))
    scan = open_series(files)
    seg = written(tmp_path / "seg.dcm", np.zeros(scan.geometry.shape, np.uint8), scan, files)
    assert seg.NumberOfFrames == 3
    assert not np.frombuffer(seg.PixelData, np.uint8).any()
    assert structures(tmp_path / "seg.dcm").names == tuple(NAMES.values())
    read = hd.seg.segread(tmp_path / "seg.dcm")
    assert read.segment_numbers == [1, 2, 3]
    assert not read.get_volume(combine_segments=True).array.any()


def test_a_class_that_was_not_found_is_described_and_has_no_frame(tmp_path: Path) -> None:
    files = write_series(tmp_path / "ct", some_hu(), oblique(8.0))
    scan = open_series(files)
    labels = np.where(labels_in(scan.geometry.shape) == 2, 0, labels_in(scan.geometry.shape)).astype(np.uint8)
    seg = written(tmp_path / "seg.dcm", labels, scan, files)
    assert [one.SegmentLabel for one in seg.SegmentSequence] == list(NAMES.values())
    shown = {
        frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber for frame in seg.PerFrameFunctionalGroupsSequence
    }
    assert shown == {1, 3}
    made = labels_of(tmp_path / "seg.dcm", scan)
    assert (made.labels == labels).all()
    assert made.problems == ('"left kidney" covers no voxel of the scan; it is left out.',)


def test_segments_say_in_codes_what_they_are_and_what_made_them(tmp_path: Path) -> None:
    files = write_series(tmp_path / "ct", some_hu(0, SMALL), oblique(8.0))
    scan = open_series(files)
    names = {**NAMES, 4: "Läsion ß/7", 5: "a\\b\nc", 9: "x" * 80}
    seg = written(tmp_path / "seg.dcm", labels_in(SMALL), scan, files, names=names)
    spleen, kidney, tumour, odd, broken, long = seg.SegmentSequence
    assert spleen.SegmentedPropertyTypeCodeSequence[0].CodeValue == "78961009"
    assert (
        kidney.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning == "Left"
    )
    assert tumour.SegmentedPropertyCategoryCodeSequence[0].CodeMeaning == "Morphologically Abnormal Structure"
    assert tumour.AnatomicRegionSequence[0].CodeMeaning == "Liver"
    assert odd.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Tissue"
    assert (odd.SegmentLabel, broken.SegmentLabel, long.SegmentLabel) == ("Läsion ß/7", "a/b c", "x" * 63 + "…")
    assert [one.SegmentNumber for one in seg.SegmentSequence] == [1, 2, 3, 4, 5, 6]
    made_by = spleen.SegmentationAlgorithmIdentificationSequence[0]
    assert (made_by.AlgorithmName, made_by.AlgorithmVersion, spleen.SegmentAlgorithmType) == (
        "organs-ct",
        "v3",
        "AUTOMATIC",
    )
    for number, one in enumerate(seg.SegmentSequence):
        colour = hd.color.CIELabColor.from_dicom_value(one.RecommendedDisplayCIELabValue)
        assert np.allclose(colour.to_rgb(clip=True), colour_of(number), atol=2)
    assert seg.SeriesDescription == "organs-ct v3: research, not a medical device"
    assert seg.ContentQualification == "RESEARCH"


def test_the_patient_and_the_study_are_those_of_the_scan_letter_for_letter(tmp_path: Path, caplog: Any) -> None:
    said: dict[str, Any] = {
        "SpecificCharacterSet": "ISO_IR 100",
        "PatientName": "Müller  Käthe",
        "PatientID": "A  1-ß",
        "PatientSex": "F",
        "StudyDate": "20260314",
        "StudyTime": "101112.5",
        "StudyDescription": "Oberbauch nüchtern",
        "AccessionNumber": "77",
        "ReferringPhysicianName": "Grün^Ärztin",
        "PatientIdentityRemoved": "YES",
        "DeidentificationMethod": "by hand",
    }
    files = write_series(tmp_path / "ct", some_hu(0, SMALL), oblique(8.0), **said)
    scan = open_series(files)
    with caplog.at_level(logging.DEBUG):
        seg = written(tmp_path / "seg.dcm", labels_in(SMALL), scan, files)
    for keyword, value in said.items():
        assert keyword == "SpecificCharacterSet" or str(seg[keyword].value) == value, keyword
    source = pydicom.dcmread(files[0])
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientBirthDate"):
        assert seg[keyword].value == source[keyword].value
    assert seg.SeriesInstanceUID != source.SeriesInstanceUID
    assert (seg.Modality, seg.SeriesNumber) == ("SEG", 9003)
    assert "Müller" not in caplog.text


@pytest.mark.parametrize(
    "odd",
    [
        {"PatientSex": "W", "StudyDate": "2026-03-14", "PatientBirthDate": "", "StudyTime": "noon"},
        {"PatientID": "x" * 300, "StudyDescription": "y" * 3000},
        {"PatientName": "Doe^Jane^^^^^^^^=\\=x", "PatientID": "a\\b"},
        {"SeriesNumber": "-5", "SpecificCharacterSet": "ISO 2022 IR 87"},
        {"PatientAge": "seven", "LossyImageCompression": "01", "LossyImageCompressionRatio": ["10", "3"]},
    ],
    ids=["values out of form", "too long", "backslashes", "numbers and letters", "lossy"],
)
def test_headers_that_are_out_of_form_do_no_harm(tmp_path: Path, odd: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        # pydicom says that such headers should not be written, and hospitals have them.
        warnings.simplefilter("ignore")
        files = write_series(tmp_path / "ct", some_hu(0, SMALL), oblique(8.0), **odd)
    scan = open_series(files)
    written(tmp_path / "seg.dcm", labels_in(SMALL), scan, files)
    comes_back(tmp_path / "seg.dcm", labels_in(SMALL), scan)


def test_the_same_labels_are_the_same_file_but_for_uids(tmp_path: Path) -> None:
    files = write_series(tmp_path / "ct", some_hu(0, SMALL), oblique(8.0))
    scan = open_series(files)
    when = datetime(2026, 3, 14, 10, 11, 12)
    own = ("SOPInstanceUID", "SeriesInstanceUID", "DimensionOrganizationUID")

    def plain(name: str) -> str:
        seg = written(tmp_path / name, labels_in(SMALL), scan, files, moment=when)
        uids = [seg[keyword].value for keyword in own if keyword in seg]
        uids.append(seg.DimensionOrganizationSequence[0].DimensionOrganizationUID)
        text = str(seg)
        for number, uid in enumerate(uids):
            text = text.replace(uid, f"UID {number}")
        # How long the head of the file is follows from how long the UIDs happen to be.
        return "\n".join(line for line in text.splitlines() if "(0002,0000)" not in line)

    assert plain("one.dcm") == plain("two.dcm")


def without(keyword: str) -> Callable[[Dataset, int], None]:
    return lambda one, _: one.pop(keyword) and None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (without("FrameOfReferenceUID"), "names no frame of reference"),
        (without("StudyInstanceUID"), "names no study"),
        (lambda one, k: setattr(one, "PatientID", f"P{k}"), "name another patient"),
        (lambda one, k: setattr(one, "StudyInstanceUID", f"1.2.{k}"), "name another study"),
        (lambda one, k: setattr(one, "FrameOfReferenceUID", f"1.2.{k}"), "name another frame of reference"),
        (without("SeriesInstanceUID"), "has no name of its own"),
    ],
)
def test_what_nothing_can_refer_to_is_refused(tmp_path: Path, change: Any, reason: str) -> None:
    files = write_series(tmp_path / "ct", some_hu(0, SMALL), oblique(8.0), change)
    with pytest.raises(VoxloopError, match=f"{reason}.*save as .seg.nrrd or .nii.gz") as caught:
        written(tmp_path / "seg.dcm", labels_in(SMALL), open_series(files), files)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "seg.dcm").exists()


def test_labels_and_slices_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    files = write_series(tmp_path / "ct", some_hu(0, SMALL), oblique(8.0))
    scan = open_series(files)
    labels = labels_in(SMALL)
    with pytest.raises(VoxloopError, match="name the slices that the labels were made from"):
        written(tmp_path / "seg.dcm", labels[..., 1:], scan, files)
    with pytest.raises(VoxloopError, match="name the slices that the labels were made from"):
        written(tmp_path / "seg.dcm", labels, scan, files[1:])
    with pytest.raises(VoxloopError, match=r"labels hold 3 without a name"):
        written(tmp_path / "seg.dcm", np.full(SMALL, 3, np.uint8), scan, files, names={1: "spleen"})
    with pytest.raises(VoxloopError, match="No slices are known"):
        written(tmp_path / "seg.dcm", labels, scan, [])
    files[2].unlink()
    with pytest.raises(VoxloopError, match="is not there any more"):
        written(tmp_path / "seg.dcm", labels, scan, files)
    assert [path.name for path in tmp_path.iterdir()] == ["ct"]


def test_progress_counts_the_frames(tmp_path: Path) -> None:
    files = write_series(tmp_path / "ct", some_hu(0, SMALL), oblique(8.0))
    told: list[tuple[int, int, str]] = []
    seg = written(
        tmp_path / "seg.dcm", labels_in(SMALL), open_series(files), files, progress=lambda *step: told.append(step)
    )
    assert told[-1] == (seg.NumberOfFrames, seg.NumberOfFrames, "seg.dcm")
