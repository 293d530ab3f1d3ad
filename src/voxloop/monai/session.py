"""The run that the handlers of one process share: opened by the first engine that starts, closed when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxloop.errors import VoxloopError
from voxloop.monai.bundle import Bundle
from voxloop.monai.caution import Caution
from voxloop.monai.checkpoints import Checkpoints

if TYPE_CHECKING:
    from voxloop.tracking import Run


@dataclass
class Session:
    """A run that is being written, and the checkpoints that are being watched for it."""

    run: Run
    caution: Caution
    checkpoints: Checkpoints | None = None

    def describe(self, bundle: Bundle) -> None:
        """Says what the run runs; by the first handler that knows."""
        if "config_hash" not in self.run.params:
            for key, value in bundle.params().items():
                self.run.params[key] = value
        if self.checkpoints is None:
            name = f"{bundle.name}-checkpoint"
            self.checkpoints = Checkpoints(self.run, name, bundle.checkpoint_folders())


_open: Session | None = None


def current() -> Session | None:
    return _open


@contextmanager
def joined(bundle: Bundle | None, caution: Caution) -> Iterator[Session | None]:
    """The open session, or one of its own for as long as an engine runs; none where a run cannot be opened."""
    if _open is not None:
        yield _open
        return
    run = _opened(bundle, caution)
    if run is None:
        yield None
        return
    with held(run, caution) as session:
        yield session


def _opened(bundle: Bundle | None, caution: Caution) -> Run | None:
    from voxloop.tracking import Run

    try:
        return Run(name=bundle.name, experiment=bundle.name) if bundle else Run()
    except (VoxloopError, OSError) as error:
        caution.say(f"this run is not tracked: {error}")
        return None


@contextmanager
def held(run: Run, caution: Caution) -> Iterator[Session]:
    """Makes a run the one that this process's handlers write into, and closes it with how the block ended."""
    global _open
    _open = session = Session(run, caution)
    with run:
        try:
            yield session
        except Exception as error:
            with caution.over("the error"):
                run.params["error"] = last_line(error)
            raise
        finally:
            _open = None
            if session.checkpoints is not None:
                with caution.over("a checkpoint"):
                    session.checkpoints.look()


def last_line(error: BaseException) -> str:
    """What a traceback ends with, of the error that began it: MONAI wraps each in others of its own."""
    # An error that was raised again may be among its own causes.
    seen = {id(error)}
    while error.__cause__ is not None and id(error.__cause__) not in seen:
        error = error.__cause__
        seen.add(id(error))
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[-1]}" if lines else type(error).__name__
