"""A validated sample as a volume for review: the scan's own file, the truth and the prediction on its grid."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxloop.data.geometry import Geometry
from voxloop.data.grid import labels_on_grid
from voxloop.data.scans import Scan, open_labels, open_scan
from voxloop.errors import VoxloopError
from voxloop.monai.cases import file_of

if TYPE_CHECKING:
    from voxloop.tracking import Volume

Labels = npt.NDArray[np.uint8]
# A label file is shown as it is where it says what the network was given; resampling moves a boundary, not a class.
AGREEMENT = 0.5


class Volumes:
    """Makes the volumes of one validator, and remembers between epochs what does not change."""

    def __init__(self, classes: Mapping[int, str], truth_values: Mapping[int, int]) -> None:
        self.classes = dict(classes)
        self.truth_values = dict(truth_values)
        self._first_channels: dict[Path, Path] = {}
        self._says_the_same: dict[Path, bool] = {}
        self._scratch: Path | None = None

    def of(self, sample: Mapping[str, Any]) -> Volume:
        from voxloop.tracking import Volume

        scan = open_scan(file_of(sample["image"]))
        layers: dict[str, Any] = {}
        if sample.get("label") is not None:
            layers["truth"] = self._truth(sample, scan.geometry)
        layers["prediction"] = self._on_scan(sample, "pred", scan.geometry)
        return Volume(self._reviewable(scan), layers=layers, classes=self.classes)

    def _reviewable(self, scan: Scan) -> Path:
        """The scan's file; of several channels in one file the first, written once."""
        if scan.channels == 1:
            return scan.path
        if scan.path not in self._first_channels:
            import nibabel as nib

            if self._scratch is None:
                self._scratch = Path(tempfile.mkdtemp(prefix="voxloop-channels-"))
                weakref.finalize(self, shutil.rmtree, self._scratch, ignore_errors=True)
            place = self._scratch / f"{len(self._first_channels)}-{scan.path.name}"
            nib.save(nib.load(scan.path).slicer[..., 0], place)
            self._first_channels[scan.path] = place
        return self._first_channels[scan.path]

    def _truth(self, sample: Mapping[str, Any], geometry: Geometry) -> Path | Labels:
        """The label file itself, with its values renumbered where they are known to differ from the network's.

        A bundle's transforms may renumber or merge labels as they like. So where nobody says how the file's values map to
        classes, the file is compared with what the network was given, and shown only where both say the same.
        """
        if self.truth_values:
            return self._renumbered(file_of(sample["label"]))
        given = self._on_scan(sample, "label", geometry)
        try:
            path = file_of(sample["label"])
            if path not in self._says_the_same:
                self._says_the_same[path] = _agree(given, open_labels(path, like=geometry).array())
        except VoxloopError:
            return given
        return path if self._says_the_same[path] else given

    def _renumbered(self, path: Path) -> Path | Labels:
        if all(value == number for value, number in self.truth_values.items()):
            return path
        values = open_scan(path).array()
        renumbered = np.zeros(values.shape, np.uint8)
        for value, number in self.truth_values.items():
            renumbered[values == value] = number
        return renumbered

    def _on_scan(self, sample: Mapping[str, Any], key: str, geometry: Geometry) -> Labels:
        """What lies in the model's space, as labels on the scan's grid."""
        content, image = sample[key], sample["image"]
        affine = getattr(content, "affine", None)
        if affine is None and tuple(content.shape[1:]) == tuple(image.shape[1:]):
            affine = getattr(image, "affine", None)
        if affine is None:
            raise VoxloopError(f"the samples do not say where their voxels are (no affine with `{key}`).")
        if content.ndim != 4:
            raise VoxloopError(f"`{key}` has {content.ndim - 1} axes in space; a volume for review has three.")
        labels = as_labels(np.asarray(content.detach().cpu()), self.classes)
        return labels_on_grid(labels, np.asarray(affine, dtype=np.float64), geometry)


def as_labels(channels: npt.NDArray[Any], classes: Mapping[int, str]) -> Labels:
    """Channels of any kind as one label map: discrete, one-hot, softmax, or regions that may lie inside each other.

    Regions are painted from the largest to the smallest, so that each stays visible: the whole tumour, then its core.
    """
    if len(channels) == 1:
        discrete: Labels = np.rint(np.nan_to_num(channels[0])).clip(0, 255).astype(np.uint8)
        return discrete
    if not _are_regions(channels, classes):
        labels: Labels = channels.argmax(axis=0).astype(np.uint8)
        return labels
    on = channels > 0.5
    painted = np.zeros(channels.shape[1:], np.uint8)
    for channel in sorted(range(len(on)), key=lambda one: (-int(on[one].sum()), one)):
        painted[on[channel]] = channel + 1
    return painted


def _are_regions(channels: npt.NDArray[Any], classes: Mapping[int, str]) -> bool:
    """Whether there is no background among the channels; without names, whether they ever overlap or leave a gap."""
    if classes:
        return len(channels) == len(classes)
    return bool(((channels > 0.5).sum(axis=0) != 1).any())


def _agree(given: Labels, file: Labels) -> bool:
    """Whether a label file says what the network was given: the same classes, mostly in the same voxels."""
    numbers = np.unique(given[given > 0])
    return np.array_equal(numbers, np.unique(file[file > 0])) and all(
        float((file[given == number] == number).mean()) >= AGREEMENT for number in numbers
    )
