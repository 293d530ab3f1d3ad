"""A run's way into the project: everything goes into its journal at once, and a thread drains that into the database.

Logging never waits for the database and never fails for it: where the disk is full or the database locked, the journal, or
in the worst case the memory, holds what was logged until there is room.
"""

from __future__ import annotations

import os
import struct
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxloop.errors import VoxloopError
from voxloop.store import live
from voxloop.store.context import canonical
from voxloop.store.journal import NO_EPOCH, POINT, Journal, NoRoomError, note
from voxloop.store.place import JOURNALS
from voxloop.tracking.params import plain, text

if TYPE_CHECKING:
    from voxloop.store.database import Database
    from voxloop.store.drain import Sink

DRAIN_S = 0.4
# A run that is over by then is one transaction; any other is seen by others from then on.
SHORT_S = 0.02
HEARTBEAT_S = 2.0
# A journal of this size makes way for a new one, so that a long run does not fill the disk with what is drained.
FULL = 1 << 22
# What is held in memory while the disk is full.
HELD = 1 << 28


class Writer:
    """What one run writes. Safe to use from several threads; closed in a forked child."""

    def __init__(self, root: Path, run_id: str, name: str, fresh: bool) -> None:
        """`fresh` says that nothing of the run is in the database yet."""
        self.root = root
        self.run_id = run_id
        self.name = name
        self.open = True
        self._fresh = fresh
        self._lock = threading.RLock()
        self._draining = threading.Lock()
        self._numbers: dict[Any, int] = {}
        self._declared: dict[int, tuple[str, str]] = {}
        self._by_name: dict[tuple[str, str], int] = {}
        self._last_steps: dict[int, int] = {}
        self._full: list[Journal] = []
        self._held = bytearray()
        self._lost = 0
        self._warned: set[str] = set()
        self._journal = self._new_journal()
        self._database: Database | None = None
        self._sink: Sink | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._first: Callable[[Writer], None] | None = None
        # Work that the thread does at each turn, before it drains: what was printed, how busy the machine is.
        self.each: list[Callable[[], None]] = []
        _open_here.add(self)
        live.add(self)

    def closed(self) -> VoxloopError:
        return VoxloopError(f"Run {self.name} is closed here, so nothing more can be logged into it.")

    def start(self, first: Callable[[Writer], None] | None = None) -> None:
        """Begins to drain and to show that the run is alive; `first` is slow work that the thread does once."""
        self._first = first
        arguments = (weakref.ref(self), self._stop)
        self._thread = threading.Thread(target=_work, args=arguments, daemon=True, name=f"voxloop-{self.run_id}")
        self._thread.start()

    def go_on(self, last_steps: Mapping[tuple[str, str], int]) -> None:
        """Takes up the series that the run has already, so that each counts on from its last step."""
        for (name, context), step in last_steps.items():
            self._last_steps[self._declare(name, context)] = step

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
            moment, of_epoch = time.time_ns() // 1000, NO_EPOCH if epoch is None else epoch
            try:
                if self._held:
                    self._hold(POINT.pack(number, step, value, moment, of_epoch))
                else:
                    self._journal.append(number, step, value, moment, of_epoch)
            except NoRoomError as error:
                self.warn(f"{error} Until then it is held in memory.")
                self._hold(POINT.pack(number, step, value, moment, of_epoch))
            except (struct.error, OverflowError, TypeError) as error:
                said = f"{text(name)} = {str(plain(value))[:40]} at step {str(plain(step))[:40]}, epoch {str(plain(epoch))[:40]}"
                raise VoxloopError(
                    f"{said} cannot be logged: a value fits 64-bit floats, a step 64-bit integers, an epoch 32-bit ones."
                ) from error
            self._last_steps[number] = step

    def say(self, kind: str, *content: Any) -> None:
        """Writes down something other than a point; `drain` in the store knows the kinds."""
        if not self.open:
            raise self.closed()
        record = note([kind, *content])
        with self._lock:
            try:
                if self._held:
                    self._hold(record)
                else:
                    self._journal.extend(record)
            except NoRoomError as error:
                self.warn(f"{error} Until then it is held in memory.")
                self._hold(record)

    def drain(self, **columns: Any) -> None:
        """Moves what the journal holds into the database, with changes to the run's row in the same transaction."""
        with self._draining:
            self._into_journal()
            with self._lock:
                if self._journal.committed > FULL:
                    self._replace_journal()
                held = [(one, one.read(one.drained), one.committed) for one in (*self._full, self._journal)]
            held = [(one, content, end) for one, content, end in held if content]
            if held or columns:
                self._keep(held, columns)
            for one, _, end in held:
                one.drained = end
            while self._full:
                self._full.pop().close(remove=True)

    def look_again(self) -> None:
        """Something other than this writer has given the run series: what is remembered of them counts no more."""
        with self._draining:
            self._fresh = False
            if self._sink is not None:
                self._sink.forget()

    def flush(self) -> None:
        """Has the database hold all that was logged; where it can't, the journal goes on holding it."""
        try:
            if self.open:
                self.drain()
        except VoxloopError as error:
            self.warn(f"{error} What is logged stays in its journal until then.")

    def close(self, **columns: Any) -> None:
        """Ends the writing, with changes to the run's row; where the database cannot take it, the journal stays."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self.do_first()
        self.take_turn()
        self.say("columns", columns)
        kept = False
        try:
            self.drain()
            kept = not self._held
        except VoxloopError as error:
            self.warn(f"{error} What was logged is safe in its journal, and is kept when the project is opened next.")
        finally:
            self.open = False
            self._let_go(remove=kept)
        if self._held or self._lost:
            points = len(self._held) // POINT.size + self._lost
            raise VoxloopError(
                f"Run {self.name} ends without about {points} records: the disk of {self.root} stayed full; free some space before the next run."
            )

    def do_first(self) -> None:
        """The slow work that was given at the start, unless it is done."""
        first, self._first = self._first, None
        if first is not None:
            first(self)

    def take_turn(self) -> None:
        for work in self.each:
            work()

    def abandon(self) -> None:
        """Lets go without a trace; for a run that never began."""
        self.open = False
        self._let_go(remove=True)

    def warn(self, sentence: str) -> None:
        """Says it once, where a person sees it and no test of a training's own output does."""
        if sentence not in self._warned:
            self._warned.add(sentence)
            print(f"voxloop: {sentence}", file=sys.__stderr__ or sys.stderr)

    def _let_go(self, remove: bool) -> None:
        _open_here.discard(self)
        live.discard(self)
        self._journal.close(remove=remove)
        if self._database is not None:
            self._database.release()
            self._database = None

    def _keep(self, held: list[tuple[Journal, bytes, int]], columns: Mapping[str, Any]) -> None:
        from voxloop.store import schema
        from voxloop.store.database import Database
        from voxloop.store.drain import Sink

        if self._database is None:
            # The run has looked at it when it began.
            self._database = Database.acquire(self.root, checked=True)
        if self._sink is None:
            self._sink = Sink(self.run_id)
            if self._fresh:
                self._sink.fresh()
        try:
            with self._database.writing() as connection:
                for one, content, end in held:
                    self._sink.drain(connection, one.path.name, content, end)
                if columns:
                    mine = schema.runs.c.id == self.run_id
                    connection.execute(schema.runs.update().where(mine).values(**columns))
        except BaseException:
            self._sink.forget()
            raise

    def _hold(self, record: bytes) -> None:
        if len(self._held) + len(record) > HELD:
            self._lost += 1
            self.warn(
                f"The disk of {self.root} is full and so is the memory for it: points are being lost; free some space."
            )
        else:
            self._held += record

    def _into_journal(self) -> None:
        """What was held in memory while the disk was full goes where it belongs, once there is room."""
        with self._lock:
            if self._held:
                try:
                    self._journal.extend(bytes(self._held))
                except NoRoomError:
                    return
                self._held.clear()

    def _declare(self, name: str, context: str) -> int:
        number = self._by_name.get((name, context))
        if number is None:
            number = len(self._declared) + 1
            self.say("series", number, name, context)
            self._declared[number] = (name, context)
            self._by_name[name, context] = number
        return number

    def _new_journal(self) -> Journal:
        name = f"{self.run_id}-{os.getpid()}-{time.time_ns()}.journal"
        return Journal(self.root / JOURNALS / name, self.run_id)

    def _replace_journal(self) -> None:
        try:
            fresh = self._new_journal()
        except VoxloopError:
            return
        try:
            for number, (name, context) in self._declared.items():
                fresh.extend(note(["series", number, name, context]))
        except VoxloopError:
            fresh.close(remove=True)
            return
        self._full.append(self._journal)
        self._journal = fresh


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
    pause = SHORT_S
    while not stop.wait(pause):
        writer = reference()
        if writer is None:
            return
        writer.do_first()
        writer.take_turn()
        try:
            if time.monotonic() - beaten >= HEARTBEAT_S:
                writer.drain(heartbeat=time.time())
                beaten = time.monotonic()
            else:
                writer.drain()
        except VoxloopError as error:
            writer.warn(f"{error} What is logged stays in its journal until then.")
        del writer
        pause = DRAIN_S


_open_here: weakref.WeakSet[Writer] = weakref.WeakSet()


def _close_in_child() -> None:
    # The child has no writer thread, and a lock that another thread held at the fork is never let go.
    for writer in list(_open_here):
        writer.open = False
    _open_here.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)
