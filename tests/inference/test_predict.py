"""A predicted label map lies on its scan: same shape, same matrices, same codes, every voxel where it belongs."""

from __future__ import annotations

import gzip
import itertools
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.data.test_grid import ORIENTATIONS, oblique, reordered
from tests.inference.models import threshold_model
from voxloop.data.formats.reference import write_reference
from voxloop.data.formats.writing import write_volume
from voxloop.data.geometry import Geometry
from voxloop.errors import VoxloopError
from voxloop.inference.batch import predict_all
from voxloop.inference.model import Model
from voxloop.inference.predict import How, predict, predict_each_volume
from voxloop.inference.saving import save
from voxloop.inference.sources import Source, sources_in, targets_of

SHAPE = (7, 11, 13)


def save_scan(
    path: Path, voxels: npt.NDArray[Any], affine: npt.NDArray[np.float64], sform: int = 1, qform: int = 1
) -> Path:
    image = nib.Nifti1Image(voxels.astype(np.int16), None)
    image.header.set_sform(affine, sform)
    image.header.set_qform(affine, qform, strip_shears=True)
    image.header.set_xyzt_units("mm", "sec")
    nib.save(image, path)
    return path


def blob(seed: int = 0) -> npt.NDArray[np.int16]:
    """A lopsided bright region, so that a flip or a swapped axis shows."""
    rng = np.random.default_rng(seed)
    return np.asarray(rng.integers(0, 2, SHAPE), dtype=np.int16)


def check_header(scan: Path, written: Path) -> nib.Nifti1Image:
    source, made = nib.load(scan), nib.load(written)
    assert made.get_data_dtype() == np.uint8
    assert made.shape == source.shape
    for name in ("sform_code", "qform_code", "xyzt_units"):
        assert made.header[name] == source.header[name], name
    for name in (
        "pixdim",
        "srow_x",
        "srow_y",
        "srow_z",
        "quatern_b",
        "quatern_c",
        "quatern_d",
        "qoffset_x",
        "qoffset_y",
        "qoffset_z",
    ):
        assert np.array_equal(made.header[name], source.header[name]), name
    assert np.array_equal(made.affine, source.affine)
    return made


def test_every_orientation_keeps_header_and_voxels(tmp_path: Path) -> None:
    model = threshold_model()
    for degrees in (0.0, 7.0):
        for order, flips in ORIENTATIONS:
            voxels, affine = reordered(blob().astype(np.uint8), oblique(degrees), order, flips)
            scan = save_scan(tmp_path / "scan.nii.gz", voxels, affine)
            made = check_header(scan, save(predict(model, scan), tmp_path / "labels.nii.gz"))
            assert (np.asarray(made.dataobj) == voxels).all(), (degrees, order, flips)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    degrees=st.floats(-30, 30),
    which=st.integers(0, 47),
    codes=st.sampled_from([(1, 1), (0, 1), (1, 0), (2, 1), (4, 3), (3, 0)]),
    spacing=st.tuples(*[st.floats(0.5, 8.0)] * 3),
    resampled=st.booleans(),
)
def test_any_header_survives(
    tmp_path: Path,
    degrees: float,
    which: int,
    codes: tuple[int, int],
    spacing: tuple[float, float, float],
    resampled: bool,
) -> None:
    voxels, affine = reordered(blob().astype(np.uint8), oblique(degrees, spacing), *ORIENTATIONS[which])
    scan = save_scan(tmp_path / "scan.nii.gz", voxels, affine, *codes)
    model = threshold_model((2.0, 2.0, 2.0) if resampled else None)
    made = check_header(scan, save(predict(model, scan), tmp_path / "labels.nii.gz"))
    if not resampled:
        assert (np.asarray(made.dataobj) == voxels).all()


def sheared(degrees: float) -> npt.NDArray[np.float64]:
    """A gantry that was tilted: the axes are not at right angles, which only a NIfTI sform can say."""
    affine = oblique(degrees)
    affine[:3, 2] += 0.3 * affine[:3, 1]
    return affine


ONE_VOXEL_THICK = [(1, 11, 13), (7, 1, 13), (7, 11, 1), (1, 1, 13), (1, 1, 1)]


