"""One handler that follows any ignite engine and writes what it does into a run."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from voxloop.monai import cases
from voxloop.monai.bundle import being_built
from voxloop.monai.caution import Caution
from voxloop.monai.output import Guessed, Output
from voxloop.monai.session import Session, joined
from voxloop.monai.volumes import Volumes

if TYPE_CHECKING:
    from voxloop.tracking import Run

Role = Literal["trainer", "validator", "evaluator"]
PREFIX = {"trainer": "train", "validator": "val", "evaluator": "eval"}


class TrackingHandler:
    """Follows one engine and writes what it does into a run.

    What a validator says of a whole epoch becomes `val/mean_dice`, and what it says of a case and class becomes `val/dice`
    with the context `{case, class}`. Its predictions become volumes on the scan's own grid.

    Without a `run`, the first engine that starts opens one for all handlers of the process, and closes it when it ends:
    finished, failed or interrupted. On any rank but the first, a handler does nothing.
    """

    def __init__(
        self,
        run: Run | None = None,
        role: Role = "trainer",
        classes: Mapping[int, str] | None = None,
        truth_values: Mapping[int, int] | None = None,
        volumes: int = 8,
        output: Output | None = None,
    ) -> None:
        """`volumes` is the number of validation cases kept for review at each validation, the first ones in order.

        `output` says what the network's channels mean. Without it, that is told by their look and by `classes`, which
        come from the bundle's metadata where they are not given. `truth_values` says which class a value in
        the label files is, where the two are numbered differently.
        """
        self.role = role
        self.volumes = volumes
        self._bundle = being_built()
        self.output: Output = output or self._output(classes)
        self._caution = Caution()
        self._given = None if run is None else Session(run, self._caution)
        self._session = self._given
        self._volumes = Volumes(self.output, truth_values or {})
        self._names: dict[Path, str] = {}
        self._seen: list[Path | None] = []

    def _output(self, classes: Mapping[int, str] | None) -> Output:
        if classes or self._bundle is None:
            return Guessed(dict(classes or {}))
        return self._bundle.output or Guessed(self._bundle.classes)

    def attach(self, engine: Any) -> None:
        """Starts following `engine`; the call that MONAI makes for every handler."""
        from ignite.engine import Events

        if _rank() > 0:
            return
        if self._given is None:
            self._open_while_running(engine)
        if self.role == "trainer":
            engine.add_event_handler(Events.ITERATION_COMPLETED, self._iteration)
            engine.add_event_handler(Events.EPOCH_COMPLETED, self._train_epoch)
        else:
            engine.add_event_handler(Events.STARTED, self._begin)
            engine.add_event_handler(Events.ITERATION_COMPLETED, self._batch)
            engine.add_event_handler(Events.COMPLETED, self._validated)

    def _open_while_running(self, engine: Any) -> None:
        """The run lives as long as `engine.run` does.

        Events would not do: of the handlers of EXCEPTION_RAISED only those up to the first that raises are called, and
        having one at all keeps ignite from raising.
        """
        inner = engine.run

        @functools.wraps(inner)
        def run(*arguments: Any, **named: Any) -> Any:
            with joined(self._bundle, self._caution) as session:
                self._session = session
                try:
                    if session is not None:
                        with self._caution.over("the config is"):
                            self._introduce(session, engine)
                    return inner(*arguments, **named)
                finally:
                    self._session = None

        engine.run = run

    def _introduce(self, session: Session, engine: Any) -> None:
        if self.role == "trainer":
            session.run.define("train/loss", axis="step", best="min")
        else:
            key = getattr(engine.state, "key_metric_name", None)
            if key:
                better = getattr(engine, "metric_cmp_fn", None)
                best = "max" if better is None or better(1.0, 0.0) else "min"
                for name in (self._metric(key), self._metric(key, of_cases=True)):
                    session.run.define(name, axis="epoch", best=best)
            session.run.define(f"{PREFIX[self.role]}/*", axis="epoch")
        if self._bundle is not None:
            session.describe(self._bundle)

    def _metric(self, name: str, of_cases: bool = False) -> str:
        """`val_mean_dice` as it is tracked: `val/mean_dice`, and `val/dice` of each case and class."""
        short = name.removeprefix("val_").removeprefix("train_")
        return f"{PREFIX[self.role]}/{short.removeprefix('mean_') if of_cases else short}"

    def _iteration(self, engine: Any) -> None:
        if self._session is None:
            return
        with self._caution.over("the loss is"):
            output = engine.state.output
            first = output[0] if isinstance(output, list) else output
            if isinstance(first, Mapping):
                losses = {key: number for key, value in first.items() if (number := _loss(key, value)) is not None}
            else:
                losses = {"loss": float(first)}
            named = {f"train/{key}": value for key, value in losses.items()}
            self._session.run.log(named, step=engine.state.iteration, epoch=engine.state.epoch)

    def _train_epoch(self, engine: Any) -> None:
        if self._session is None:
            return
        with self._caution.over("the epoch is"):
            epoch = engine.state.epoch
            optimizer = getattr(engine, "optimizer", None)
            if optimizer is not None:
                rate = float(optimizer.param_groups[0]["lr"])
                self._session.run.log({"train/learning_rate": rate}, step=epoch, epoch=epoch)
            self._metrics(engine, epoch)
        self._look(epoch)

    def _look(self, epoch: int) -> None:
        if self._session is not None and self._session.checkpoints is not None:
            with self._caution.over("a checkpoint is"):
                self._session.checkpoints.look(epoch)

    def _begin(self, engine: Any) -> None:
        self._seen = []
        if self._session is None:
            return
        with self._caution.over("the names of the cases are"):
            self._names = cases.names(cases.listed(engine))
        if self._session.checkpoints is not None:
            with self._caution.over("a checkpoint is"):
                self._session.checkpoints.validation_begins()

    def _batch(self, engine: Any) -> None:
        if self._session is None:
            return
        with self._caution.over("volumes for review are"):
            for sample in _samples(engine.state.output):
                self._seen.append(None)
                path = cases.file_of(sample["image"])
                self._seen[-1] = path
                if len(self._seen) <= self.volumes:
                    self._keep(path, sample, engine.state.epoch)

    def _keep(self, path: Path, sample: Mapping[str, Any], epoch: int) -> None:
        with self._caution.over("a volume for review is"):
            volume = self._volumes.of(sample)
            assert self._session is not None, "kept by a handler that follows"
            name = f"{PREFIX[self.role]}/scan"
            self._session.run.log({name: volume}, step=epoch, epoch=epoch, context={"case": self._case(path)})

    def _case(self, path: Path) -> str:
        if path not in self._names:
            self._names = cases.names([*self._names, path])
        return self._names[path]

    def _validated(self, engine: Any) -> None:
        if self._session is None:
            return
        epoch = engine.state.epoch
        with self._caution.over("the metrics are"):
            self._metrics(engine, epoch)
        with self._caution.over("the metrics of each case are"):
            rows = self._rows(engine)
            for name, details in getattr(engine.state, "metric_details", {}).items():
                self._details(name, np.asarray(details.detach().cpu(), dtype=np.float64), rows, epoch)
        if self._session.checkpoints is not None:
            with self._caution.over("a checkpoint is"):
                self._session.checkpoints.validated(engine)

    def _metrics(self, engine: Any, epoch: int) -> None:
        """One number per metric; a metric with a number per class becomes one series per class."""
        assert self._session is not None, "asked by a handler that follows"
        for name, value in engine.state.metrics.items():
            numbers = _numbers(value)
            if len(numbers) == 1:
                self._session.run.log({self._metric(name): numbers[0]}, step=epoch, epoch=epoch)
            elif len(numbers) in (len(self.output.parts), len(self.output.parts) + 1):
                for class_name, number in zip(self._columns(len(numbers)), numbers, strict=True):
                    context = {"class": class_name}
                    self._session.run.log({self._metric(name): number}, step=epoch, epoch=epoch, context=context)

    def _rows(self, engine: Any) -> list[str] | None:
        """The case of each row of the details. MONAI concatenates them rank by rank."""
        seen = [path for path in self._seen if path is not None]
        if len(seen) < len(self._seen):
            # Some bundles' own steps make plain arrays of their images, which know no file.
            seen = cases.in_order(engine)
        if len(seen) != len(self._seen):
            return None
        files = cases.of_all_ranks(engine, seen) if _world() > 1 else seen
        return None if files is None else [self._case(path) for path in files]

    def _details(self, name: str, table: npt.NDArray[np.float64], rows: list[str] | None, epoch: int) -> None:
        """One number per case and class: `val_mean_dice` of shape [cases, classes] becomes `val/dice`."""
        assert self._session is not None, "asked by a handler that follows"
        table = table[:, None] if table.ndim == 1 else table
        if table.ndim != 2 or not table.size:
            return
        if rows is None or len(rows) != len(table):
            self._caution.say(
                f"{self._metric(name, of_cases=True)} is not tracked by case: which case each of the "
                f"{len(table)} rows belongs to cannot be told."
            )
            return
        metric, columns = self._metric(name, of_cases=True), self._columns(table.shape[1])
        # A sampler that deals even shares gives some cases twice; a case has one number.
        for case, row in dict(zip(rows, table, strict=True)).items():
            for class_name, value in zip(columns, row, strict=True):
                # A class absent from truth and prediction alike has no Dice: MONAI says NaN, and so do we.
                context = {"case": case, "class": class_name}
                self._session.run.log({metric: float(value)}, step=epoch, epoch=epoch, context=context)

    def _columns(self, count: int) -> list[str]:
        """What the columns of a metric are called: the classes, with the background where it was left in."""
        known = [part.name for part in self.output.parts]
        if count == len(known):
            return known
        if known and count == len(known) + 1:
            return ["background", *known]
        return [f"class {number}" for number in range(1, count + 1)]


class LeftOut:
    """Stands where a handler stood that cannot work here, so that `handlers[:-2]` still means the same."""

    def attach(self, engine: Any) -> None:
        """Does nothing."""


def _samples(output: Any) -> list[Mapping[str, Any]]:
    if isinstance(output, Mapping):
        from monai.data import decollate_batch

        output = decollate_batch(dict(output))
    return list(output)


def _loss(key: str, value: Any) -> float | None:
    """A loss by its name, such as `loss` or `g_loss`; everything else in an output is no number."""
    if not str(key).endswith("loss"):
        return None
    numbers = _numbers(value)
    return numbers[0] if len(numbers) == 1 else None


def _numbers(value: Any) -> list[float]:
    if isinstance(value, bool | str) or value is None:
        return []
    held = value.detach().cpu() if hasattr(value, "detach") else value
    array = np.asarray(held)
    return [float(one) for one in array.reshape(-1)] if array.ndim <= 1 and array.dtype.kind in "iuf" else []


def _rank() -> int:
    import torch.distributed as dist

    return int(dist.get_rank()) if dist.is_available() and dist.is_initialized() else 0


def _world() -> int:
    import torch.distributed as dist

    return int(dist.get_world_size()) if dist.is_available() and dist.is_initialized() else 1
