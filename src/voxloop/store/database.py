"""A project's database, opened once in a process and shared by all in it: its own file, or a team's server."""

from __future__ import annotations

import atexit
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.errors import VoxloopError
from voxloop.store import place
from voxloop.store.probe import usable, version_of, writable
from voxloop.store.sqlite import open_file

# What keeps things needs of a database: `reading` or `writing`.
Transaction = Callable[[], AbstractContextManager[Connection]]
# Projects that one process remembers having opened.
MOST = 16
# How long the connections of a project stay open that nobody uses: a script that makes many short runs, one after the other,
# would spend more time on opening and closing than on what it logs.
LINGER_S = 1.0


class Database:
    """The tables of one project. `acquire` and `release` in pairs; safe to use from any thread."""

    def __init__(self, path: Path | None, url: str | None) -> None:
        self.path = path
        self.users = 0
        self.idle_since = 0.0
        if path is not None:
            self.engine = open_file(path)
        else:
            # Imported here, because most projects are a file and need no server's module.
            from voxloop.store.postgres import open_server

            self.engine = open_server(str(url))
        self.inode = _inode(path)
        self.where = str(path) if path is not None else self.engine.url.render_as_string(hide_password=True)
        self._watch: sqlite3.Connection | None = None

    @classmethod
    def acquire(cls, root: Path, checked: bool = False) -> Database:
        """The database of the project at `root`, made or brought forward if need be; `checked` if that is known."""
        url = place.store_url()
        at_home = place.prepare(root)
        path = at_home if url is None else None
        key = url or str(path)
        with _lock:
            one = _opened.get(key)
            # A file that was replaced under its name, as from a backup, is another database.
            known = one is not None and one.inode == _inode(path)
            if known and path is not None and not checked and not _is_ours(path):
                known = False
            if one is None or not known:
                if one in _idle:
                    one.rest()
                one = _opened[key] = cls(path, url)
            one.users += 1
            _idle.discard(one)
            while len(_opened) > MOST and (idle := next((k for k, each in _opened.items() if not each.users), None)):
                _opened.pop(idle).rest()
            return one

    def release(self) -> None:
        """Nobody uses it any more, if this was the last one: a little later its connections are closed."""
        with _lock:
            self.users -= 1
            if self.users > 0:
                return
            if self.shared:
                # A server has better uses for a connection.
                self.rest()
            else:
                self.idle_since = time.monotonic()
                _idle.add(self)
                _let_rest_soon()

    def rest(self) -> None:
        """Closes its connections; the engine stays, for the statements that it has compiled."""
        _idle.discard(self)
        self.engine.dispose()
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    @property
    def shared(self) -> bool:
        """Whether other machines write here too."""
        return self.path is None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view of the database."""
        try:
            with self.engine.connect().execution_options(reading=True) as connection:
                yield connection
        except sa.exc.DatabaseError as error:
            way_out = "check the server" if self.shared else "restore it from a backup"
            raise VoxloopError(f"Cannot read {self.where} ({_reason(error)}); {way_out}.") from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: all of it or nothing."""
        if self.path is not None and not writable(self.path):
            raise VoxloopError(
                f"{self.path.parent} may not be written to; give yourself the right, or copy it elsewhere."
            )
        try:
            with self.engine.begin() as connection:
                yield connection
        except sa.exc.DatabaseError as error:
            way_out = "check the server" if self.shared else "free some space or wait for other writers"
            raise VoxloopError(f"Cannot write to {self.where} ({_reason(error)}); {way_out}.") from error

    def change_token(self) -> str:
        """Changes whenever another connection has changed the database; costs one small look."""
        if self.path is None:
            from voxloop.store.postgres import CHANGES

            with self.reading() as connection:
                return str(connection.execute(CHANGES).scalar_one())
        if self._watch is None:
            self._watch = sqlite3.connect(self.path, check_same_thread=False)
        return str(self._watch.execute("PRAGMA data_version").fetchone()[0])


_opened: dict[str, Database] = {}
# Those that nobody uses, and whose connections are still open.
_idle: set[Database] = set()
_lock = threading.RLock()
_sweeper: threading.Thread | None = None


def _let_rest_soon() -> None:
    global _sweeper
    if _sweeper is None or not _sweeper.is_alive():
        _sweeper = threading.Thread(target=_sweep, daemon=True, name="voxloop-rest")
        _sweeper.start()


def _sweep() -> None:
    """Closes what has been idle for a while, and ends with the last of it."""
    global _sweeper
    while True:
        time.sleep(LINGER_S / 2)
        with _lock:
            for one in [one for one in _idle if time.monotonic() - one.idle_since >= LINGER_S]:
                one.rest()
            if not _idle:
                _sweeper = None
                return


@atexit.register
def _rest_at_exit() -> None:
    with _lock:
        for one in list(_idle):
            one.rest()


def _after_fork() -> None:
    # The parent's connections are not ours to use or to close.
    global _lock, _sweeper
    _lock, _sweeper = threading.RLock(), None
    for one in _opened.values():
        one.engine.dispose(close=False)
    _opened.clear()
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _inode(path: Path | None) -> int:
    try:
        return 0 if path is None else path.stat().st_ino
    except OSError:
        return 0


def _is_ours(path: Path) -> bool:
    """Whether a file that was opened before is still what it was; why it is not is told by who opens it anew."""
    try:
        return usable(path, version_of(path))
    except sqlite3.DatabaseError:
        return False


def _reason(error: sa.exc.DatabaseError) -> str:
    return (str(error.orig).strip().splitlines() or ["no reason given"])[0]