@pytest.mark.parametrize("shape", [SHAPE, *ONE_VOXEL_THICK])
@pytest.mark.parametrize("affine", [oblique(0.0, (0.7, 0.7, 5.6)), oblique(13.0, (8.0, 1.0, 1.0)), sheared(9.0)])
def test_every_voxel_comes_back_in_whatever_grid(
    tmp_path: Path, shape: tuple[int, int, int], affine: npt.NDArray[np.float64]
) -> None:
    """Eight times as thick as wide, sheared, one voxel thick: without resampling, every voxel is where it was."""
    labels = np.random.default_rng(1).integers(0, 2, shape, dtype=np.uint8)
    model = threshold_model()
    for order, flips in ORIENTATIONS[::5]:
        voxels, stored = reordered(labels, affine, order, flips)
        scan = tmp_path / "scan.nii"
        nib.save(nib.Nifti1Image(voxels.astype(np.int16), stored), scan)
        assert (predict(model, scan).labels == voxels).all(), (order, flips)


@pytest.mark.parametrize("shape", ONE_VOXEL_THICK[:3])
def test_a_scan_of_one_slice_is_resampled_and_carried_back(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    """To voxels of half the size, nearest as it came: exact again."""
    labels = np.random.default_rng(1).integers(0, 2, shape, dtype=np.uint8)
    scan = save_scan(tmp_path / "scan.nii", labels, np.diag([2.0, 2.0, 2.0, 1.0]))
    assert (predict(threshold_model((1.0, 1.0, 1.0)), scan).labels == labels).all()


def test_a_sheared_scan_is_resampled_to_right_angles_and_carried_back_through_millimetres(tmp_path: Path) -> None:
    """MONAI's grid has right angles, so boundaries move, by less than a voxel of the coarser grid; nothing is moved as a whole."""
    labels = np.zeros((24, 26, 20), np.uint8)
    labels[6:18, 7:20, 5:15] = 1
    affine = sheared(0.0)
    affine[:3, :3] /= 2
    scan = tmp_path / "scan.nii"
    nib.save(nib.Nifti1Image(labels.astype(np.int16), affine), scan)
    made = predict(threshold_model((0.5, 0.5, 0.5)), scan).labels
    inner, outer = np.zeros_like(labels), np.zeros_like(labels)
    inner[8:16, 9:18, 7:13] = 1
    outer[4:20, 5:22, 3:17] = 1
    assert made[inner == 1].all()
    assert not made[outer == 0].any()


def volumes(folder: Path, count: int = 3) -> tuple[Path, npt.NDArray[np.int16]]:
    voxels = np.stack([blob(seed) for seed in range(count)], axis=3)
    path = folder / "perfusion.nii.gz"
    nib.save(nib.Nifti1Image(voxels, oblique(7.0)), path)
    return path, voxels


def test_each_volume_of_a_file_is_segmented_where_it_is_asked_for(tmp_path: Path) -> None:
    """As they would be one by one; without asking, a file of several is refused."""
    path, voxels = volumes(tmp_path)
    model = replace(threshold_model(), inputs=1)
    with pytest.raises(VoxloopError, match=r"has 3 channels, and threshold takes 1; .*--each-volume"):
        predict(model, path)
    told: list[tuple[int, int, str]] = []
    prediction = predict_each_volume(model, path, progress=lambda *one: told.append(one))
    assert (prediction.labels == voxels).all()
    assert prediction.scan == path
    bright = (voxels == 1).sum(axis=(0, 1, 2)) * prediction.geometry.voxel_ml
    assert np.allclose(prediction.volumes_ml()["bright"], bright)
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    alone = save_scan(tmp_path / "one.nii", blob(), oblique(7.0))
    assert predict_each_volume(model, alone).volumes_ml() == {
        "bright": pytest.approx(predict(model, alone).volume_ml(1))
    }


def test_channels_that_belong_together_are_no_volumes_of_their_own(tmp_path: Path) -> None:
    path, _ = volumes(tmp_path)
    with pytest.raises(VoxloopError, match="threshold takes 3 channels at once"):
        predict_each_volume(replace(threshold_model(), inputs=3), path)
    with pytest.raises(VoxloopError, match="one volume at a time"):
        predict_each_volume(threshold_model(), path, How(probabilities=True))


def test_what_went_wrong_in_a_transform_is_told_and_not_which_transform_it_was(tmp_path: Path) -> None:
    """MONAI wraps it; a refusal stays the sentence that it is, and of a folder of scans the others are segmented."""
    from monai.transforms import Compose, Lambdad

    bad, good = (save_scan(tmp_path / f"{name}.nii", blob(), oblique(0.0)) for name in ("bad", "good"))

    def failing(error: Exception) -> Model:
        def look(path: str) -> str:
            if "bad" in path:
                raise error
            return path

        model = threshold_model()
        return replace(model, preprocess=Compose([Lambdad("image", look), model.preprocess]))

    with pytest.raises(VoxloopError, match=r"^no such scan$"):
        predict(failing(VoxloopError("no such scan")), bad)
    with pytest.raises(ValueError, match=r"^an image of the wrong kind$"):
        predict(failing(ValueError("an image of the wrong kind")), bad)
    targets = targets_of(sources_in([bad, good]), tmp_path / "out")
    rows = list(predict_all([failing(ValueError("of the wrong kind"))], targets, tmp_path / "out"))
    assert [row.error for row in rows] == [
        "bad.nii cannot be segmented by threshold (ValueError: of the wrong kind); "
        "is it a scan of the kind that the model was trained on?",
        None,
    ]


def test_too_little_memory_is_told_of_in_a_sentence(tmp_path: Path) -> None:
    class Greedy(torch.nn.Module):
        def forward(self, windows: torch.Tensor) -> torch.Tensor:
            return torch.empty(2**60)

    scan = save_scan(tmp_path / "scan.nii", blob(), oblique(0.0))
    with pytest.raises(VoxloopError, match=r"scan\.nii needs more memory than there is"):
        predict(replace(threshold_model(), network=Greedy()), scan)


@pytest.mark.parametrize("ending", [".nrrd", ".mha", ".volume.json"])
def test_a_scan_of_another_format_is_segmented_as_the_same_scan_in_nifti(tmp_path: Path, ending: str) -> None:
    """By models whose own transforms read NIfTI only, as those of the model zoo do."""
    for which in (0, 17, 42):
        voxels, affine = reordered(blob(which).astype(np.uint8), oblique(7.0), *ORIENTATIONS[which])
        geometry = Geometry((voxels.shape[0], voxels.shape[1], voxels.shape[2]), affine)
        scan = tmp_path / f"scan{ending}"
        if ending == ".volume.json":
            write_volume(tmp_path / "source.nrrd", voxels.astype(np.int16), geometry)
            write_reference(scan, [tmp_path / "source.nrrd"])
        else:
            write_volume(scan, voxels.astype(np.int16), geometry)
        assert sources_in([scan]) == [Source("scan", scan)]
        prediction = predict(threshold_model(), scan)
        made = nib.load(save(prediction, tmp_path / "labels.nii.gz"))
        assert prediction.case == "scan"
        assert np.allclose(made.affine, affine, atol=1e-4)
        assert (np.asarray(made.dataobj) == voxels).all()


def test_no_label_map_takes_the_place_of_another_of_a_scan_or_of_a_truth(tmp_path: Path) -> None:
    for patient in ("P1", "P2"):
        (tmp_path / patient).mkdir()
        save_scan(tmp_path / patient / "ct.nii.gz", blob(), oblique(0.0))
    scans = sources_in([tmp_path / patient / "ct.nii.gz" for patient in ("P1", "P2")])
    assert targets_of(scans[:1], tmp_path / "out") == {scans[0]: tmp_path / "out" / "ct.nii.gz"}
    with pytest.raises(VoxloopError, match=r"P1/ct\.nii\.gz and .*P2/ct\.nii\.gz would both become ct\.nii\.gz"):
        targets_of(scans, tmp_path / "out")
    with pytest.raises(VoxloopError, match="would overwrite the scan"):
        targets_of(scans[:1], tmp_path / "P1")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "dataset.json").write_text("{}")
    with pytest.raises(VoxloopError, match="labels that a dataset is trained on"):
        targets_of(scans[:1], tmp_path / "set" / "labelsTr")


