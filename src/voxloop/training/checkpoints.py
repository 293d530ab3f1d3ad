"""The state of a training after every epoch, all of it, so that a killed one goes on as if nothing had happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voxloop.errors import VoxloopError
from voxloop.training import machinery, schedule
from voxloop.training.chance import Chance
from voxloop.training.feed import Feed
from voxloop.training.keeping import Kept, UnstorableError, stored
from voxloop.training.ranks import inner, of_all, rank, world
from voxloop.training.saved import FORMAT, Files, Saved
from voxloop.training.walking import reachable

Tell = Callable[[str], None]


@dataclass
class Checkpoints:
    """Writes a state after each epoch, and the best weights after each better validation; takes a state up again.

    `digest` is that of the settings. Of several processes each has its own chance and its own place in the data: the first
    writes those of all into the one state.
    """

    files: Files
    network: Any
    optimizer: Any
    schedule: Any | None
    trainer: Any
    validator: Any | None
    digest: str
    best_score: float | None = None
    best_epoch: int = 0
    best_digest: str | None = None
    scores: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        roots = {"trainer": self.trainer, "validator": self.validator}
        self._chance = Chance(roots)
        self._kept = Kept(roots, apart=(self.network, inner(self.network), self.optimizer, self.schedule))
        self._feed = self.trainer.data_loader = Feed(self.trainer.data_loader, self._chance)
        self._begun_with = schedule.rates(self.optimizer)
        self._restore: Callable[[], None] | None = None
        self._done = 0
        self._stopped = False

    @property
    def weights(self) -> Path:
        """The best weights, or the last state where nothing was validated."""
        return self.files.best if self.files.best.is_file() else self.files.last

    def attach(self) -> None:
        """Follows both engines; called last, because a state is that of after everything else that an epoch does."""
        from ignite.engine import Events

        if self.validator is not None:
            self.validator.add_event_handler(Events.COMPLETED, self._validated)
        self.trainer.add_event_handler(Events.STARTED, self._started)
        self.trainer.add_event_handler(Events.EPOCH_COMPLETED, self._epoch)

    @property
    def done(self) -> int:
        """The last epoch that is written down."""
        return self._done

    @property
    def over(self) -> bool:
        """Whether nothing is left to train: all epochs are done, or a handler has stopped it."""
        return self._stopped or self._done >= self.trainer.state.max_epochs

    def begin(self, saved: Saved | None, tell: Tell) -> None:
        """Begins anew, or takes up a state. What the engines would draw or count until they run is set when they do."""
        if saved is None:
            if rank() == 0:
                self.files.settle(None)
            return
        state = saved.state
        self._weights(state)
        of_optimizer, of_schedule = state["optimizer"], state["lr_scheduler"]
        try:
            if state.get("config_hash", self.digest) == self.digest:
                schedule.take_up(self.optimizer, self.schedule, of_optimizer, of_schedule)
            else:
                before = [float(group["lr"]) for group in of_optimizer["param_groups"]]
                begun_with = state["begun_with"]
                schedule.take_up_changed(self.optimizer, self.schedule, of_optimizer, of_schedule, begun_with)
                now = schedule.rates(self.optimizer)
                if now != before:
                    tell(
                        f"The learning rate goes on at {now[0]:.6g} rather than {before[0]:.6g}, "
                        "where it would be by now under these settings."
                    )
        except (ValueError, KeyError) as error:
            raise VoxloopError(
                f"The optimizer's state does not fit these settings ({error}); start a new run with them."
            ) from error
        self.scores = {int(epoch): score for epoch, score in state["scores"].items()}
        if rank() > 0 or self.files.settle(state):
            self.best_score, self.best_epoch = state["best_score"], int(state["best_epoch"])
            self.best_digest = state.get("best_digest")
        else:
            tell(f"The weights of epoch {state['best_epoch']}, the best so far, are lost; the best is sought anew.")
        self._count(state, tell)
        self._stopped = bool(state.get("stopped")) and state["config_hash"] == self.digest
        if self.validator is not None and self.best_score is not None:
            self.validator.state.best_metric, self.validator.state.best_metric_epoch = self.best_score, self.best_epoch
        self._restore = lambda: self._restore_rest(state, tell)
        self._begin_no_more()

    def _count(self, state: Mapping[str, Any], tell: Tell) -> None:
        """Where the trainer is; of an epoch whose length showed at its end, the length too."""
        now = self.trainer.state
        before = state.get("epoch_length")
        self._done = now.epoch = int(state["epoch"])
        now.iteration = int(state["iteration"])
        if now.epoch_length is None:
            now.epoch_length = before
        elif before not in (None, now.epoch_length):
            # ignite tells from the iteration where in an epoch it is, and when all are done.
            now.iteration = now.epoch * now.epoch_length
            tell(
                f"An epoch has {now.epoch_length} iterations now, and had {before}: they are counted on as if it always had."
            )

    def _weights(self, state: Mapping[str, Any]) -> None:
        try:
            inner(self.network).load_state_dict(state["model"])
        except RuntimeError as error:
            raise VoxloopError(
                "The weights so far do not fit the network of these settings; start a new run with them."
            ) from error

    def _begin_no_more(self) -> None:
        """What is done once when a training begins, a validation of the untrained network, is done."""
        from ignite.engine import Events
        from monai.handlers import ValidationHandler

        for _, part in list(reachable({"trainer": self.trainer})):
            if isinstance(part, ValidationHandler) and self.trainer.has_event_handler(part, Events.STARTED):
                self.trainer.remove_event_handler(part, Events.STARTED)

    def _started(self, trainer: Any) -> None:
        restore, self._restore = self._restore, None
        if restore is not None:
            restore()

    def _restore_rest(self, state: Mapping[str, Any], tell: Tell) -> None:
        """Comes after every other beginning: set_determinism, caches, loaders, handlers that draw, the trainer's own scaler."""
        if "ranks" not in state:
            tell(
                "This state is an earlier version's, without the state of chance: the training goes on, but not bit for bit."
            )
            return
        inexact = machinery.changed(state["machinery"], machinery.machinery(world()))
        missed = self._kept.restore(state["kept"])
        if len(state["ranks"]) == world():
            machinery.set_flags(state["flags"])
            mine = state["ranks"][rank()]
            self._feed.go_on(mine["feed"])
            missed += self._chance.restore(mine["chance"])
        if self.schedule is not None and state["lr_scheduler"] is None:
            missed.append("lr_scheduler")
        inexact += [f"{path} cannot be set to what it was" for path in missed]
        if getattr(self._feed.loader, "persistent_workers", False):
            inexact.append("the workers of the data loader live on from epoch to epoch (persistent_workers)")
        if inexact:
            tell(f"The training goes on, but not bit for bit as without the interruption: {'; '.join(inexact)}.")

    def _validated(self, evaluator: Any) -> None:
        key = evaluator.state.key_metric_name
        if key is None:
            return
        score, epoch = float(evaluator.state.metrics[key]), int(evaluator.state.epoch)
        self.scores[epoch] = score
        if self.best_score is None or score > self.best_score:
            self.best_score, self.best_epoch = score, epoch
            if rank() == 0:
                self.best_digest = self.files.write_better(inner(self.network).state_dict())

    def _epoch(self, trainer: Any) -> None:
        # The place in the data first: to find the end of a pass, a sampler may draw.
        mine = {"feed": self._feed.state(), "chance": self._chance.state()}
        ranks = of_all(mine)
        if rank() == 0:
            self._write(trainer, ranks)
        self._done = int(trainer.state.epoch)

    def _write(self, trainer: Any, ranks: list[dict[str, Any]]) -> None:
        self.files.write(
            {
                "format": FORMAT,
                "model": inner(self.network).state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "lr_scheduler": None if self.schedule is None else _stored(self.schedule.state_dict()),
                "epoch": trainer.state.epoch,
                "iteration": trainer.state.iteration,
                "epoch_length": trainer.state.epoch_length,
                # As a handler does that waits for no better score; the engine ends when the epoch has.
                "stopped": bool(trainer.should_terminate),
                "best_score": self.best_score,
                "best_epoch": self.best_epoch,
                "best_digest": self.best_digest,
                "scores": self.scores,
                "begun_with": self._begun_with,
                "config_hash": self.digest,
                "machinery": machinery.machinery(world()),
                "flags": machinery.flags(),
                "kept": self._kept.state(),
                "ranks": ranks,
            }
        )


def _stored(state: Any) -> Any:
    """A schedule's state; nothing where it holds functions of its own."""
    try:
        return stored(state)
    except UnstorableError:
        return None
