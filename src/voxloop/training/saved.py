"""The files of a training's state: the last one, the one before it, and the best weights; each is there whole or not at all."""

from __future__ import annotations

import hashlib
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxloop.data.whole import whole
from voxloop.errors import VoxloopError

# 1 had neither the state of chance nor the settings.
FORMAT = 2
NEEDED = ("model", "optimizer", "lr_scheduler", "epoch", "iteration", "best_score", "best_epoch", "scores")
# Whatever a reader of zips, pickles and tensors says of a file that is none.
DAMAGE = (
    RuntimeError,
    OSError,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    NotImplementedError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
)
WAY_OUT = "free some space, then go on with --resume"


@dataclass(frozen=True, slots=True)
class Saved:
    """A state as it was read, and what a person should know of where it came from."""

    state: Mapping[str, Any]
    told: str | None = None

    @property
    def epoch(self) -> int:
        return int(self.state["epoch"])


@dataclass(frozen=True, slots=True)
class Files:
    """The folder of a run's states.

    Better weights wait in `better.pt` until the state of their epoch is written, and are the best from then on. Where a
    process ends in between, the state that is there says by a digest which weights are its best.
    """

    folder: Path

    @property
    def last(self) -> Path:
        return self.folder / "last.pt"

    @property
    def before(self) -> Path:
        return self.folder / "before.pt"

    @property
    def best(self) -> Path:
        return self.folder / "best.pt"

    @property
    def better(self) -> Path:
        return self.folder / "better.pt"

    def read(self) -> Saved | None:
        """The last state that is whole; nothing where no epoch was finished."""
        there = [path for path in (self.last, self.before) if path.exists()]
        for path in there:
            state = _read(path)
            if state is not None:
                return Saved(state, self._told(path, int(state["epoch"])))
        if there:
            raise VoxloopError(
                f"{there[0]} is damaged, and no earlier state beside it is whole, so this run cannot be resumed; start a new one."
            )
        return None

    def _told(self, path: Path, epoch: int) -> str | None:
        if path == self.last or not self.last.exists():
            return None
        return f"{self.last} is damaged; the state before it is whole, that of epoch {epoch}."

    def write_better(self, weights: Mapping[str, Any]) -> str:
        """Keeps weights until their epoch is written down; answers with their digest."""
        _write(self.better, {"model": weights})
        return _digest(self.better)

    def write(self, state: Mapping[str, Any]) -> None:
        """Makes this the last state, what was the last the one before, and better weights that wait the best."""
        with whole(self.last, WAY_OUT) as partial:
            _save(state, partial)
            if self.last.exists():
                # Were the process to end here, the state before is the last one, and whole.
                self.last.replace(self.before)
        if self.better.exists():
            self.better.replace(self.best)

    def settle(self, state: Mapping[str, Any] | None) -> bool:
        """Has the best weights be those of a state, and takes away what a dead process left; false where they are lost."""
        for path in self.folder.glob(".partial-*"):
            path.unlink(missing_ok=True)
        digest = None if state is None else state.get("best_digest")
        if digest is not None and self.better.is_file() and _digest(self.better) == digest:
            self.better.replace(self.best)
        self.better.unlink(missing_ok=True)
        if state is None or not state["best_epoch"]:
            self.best.unlink(missing_ok=True)
            return True
        return self.best.is_file() and digest in (None, _digest(self.best))


def _read(path: Path) -> dict[str, Any] | None:
    """A state, or nothing where the file is damaged."""
    import torch

    try:
        with zipfile.ZipFile(path) as archive:
            # torch reads a flipped bit as a weight; the archive's checksums know better.
            if archive.testzip() is not None:
                return None
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if int(state.get("format", 1)) > FORMAT:
            raise VoxloopError(f"{path} was written by a newer voxloop; update it to go on with this run.")
        return state if all(key in state for key in NEEDED) else None
    except DAMAGE:
        return None


def _write(path: Path, content: Any) -> None:
    with whole(path, WAY_OUT) as partial:
        _save(content, partial)


def _save(content: Any, path: Path) -> None:
    import torch

    try:
        # Through a file, for torch would write its name into it, and equal states are to be equal bytes.
        with path.open("wb") as file:
            torch.save(content, file)
    except RuntimeError as error:
        # torch reports a full disk as a RuntimeError of its zip writer.
        raise VoxloopError(f"{path.parent} takes no more checkpoints ({error}); {WAY_OUT}.") from error


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