def test_two_matrices_that_disagree_are_both_kept(tmp_path: Path) -> None:
    scan = save_scan(tmp_path / "scan.nii.gz", blob(), oblique(0.0))
    image = nib.load(scan)
    image.header.set_qform(oblique(9.0), 2)
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), None, image.header), tmp_path / "two.nii.gz")
    check_header(
        tmp_path / "two.nii.gz",
        save(predict(threshold_model(), tmp_path / "two.nii.gz"), tmp_path / "out.nii.gz"),
    )


def test_a_scaled_scan_gives_plain_labels(tmp_path: Path) -> None:
    """The slope of CT values must not scale the class numbers."""
    image = nib.Nifti1Image(blob() * 100, oblique(3.0))
    image.header.set_slope_inter(0.01, 0.0)
    nib.save(image, tmp_path / "scaled.nii.gz")
    save(predict(threshold_model(), tmp_path / "scaled.nii.gz"), tmp_path / "out.nii.gz")
    made = nib.load(tmp_path / "out.nii.gz")
    assert set(np.unique(made.get_fdata())) <= {0.0, 1.0}
    assert made.dataobj.slope == 1.0


def test_volume_is_in_millilitres(tmp_path: Path) -> None:
    voxels = np.zeros(SHAPE, np.int16)
    voxels[2:4, 3:5, 4:6] = 1
    scan = save_scan(tmp_path / "scan.nii.gz", voxels, oblique(11.0, (0.5, 2.0, 5.0)))
    assert predict(threshold_model(), scan).volume_ml(1) == pytest.approx(8 * 0.5 * 2.0 * 5.0 / 1000)


