"""Tracking for MONAI: one handler that turns any ignite engine's events into series and reviewable volumes.

    run = vx.Run(name="unet-a")
    TrackingHandler(run, "trainer").attach(trainer)
    TrackingHandler(run, "validator", classes={1: "spleen"}).attach(evaluator)

What a validator says of a whole epoch becomes `val/mean_dice`, and what it says of a case and class becomes `val/dice`
with the context `{case, class}`. Its predictions become volumes on the scan's own grid.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from voxloop.data.decathlon import case_id
from voxloop.data.geometry import Geometry
from voxloop.data.grid import labels_on_grid
from voxloop.data.nifti import open_scan

if TYPE_CHECKING:
    from voxloop.tracking import Run

Role = Literal["trainer", "validator"]


class TrackingHandler:
    """Follows one engine and writes what it does into a run."""

    def __init__(
        self,
        run: Run,
        role: Role,
        classes: Mapping[int, str] | None = None,
        truth_values: Mapping[int, int] | None = None,
        volumes: int = 8,
    ) -> None:
        """`volumes` is the number of validation cases kept for review at each validation, the first ones in order.

        `truth_values` says which class a value in the label files is, where the two are numbered differently.
        """
        self.run = run
        self.role = role
        self.classes = dict(classes or {})
        self.truth_values = dict(truth_values or {})
        self.volumes = volumes
        self._cases: list[str] = []

    def attach(self, engine: Any) -> None:
        """Starts following `engine`; the call that MONAI makes for every handler."""
        from ignite.engine import Events

        if self.role == "trainer":
            engine.add_event_handler(Events.ITERATION_COMPLETED, self._iteration)
            engine.add_event_handler(Events.EPOCH_COMPLETED, self._train_epoch)
        else:
            engine.add_event_handler(Events.STARTED, self._begin)
            engine.add_event_handler(Events.ITERATION_COMPLETED, self._case)
            engine.add_event_handler(Events.COMPLETED, self._validated)

    def _iteration(self, engine: Any) -> None:
        output = engine.state.output
        first = output[0] if isinstance(output, list) else output
        loss = float(first["loss"])
        self.run.log({"train/loss": loss}, step=engine.state.iteration, epoch=engine.state.epoch)

    def _train_epoch(self, engine: Any) -> None:
        epoch = engine.state.epoch
        numbers = {"train/learning_rate": float(engine.optimizer.param_groups[0]["lr"])}
        for name, value in engine.state.metrics.items():
            if isinstance(value, int | float):
                numbers[f"train/{name.removeprefix('train_')}"] = float(value)
        self.run.log(numbers, step=epoch, epoch=epoch)

    def _begin(self, engine: Any) -> None:
        self._cases = []

    def _case(self, engine: Any) -> None:
        epoch = engine.state.epoch
        for sample in engine.state.output:
            scan = Path(str(sample["image"].meta["filename_or_obj"]))
            case = case_id(scan)
            self._cases.append(case)
            if len(self._cases) <= self.volumes:
                self._keep(case, scan, sample, epoch)

    def _keep(self, case: str, scan: Path, sample: Mapping[str, Any], epoch: int) -> None:
        from voxloop.tracking import Volume

        geometry = open_scan(scan).geometry
        layers: dict[str, Any] = {"prediction": self._on_scan(sample, geometry)}
        label_meta = getattr(sample.get("label"), "meta", None)
        if label_meta is not None:
            layers = {"truth": self._truth(Path(str(label_meta["filename_or_obj"]))), **layers}
        volume = Volume(scan, layers=layers, classes=self.classes)
        self.run.log({"val/scan": volume}, step=epoch, epoch=epoch, context={"case": case})

    @staticmethod
    def _on_scan(sample: Mapping[str, Any], geometry: Geometry) -> npt.NDArray[np.uint8]:
        """The prediction, one-hot or label map in the model's space, as labels on the scan's grid."""
        pred = sample["pred"]
        affine = getattr(pred, "affine", None)
        affine = sample["image"].affine if affine is None else affine
        labels = pred.argmax(dim=0) if pred.shape[0] > 1 else pred[0]
        as_numpy = np.asarray(labels.detach().cpu()).astype(np.uint8)
        return labels_on_grid(as_numpy, np.asarray(affine, dtype=np.float64), geometry)

    def _truth(self, path: Path) -> Path | npt.NDArray[np.uint8]:
        """The label file itself, or its values renumbered as the network's classes."""
        if all(value == number for value, number in self.truth_values.items()):
            return path
        values = open_scan(path).array()
        renumbered = np.zeros(values.shape, np.uint8)
        for value, number in self.truth_values.items():
            renumbered[values == value] = number
        return renumbered

    def _validated(self, engine: Any) -> None:
        epoch = engine.state.epoch
        for name, value in engine.state.metrics.items():
            if isinstance(value, int | float):
                self.run.log({f"val/{name.removeprefix('val_')}": float(value)}, step=epoch, epoch=epoch)
        for name, details in getattr(engine.state, "metric_details", {}).items():
            self._details(name, np.asarray(details.detach().cpu(), dtype=np.float64), epoch)

    def _details(self, name: str, table: npt.NDArray[np.float64], epoch: int) -> None:
        """One number per case and class: `val_mean_dice` of shape [cases, classes] becomes `val/dice`."""
        if table.ndim != 2 or table.shape[0] != len(self._cases):
            return
        metric = f"val/{name.removeprefix('val_').removeprefix('mean_')}"
        # A table one column short of the classes has left the background out.
        names = [self.classes.get(number, f"class {number}") for number in range(1, table.shape[1] + 1)]
        for case, row in zip(self._cases, table, strict=True):
            for class_name, value in zip(names, row, strict=True):
                # A class absent from truth and prediction alike has no Dice: MONAI says NaN, and so do we.
                context = {"case": case, "class": class_name}
                self.run.log({metric: float(value)}, step=epoch, epoch=epoch, context=context)
