"""What is saved comes back: labels, names and millimetres from every format, in our readers and in others'."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.dicom.writing import some_hu, write_enhanced, write_series
from tests.data.test_formats_writing import placed
from tests.data.test_grid import oblique, some_labels
from voxloop.data.colours import colour_of
from voxloop.data.dicom import labels_of, open_series
from voxloop.data.formats.nrrd import segment_names
from voxloop.data.formats.nrrd_text import read_header
from voxloop.data.formats.reference import write_reference
from voxloop.data.formats.writing import write_volume
from voxloop.data.geometry import Geometry
from voxloop.data.scans import open_labels, open_scan
from voxloop.errors import VoxloopError
from voxloop.inference.predict import Prediction
from voxloop.inference.saving import ENDINGS, save, save_probabilities
from voxloop.inference.sources import sources_in

SHAPE = (3, 5, 4)
CLASSES = ("background", "spleen", "left kidney", "Läsion \\ 7: 日本")
NAMES = {1: "spleen", 2: "left kidney", 3: "Läsion \\ 7: 日本"}
FILES = tuple(ending for ending in ENDINGS if ending != ".dcm")
Labels = npt.NDArray[np.uint8]


def prediction_on(geometry: Geometry, scan: Path, volumes: int = 0, seed: int = 0) -> Prediction:
    shape = (*geometry.shape, volumes) if volumes else geometry.shape
    labels = np.random.default_rng(seed).integers(0, 4, shape, dtype=np.uint8)
    return Prediction(scan, labels, geometry, CLASSES)


def names_in(path: Path) -> dict[int, str]:
    if path.name.endswith(".nrrd"):
        return segment_names(path)
    image: Any = nib.load(path)
    (comment,) = image.header.extensions
    said = json.loads(comment.get_content())["labels"]
    return {int(value): name for value, name in said.items() if value != "0"}


def volume(path: Path, geometry: Geometry, volumes: int = 0) -> Path:
    shape = (*geometry.shape, volumes) if volumes else geometry.shape
    write_volume(path, np.ones(shape, np.int16), geometry)
    return path


def dicom(folder: Path, shape: tuple[int, int, int] = SHAPE) -> Prediction:
    """A prediction on a series, which is known by one of its slices."""
    scan = open_series(write_series(folder, some_hu(0, shape), oblique(8.0)))
    return Prediction(scan.path, some_labels(0, shape), scan.geometry, ("background", "spleen", "left kidney", "x"))


@settings(deadline=None, max_examples=100)
@given(
    ending=st.sampled_from(FILES),
    source=st.sampled_from([".nii", ".nrrd"]),
    axes=st.integers(0, 47),
    degrees=st.sampled_from([0.0, 7.0, 33.3]),
    spacing_mm=st.sampled_from([(0.7, 0.7, 5.6), (1.0, 1.0, 1.0), (8.0, 1.0, 3.0)]),
    shear=st.sampled_from([0.0, 0.0, 0.2]),
    shape=st.tuples(*[st.integers(1, 5)] * 3),
    volumes=st.sampled_from([0, 0, 2, 3]),
    seed=st.integers(0, 99),
)
def test_every_format_gives_back_what_was_saved(
    tmp_path_factory: pytest.TempPathFactory,
    ending: str,
    source: str,
    axes: int,
    degrees: float,
    spacing_mm: tuple[float, float, float],
    shear: float,
    shape: tuple[int, int, int],
    volumes: int,
    seed: int,
) -> None:
    """Any orientation, oblique, sheared, eight times as thick as wide, one voxel thin, and of several volumes."""
    folder = tmp_path_factory.mktemp("any")
    geometry = placed(shape, axes, degrees, spacing_mm, shear)
    scan = volume(folder / f"scan{source}", geometry, volumes)
    prediction = prediction_on(open_scan(scan).geometry, scan, volumes, seed)
    if volumes and ending == ".seg.nrrd":
        with pytest.raises(VoxloopError, match=f"holds one label map, and this scan has {volumes} volumes"):
            save(prediction, folder / f"out{ending}")
        return
    path = save(prediction, folder / "made" / f"out{ending}")
    made = open_scan(path)
    assert made.dtype == np.uint8
    assert np.array_equal(made.array(), prediction.labels)
    # NIfTI has single precision: a hundred-thousandth of a millimetre at a metre's distance from the origin.
    assert made.geometry.distance_mm(prediction.geometry) < (2e-4 if ending.startswith(".nii") else 1e-9)
    if not volumes:
        assert np.array_equal(open_labels(path, prediction.geometry).array(), prediction.labels)
    if ending != ".mha":
        assert names_in(path) == NAMES
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", [".nii.gz", ".seg.nrrd", ".mha"])
def test_others_find_a_label_at_the_same_millimetres(tmp_path: Path, ending: str) -> None:
    geometry = placed(axes=21, degrees=8.0)
    labels = np.zeros(geometry.shape, np.uint8)
    labels[5, 2, 11] = 3
    path = save(Prediction(tmp_path / "scan.nrrd", labels, geometry, CLASSES), tmp_path / f"out{ending}")
    image = SimpleITK.ReadImage(str(path))
    k, j, i = np.argwhere(SimpleITK.GetArrayFromImage(image) == 3)[0].tolist()
    assert (i, j, k) == (5, 2, 11)
    lps = image.TransformIndexToPhysicalPoint((i, j, k))
    assert (-lps[0], -lps[1], lps[2]) == pytest.approx(geometry.point_of((5, 2, 11)), abs=2e-3)
    if ending == ".nii.gz":
        assert nib.load(path).affine @ (5, 2, 11, 1) == pytest.approx((*geometry.point_of((5, 2, 11)), 1), abs=1e-3)
    if ending == ".seg.nrrd":
        assert image.GetMetaData("Segment2_LabelValue") == "3"
        assert image.GetMetaData("Segment0_Name") == "spleen"


def test_segments_have_colours_that_everybody_can_tell_apart(tmp_path: Path) -> None:
    path = save(prediction_on(placed(), tmp_path / "scan.nrrd"), tmp_path / "out.seg.nrrd")
    keys = read_header(path).keys
    for number in range(3):
        colour = [round(255 * float(part)) for part in keys[f"Segment{number}_Color"].split()]
        assert tuple(colour) == colour_of(number)


@pytest.mark.parametrize("ending", FILES)
def test_the_same_prediction_is_the_same_bytes(tmp_path: Path, ending: str) -> None:
    geometry = placed()
    scan = volume(tmp_path / "scan.nii.gz", geometry)
    made = [save(prediction_on(geometry, scan), tmp_path / name / f"out{ending}").read_bytes() for name in ("a", "b")]
    assert made[0] == made[1]


def test_a_scan_in_nifti_2_gives_its_header(tmp_path: Path) -> None:
    scan = tmp_path / "scan.nii"
    nib.save(nib.Nifti2Image(np.ones(SHAPE, np.int16), oblique(3.0)), scan)
    made = nib.load(save(prediction_on(open_scan(scan).geometry, scan), tmp_path / "out.nii.gz"))
    assert isinstance(made, nib.Nifti2Image)
    assert np.array_equal(made.affine, oblique(3.0))


def test_a_sheared_grid_has_no_qform(tmp_path: Path) -> None:
    """A qform cannot say it, and would say something else."""
    geometry = placed(degrees=8, shear=0.2)
    made: Any = nib.load(save(prediction_on(geometry, tmp_path / "scan.nrrd"), tmp_path / "out.nii.gz"))
    assert (int(made.header["qform_code"]), int(made.header["sform_code"])) == (0, 1)
    assert np.allclose(made.affine, geometry.affine, atol=1e-4)
    assert made.header.get_xyzt_units()[0] == "mm"


def test_a_dicom_series_is_saved_as_dicom_with_the_slices_that_it_was_found_by(tmp_path: Path) -> None:
    write_series(tmp_path / "export" / "S", some_hu(0, SHAPE), oblique(8.0))
    (source,) = sources_in([tmp_path / "export"])
    scan = source.open()
    prediction = Prediction(scan.path, some_labels(0, SHAPE), scan.geometry, ("background", "spleen", "liver", "x"))
    path = save(prediction, tmp_path / "out" / f"{source.case}.dcm", slices=source.slices, model="organs-ct:v3")
    made = labels_of(path, scan)
    assert (made.labels == prediction.labels).all()
    assert made.names == {1: "spleen", 2: "liver", 3: "x"}
    assert b"organs-ct v3: research" in path.read_bytes()


@pytest.mark.parametrize("ending", FILES)
def test_a_dicom_series_is_saved_in_any_format(tmp_path: Path, ending: str) -> None:
    prediction = dicom(tmp_path / "ct")
    made = open_labels(save(prediction, tmp_path / f"out{ending}"), prediction.geometry, tolerance_mm=1e-3)
    assert (made.array() == prediction.labels).all()


def test_the_slices_of_a_series_are_found_beside_the_one_that_it_is_known_by(tmp_path: Path) -> None:
    prediction = dicom(tmp_path / "ct")
    write_series(tmp_path / "ct", some_hu(0, (3, 5, 7)), oblique(3.0), name="other{}".format)
    made = labels_of(save(prediction, tmp_path / "one.dcm"), open_series(sorted((tmp_path / "ct").glob("slice*"))))
    assert (made.labels == prediction.labels).all()
    file = write_enhanced(tmp_path / "multi", some_hu(0, SHAPE), oblique(8.0))
    scan = open_series([file])
    save(Prediction(scan.path, prediction.labels, scan.geometry, ("background", "a", "b", "c")), tmp_path / "two.dcm")
    assert (labels_of(tmp_path / "two.dcm", scan).labels == prediction.labels).all()


def test_a_reference_to_a_series_knows_its_slices(tmp_path: Path) -> None:
    files = write_series(tmp_path / "ct", some_hu(0, SHAPE), oblique(8.0))
    write_reference(tmp_path / "case.volume.json", [files])
    scan = open_scan(tmp_path / "case.volume.json")
    save(Prediction(scan.path, some_labels(0, SHAPE), scan.geometry, CLASSES), tmp_path / "out.dcm")
    assert (labels_of(tmp_path / "out.dcm", open_series(files)).labels == some_labels(0, SHAPE)).all()


def refused(action: Callable[[], object], part: str, folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    with pytest.raises(VoxloopError, match=part) as caught:
        action()
    assert "\n" not in str(caught.value)
    assert sorted(folder.rglob("*")) == before, "nothing is left behind"


def test_what_a_format_cannot_hold_is_refused(tmp_path: Path) -> None:
    geometry = placed()
    scan = volume(tmp_path / "scan.nii.gz", geometry)
    one, many = prediction_on(geometry, scan), prediction_on(geometry, scan, 3)
    refused(lambda: save(one, tmp_path / "out.png"), "no ending that can be written", tmp_path)
    refused(lambda: save(one, tmp_path / "out.dcm"), r"scan\.nii\.gz is no DICOM.*\.seg\.nrrd or \.nii\.gz", tmp_path)
    refused(lambda: save(many, tmp_path / "out.dcm"), "a DICOM segmentation holds one label map", tmp_path)
    write_reference(tmp_path / "case.volume.json", [scan])
    referred = prediction_on(geometry, tmp_path / "case.volume.json")
    refused(lambda: save(referred, tmp_path / "out.dcm"), r"case\.volume\.json is no DICOM", tmp_path)


def test_a_scan_that_is_gone_or_changed_meanwhile_is_said(tmp_path: Path) -> None:
    scan = volume(tmp_path / "scan.nii.gz", placed())
    prediction = prediction_on(placed(), scan)
    volume(scan, placed((7, 11, 12)))
    refused(lambda: save(prediction, tmp_path / "out.nii.gz"), "has 7×11×12 voxels now, and had 7×11×13", tmp_path)
    scan.write_bytes(b"something else")
    refused(lambda: save(prediction, tmp_path / "out.nii.gz"), "is not there as it was when it was segmented", tmp_path)
    scan.unlink()
    refused(lambda: save(prediction, tmp_path / "out.nii.gz"), "is not there as it was when it was segmented", tmp_path)
    # Formats that need nothing of the scan are saved all the same.
    save(prediction, tmp_path / "out.seg.nrrd")
    series = dicom(tmp_path / "ct")
    slices = sorted((tmp_path / "ct").iterdir())
    slices[1].unlink()
    refused(lambda: save(series, tmp_path / "out.dcm"), "name the slices that the labels were made from", tmp_path)
    refused(lambda: save(series, tmp_path / "out.dcm", slices=slices), "is not there any more", tmp_path)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path, ending: str) -> None:
    prediction = dicom(tmp_path / "ct")
    (tmp_path / "file").write_text("in the way")
    refused(lambda: save(prediction, tmp_path / "file" / f"out{ending}"), "file cannot be made", tmp_path)


def test_a_full_disk_leaves_no_half_file_in_any_format(tmp_path: Path) -> None:
    """A process that may write 4 kB only."""
    code = f"""
