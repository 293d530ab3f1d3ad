"""Volumes as the API tells them: where their parts are, and where in the patient."""

from __future__ import annotations

from voxloop.server.models.answer import Answer


class CaseVolumes(Answer):
    """The steps at which volumes of a case were logged under a name, with their epochs where those are known."""

    case: str
    name: str
    steps: list[int]
    epochs: list[int | None]


class BlobLink(Answer):
    url: str
    bytes: int


class LabelClass(Answer):
    value: int
    name: str


class LabelLayer(BlobLink):
    """One label map over the scan; cropped to what is marked where `start` says at which voxel it begins."""

    name: str
    start: list[int] | None
    classes: list[LabelClass]


class Geometry(Answer):
    """Where the scan's voxels are: the affine leads from voxel index to RAS millimetres."""

    shape: list[int]
    affine: list[list[float]]
    spacing_mm: list[float]
    orientation: str


class CaseVolume(Answer):
    """A scan with its layers at one step, the names of its channels where they have any, and the Dice of each class there."""

    case: str
    name: str
    step: int
    steps: list[int]
    geometry: Geometry
    image: BlobLink
    layers: list[LabelLayer]
    channels: list[str]
    dice: dict[str, float] | None
