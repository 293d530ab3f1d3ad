"""One scan in, one label map out, in the scan's own shape, affine and header."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxloop.data.decathlon import case_id, read_dataset
from voxloop.data.formats.writing import write_volume
from voxloop.data.geometry import Geometry
from voxloop.data.scans import NIFTI, Scan, open_scan
from voxloop.errors import VoxloopError
from voxloop.recipes.datalist import channel_order

if TYPE_CHECKING:
    from voxloop.inference.model import Model


@dataclass(frozen=True, slots=True)
class Prediction:
    """A label map on the grid of the scan it belongs to."""

    scan: Path
    labels: npt.NDArray[np.uint8]
    geometry: Geometry
    classes: tuple[str, ...]

    @property
    def case(self) -> str:
        return case_id(self.scan)

    def volume_ml(self, class_number: int) -> float:
        """How much of the patient a class fills, in millilitres."""
        return float(np.count_nonzero(self.labels == class_number)) * self.geometry.voxel_ml


def predict(model: Model, scan: Path | Scan, channel_order: Sequence[int] | None = None) -> Prediction:
    """Segments one scan. The label map is reduced to uint8 before it goes back to the scan's grid.

    `channel_order` says which channels of the file are the model's, in its order. Without it, that is found by name where
    the scan lies in a dataset, and elsewhere the file is taken to hold the model's channels in their order.
    """
    import torch

    scan = scan if isinstance(scan, Scan) else open_scan(scan)
    path = scan.path
    if not model.channels and model.inputs and scan.channels != model.inputs:
        raise VoxloopError(
            f"{path.name} has {scan.channels} channels, and {model.name} takes {model.inputs}; "
            "give it the one scan that it was trained on."
        )
    sample: dict[str, Any] = {}
    if model.channels:
        sample["channel_order"] = list(channel_order or _order(model, scan))
        if scan.channels <= max(sample["channel_order"]):
            raise VoxloopError(
                f"{path.name} has {scan.channels} channels, and its dataset names more; get the whole scan, "
                "or mend the names in dataset.json."
            )
    with _as_nifti(scan) as readable:
        prepared = model.preprocess({**sample, "image": str(readable)})
    batch = prepared["image"].as_tensor()[None].to(model.device)
    with torch.inference_mode():
        logits = model.inferer(batch, model.network)[0]
        labels = model.labels_of(logits, prepared, scan.geometry)
    return Prediction(path, labels, scan.geometry, model.classes)


@contextmanager
def _as_nifti(scan: Scan) -> Iterator[Path]:
    """The scan as a file that any model's own transforms read: itself, or a passing copy where it has another format."""
    if scan.path.name.lower().endswith(NIFTI):
        yield scan.path
        return
    with tempfile.TemporaryDirectory(prefix="voxloop-scan-") as folder:
        copy = Path(folder) / f"{case_id(scan.path)}.nii"
        write_volume(copy, scan.array(), scan.geometry)
        yield copy


def _order(model: Model, scan: Scan) -> list[int]:
    """By the names in the dataset.json beside the scan's folder; without one the file has to hold just what is needed."""
    dataset = scan.path.parent.parent
    if scan.path.parent.name in ("imagesTr", "imagesTs") and (dataset / "dataset.json").is_file():
        order = channel_order(read_dataset(dataset), model.channels, model.spellings)
    else:
        order = list(range(len(model.channels)))
        if scan.channels != len(order):
            raise VoxloopError(
                f"{scan.path.name} has {scan.channels} channels, and {model.name} needs {len(order)}: "
                f"{', '.join(model.channels)}; put these into one file, in this order."
            )
    return order
