"""A run: opened by a script, written to while it works, closed with how it ended."""

from __future__ import annotations

import atexit
import os
import secrets
import sys
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any

from voxloop.errors import VoxloopError
from voxloop.store import Project, open_project, schema
from voxloop.store.journal import NO_EPOCH, START, Declared, Journal
from voxloop.store.project import canonical
from voxloop.store.records import ArtifactVersion
from voxloop.tracking import environment
from voxloop.tracking.media import Volume
from voxloop.tracking.params import plain

DRAIN_S = 0.4
HEARTBEAT_S = 2.0
LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
STATUSES = ("finished", "failed", "interrupted")


class Params(MutableMapping[str, Any]):
    """A run's params: a dict whose every change is kept at once. Values come back as they are stored, as plain JSON."""

    def __init__(self, run: Run, values: dict[str, Any]) -> None:
        self._run = run
        self._values = values

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._values[str(key)] = plain(value)
        self._run._keep(params=self._values)

    def __delitem__(self, key: str) -> None:
        del self._values[key]
        self._run._keep(params=self._values)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)


class Run:
    """One execution, tracked.

        with vx.Run(name="unet-a", params={"optimizer": {"lr": 1e-4}}) as run:
            run.log({"train/loss": 0.4}, step=1)

    A point is safe when `log` returns: killing the process does not lose it. `with` marks a run finished, failed on an
    error, interrupted on Ctrl-C; a process that dies without a word leaves it crashed.
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
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._numbers: dict[Any, int] = {}
        self._declared: dict[int, Declared] = {}
        self._next_steps: dict[int, int] = {}
        self._digests: dict[tuple[Any, ...], str] = {}
        self._drained = START
        self._closed = False
        self._resumed = resume is not None
        self._stop = threading.Event()
        if resume is None:
            self._start(
                name,
                experiment,
                tuple(map(str, tags)),
                {str(key): plain(value) for key, value in (params or {}).items()},
            )
        else:
            self._resume(resume, params)
        self._thread = threading.Thread(
            target=_drain_for_ever,
            args=(weakref.ref(self), self._stop),
            daemon=True,
            name=f"voxloop-{self.id}",
        )
        self._thread.start()
        atexit.register(_finish_at_exit, weakref.ref(self))

    def _start(self, name: str | None, experiment: str, tags: tuple[str, ...], params: dict[str, Any]) -> None:
        self.id = "".join(secrets.choice(LETTERS) for _ in range(10))
        self.name = name or f"run-{self.id[:4]}"
        self._journal = self._open_journal()
        self._definitions: dict[str, dict[str, str]] = {}
        self.params = Params(self, params)
        moment = time.time()
        row = {
            "id": self.id,
            "name": self.name,
            "experiment": experiment,
            "status": "running",
            "created": moment,
            "heartbeat": moment,
        }
        with self.project.writing() as connection:
            connection.execute(
                schema.runs.insert().values(
                    **row,
                    params=params,
                    tags=list(tags),
                    environment=environment.describe(),
                    definitions={},
                    notes="",
                    ended=None,
                )
            )

    def _resume(self, reference: str, params: Mapping[str, Any] | None) -> None:
        record = self.project.run(reference)
        if record.status == "running":
            raise VoxloopError(f"Run {record.name} is being written by another process; wait until it ends.")
        self.id, self.name = record.id, record.name
        self._journal = self._open_journal()
        with self.project.reading() as connection:
            found = connection.execute(schema.runs.select().where(schema.runs.c.id == self.id)).one()
        self._definitions = dict(found.definitions)
        self.params = Params(self, dict(record.params))
        self._keep(status="running", ended=None, heartbeat=time.time())
        for key, value in (params or {}).items():
            self.params[key] = value

    def _open_journal(self) -> Journal:
        return Journal(self.project.journals / f"{self.id}-{os.getpid()}-{time.time_ns()}.journal", self.id)

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish()
        else:
            self.finish("interrupted" if issubclass(kind, KeyboardInterrupt | SystemExit) else "failed")

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
                self._point(name, context, step, value, epoch)
            elif isinstance(value, Volume):
                self._media(name, value, step, epoch, context)
            else:
                self._point(name, context, step, _number(name, value), epoch)

    def define(self, pattern: str, axis: str = "step", best: str | None = None) -> None:
        """Says what series of a name are plotted over, and whether their best is the `max` or the `min`."""
        if best not in (None, "max", "min"):
            raise VoxloopError(f'best="{best}" is unknown; it is "max" or "min".')
        if axis not in ("step", "epoch", "time"):
            raise VoxloopError(f'axis="{axis}" is unknown; it is "step", "epoch" or "time".')
        self._definitions[pattern] = {"axis": axis, **({"best": best} if best else {})}
        self._keep(definitions=self._definitions)

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
        if self._closed or os.getpid() != self._pid:
            return
        self._stop.set()
        self._thread.join()
        with self._lock:
            self._drain(status=status, ended=time.time(), heartbeat=time.time())
            self._closed = True
            self._journal.close(remove=True)
            with self.project.writing() as connection:
                connection.execute(schema.journals.delete().where(schema.journals.c.name == self._journal.path.name))
        self.project.close()

    def _point(
        self, name: str, context: Mapping[str, Any] | None, step: int | None, value: float, epoch: int | None
    ) -> None:
        key = name if not context else (name, *context.items())
        with self._lock:
            if self._closed or os.getpid() != self._pid:
                raise VoxloopError(f"Run {self.name} is closed here, so nothing more can be logged into it.")
            try:
                number = self._numbers.get(key) or self._declare(key, name, context)
            except TypeError:
                # Something in the context cannot be a key; as text it can, or it is refused in a sentence.
                key = (name, canonical(_context(context)))
                number = self._numbers.get(key) or self._declare(key, name, context)
            if step is None:
                step = self._next_steps.get(number, 0)
            self._next_steps[number] = step + 1
            self._journal.append(number, step, value, time.time_ns() // 1000, NO_EPOCH if epoch is None else epoch)

    def _declare(self, key: Any, name: str, context: Mapping[str, Any] | None) -> int:
        text = canonical(_context(context))
        for known in self._declared.values():
            if (known.name, known.context) == (name, text):
                # The same context in another order is the same series.
                self._numbers[key] = known.number
                return known.number
        number = len(self._declared) + 1
        self._journal.declare(number, name, text)
        self._declared[number] = Declared(number, name, text)
        self._numbers[key] = number
        last = self._last_step(name, text) if self._resumed else None
        if last is not None:
            self._next_steps[number] = last + 1
        return number

    def _last_step(self, name: str, context: str) -> int | None:
        for series in self.project.series(self.id, name):
            if canonical(series.context) == context:
                return series.last_step
        return None

    def _media(
        self, name: str, value: Volume, step: int | None, epoch: int | None, context: Mapping[str, Any] | None
    ) -> None:
        data = value.store(self.project.blobs, self._digests)
        place = {
            "run_id": self.id,
            "name": name,
            "context": canonical(_context(context)),
            "step": step if step is not None else epoch or 0,
        }
        with self.project.writing() as connection:
            connection.execute(
                schema.media.insert().values(**place, epoch=epoch, time=time.time(), kind=value.kind, data=data)
            )

    def _keep(self, **columns: Any) -> None:
        with self.project.writing() as connection:
            connection.execute(schema.runs.update().where(schema.runs.c.id == self.id).values(**columns))

    def _drain(self, **columns: Any) -> None:
        """Moves what the journal holds into the database, with changes to the run's row in the same transaction."""
        with self._lock:
            content, end = self._journal.read(self._drained), self._journal.committed
            declared = dict(self._declared)
        if not content and not columns:
            return
        with self.project.writing() as connection:
            if content:
                self.project.drain(connection, self._journal.path.name, self.id, content, end, declared)
            if columns:
                connection.execute(schema.runs.update().where(schema.runs.c.id == self.id).values(**columns))
        self._drained = end


