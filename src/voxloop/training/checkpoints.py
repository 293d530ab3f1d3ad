"""The state of a training on disk after every epoch, so that a killed one goes on where it was."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voxloop.errors import VoxloopError


@dataclass
class Checkpoints:
    """Writes `last.pt` after each epoch and `best.pt` after each better validation, whole or not at all."""

    folder: Path
    network: Any
    optimizer: Any
    lr_scheduler: Any | None
    best_score: float | None = None
    best_epoch: int = 0
    scores: dict[int, float] = field(default_factory=dict)

    @property
    def last(self) -> Path:
        return self.folder / "last.pt"

    @property
    def best(self) -> Path:
        return self.folder / "best.pt"

    def attach(self, trainer: Any, evaluator: Any | None) -> None:
        """Follows both engines. The validator must have run before the trainer's epoch is written down."""
        from ignite.engine import Events

        if evaluator is not None:
            evaluator.add_event_handler(Events.COMPLETED, self._validated)
        trainer.add_event_handler(Events.EPOCH_COMPLETED, self._epoch)

    def restore(self, trainer: Any) -> int:
        """Loads `last.pt` into everything, and says after which epoch it goes on (0: from the start)."""
        import torch

        if not self.last.is_file():
            return 0
        try:
            state = torch.load(self.last, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, OSError, ValueError) as error:
            raise VoxloopError(f"{self.last} is damaged, so this run cannot be resumed; start a new one.") from error
        self.network.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.lr_scheduler is not None and state["lr_scheduler"] is not None:
            self.lr_scheduler.load_state_dict(state["lr_scheduler"])
        if trainer.scaler is not None and state["scaler"] is not None:
            trainer.scaler.load_state_dict(state["scaler"])
        self.best_score, self.best_epoch = state["best_score"], state["best_epoch"]
        self.scores = {int(epoch): score for epoch, score in state["scores"].items()}
        trainer.state.epoch = state["epoch"]
        trainer.state.iteration = state["iteration"]
        return int(state["epoch"])

    def _validated(self, evaluator: Any) -> None:
        key = evaluator.state.key_metric_name
        if key is None:
            return
        score, epoch = float(evaluator.state.metrics[key]), int(evaluator.state.epoch)
        self.scores[epoch] = score
        if self.best_score is None or score > self.best_score:
            self.best_score, self.best_epoch = score, epoch
            self._write(self.best, {"model": _weights(self.network)})

    def _epoch(self, trainer: Any) -> None:
        self._write(
            self.last,
            {
                "model": _weights(self.network),
                "optimizer": self.optimizer.state_dict(),
                "lr_scheduler": self.lr_scheduler.state_dict() if self.lr_scheduler is not None else None,
                "scaler": trainer.scaler.state_dict() if trainer.scaler is not None else None,
                "epoch": trainer.state.epoch,
                "iteration": trainer.state.iteration,
                "best_score": self.best_score,
                "best_epoch": self.best_epoch,
                "scores": self.scores,
            },
        )

    @staticmethod
    def _write(path: Path, state: dict[str, Any]) -> None:
        import torch

        partial = path.with_suffix(".partial")
        try:
            torch.save(state, partial)
            partial.replace(path)
        except (OSError, RuntimeError) as error:
            # torch reports a full disk as a RuntimeError of its zip writer.
            partial.unlink(missing_ok=True)
            raise VoxloopError(
                f"Cannot write the checkpoint {path}: {error}; free some space, then go on with --resume."
            ) from error


def _weights(network: Any) -> dict[str, Any]:
    module = getattr(network, "module", network)
    weights: dict[str, Any] = module.state_dict()
    return weights
