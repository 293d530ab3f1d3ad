"""A run's way into the database: points go through a journal, which a thread drains every few tenths of a second."""

from __future__ import annotations

import os
import struct
import threading
import time
import weakref
from collections.abc import Mapping
from typing import Any

from voxloop.errors import VoxloopError
from voxloop.store import Project, recovery, schema
from voxloop.store.journal import NO_EPOCH, Declared, Journal
from voxloop.store.project import canonical
from voxloop.tracking.params import plain, text

DRAIN_S = 0.4
HEARTBEAT_S = 2.0
# A journal of this size makes way for a new one, so that a long run does not fill the disk with what is drained.
FULL = 1 << 22


class Writer:
    """The points of one run, and its row. Safe to use from several threads; closed in a forked child."""

    def __init__(self, project: Project, run_id: str, name: str) -> None:
        self.project = project
        self.run_id = run_id
        self.name = name
        self.open = True
        self._lock = threading.RLock()
        self._numbers: dict[Any, int] = {}
        self._declared: dict[int, Declared] = {}
        self._by_name: dict[tuple[str, str], int] = {}
        self._last_steps: dict[int, int] = {}
        self._full: list[Journal] = []
        self._journal = self._new_journal()
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=_work, args=(weakref.ref(self), self._stop), daemon=True, name=f"voxloop-{run_id}"
        )
        _open_here.add(self)

    def closed(self) -> VoxloopError:
        return VoxloopError(f"Run {self.name} is closed here, so nothing more can be logged into it.")

    def start(self) -> None:
        """Begins to drain and to show that the run is alive; once the run has its row."""
        self._thread.start()

    def go_on(self) -> None:
        """Takes up the series that the run has already, so that each counts on from its last step."""
        for one in self.project.series(self.run_id):
            number = self._declare(one.name, canonical(one.context))
            if one.last_step is not None:
                self._last_steps[number] = one.last_step

    def point(
        self, name: str, context: Mapping[str, Any] | None, step: int | None, value: float, epoch: int | None
    ) -> None:
        """Adds a point; when this returns, killing the process does not lose it."""
        key = name if not context else _key(name, context)
        if not self.open:
            raise self.closed()
        with self._lock:
            number = self._numbers.get(key)
            if number is None:
                number = self._numbers[key] = self._declare(text(name), canonical(flat(context)))
            if step is None:
                step = int(self._last_steps.get(number, -1)) + 1
            try:
                self._journal.append(number, step, value, time.time_ns() // 1000, NO_EPOCH if epoch is None else epoch)
            except (struct.error, OverflowError, TypeError) as error:
                said = f"{text(name)} = {str(plain(value))[:40]} at step {str(plain(step))[:40]}, epoch {str(plain(epoch))[:40]}"
                raise VoxloopError(
                    f"{said} cannot be logged: a value fits 64-bit floats, a step 64-bit integers, an epoch 32-bit ones."
                ) from error
            self._last_steps[number] = step

    def keep(self, **columns: Any) -> None:
        """Changes the run's row."""
        with self.project.writing() as connection:
            connection.execute(schema.runs.update().where(schema.runs.c.id == self.run_id).values(**columns))

    def drain(self, **columns: Any) -> None:
        """Moves what the journal holds into the database, with changes to the run's row in the same transaction."""
        with self._lock:
            if self._journal.committed > FULL:
                self._replace_journal()
            declared = dict(self._declared)
            held = [(one, one.read(one.drained), one.committed) for one in (*self._full, self._journal)]
        held = [(one, content, end) for one, content, end in held if content]
        if held or columns:
            with self.project.writing() as connection:
                for one, content, end in held:
                    recovery.drain(connection, one.path.name, self.run_id, content, end, declared)
                if columns:
                    connection.execute(schema.runs.update().where(schema.runs.c.id == self.run_id).values(**columns))
        for one, _, end in held:
            one.drained = end
        while self._full:
            self._remove(self._full.pop())

    def close(self, **columns: Any) -> None:
        """Writes everything down, with changes to the run's row; may be tried again where that failed."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        with self._lock:
            self.open = False
            try:
                self.drain(**columns)
            except VoxloopError:
                self.open = True
                raise
            _open_here.discard(self)
            self._remove(self._journal)

    def abandon(self) -> None:
        """Lets go without a trace; for a run that never began."""
        self.open = False
        _open_here.discard(self)
        self._journal.close(remove=True)

    def _declare(self, name: str, context: str) -> int:
        number = self._by_name.get((name, context))
        if number is None:
            number = len(self._declared) + 1
            self._journal.declare(number, name, context)
            self._declared[number] = Declared(number, name, context)
            self._by_name[name, context] = number
        return number

    def _new_journal(self) -> Journal:
        name = f"{self.run_id}-{os.getpid()}-{time.time_ns()}.journal"
        return Journal(self.project.journals / name, self.run_id)

    def _replace_journal(self) -> None:
        try:
            fresh = self._new_journal()
        except VoxloopError:
            return
        for one in self._declared.values():
            fresh.declare(one.number, one.name, one.context)
        self._full.append(self._journal)
        self._journal = fresh

    def _remove(self, journal: Journal) -> None:
        journal.close(remove=True)
        with self.project.writing() as connection:
            recovery.forget(connection, journal.path.name)


def flat(context: Mapping[str, Any] | None) -> dict[str, Any]:
    """A context as it is stored; refused where it nests."""
    found = {}
    for key, value in (context or {}).items():
        kept = plain(value)
        if not isinstance(kept, str | int | float | bool):
            raise VoxloopError(
                f'The context key "{text(key)}" holds {type(value).__name__}; a context is flat: texts, numbers, true and false.'
            )
        found[text(key)] = kept
    return found


def _key(name: str, context: Mapping[str, Any]) -> Any:
    # With the types, for True == 1 == 1.0 and yet they are three contexts.
    key = (name, *context.items(), *map(type, context.values()))
    try:
        hash(key)
    except TypeError:
        return _key(name, flat(context))
    return key


def _work(reference: weakref.ref[Writer], stop: threading.Event) -> None:
    """The writer thread, as long as the writer is there."""
    beaten = time.monotonic()
    while not stop.wait(DRAIN_S):
        writer = reference()
        if writer is None:
            return
        try:
            if time.monotonic() - beaten >= HEARTBEAT_S:
                beaten = time.monotonic()
                writer.drain(heartbeat=time.time())
            else:
                writer.drain()
        except VoxloopError:
            # A full disk or a long lock: the points are safe in the journal, and the next turn tries again.
            continue
        finally:
            del writer


_open_here: weakref.WeakSet[Writer] = weakref.WeakSet()


def _close_in_child() -> None:
    # The child has no writer thread, and a lock that another thread held at the fork is never let go.
    for writer in list(_open_here):
        writer.open = False
    _open_here.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)
