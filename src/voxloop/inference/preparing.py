"""A scan as a model's network sees it: read, turned, resampled and scaled by the model's own transforms."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxloop.data.decathlon import case_id, dataset_around, read_dataset
from voxloop.data.formats.writing import write_volume
from voxloop.data.scans import NIFTI, Scan
from voxloop.errors import VoxloopError
from voxloop.recipes.datalist import channel_order

if TYPE_CHECKING:
    import torch

    from voxloop.inference.model import Model

# Of a voxel: what floating point leaves between two ways to the same place.
SAME_PLACE = 1e-4
# What a transform keeps of its last run: the file that was read, and whether the inverse was recorded.
LEFT_BY_RUNNING = ("filenames", "_tracing")


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What a network is shown, [1, channel, i, j, k], and where its voxels lie in the patient."""

    image: torch.Tensor
    affine: npt.NDArray[np.float64]
    # All that the transforms gave, for the steps that a bundle of others has after its network.
    sample: Mapping[str, Any]

    @property
    def shape(self) -> tuple[int, int, int]:
        i, j, k = self.image.shape[2:]
        return i, j, k

    def lies_as(self, other: Prepared) -> bool:
        """Whether both have the same voxels in the same places."""
        apart = np.linalg.inv(self.affine) @ other.affine - np.eye(4)
        return self.shape == other.shape and float(np.abs(apart).max()) * max(self.shape) < SAME_PLACE


def prepare(model: Model, scan: Scan, readable: Path, order: Sequence[int] | None) -> Prepared:
    """Runs the model's transforms on a file that they can read; `order` says which of its channels are the model's."""
    require_channels(model, scan)
    sample: dict[str, Any] = {"image": str(readable)}
    if model.channels:
        sample["channel_order"] = list(order or _order(model, scan))
        if scan.channels <= max(sample["channel_order"]):
            raise VoxloopError(
                f"{scan.path.name} has {scan.channels} channels, and its dataset names more; get the whole scan, "
                "or mend the names in dataset.json."
            )
    try:
        prepared = model.preprocess(sample)
    except RuntimeError as error:
        # Not from the wrapping ones: they are caused by it, and a circle would never be told to its end.
        raise _cause(error) from None
    image = prepared["image"]
    if image.ndim != 4:
        raise VoxloopError(
            f"{scan.path.name}: the transforms of {model.name} make {image.ndim - 1} axes of it, and three are "
            "needed; is it a model for volumes?"
        )
    affine = np.asarray(image.affine, dtype=np.float64)
    return Prepared(image.as_tensor()[None].to(model.device), affine, prepared)


def require_channels(model: Model, scan: Scan) -> None:
    """Refuses a file whose channels cannot be the model's."""
    if model.channels or not model.inputs or scan.channels == model.inputs:
        return
    way_out = "give it the one scan that it was trained on"
    if model.inputs == 1:
        way_out += ", or segment each of the file's volumes (--each-volume)"
    raise VoxloopError(
        f"{scan.path.name} has {scan.channels} channels, and {model.name} takes {model.inputs}; {way_out}."
    )


def prepared_alike(one: Model, other: Model) -> bool:
    """Whether two models see a scan in the same way, as folds of one training do. What cannot be compared is not alike."""
    return one.channels == other.channels and one.device == other.device and _alike(_steps(one), _steps(other))


def _steps(model: Model) -> Sequence[Any]:
    from monai.transforms import Compose

    # A Compose draws a seed of its own, which steps without chance never ask for; those with it differ here too.
    chain: Any = model.preprocess
    return list(chain.transforms) if type(chain) is Compose else [chain]


def _alike(one: Any, other: Any) -> bool:
    """Whether two settings, or two transforms of MONAI's or ours by all of their settings, are the same."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    if isinstance(one, (str, int, float, Path, np.dtype)):
        return bool(one == other)
    # Generators of chance, functions and foreign code may differ in what is not seen.
    known = type(one).__module__.startswith(("monai.", "voxloop."))
    return known and hasattr(one, "__dict__") and _alike(_settings(one), _settings(other))


def _settings(step: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(step).items() if name not in LEFT_BY_RUNNING}


@contextmanager
def as_nifti(scan: Scan) -> Iterator[Path]:
    """The scan as a file that any model's own transforms read: itself, or a passing copy where it has another format."""
    if scan.path.name.lower().endswith(NIFTI):
        yield scan.path
        return
    with tempfile.TemporaryDirectory(prefix="voxloop-scan-") as folder:
        copy = Path(folder) / f"{case_id(scan.path)}.nii"
        write_volume(copy, scan.array(), scan.geometry)
        yield copy


@contextmanager
def enough_memory(name: str) -> Iterator[None]:
    """Says in a sentence which scan was too much for the memory there is."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _is_of_memory(error):
            raise
        raise VoxloopError(
            f"{name} needs more memory than there is; close other programs, or choose another --device."
        ) from error


def _is_of_memory(error: BaseException) -> bool:
    import torch

    # On a CPU torch says it in words alone.
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "DefaultCPUAllocator" in str(error)


def _cause(error: BaseException) -> BaseException:
    """What went wrong: MONAI wraps it in an error for each transform that it was in."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _order(model: Model, scan: Scan) -> list[int]:
    """By the names in the dataset.json beside the scan's folder; without one the file has to hold just what is needed."""
    dataset = dataset_around(scan.path)
    if dataset is not None:
        return channel_order(read_dataset(dataset), model.channels, model.spellings)
    if scan.channels != len(model.channels):
        raise VoxloopError(
            f"{scan.path.name} has {scan.channels} channels, and {model.name} needs {len(model.channels)}: "
            f"{', '.join(model.channels)}; put these into one file, in this order."
        )
    return list(range(len(model.channels)))