import resource, signal
from pathlib import Path
import numpy as np
from tests.inference.test_saving import dicom
from voxloop.errors import VoxloopError
from voxloop.inference.saving import ENDINGS, save, save_probabilities
folder = Path({str(tmp_path)!r})
made = dicom(folder / "ct", (40, 40, 40))
shares = np.random.default_rng(0).random((4, 40, 40, 40), np.float32)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
tasks = [(lambda path: save(made, path), ending) for ending in ENDINGS]
tasks += [(lambda path: save_probabilities(shares, made.classes, made.scan, made.geometry, path), ".nrrd")]
for task, ending in tasks:
    try:
        task(folder / "out" / f"labels{{ending}}")
    except VoxloopError as error:
        print(error)
"""
    root = Path(__file__).parent.parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    said = done.stdout.splitlines()
    assert len(said) == len(ENDINGS) + 1
    assert all("cannot be written (File too large)" in line for line in said)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("ending", [".nii.gz", ".nii", ".nrrd"])
@pytest.mark.parametrize("source", [".nii.gz", ".nrrd"])
def test_probabilities_come_back_with_the_names_of_their_channels(tmp_path: Path, ending: str, source: str) -> None:
    geometry = placed(axes=21, degrees=8.0)
    scan = volume(tmp_path / f"scan{source}", geometry)
    shares = np.random.default_rng(0).random((4, *geometry.shape), np.float32)
    path = save_probabilities(shares, CLASSES, scan, open_scan(scan).geometry, tmp_path / "p" / f"out{ending}")
    made = open_scan(path)
    assert (made.channels, made.dtype.name) == (4, "float32")
    assert np.array_equal(np.moveaxis(made.array(), -1, 0), shares)
    assert made.geometry.same_as(geometry, 1e-3)
    if ending == ".nrrd":
        names = json.loads(read_header(path).keys["channels"])
        assert np.array_equal(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path))), shares.transpose(3, 2, 1, 0))
    else:
        image: Any = nib.load(path)
        names = json.loads(image.header.extensions[0].get_content())["channels"]
        assert image.shape == (*geometry.shape, 4)
    assert names == {str(number): name for number, name in enumerate(CLASSES)}


def test_probabilities_that_are_none_are_refused(tmp_path: Path) -> None:
    geometry = placed(SHAPE)
    shares = np.full((4, *SHAPE), 0.25, np.float32)

    def saved(shares: npt.NDArray[Any], name: str = "out.nii.gz") -> Callable[[], object]:
        return lambda: save_probabilities(shares, CLASSES, tmp_path / "scan.nrrd", geometry, tmp_path / name)

    refused(saved(shares[:3]), "for 4 classes", tmp_path)
    refused(saved(shares[..., 1:]), "give one channel for each class", tmp_path)
    refused(saved(shares * 5), r"go from 0 to 1, and these from 1\.25 to 1\.25", tmp_path)
    refused(saved(shares * np.nan), "go from 0 to 1", tmp_path)
    for name in ("out.mha", "out.dcm", "out.seg.nrrd"):
        refused(saved(shares, name), "cannot hold probabilities", tmp_path)