def test_a_truncated_scan_is_refused_in_a_sentence(tmp_path: Path) -> None:
    scan = save_scan(tmp_path / "scan.nii.gz", np.random.default_rng(0).integers(0, 999, (40, 40, 40)), oblique(0.0))
    scan.write_bytes(scan.read_bytes()[:-2000])
    with pytest.raises(VoxloopError, match=r"scan\.nii\.gz"):
        predict(threshold_model(), scan)


def test_text_that_calls_itself_a_scan_is_refused(tmp_path: Path) -> None:
    scan = tmp_path / "scan.nii.gz"
    scan.write_bytes(gzip.compress(b"not a scan at all " * 100))
    with pytest.raises(VoxloopError, match=r"scan\.nii\.gz"):
        predict(threshold_model(), scan)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("missing.nii.gz", "No scan is at"), ("photo.png", "no scan of a format"), ("empty", "holds no")],
)
def test_what_cannot_be_a_scan_is_named(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "photo.png").write_bytes(b"png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(VoxloopError, match=reason):
        sources_in([tmp_path / name])


def test_a_folder_gives_its_scans_without_those_of_macos(tmp_path: Path) -> None:
    for name in ("b.nii.gz", "a.nii", "._a.nii", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert [source.path.name for source in sources_in([tmp_path])] == ["a.nii", "b.nii.gz"]


def test_no_space_left_is_one_sentence_and_no_half_file(tmp_path: Path) -> None:
    """A process that may write 4 kB only, as on a full disk."""
    scan = save_scan(tmp_path / "scan.nii.gz", np.random.default_rng(0).integers(0, 2, (64, 64, 64)), oblique(0.0))
    code = f"""
import resource, signal
from pathlib import Path
from tests.inference.models import threshold_model
from voxloop.errors import VoxloopError
from voxloop.inference.predict import predict
from voxloop.inference.saving import save
done = predict(threshold_model(), Path({str(scan)!r}))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    save(done, Path({str(tmp_path / "out" / "labels.nii.gz")!r}))
except VoxloopError as error:
    print("SENTENCE", error)
"""
    root = Path(__file__).parent.parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert "SENTENCE" in done.stdout
    assert "labels.nii.gz cannot be written" in done.stdout
    assert list((tmp_path / "out").iterdir()) == []


def test_the_48_orientations_are_48() -> None:
    assert len({(order, flips) for order, flips in ORIENTATIONS}) == 48
    assert set(itertools.permutations(range(3))) == {order for order, _ in ORIENTATIONS}
