"""A real PostgreSQL for tests: Debian's server on a folder of its own, reached through a socket in it, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Nothing is to survive the test, so nothing is written through to the disk.
FAST = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off -c shared_buffers=64MB"
SERVANTS = ("postgres", "nobody")


def programs() -> Path | None:
    """Where the server's programs are: on the path, or where Debian puts the newest."""
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(found, key=lambda path: int(path.parts[-3]), default=None)
    return newest.parent if newest else None


@contextmanager
def server() -> Iterator[str]:
    """Starts a server with an empty database; gives its URL for SQLAlchemy. Its texts are UTF-8."""
    where = programs()
    if where is None:
        raise RuntimeError("These tests need PostgreSQL; install it (apt-get install postgresql), then run them again.")
    # Sockets have short names, whatever TMPDIR says.
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    servant = _servant()
    if servant is not None:
        os.chown(folder, servant.pw_uid, servant.pw_gid)
    data = folder / "data"
    options = f"{FAST} -c listen_addresses= -c unix_socket_directories={folder}"
    try:
        _run(
            where / "initdb",
            "-D",
            data,
            "-U",
            "voxloop",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
            servant=servant,
        )
        _run(where / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start", servant=servant)
        try:
            yield f"postgresql+psycopg://voxloop@/postgres?host={folder}"
        finally:
            _run(where / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop", servant=servant)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _servant() -> pwd.struct_passwd | None:
    """Whom the server runs as: it refuses root."""
    if os.geteuid() != 0:
        return None
    known = {one.pw_name: one for one in pwd.getpwall()}
    return next(known[name] for name in SERVANTS if name in known)


def _run(*command: str | Path, servant: pwd.struct_passwd | None) -> None:
    done = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        # A file, as the server keeps what it is given open for its life.
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE if "start" not in command else subprocess.DEVNULL,
        cwd="/",
        user=servant.pw_uid if servant else None,
        group=servant.pw_gid if servant else None,
        extra_groups=[] if servant else None,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{Path(str(command[0])).name} failed: {done.stderr or 'see its log'}")
