"""A run: opened by a script, written to while it works, closed with how it ended."""

from __future__ import annotations

import atexit
import secrets
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from voxloop.errors import VoxloopError
from voxloop.store import Project, open_project, schema
from voxloop.store.project import canonical
from voxloop.store.records import ArtifactVersion
from voxloop.tracking import environment
from voxloop.tracking.media import Volume
from voxloop.tracking.params import Params, plain, text
from voxloop.tracking.writer import Writer, flat

LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
STATUSES = ("finished", "failed", "interrupted")
TERMINATED = 128 + signal.SIGTERM


class Run:
    """One execution, tracked.

        with vx.Run(name="unet-a", params={"optimizer": {"lr": 1e-4}}) as run:
            run.log({"train/loss": 0.4}, step=1)

    A point is safe when `log` returns: killing the process does not lose it. `with` marks a run finished, failed on an
    error, interrupted on Ctrl-C or SIGTERM; a process that dies without a word leaves it crashed. Logs in the process
    that made it, from any thread; a forked child cannot write into it.
    """

    def __init__(
        self,
        name: str | None = None,
        experiment: str = "default",
        tags: Iterable[str] = (),
        params: Mapping[str, Any] | None = None,
        project: Path | str | None = None,
        resume: str | None = None,
    ) -> None:
        self.project: Project = open_project(project, create=True)
        self._digests: dict[tuple[Any, ...], str] = {}
        self._restore_signal: Callable[[], None] | None = None
        kept = plain(dict(params or {}))
        try:
            if resume is None:
                self._start(name, text(experiment), [text(tag) for tag in tags], kept)
            else:
                self._resume(resume, kept)
        except BaseException:
            # Not a run, then, and nothing of it may end the one that another process is writing.
            if hasattr(self, "_writer"):
                self._writer.abandon()
            self.project.close()
            raise
        self._writer.start()
        atexit.register(_finish_at_exit, weakref.ref(self))

    def _start(self, name: str | None, experiment: str, tags: list[str], params: dict[str, Any]) -> None:
        self.id = "".join(secrets.choice(LETTERS) for _ in range(10))
        self.name = text(name or f"run-{self.id[:4]}")
        # Before the row: a run without a journal is one that has lost its process.
        self._writer = Writer(self.project, self.id, self.name)
        self._definitions: dict[str, dict[str, str]] = {}
        self.params = self._params(params)
        moment = time.time()
        row = {
            "id": self.id,
            "name": self.name,
            "experiment": experiment,
            "status": "running",
            "created": moment,
            "ended": None,
            "heartbeat": moment,
            "params": params,
            "tags": tags,
            "environment": plain(environment.describe()),
            "definitions": {},
            "notes": "",
            "archived": False,
        }
        with self.project.writing() as connection:
            connection.execute(schema.runs.insert().values(**row))

    def _resume(self, reference: str, params: dict[str, Any]) -> None:
        record = self.project.run(reference)
        self.id, self.name = record.id, record.name
        self._writer = Writer(self.project, self.id, self.name)
        self.params = self._params({**record.params, **params})
        mine = schema.runs.c.id == self.id
        again = {"status": "running", "ended": None, "heartbeat": time.time(), "params": {**record.params, **params}}
        with self.project.writing() as connection:
            # In one statement with the question, so that only one of two processes gets the run.
            taken = connection.execute(
                schema.runs.update().where(mine & (schema.runs.c.status != "running")).values(**again)
            )
            if not taken.rowcount:
                raise VoxloopError(
                    f"Run {record.name} is being written by another process; wait until it ends, or start a new run."
                )
            self._definitions = dict(connection.execute(schema.runs.select().where(mine)).one().definitions)
        self._writer.go_on()

    def _params(self, values: dict[str, Any]) -> Params:
        writer = self._writer
        return Params(values, lambda: writer.keep(params=values))

    def __enter__(self) -> Run:
        self._restore_signal = _end_tidily_on_sigterm()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._restore_signal is not None:
            self._restore_signal()
        try:
            self.finish(_ending(error))
        except VoxloopError as second:
            if error is None:
                raise
            # What went wrong first is what a person has to know.
            print(f"voxloop: {second}", file=sys.stderr)

    def __del__(self) -> None:
        # Nobody holds it any more, such as a notebook's run when its cell runs again.
        if hasattr(self, "_writer") and not sys.is_finalizing():
            _finish_quietly(self, "finished")

    def __repr__(self) -> str:
        return f"Run({self.name}, {self.id}, {self.project.root})"

    def log(
        self,
        values: Mapping[str, Any],
        step: int | None = None,
        epoch: int | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        """Logs numbers and volumes under their names. Without a step, each series counts its own."""
        for name, value in values.items():
            if value.__class__ is float or value.__class__ is int:
                self._writer.point(name, context, step, value, epoch)
            elif isinstance(value, Volume):
                self._media(name, value, step, epoch, context)
            else:
                self._writer.point(name, context, step, _number(name, value), epoch)

    def define(self, pattern: str, axis: str = "step", best: str | None = None) -> None:
        """Says what series of a name are plotted over, and whether their best is the `max` or the `min`."""
        if best not in (None, "max", "min"):
            raise VoxloopError(f'best="{best}" is unknown; it is "max" or "min".')
        if axis not in ("step", "epoch", "time"):
            raise VoxloopError(f'axis="{axis}" is unknown; it is "step", "epoch" or "time".')
        self._definitions[text(pattern)] = {"axis": axis, **({"best": best} if best else {})}
        self._writer.keep(definitions=self._definitions)

    def save(
        self,
        path: Path | str,
        name: str,
        kind: str = "file",
        aliases: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> ArtifactVersion:
        """Stores a file or folder as a version of an artifact that this run made."""
        return self.project.save(Path(path), name, kind, self.id, aliases, plain(metadata or {}))

    def use(self, reference: str) -> Path:
        """The folder of an artifact version; the run remembers that it used it."""
        version = self.project.artifact(reference)
        self.project.use(self.id, version)
        return self.project.materialise(version)

    def finish(self, status: str = "finished") -> None:
        """Writes everything down and says how the run ended."""
        if status not in STATUSES:
            raise VoxloopError(f'A run does not end as "{status}", but as {", ".join(STATUSES)}.')
        if not self._writer.open:
            return
        moment = time.time()
        self._writer.close(status=status, ended=moment, heartbeat=moment)
        self.project.close()

    def _media(
        self, name: str, value: Volume, step: int | None, epoch: int | None, context: Mapping[str, Any] | None
    ) -> None:
        if not self._writer.open:
            raise self._writer.closed()
        row = {
            "run_id": self.id,
            "name": text(name),
            "context": canonical(flat(context)),
            "step": int(step if step is not None else epoch or 0),
            "epoch": epoch,
            "time": time.time(),
            "kind": value.kind,
            "data": value.store(self.project.blobs, self._digests),
        }
        with self.project.writing() as connection:
            connection.execute(schema.media.insert().values(**row))


def _ending(error: BaseException | None) -> str:
    """How a run ended that this left."""
    if isinstance(error, SystemExit):
        if error.code in (None, 0):
            return "finished"
        return "interrupted" if error.code == TERMINATED else "failed"
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return "finished" if error is None else "failed"


def _finish_at_exit(reference: weakref.ref[Run]) -> None:
    run = reference()
    if run is not None:
        # The exception that ended the script, if one did; in a session, only the last that was shown.
        error = None if hasattr(sys, "ps1") else getattr(sys, "last_value", None)
        _finish_quietly(run, _ending(error))


def _finish_quietly(run: Run, status: str) -> None:
    try:
        run.finish(status)
    except VoxloopError as error:
        print(f"voxloop: {error}", file=sys.stderr)


def _end_tidily_on_sigterm() -> Callable[[], None] | None:
    """Where nobody else handles SIGTERM, it ends the program as `sys.exit` does; answers with how to undo that."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        return None

    def end(number: int, frame: FrameType | None) -> None:
        sys.exit(TERMINATED)

    signal.signal(signal.SIGTERM, end)
    return lambda: _undo(end)


def _undo(handler: Callable[[int, FrameType | None], None]) -> None:
    if signal.getsignal(signal.SIGTERM) is handler:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _number(name: str, value: Any) -> float:
    """A number of any library as a float."""
    if isinstance(value, str | bytes) or value is None:
        raise VoxloopError(
            f'"{text(name)}" is {value!r:.80}, which is no number; log numbers and volumes, and put texts into params.'
        )
    try:
        return float(value.item() if getattr(value, "size", None) == 1 else value)
    except Exception as error:  # every library has its own way of saying no
        raise VoxloopError(
            f'"{text(name)}" is a {type(value).__name__}, which is no single number; log its mean, or a volume.'
        ) from error
