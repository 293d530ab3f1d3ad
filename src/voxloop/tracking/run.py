"""A run: opened by a script, written to while it works, closed with how it ended."""

from __future__ import annotations

import atexit
import os
import secrets
import sqlite3
import sys
import time
import traceback
import weakref
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from voxloop.errors import VoxloopError
from voxloop.store import place
from voxloop.store.probe import VERSION, version_of
from voxloop.tracking import background, environment
from voxloop.tracking.console import Capture
from voxloop.tracking.ending import end_tidily_on_sigterm, ending
from voxloop.tracking.params import Params, plain, text
from voxloop.tracking.queue import MediaQueue
from voxloop.tracking.writer import Writer

if TYPE_CHECKING:
    from voxloop.store.project import Project
    from voxloop.store.records import ArtifactVersion

LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
STATUSES = ("finished", "failed", "interrupted")


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
        fork: str | None = None,
        notes: str = "",
        console: bool = True,
        system_s: float | None = 10.0,
    ) -> None:
        """`resume` goes on with a run that ended; `fork` begins a new one with the params and series of another.

        `console` keeps what the process prints; every `system_s` seconds the run notes how busy the machine is.
        """
        self.root = place.find(project, create=True)
        self._restore_signal: Callable[[], None] | None = None
        self._project: Project | None = None
        kept = plain(dict(params or {}))
        if resume is not None and fork is not None:
            raise VoxloopError("A run either goes on or is forked: give resume or fork, not both.")
        _require_database(self.root)
        try:
            if resume is not None:
                self._resume(resume, kept)
            else:
                self._start(name, text(experiment), [text(tag) for tag in tags], kept, text(notes), fork)
        except BaseException:
            # Not a run, then, and nothing of it may end the one that another process is writing.
            if hasattr(self, "_writer"):
                self._writer.abandon()
            self._close_project()
            raise
        self._media = MediaQueue(self._writer)
        self._capture: Capture | None = None
        if console:
            self._capture = Capture(background.printer(self._writer), interval_s=None)
            self._capture.start()
            self._writer.each.append(self._capture.flush)
        if system_s is not None:
            self._writer.each.append(background.watcher(self._writer, system_s))
        self._writer.start(background.tell_code)
        atexit.register(_finish_at_exit, weakref.ref(self))

    def _start(
        self, name: str | None, experiment: str, tags: list[str], params: dict[str, Any], notes: str, fork: str | None
    ) -> None:
        self.id = "".join(secrets.choice(LETTERS) for _ in range(10))
        self.name = text(name or f"run-{self.id[:4]}")
        parent = None if fork is None else self.project.run(fork)
        if parent is not None:
            params = {**parent.params, **params}
        self._writer = Writer(self.root, self.id, self.name, fresh=parent is None)
        self._definitions: dict[str, dict[str, str]] = dict(parent.definitions) if parent else {}
        self._tags, self._notes = tags, notes
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
            "definitions": self._definitions,
            "notes": notes,
            "archived": False,
            "parent": None if parent is None else parent.id,
        }
        self._writer.say("run", row)
        if parent is not None:
            self._writer.drain()
            self.project.copy_series(parent.id, self.id)
            self._writer.look_again()
            self._writer.go_on(self.project.last_steps(self.id))

    def _resume(self, reference: str, params: dict[str, Any]) -> None:
        record = self.project.run(reference)
        self.id, self.name = record.id, record.name
        self._writer = Writer(self.root, self.id, self.name, fresh=False)
        self._definitions, self._tags, self._notes = dict(record.definitions), list(record.tags), record.notes
        self.params = self._params({**record.params, **params})
        if not self.project.take(self.id):
            raise VoxloopError(
                f"Run {record.name} is being written by another process; wait until it ends, or start a new run."
            )
        for key, value in params.items():
            self._writer.say("params", [key], value)
        self._writer.go_on(self.project.last_steps(self.id))

    def _params(self, values: dict[str, Any]) -> Params:
        writer = self._writer
        return Params(values, lambda path, *value: writer.say("params", path, *value))

    @property
    def project(self) -> Project:
        """The project that the run is in, opened when it is first asked for."""
        if self._project is None:
            from voxloop.store.project import Project

            self._project = Project(self.root)
        return self._project

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(self._tags)

    @tags.setter
    def tags(self, tags: Iterable[str]) -> None:
        self._tags = [text(tag) for tag in tags]
        self._writer.say("columns", {"tags": self._tags})

    @property
    def notes(self) -> str:
        return self._notes

    @notes.setter
    def notes(self, notes: str) -> None:
        self._notes = text(notes)
        self._writer.say("columns", {"notes": self._notes})

    def __enter__(self) -> Run:
        self._restore_signal = end_tidily_on_sigterm()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._restore_signal is not None:
            self._restore_signal()
        if self._capture is not None and ending(error) == "failed":
            # Python prints it when nobody listens any more, and it is what one wants to read of a run that failed.
            self._capture.hear("".join(traceback.format_exception(error)))
        try:
            self.finish(ending(error))
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
            elif hasattr(type(value), "kind") and hasattr(value, "store"):
                # Told by how it looks, because the kinds import what a script that logs numbers need not wait for.
                self._media.put(name, value, step, epoch, context)
            else:
                self._writer.point(name, context, step, _number(name, value), epoch)

    def define(self, pattern: str, axis: str = "step", best: str | None = None) -> None:
        """Says what series of a name are plotted over, and whether their best is the `max` or the `min`.

        Of several patterns that fit a name the closest is heard first: `val/hd95`, then `val/hd*`, then `val/*`.
        """
        if best not in (None, "max", "min"):
            raise VoxloopError(f'best="{best}" is unknown; it is "max" or "min".')
        if axis not in ("step", "epoch", "time"):
            raise VoxloopError(f'axis="{axis}" is unknown; it is "step", "epoch" or "time".')
        self._definitions[text(pattern)] = {"axis": axis, **({"best": best} if best else {})}
        self._writer.say("columns", {"definitions": self._definitions})

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

    def flush(self) -> None:
        """Waits until the project holds all that was logged, media included."""
        self._media.join()
        self._writer.flush()

    def finish(self, status: str = "finished") -> None:
        """Writes everything down and says how the run ended."""
        if status not in STATUSES:
            raise VoxloopError(f'A run does not end as "{status}", but as {", ".join(STATUSES)}.')
        if not self._writer.open:
            return
        self._media.close()
        if self._capture is not None:
            self._capture.stop()
        moment = time.time()
        try:
            self._writer.close(status=status, ended=moment, heartbeat=moment)
        finally:
            self._close_project()

    def _close_project(self) -> None:
        if self._project is not None:
            self._project.close()
            self._project = None


def _require_database(root: Path) -> None:
    """A project that is there and ours, or one that is made now."""
    path = place.prepare(root)
    if not os.access(root, os.W_OK):
        raise VoxloopError(
            f"{root} may not be written to; give yourself the right to write there, or choose another project."
        )
    try:
        if place.store_url() is None and path.exists() and version_of(path) == VERSION:
            return
    except sqlite3.Error:
        # Told in full by whoever opens it.
        pass
    from voxloop.store.database import Database

    Database.acquire(root).release()


def _finish_at_exit(reference: weakref.ref[Run]) -> None:
    run = reference()
    if run is not None:
        # The exception that ended the script, if one did; in a session, only the last that was shown.
        error = None if hasattr(sys, "ps1") else getattr(sys, "last_value", None)
        _finish_quietly(run, ending(error))


def _finish_quietly(run: Run, status: str) -> None:
    try:
        run.finish(status)
    except VoxloopError as error:
        print(f"voxloop: {error}", file=sys.stderr)


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
