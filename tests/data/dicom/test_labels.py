"""Structure sets and segmentations come back as the masks that made them, on the scan's own voxels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.uid import JPEGLSLossless

from tests.data.dicom.tracing import Points, blob, contours_of, in_mm
from tests.data.dicom.writing import some_hu, write_series, write_structures
from tests.data.test_grid import ORIENTATIONS, SHAPE, oblique, reordered
from voxloop.data.dicom import labels_of, open_series, structures
from voxloop.data.geometry import Geometry
from voxloop.data.scans import Scan
from voxloop.errors import VoxloopError

Affine = npt.NDArray[np.float64]
TILTED = oblique(8.0)
TILTED[:3, 2] += 0.7 * TILTED[:3, 1]
BOX = np.array([(0.5, 1.5), (4.5, 1.5), (4.5, 6.5), (0.5, 6.5)])


def scan_on(folder: Path, affine: Affine, shape: tuple[int, int, int] = SHAPE) -> Scan:
    return open_series(write_series(folder, some_hu(0, shape), affine))


def boxes(grid: Geometry, *heights: float, box: Points = BOX) -> list[Points]:
    return [in_mm(box, k, grid) for k in heights]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("affine", [oblique(0.0), oblique(23.0), TILTED], ids=["straight", "oblique", "tilted"])
def test_contours_traced_around_a_mask_give_the_mask(tmp_path: Path, affine: Affine, seed: int) -> None:
    scan = scan_on(tmp_path / "ct", affine)
    mask = blob(seed, scan.geometry.shape)
    made = labels_of(write_structures(tmp_path / "rt", {"liver": contours_of(mask, scan.geometry)}), scan)
    assert made.names == {1: "liver"}
    assert made.labels.dtype == np.uint8
    assert (made.labels == mask).all()


@pytest.mark.parametrize("which", range(0, 48, 5))
def test_contours_follow_a_scan_of_any_orientation(tmp_path: Path, which: int) -> None:
    stored, affine = reordered(blob(1, SHAPE).astype(np.uint8), oblique(12.0), *ORIENTATIONS[which])
    scan = open_series(write_series(tmp_path / "ct", stored.astype(np.int16), affine))
    mask = scan.array() > 0
    made = labels_of(write_structures(tmp_path / "rt", {"liver": contours_of(mask, scan.geometry)}), scan)
    assert (made.labels == mask).all()


def test_names_are_read_without_drawing(tmp_path: Path) -> None:
    path = write_structures(tmp_path / "rt", {"liver": [], "GTV 1": []}, series="1.2.3")
    found = structures(path)
    assert (found.kind, found.names, found.series) == ("rtstruct", ("liver", "GTV 1"), "1.2.3")
    scan = write_series(tmp_path / "ct", some_hu()[..., :2], np.eye(4))
    with pytest.raises(VoxloopError, match="no structure set"):
        structures(scan[0])


def test_names_choose_structures_and_their_values(tmp_path: Path) -> None:
    scan = scan_on(tmp_path / "ct", oblique(3.0))
    path = write_structures(
        tmp_path / "rt",
        {"liver": boxes(scan.geometry, 2), "Spleen": boxes(scan.geometry, 5), "BODY": boxes(scan.geometry, 7)},
    )
    made = labels_of(path, scan, names=["spleen", "liver"])
    assert made.names == {1: "spleen", 2: "liver"}
    assert set(np.unique(made.labels[:, :, 5])) == {0, 1}
    assert set(np.unique(made.labels[:, :, 2])) == {0, 2}
    assert not made.labels[:, :, 7].any()
    with pytest.raises(VoxloopError, match='no structure "splen"; did you mean "Spleen"'):
        labels_of(path, scan, names=["splen"])


def test_the_smaller_of_two_overlapping_structures_wins(tmp_path: Path) -> None:
    """A tumour lies in its organ, whichever the file lists first."""
    scan = scan_on(tmp_path / "ct", oblique(3.0))
    organ, tumour = boxes(scan.geometry, 2, 3, 4), boxes(scan.geometry, 3, box=BOX * 0.5 + 1)
    for order in ({"organ": organ, "tumour": tumour}, {"tumour": tumour, "organ": organ}):
        made = labels_of(write_structures(tmp_path / "rt", order), scan)
        value = {name: value for value, name in made.names.items()}
        size = int((made.labels == value["tumour"]).sum())
        assert size == labels_of(tmp_path / "rt", scan, ["tumour"]).labels.sum() > 0
        (said,) = made.problems
        assert said == f'"organ" and "tumour" overlap in {size} voxels; these are labelled as the smaller, "tumour".'


def test_contours_that_cannot_be_drawn_are_said(tmp_path: Path) -> None:
    scan = scan_on(tmp_path / "ct", oblique(3.0))
    grid = scan.geometry
    leaning = in_mm(BOX, 3, grid)
    leaning[2:] += 2 * grid.affine[:3, 2]
    path = write_structures(
        tmp_path / "rt", {"liver": [*boxes(grid, 2, 3, 3.5, 8.4, 40, 6), leaning, boxes(grid, 9)[0][:2]], "empty": []}
    )
    made = labels_of(path, scan)
    assert np.flatnonzero(made.labels.any(axis=(0, 1))).tolist() == [2, 3, 6]
    said = "\n".join(made.problems)
    assert '"liver": 2 of its contours lie between the slices of the scan' in said
    assert '"liver": 1 of its contours lie beyond the first or last slice' in said
    assert '"liver": 1 of its contours lie across the slices' in said
    assert '"liver": 1 of its contours have damaged coordinates' in said
    assert '"liver" has no contour on 2 of the slices between its ends' in said
    assert '"empty" has no contours' in said


def test_a_contour_that_is_there_twice_is_drawn_once(tmp_path: Path) -> None:
    scan = scan_on(tmp_path / "ct", oblique(3.0))
    path = write_structures(tmp_path / "rt", {"liver": boxes(scan.geometry, 4, 4)})
    assert labels_of(path, scan).labels.sum() == 20


def test_what_cannot_be_drawn_at_all_is_refused(tmp_path: Path) -> None:
    scan = scan_on(tmp_path / "ct", oblique(3.0))
    contours = {"liver": boxes(scan.geometry, 4)}
    with pytest.raises(VoxloopError, match="another frame of reference"):
        labels_of(write_structures(tmp_path / "rt", contours, frame="1.2.3.4"), scan)
    with pytest.raises(VoxloopError, match="points or open lines"):
        labels_of(write_structures(tmp_path / "rt", contours, kind="POINT"), scan)
    with pytest.raises(VoxloopError, match="covers no voxel centre"):
        labels_of(write_structures(tmp_path / "rt", {"liver": boxes(scan.geometry, 4, box=BOX + 300)}), scan)
    with pytest.raises(VoxloopError, match="none of its structures"):
        labels_of(write_structures(tmp_path / "rt", {}), scan)


def segmentation(
    path: Path,
    files: Sequence[Path],
    masks: npt.NDArray[Any],
    kind: str = "BINARY",
    names: Sequence[str] = (),
    **extra: Any,
) -> Path:
    """What highdicom writes for masks [i, j, k] or [i, j, k, segment] on these slices."""
    import highdicom as hd
    import pydicom
    from pydicom.sr.codedict import codes

    names = names or [f"organ {n + 1}" for n in range(masks.shape[3] if masks.ndim == 4 else int(masks.max()))]
    described = [
        hd.seg.SegmentDescription(n, name, codes.SCT.Organ, codes.SCT.Liver, hd.seg.SegmentAlgorithmTypeValues.MANUAL)
        for n, name in enumerate(names, 1)
    ]
    # A copy: highdicom scales fractions where they are.
    turned = masks.transpose(2, 1, 0, *range(3, masks.ndim)).copy()
    hd.seg.Segmentation(
        [pydicom.dcmread(file) for file in files],
        turned,
        kind,
        described,
        hd.UID(),
        9,
        hd.UID(),
        1,
        "maker",
        "model",
        "1",
        "serial",
        **extra,
    ).save_as(path)
    return path


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
@pytest.mark.parametrize("affine", [oblique(0.0), oblique(23.0)], ids=["straight", "oblique"])
def test_a_segmentation_comes_back_as_it_was_made(tmp_path: Path, kind: str, affine: Affine) -> None:
    files = write_series(tmp_path / "ct", some_hu(), affine)
    scan = open_series(files)
    masks = np.where(blob(1, SHAPE), 1, 0) + np.where(blob(2, SHAPE) & ~blob(1, SHAPE), 2, 0)
    path = segmentation(tmp_path / "seg", files, masks.astype(np.uint8), kind, ["liver", "spleen"])
    assert structures(path).names == ("liver", "spleen")
    made = labels_of(path, scan)
    assert made.names == {1: "liver", 2: "spleen"}
    assert (made.labels == masks).all()
    assert len(made.problems) == (kind == "FRACTIONAL")
    only = labels_of(path, scan, ["spleen"])
    assert (only.labels == (masks == 2)).all()


def test_fractions_count_from_one_half_on(tmp_path: Path) -> None:
    files = write_series(tmp_path / "ct", some_hu(), oblique(5.0))
    shares = np.random.default_rng(0).choice([0.0, 0.2, 0.45, 0.55, 0.8, 1.0], SHAPE)
    made = labels_of(segmentation(tmp_path / "seg", files, shares, "FRACTIONAL", ["liver"]), open_series(files))
    assert (made.labels == (shares > 0.5)).all()


def test_a_compressed_segmentation_is_unpacked(tmp_path: Path) -> None:
    files = write_series(tmp_path / "ct", some_hu(), oblique(5.0))
    mask = blob(1, SHAPE).astype(np.uint8)
    path = segmentation(tmp_path / "seg", files, mask, "FRACTIONAL", transfer_syntax_uid=JPEGLSLossless)
    assert (labels_of(path, open_series(files)).labels == mask).all()


def test_segments_of_one_name_are_one_structure(tmp_path: Path) -> None:
    files = write_series(tmp_path / "ct", some_hu(), oblique(5.0))
    one, two = blob(1, SHAPE), blob(2, SHAPE)
    path = segmentation(tmp_path / "seg", files, np.stack([one, two], -1).astype(np.uint8), names=["nodule", "nodule"])
    made = labels_of(path, open_series(files))
    assert made.names == {1: "nodule"}
    assert (made.labels == (one | two)).all()
    assert made.problems == ('"nodule" is there 2 times; all are joined.',)


def test_empty_frames_may_be_left_out(tmp_path: Path) -> None:
    files = write_series(tmp_path / "ct", some_hu(), oblique(5.0))
    mask = blob(1, SHAPE).astype(np.uint8)
    mask[:, :, [0, 1, 4, 5, 6, 11]] = 0
    path = segmentation(tmp_path / "seg", files, mask)
    assert (labels_of(path, open_series(files)).labels == mask).all()


def test_overlapping_segments_give_the_smaller(tmp_path: Path) -> None:
    files = write_series(tmp_path / "ct", some_hu(), oblique(5.0))
    one, two = blob(1, SHAPE, 0.5), blob(2, SHAPE, 0.2)
    made = labels_of(
        segmentation(tmp_path / "seg", files, np.stack([one, two], -1).astype(np.uint8), names=["organ", "tumour"]),
        open_series(files),
    )
    assert (made.labels == np.where(two, 2, one)).all()
    assert f"overlap in {(one & two).sum():,} voxels" in made.problems[0]


@pytest.mark.parametrize("which", range(0, 48, 3))
def test_a_segmentation_along_other_axes_is_laid_on_the_scan(tmp_path: Path, which: int) -> None:
    """Made on a reformatted series of the same volume: other axes, other directions, the same voxels."""
    scan = scan_on(tmp_path / "ct", oblique(12.0))
    mask = blob(1, SHAPE)
    stored, affine = reordered(mask.astype(np.uint8), oblique(12.0), *ORIENTATIONS[which])
    files = write_series(tmp_path / "reformatted", stored.astype(np.int16), affine)
    made = labels_of(segmentation(tmp_path / "seg", files, stored), scan)
    assert (made.labels == mask).all()
    assert made.problems == ()


def test_a_segmentation_on_another_grid_is_carried_over_and_said(tmp_path: Path) -> None:
    scan = scan_on(tmp_path / "ct", np.diag([1.0, 1.0, 2.0, 1.0]))
    fine = np.diag([0.5, 0.5, 1.0, 1.0])
    fine[:3, 3] = (-0.25, -0.25, -0.5)
    mask = blob(1, SHAPE)
    files = write_series(tmp_path / "fine", some_hu(0, (14, 22, 26)), fine, SpacingBetweenSlices="1")
    stored = mask.repeat(2, 0).repeat(2, 1).repeat(2, 2).astype(np.uint8)
    made = labels_of(segmentation(tmp_path / "seg", files, stored), scan)
    assert (made.labels == mask).all()
    assert "lies on a grid of its own" in made.problems[0]


def test_thick_segments_on_thin_slices_leave_no_stripes(tmp_path: Path) -> None:
    """Every frame lies on a slice of the scan, and yet each means three of them."""
    scan = scan_on(tmp_path / "ct", np.eye(4), (7, 11, 12))
    thick = np.diag([1.0, 1.0, 3.0, 1.0])
    thick[2, 3] = 1.0
    mask = blob(1, (7, 11, 4))
    files = write_series(tmp_path / "thick", some_hu(0, (7, 11, 4)), thick, SliceThickness="3")
    made = labels_of(segmentation(tmp_path / "seg", files, mask.astype(np.uint8)), scan)
    assert (made.labels == mask.repeat(3, 2)).all()


def test_a_segmentation_of_another_place_is_refused(tmp_path: Path) -> None:
    scan = scan_on(tmp_path / "ct", oblique(3.0))
    away = oblique(3.0)
    away[:3, 3] += 5000
    files = write_series(tmp_path / "away", some_hu(), away)
    with pytest.raises(VoxloopError, match="none of its structures can be drawn"):
        labels_of(segmentation(tmp_path / "seg", files, blob(1, SHAPE).astype(np.uint8)), scan)
    files = write_series(tmp_path / "other", some_hu(), oblique(3.0), FrameOfReferenceUID="1.2.3")
    with pytest.raises(VoxloopError, match="another frame of reference"):
        labels_of(segmentation(tmp_path / "seg2", files, blob(1, SHAPE).astype(np.uint8)), scan)


def test_a_crop_of_the_scan_is_laid_at_its_place(tmp_path: Path) -> None:
    scan = scan_on(tmp_path / "ct", oblique(12.0))
    mask = np.zeros(SHAPE, bool)
    mask[2:6, 3:9, 4:10] = blob(1, (4, 6, 6))
    corner = np.eye(4)
    corner[:3, 3] = (2, 3, 4)
    files = write_series(tmp_path / "crop", some_hu(0, (4, 6, 6)), oblique(12.0) @ corner)
    made = labels_of(segmentation(tmp_path / "seg", files, mask[2:6, 3:9, 4:10].astype(np.uint8)), scan)
    assert (made.labels == mask).all()


def test_frames_of_a_tilted_gantry_are_laid_on_its_slices(tmp_path: Path) -> None:
    """They are less far apart across the slices than along the stack."""
    tilted = oblique(8.0)
    tilted[:3, 2] += 3.0 * tilted[:3, 1]
    files = write_series(tmp_path / "ct", some_hu(), tilted, SliceThickness="5")
    mask = np.zeros(SHAPE, np.uint8)
    mask[2:5, 3:8, 4] = 1
    made = labels_of(segmentation(tmp_path / "seg", files, mask), open_series(files))
    assert (made.labels == mask).all()
    assert made.problems == ()


def test_what_reaches_beyond_the_scan_is_counted(tmp_path: Path) -> None:
    mask = np.zeros(SHAPE, bool)
    mask[1:6, 2:9, 3:10] = True
    files = write_series(tmp_path / "ct", some_hu(), oblique(12.0))
    path = segmentation(tmp_path / "seg", files, mask.astype(np.uint8))
    corner = np.eye(4)
    corner[:3, 3] = (2, 3, 4)
    crop = scan_on(tmp_path / "crop", oblique(12.0) @ corner, (3, 5, 4))
    made = labels_of(path, crop)
    assert (made.labels == mask[2:5, 3:8, 4:8]).all()
    assert made.problems == (
        f"seg reaches beyond the scan by {mask.sum() - mask[2:5, 3:8, 4:8].sum()} voxels; they are left out.",
    )
