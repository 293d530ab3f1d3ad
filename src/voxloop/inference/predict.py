"""One scan in, one label map out, in the scan's own shape, affine and header."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from voxloop.data.decathlon import case_id
from voxloop.data.formats.writing import write_volume
from voxloop.data.geometry import Geometry
from voxloop.data.grid import labels_on_grid
from voxloop.data.scans import Scan, open_scan
from voxloop.errors import VoxloopError
from voxloop.inference.ensemble import Grid, averaging, grids_of
from voxloop.inference.preparing import as_nifti, enough_memory
from voxloop.inference.probabilities import Probabilities, Spool
from voxloop.inference.windows import Progress

if TYPE_CHECKING:
    import torch

    from voxloop.inference.model import Model

Labels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class How:
    """How scans are segmented, beyond what a model itself says: which axes are flipped, and whether to keep probabilities."""

    flips: str = ""
    probabilities: bool = False


@dataclass(frozen=True, slots=True)
class Prediction:
    """A label map on the grid of the scan it belongs to: [i, j, k], or [i, j, k, volume] of a scan of several volumes."""

    scan: Path
    labels: Labels
    geometry: Geometry
    classes: tuple[str, ...]
    probabilities: Probabilities | None = None

    @property
    def case(self) -> str:
        return case_id(self.scan)

    def volume_ml(self, class_number: int) -> float:
        """How much of the patient a class fills, in millilitres."""
        assert self.labels.ndim == 3, "what fills several volumes is told by volumes_ml"
        return float(np.count_nonzero(self.labels == class_number)) * self.geometry.voxel_ml

    def volumes_ml(self) -> dict[str, float | list[float]]:
        """That of each class by name; of a scan of several volumes, one after the other."""
        maps = self.labels[..., None] if self.labels.ndim == 3 else self.labels
        filled = [_counts(maps[..., number]) * self.geometry.voxel_ml for number in range(maps.shape[3])]
        return {
            name: float(filled[0][number]) if self.labels.ndim == 3 else [float(one[number]) for one in filled]
            for number, name in enumerate(self.classes)
            if number
        }


def predict(
    models: Model | Sequence[Model],
    scan: Path | Scan,
    channel_order: Sequence[int] | None = None,
    how: How | None = None,
    progress: Progress | None = None,
) -> Prediction:
    """Segments one scan, by one model or by the mean probabilities of several.

    `channel_order` says which channels of the file are the model's, in its order. Without it, that is found by name where
    the scan lies in a dataset, and elsewhere the file is taken to hold the model's channels in their order.
    """
    import torch

    how = how or How()
    asked = list(models) if isinstance(models, Sequence) else [models]
    scan = scan if isinstance(scan, Scan) else open_scan(scan)
    with enough_memory(scan.path.name):
        with as_nifti(scan) as readable:
            grids = grids_of(asked, scan, readable, channel_order)
        maps = None
        with torch.inference_mode():
            if len(grids) == 1:
                spool = _spool(grids[0]) if how.probabilities else None
                labels = _segmented(grids[0], scan.geometry, how.flips, spool, progress)
                spools = [] if spool is None else [spool]
            else:
                spools = [
                    _spooled(grid, how.flips, _part(progress, number, len(grids))) for number, grid in enumerate(grids)
                ]
        if spools:
            output = averaging(asked[0])
            counted = tuple((spool, len(grid.members)) for spool, grid in zip(spools, grids, strict=True))
            maps = Probabilities(output.channels, scan.geometry, counted, output.unseen)
            if len(grids) > 1:
                labels = output.of_slabs(scan.geometry.shape, maps.slabs)
    if len(asked) > 1:
        _say_what_is_left_out(asked)
    return Prediction(scan.path, labels, scan.geometry, asked[0].classes, maps if how.probabilities else None)


def predict_each_volume(
    models: Model | Sequence[Model], scan: Path | Scan, how: How | None = None, progress: Progress | None = None
) -> Prediction:
    """Segments each volume of a file that holds several, as time points do: a label map of [i, j, k, volume]."""
    how = how or How()
    asked = list(models) if isinstance(models, Sequence) else [models]
    scan = scan if isinstance(scan, Scan) else open_scan(scan)
    for model in asked:
        if (model.inputs or 1) != 1 or len(model.channels) > 1:
            raise VoxloopError(
                f"{model.name} takes {model.inputs or len(model.channels)} channels at once, so the channels of a file are no volumes "
                "of their own; leave --each-volume away."
            )
    if how.probabilities:
        raise VoxloopError("Probabilities of several volumes have five axes; ask for them one volume at a time.")
    if scan.channels == 1:
        return predict(asked, scan, how=how, progress=progress)
    voxels = scan.array()
    labels = np.zeros((*scan.geometry.shape, scan.channels), np.uint8)
    with tempfile.TemporaryDirectory(prefix="voxloop-volumes-") as folder:
        for number in range(scan.channels):
            one = Path(folder) / f"{case_id(scan.path)}-volume-{number}.nii"
            write_volume(one, voxels[..., number], scan.geometry)
            labels[..., number] = predict(asked, one, how=how, progress=_part(progress, number, scan.channels)).labels
            one.unlink()
    return Prediction(scan.path, labels, scan.geometry, asked[0].classes)


def _segmented(grid: Grid, geometry: Geometry, flips: str, spool: Spool | None, progress: Progress | None) -> Labels:
    """The label map on the scan's grid; probabilities go to a spool on the way."""
    import torch

    model = grid.members[0].model
    labels = np.zeros(grid.shape, np.uint8)
    whole: list[torch.Tensor] = []
    for slab in grid.slabs(flips, progress):
        place = (slice(None),) * grid.axis + (slice(slab.start, slab.stop),)
        if grid.averages:
            labels[place] = averaging(model).of_channels(slab.values.numpy())
        elif model.finish is None:
            # Of one model the label map comes from its logits, as it would without probabilities.
            labels[place] = model.output.of_logits(slab.values)
        else:
            whole.append(slab.values.clone())
        if spool is not None:
            spool.write(slab.start, grid.likely(slab))
    if not whole:
        return labels_on_grid(labels, grid.affine, geometry)
    # A bundle of others goes its own way from its logits to the scan, and needs them in one piece.
    logits = whole[0] if len(whole) == 1 else torch.cat(whole, dim=1 + grid.axis)
    return model.labels_of(logits, grid.members[0].prepared.sample, geometry)


def _spooled(grid: Grid, flips: str, progress: Progress | None) -> Spool:
    spool = _spool(grid)
    for slab in grid.slabs(flips, progress):
        spool.write(slab.start, grid.likely(slab))
    return spool


def _spool(grid: Grid) -> Spool:
    channels = len(averaging(grid.members[0].model).channels)
    return Spool(channels, grid.shape, grid.affine, grid.axis)


def _say_what_is_left_out(models: Sequence[Model]) -> None:
    for model in models:
        note = f"{model.name}: what it does after its network is left out, because its probabilities are averaged."
        if model.finish is not None and note not in model.notes:
            model.notes.append(note)


def _counts(labels: Labels) -> npt.NDArray[np.int64]:
    """How many voxels each value has; plane by plane, since counting takes eight bytes a voxel."""
    counts = np.zeros(256, np.int64)
    for plane in labels:
        counts += np.bincount(plane.ravel(), minlength=256)
    return counts


def _part(progress: Progress | None, number: int, count: int) -> Progress | None:
    """Of work that is done in several parts, the progress of one."""
    if progress is None or count == 1:
        return progress

    def heard(done: int, total: int, what: str) -> None:
        progress(1000 * number // count + 1000 * done // (total * count), 1000, what)

    return heard
