"""A validated sample as a volume for review: the scan's own file, the truth and the prediction on its grid."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxloop.data.decathlon import channels_called
from voxloop.data.geometry import Geometry
from voxloop.data.grid import labels_on_grid
from voxloop.data.scans import open_labels, open_scan
from voxloop.errors import VoxloopError
from voxloop.monai.cases import file_of
from voxloop.monai.output import Output
from voxloop.monai.viewable import Viewable

if TYPE_CHECKING:
    from voxloop.tracking import Volume

Labels = npt.NDArray[np.uint8]
# A label file is shown as it is where it says what the network was given; resampling moves a boundary, not a class.
AGREEMENT = 0.5


class Volumes:
    """Makes the volumes of one validator, and remembers between epochs what does not change."""

    def __init__(self, output: Output, truth_values: Mapping[int, int]) -> None:
        self.output = output
        self.truth_values = dict(truth_values)
        self._scans = Viewable()
        self._says_the_same: dict[Path, bool] = {}

    def of(self, sample: Mapping[str, Any]) -> Volume:
        from voxloop.tracking import Volume

        scan = open_scan(file_of(sample["image"]))
        layers: dict[str, Any] = {}
        if sample.get("label") is not None:
            layers["truth"] = self._truth(sample, scan.geometry)
        layers["prediction"] = self._on_scan(sample, "pred", scan.geometry)
        channels = channels_called(scan.path, scan.channels)
        return Volume(self._scans.of(scan), layers=layers, classes=self.output.names, channels=channels)

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
        labels = self.output.of_channels(np.asarray(content.detach().cpu()))
        return labels_on_grid(labels, np.asarray(affine, dtype=np.float64), geometry)


def _agree(given: Labels, file: Labels) -> bool:
    """Whether a label file says what the network was given: the same classes, mostly in the same voxels."""
    numbers = np.unique(given[given > 0])
    return np.array_equal(numbers, np.unique(file[file > 0])) and all(
        float((file[given == number] == number).mean()) >= AGREEMENT for number in numbers
    )
