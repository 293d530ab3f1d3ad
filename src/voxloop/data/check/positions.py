"""Judging where a case's voxels are: header against itself, label against scan, slices against what a recipe needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from voxloop.data.check import grids
from voxloop.data.check.case import Case, words_of
from voxloop.data.check.facts import File
from voxloop.data.geometry import Geometry

# Two positions of a header may differ by so much before they are two.
FORMS_MM, SAME_FORMS_MM = 1.5, 0.05
RIGHT_ANGLE_DEGREES = 0.1
SPACING_MM = 0.05, 20.0
FAR_MM = 5000.0
FEW_SLICES = 8


@dataclass(frozen=True, slots=True)
class Patch:
    """What a recipe resamples to, and how many voxels of that its network sees at once."""

    name: str
    spacing_mm: Sequence[float]
    roi_size: Sequence[int]


def judge(case: Case, patch: Patch | None) -> None:
    """Adds what is wrong with positions to the case's findings."""
    image, label = case.facts.image, case.facts.label
    for file in (image, label):
        if file is not None and file.error is not None:
            kind, said = file.error
            case.say(kind, said, file.listed)
    readable = [file for file in (image, label) if file is not None and file.shape != (0, 0, 0)]
    for file in readable:
        _header(case, file)
    if image is not None and label is not None and len(readable) == 2:
        _label_on_scan(case, label, image)
    if readable:
        _slices(case, readable[0])
    if image is not None and image in readable:
        channels = len(case.listing.modality)
        if channels and image.channels != channels:
            case.say(
                "channels",
                f"{image.listed} has {image.channels} channels, and modality names {channels} "
                f"({', '.join(case.listing.modality.values())}).",
                image.listed,
                channels=image.channels,
                modality=channels,
            )
        if patch is not None and not case.has({"one_slice", "spacing"}):
            _patch(case, image, patch)


def _header(case: Case, file: File) -> None:
    """What is told of the scan is not told of its label again."""
    grid = file.geometry
    told = {finding.kind for finding in case.findings if finding.file != file.listed}

    def say(kind: str, what: str, **numbers: Any) -> None:
        if kind not in told:
            case.say(kind, what, file.listed, **numbers)

    extra = file.nifti.get("axes", [])[3:]
    if extra and all(side == 1 for side in extra):
        shape = "×".join(map(str, file.nifti["axes"]))
        say("extra_axis", f"{file.listed} has the shape {shape}, with an axis of one at the end.")
    least, most = min(grid.spacing_mm), max(grid.spacing_mm)
    if least < SPACING_MM[0] or most > SPACING_MM[1]:
        spacing = "×".join(words_of(side) for side in grid.spacing_mm)
        say("spacing", f"{file.listed} has voxels of {spacing} mm.", spacing_mm=grid.spacing_mm)
    unit = file.nifti.get("unit", "mm")
    if unit not in ("mm", "unknown"):
        say("units", f"{file.listed} gives its positions in {unit}.", unit=unit)
    directions = grid.affine[:3, :3] / np.asarray(grid.spacing_mm)
    cosines = np.abs(directions.T @ directions - np.eye(3)).max()
    degrees = float(np.rad2deg(np.arcsin(min(1.0, cosines))))
    if degrees > RIGHT_ANGLE_DEGREES:
        say("sheared", f"The axes of {file.listed} are {degrees:.1f}° off the right angle.", degrees=degrees)
    middle = np.asarray(grid.point_of((grid.shape[0] / 2, grid.shape[1] / 2, grid.shape[2] / 2)))
    far = float(np.linalg.norm(middle))
    if far > FAR_MM:
        say("far_origin", f"{file.listed} lies {far / 1000:.1f} m away from the scanner's middle.", mm=far)
    identity = np.abs(np.abs(grid.affine) - np.eye(4)).max() < 1e-6
    if identity and case.is_ct:
        say("lost_header", f"{file.listed} has voxels of 1×1×1 mm, the first one at 0, 0, 0.")
    _forms(file, grid, say)


def _forms(file: File, grid: Geometry, say: Any) -> None:
    """qform against sform, and pixdim against the sform where no qform is."""
    header = file.nifti
    if "sform_code" not in header:
        return
    codes = f"codes {header['qform_code']} and {header['sform_code']}"
    if header["sform_code"] <= 0 and header["qform_code"] <= 0:
        say("no_orientation", f"Both qform and sform of {file.listed} have the code 0.")
        return
    if header["sform_code"] > 0 and header["qform_code"] > 0 and header["qform"] and header["sform"]:
        forms = {name: np.asarray(header[name], dtype=np.float64) for name in ("qform", "sform")}
        apart = Geometry(grid.shape, forms["qform"]).distance_mm(Geometry(grid.shape, forms["sform"]))
        signs = [np.sign(np.linalg.det(forms[name][:3, :3])) for name in ("qform", "sform")]
        if signs[0] * signs[1] < 0:
            kind, how = "mirrored_forms", "are mirror images of each other and"
        else:
            kind, how = "two_forms" if apart > FORMS_MM else "forms_differ", ""
        if apart > SAME_FORMS_MM:
            what = f"qform and sform of {file.listed} {how} differ by {apart:.2f} mm at the worst corner ({codes})."
            say(kind, " ".join(what.split()), mm=apart, codes=[header["qform_code"], header["sform_code"]])
        if kind != "forms_differ":
            return
    if header["sform_code"] > 0:
        said = np.abs(np.asarray(header["pixdim"]))
        meant = np.asarray(grid.spacing_mm)
        if (np.abs(said - meant) > np.maximum(0.01 * meant, 0.005)).any():
            shown = " and ".join("×".join(words_of(side) for side in sides) for sides in (said, meant))
            say("pixdim", f"pixdim and sform of {file.listed} give voxels of {shown} mm.", pixdim=said.tolist())


def _label_on_scan(case: Case, label: File, image: File) -> None:
    if label.channels > 1:
        case.say(
            "label_shape",
            f"{label.listed} has {label.channels} channels, and a label has one.",
            label.listed,
            channels=label.channels,
        )
        return
    difference = grids.compare(label.geometry, image.geometry)
    if difference is not None:
        case.say(difference.kind, f"{label.listed} {difference.words}.", label.listed, **difference.numbers)


def _slices(case: Case, file: File) -> None:
    least = min(file.shape)
    shape = "×".join(map(str, file.shape))
    if least == 1:
        case.say("one_slice", f"{file.listed} is {shape} voxels, one picture.", file.listed, slices=1)
    elif least < FEW_SLICES:
        case.say("few_slices", f"{file.listed} is {shape} voxels, {least} slices.", file.listed, slices=least)


def _patch(case: Case, image: File, patch: Patch) -> None:
    """Sizes after resampling, on the axes right, front, up, as recipes turn scans."""
    grid = image.geometry
    order = np.abs(grid.affine[:3, :3] / np.asarray(grid.spacing_mm)).argmax(axis=1)
    size = [
        round(grid.shape[axis] * grid.spacing_mm[axis] / float(patch.spacing_mm[number]))
        for number, axis in enumerate(order.tolist())
    ]
    short = [number for number in range(3) if size[number] < patch.roi_size[number]]
    if short:
        sizes = "×".join(map(str, size))
        needed = "×".join(map(str, patch.roi_size))
        spacing = "×".join(words_of(float(side)) for side in patch.spacing_mm)
        case.say(
            "short_for_patch",
            f"{image.listed} has {sizes} voxels at {spacing} mm, and {patch.name} looks at {needed}.",
            image.listed,
            size=size,
            roi_size=list(patch.roi_size),
        )
