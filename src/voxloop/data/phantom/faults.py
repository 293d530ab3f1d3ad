"""Faults that are planted into one case each: what goes wrong in files, headers, intensities and labels in practice."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.phantom.layout import PhantomCase, write, write_nifti

Plant = Callable[[Path, Path, PhantomCase], str]


def _relabel(label: Path, case: PhantomCase, values: npt.NDArray[Any]) -> None:
    made = case.header.image(values)
    write_nifti(label, made)


def _value_255(image: Path, label: Path, case: PhantomCase) -> str:
    _relabel(label, case, np.where(case.labels > 0, 255, 0).astype(np.uint8))
    return "the spleen is 255, a value without a name"


def _fractions(image: Path, label: Path, case: PhantomCase) -> str:
    _relabel(label, case, case.labels.astype(np.float32) * np.float32(0.73))
    return "labels are fractions, as of a probability map"


def _empty(image: Path, label: Path, case: PhantomCase) -> str:
    _relabel(label, case, np.zeros_like(case.labels))
    return "the label holds background only"


def _not_a_number(image: Path, label: Path, case: PhantomCase) -> str:
    voxels = case.voxels.astype(np.float32)
    voxels[::5, ::7, ::3] = np.nan
    write_nifti(image, case.header.image(voxels))
    return "the scan holds NaN"


def _one_slice_less(image: Path, label: Path, case: PhantomCase) -> str:
    _relabel(label, case, case.labels[:, :, :-1])
    return "the label has one slice less than the scan"


def _shifted(image: Path, label: Path, case: PhantomCase) -> str:
    made = case.header.image(case.labels)
    affine = case.header.geometry.affine.copy()
    affine[:3, 3] += (12.0, 0.0, -9.0)
    made.header.set_sform(affine, 1)
    made.header.set_qform(affine, 1)
    write_nifti(label, made)
    return "the label lies 15 mm away from the scan"


def _flipped(image: Path, label: Path, case: PhantomCase) -> str:
    made = case.header.image(case.labels[::-1])
    affine = case.header.geometry.affine @ np.diag([-1.0, 1.0, 1.0, 1.0])
    made.header.set_sform(affine, 1)
    made.header.set_qform(affine, 1)
    write_nifti(label, made)
    return "the label's first axis runs the other way, and its origin was not moved with it"


def _cut_off(image: Path, label: Path, case: PhantomCase) -> str:
    content = image.read_bytes()
    write(image, content[: len(content) * 2 // 3])
    return "the file ends after two thirds"


def _extra_axis(image: Path, label: Path, case: PhantomCase) -> str:
    write_nifti(image, case.header.image(case.voxels[..., None]))
    return "a fourth axis of one"


def _lying_size(image: Path, label: Path, case: PhantomCase) -> str:
    content = bytearray(gzip.decompress(image.read_bytes()))
    content[42:48] = np.array([30_000, 30_000, 30_000], "<i2").tobytes()
    write(image, gzip.compress(bytes(content), 3, mtime=0))
    return "the header claims 27 million million voxels"


def _no_affine(image: Path, label: Path, case: PhantomCase) -> str:
    made = case.header.image(case.voxels)
    for row in ("srow_x", "srow_y", "srow_z"):
        made.header[row] = np.nan
    write_nifti(image, made)
    return "the affine is not a number"


def _two_forms(image: Path, label: Path, case: PhantomCase) -> str:
    made = case.header.image(case.voxels)
    far = case.header.geometry.affine.copy()
    far[:3, 3] += (0.0, 40.0, 0.0)
    made.header.set_qform(far, 1)
    write_nifti(image, made)
    return "qform and sform disagree by 40 mm"


def _other_modality(image: Path, label: Path, case: PhantomCase) -> str:
    write_nifti(image, case.header.image(np.clip((case.voxels + 1024) // 8, 0, 255).astype(np.int16)))
    return "values of 0..255, which are no HU"


def _one_slice(image: Path, label: Path, case: PhantomCase) -> str:
    write_nifti(image, case.header.image(case.voxels[:, :, :1]))
    _relabel(label, case, case.labels[:, :, :1])
    return "one slice only"


# -- more of files and headers


def _no_scan(image: Path, label: Path, case: PhantomCase) -> str:
    write(image, b"<html><body>404 Not Found</body></html>" * 20)
    return "a web page that was saved under the scan's name"


def _placed(path: Path, case: PhantomCase, affine: npt.NDArray[np.float64], voxels: npt.NDArray[Any]) -> None:
    made = case.header.image(voxels)
    made.header.set_sform(affine, 1)
    made.header.set_qform(affine, 1, strip_shears=True)
    write_nifti(path, made)


def _everywhere(image: Path, label: Path, case: PhantomCase, affine: npt.NDArray[np.float64]) -> None:
    """The same header for scan and label, so that only what is wrong with it is to be found."""
    _placed(image, case, affine, case.voxels)
    _placed(label, case, affine, case.labels)


def _permuted(image: Path, label: Path, case: PhantomCase) -> str:
    turned = case.header.geometry.affine[:, [1, 0, 2, 3]].copy()
    turned[:3, 3] += 20 * case.header.geometry.affine[:3, 0]
    _placed(label, case, turned, np.swapaxes(case.labels, 0, 1))
    return "the label's first two axes are exchanged, and its origin is not the scan's"


def _reoriented(image: Path, label: Path, case: PhantomCase) -> str:
    affine = case.header.geometry.affine.copy()
    affine[:3, 3] += affine[:3, 1] * (case.labels.shape[1] - 1)
    affine[:3, 1] *= -1
    _placed(label, case, affine, case.labels[:, ::-1])
    return "the label lies right, and its second axis is stored the other way"


def _coarser(image: Path, label: Path, case: PhantomCase) -> str:
    affine = case.header.geometry.affine @ np.diag([2.0, 2.0, 1.0, 1.0])
    _placed(label, case, affine, case.labels[::2, ::2])
    return "the label has voxels of twice the size"


def _rotated(image: Path, label: Path, case: PhantomCase) -> str:
    angle = np.deg2rad(12.0)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    _placed(label, case, turn @ case.header.geometry.affine, case.labels)
    return "the label is turned by 12 degrees"


def _mirrored_forms(image: Path, label: Path, case: PhantomCase) -> str:
    made = case.header.image(case.voxels)
    made.header.set_qform(np.diag([-1.0, 1.0, 1.0, 1.0]) @ case.header.geometry.affine, 1)
    write_nifti(image, made)
    return "qform and sform are mirror images of each other"


def _no_orientation(image: Path, label: Path, case: PhantomCase) -> str:
    for path, voxels in ((image, case.voxels), (label, case.labels)):
        made = case.header.image(voxels)
        made.header["sform_code"] = made.header["qform_code"] = 0
        write_nifti(path, made)
    return "both codes are 0, so that the orientation is unknown"


def _sheared(image: Path, label: Path, case: PhantomCase) -> str:
    shear = np.eye(4)
    shear[1, 2] = 0.15
    for path, voxels in ((image, case.voxels), (label, case.labels)):
        made = case.header.image(voxels)
        made.header.set_sform(shear @ case.header.geometry.affine, 1)
        made.header["qform_code"] = 0
        made.header["pixdim"][1:4] = np.linalg.norm((shear @ case.header.geometry.affine)[:3, :3], axis=0)
        write_nifti(path, made)
    return "the axes are not at right angles, as a tilted gantry leaves them"


def _in_metres(image: Path, label: Path, case: PhantomCase) -> str:
    _everywhere(image, label, case, np.diag([0.001, 0.001, 0.001, 1.0]) @ case.header.geometry.affine)
    return "spacing and position are in metres"


def _in_microns(image: Path, label: Path, case: PhantomCase) -> str:
    made = case.header.image(case.voxels)
    made.header.set_xyzt_units("micron")
    write_nifti(image, made)
    return "the header's unit is the micron"


def _far_away(image: Path, label: Path, case: PhantomCase) -> str:
    affine = case.header.geometry.affine.copy()
    affine[2, 3] += 90_000.0
    _everywhere(image, label, case, affine)
    return "the scan lies 90 m above the scanner"


def _lost_header(image: Path, label: Path, case: PhantomCase) -> str:
    _everywhere(image, label, case, np.eye(4))
    return "spacing 1, position 0: the header of an empty file"


def _two_spacings(image: Path, label: Path, case: PhantomCase) -> str:
    made = case.header.image(case.voxels)
    made.header["qform_code"] = 0
    made.header["pixdim"][3] *= 2
    write_nifti(image, made)
    return "pixdim gives slices of twice the sform's distance"


def _few_slices(image: Path, label: Path, case: PhantomCase) -> str:
    middle = int(np.flatnonzero(case.labels.any(axis=(0, 1))).mean())
    write_nifti(image, case.header.image(case.voxels[:, :, middle - 2 : middle + 3]))
    _relabel(label, case, case.labels[:, :, middle - 2 : middle + 3])
    return "five slices are left of the scan"


def _two_channels(image: Path, label: Path, case: PhantomCase) -> str:
    write_nifti(image, case.header.image(np.stack([case.voxels, case.voxels[::-1]], axis=-1)))
    return "two channels where dataset.json names one"


# -- more of intensities


def _rescaled(image: Path, case: PhantomCase, values: npt.NDArray[Any]) -> None:
    write_nifti(image, case.header.image(values))


def _constant(image: Path, label: Path, case: PhantomCase) -> str:
    _rescaled(image, case, np.full_like(case.voxels, -1000))
    return "the scan is -1000 everywhere"


def _mostly_zero(image: Path, label: Path, case: PhantomCase) -> str:
    values = np.zeros_like(case.voxels)
    values[20:24, 20:24, 4:6] = case.voxels[20:24, 20:24, 4:6]
    _rescaled(image, case, values)
    return "the scan is zero but for a few voxels"


def _offset(image: Path, label: Path, case: PhantomCase) -> str:
    _rescaled(image, case, case.voxels + np.int16(1024))
    return "the intercept of -1024 was not applied"


def _slope(image: Path, label: Path, case: PhantomCase) -> str:
    _rescaled(image, case, case.voxels * np.int16(10))
    return "a slope of 10 was applied once too often"


def _windowed(image: Path, label: Path, case: PhantomCase) -> str:
    _rescaled(image, case, np.clip(case.voxels, -160, 240))
    return "the scan was cut off at -160 and 240 HU"


def _no_air(image: Path, label: Path, case: PhantomCase) -> str:
    inside = case.voxels.astype(np.float64)
    rng = np.random.default_rng(7)
    _rescaled(image, case, np.where(inside < -300, rng.normal(-110, 20, inside.shape), inside).astype(np.int16))
    return "air was replaced by something like fat"


def _padded(image: Path, label: Path, case: PhantomCase) -> str:
    i, j = np.ogrid[: case.voxels.shape[0], : case.voxels.shape[1]]
    middle = (case.voxels.shape[0] - 1) / 2
    corners = (i - middle) ** 2 + (j - middle) ** 2 > middle**2
    _rescaled(image, case, np.where(corners[:, :, None], np.int16(-2000), case.voxels))
    return "-2000 fills the corners outside the scanner's circle"


# -- more of labels


def _negative(image: Path, label: Path, case: PhantomCase) -> str:
    _relabel(label, case, np.where(case.labels > 0, -1, 0).astype(np.int16))
    return "the spleen is -1"


def _too_large(image: Path, label: Path, case: PhantomCase) -> str:
    _relabel(label, case, case.labels.astype(np.int16) * np.int16(1000))
    return "the spleen is 1000"


def _one_voxel(image: Path, label: Path, case: PhantomCase) -> str:
    only = np.zeros_like(case.labels)
    only[tuple(np.argwhere(case.labels)[0])] = 1
    _relabel(label, case, only)
    return "one voxel is labelled"


def _specks(image: Path, label: Path, case: PhantomCase) -> str:
    labels = case.labels.copy()
    labels[12:60:6, 12:60:8, 4] = 1
    _relabel(label, case, labels)
    return "specks lie all over a slice"


def _giant(image: Path, label: Path, case: PhantomCase) -> str:
    body = (case.voxels > -300).astype(np.uint8)
    body[:2] = body[-2:] = body[:, :2] = body[:, -2:] = body[:, :, :1] = body[:, :, -1:] = 0
    _relabel(label, case, body)
    return "the whole body is labelled as spleen"


def _in_air(image: Path, label: Path, case: PhantomCase) -> str:
    corner = np.zeros_like(case.labels)
    box = np.argwhere(case.labels)
    size = box.max(axis=0) - box.min(axis=0) + 1
    corner[tuple(slice(2, 2 + side) for side in size)] = case.labels[
        tuple(slice(low, low + side) for low, side in zip(box.min(axis=0), size, strict=True))
    ]
    _relabel(label, case, corner)
    return "the label was moved into the air, with a header that does not tell"


PLANTS: dict[str, Plant] = {
    "label_value": _value_255,
    "label_fractions": _fractions,
    "label_empty": _empty,
    "label_shape": _one_slice_less,
    "label_shifted": _shifted,
    "label_flipped": _flipped,
    "not_finite": _not_a_number,
    "truncated": _cut_off,
    "extra_axis": _extra_axis,
    "lying_header": _lying_size,
    "no_affine": _no_affine,
    "two_forms": _two_forms,
    "modality": _other_modality,
    "one_slice": _one_slice,
    "unreadable": _no_scan,
    "label_permuted": _permuted,
    "label_reoriented": _reoriented,
    "label_spacing": _coarser,
    "label_rotated": _rotated,
    "mirrored_forms": _mirrored_forms,
    "no_orientation": _no_orientation,
    "sheared": _sheared,
    "spacing": _in_metres,
    "units": _in_microns,
    "far_origin": _far_away,
    "lost_header": _lost_header,
    "pixdim": _two_spacings,
    "few_slices": _few_slices,
    "channels": _two_channels,
    "constant": _constant,
    "mostly_zero": _mostly_zero,
    "hu_offset": _offset,
    "hu_slope": _slope,
    "saturated": _windowed,
    "no_air": _no_air,
    "padding": _padded,
    "label_negative": _negative,
    "label_too_large": _too_large,
    "one_voxel": _one_voxel,
    "fragments": _specks,
    "volume": _giant,
    "class_intensity": _in_air,
}
LABEL_FAULTS = {kind for kind in PLANTS if kind.startswith("label_")} | {
    "one_voxel",
    "fragments",
    "volume",
    "class_intensity",
}