def _drain_for_ever(reference: weakref.ref[Run], stop: threading.Event) -> None:
    """The writer thread: every few tenths of a second, as long as the run is there."""
    beaten = time.monotonic()
    while not stop.wait(DRAIN_S):
        run = reference()
        if run is None:
            return
        try:
            if time.monotonic() - beaten >= HEARTBEAT_S:
                beaten = time.monotonic()
                run._drain(heartbeat=time.time())
            else:
                run._drain()
        except VoxloopError:
            # A full disk or a long lock: the points are safe in the journal, and the next turn tries again.
            continue
        del run


def _finish_at_exit(reference: weakref.ref[Run]) -> None:
    run = reference()
    if run is not None:
        # Set where an error ended the script outside of any `with`.
        error = getattr(sys, "last_value", None)
        run.finish("finished" if error is None else "interrupted" if isinstance(error, KeyboardInterrupt) else "failed")


def _context(context: Mapping[str, Any] | None) -> dict[str, Any]:
    flat = {}
    for key, value in (context or {}).items():
        kept = plain(value)
        if not isinstance(kept, str | int | float | bool):
            raise VoxloopError(
                f'The context key "{key}" holds {type(value).__name__}; a context is flat: texts, numbers, true and false.'
            )
        flat[str(key)] = kept
    return flat


def _number(name: str, value: Any) -> float:
    """A number of any library as a float."""
    if isinstance(value, str | bytes) or value is None:
        raise VoxloopError(
            f'"{name}" is {value!r}, which is no number; log numbers and volumes, and put texts into params.'
        )
    try:
        return float(value.item() if getattr(value, "size", None) == 1 else value)
    except (TypeError, ValueError) as error:
        raise VoxloopError(
            f'"{name}" is a {type(value).__name__}, which is no single number; log its mean, or a volume.'
        ) from error
