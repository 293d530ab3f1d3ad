"""Where it is hard to keep anything: many writers and a reader, no network, a folder that may not be written."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

import voxloop as vx
from tests.tracking.children import child, run_script

WRITERS = 8
WRITE = """
import sys, time
import voxloop as vx
name, until = sys.argv[2], time.monotonic() + float(sys.argv[3])
with vx.Run(name=name, project=sys.argv[1]) as run:
    step = slowest = 0
    while time.monotonic() < until:
        began = time.perf_counter()
        run.log({"loss": step * 0.5, "dice": -step}, step=step, context={"writer": name})
        slowest = max(slowest, time.perf_counter() - began)
        step += 1
        if step % 50 == 0:
            time.sleep(0.002)
print(step)
"""


def isolated(*options: str) -> list[str]:
    """The beginning of a command that runs in namespaces of its own."""
    unshare = shutil.which("unshare")
    words = [unshare or "unshare", "--map-root-user", *options]
    if unshare is None or subprocess.run([*words, "true"], check=False, capture_output=True).returncode:
        pytest.skip("This system gives no namespaces to its users.")
    return words


def test_eight_writers_and_a_reader_lose_nothing(tmp_path: Path) -> None:
    with vx.open(tmp_path, create=True) as project:
        writers = [child(WRITE, tmp_path, f"w{number}", 4) for number in range(WRITERS)]
        looks = 0
        while any(one.poll() is None for one in writers):
            for run in project.runs():
                for series in project.series_of(run.id):
                    points = project.points(series.id)
                    # Whenever one looks, what is there is whole: a beginning of what was logged, in its order.
                    assert points.steps.tolist() == list(range(len(points)))
            looks += 1
        logged = {}
        for number, one in enumerate(writers):
            with one:
                said, _ = one.communicate()
            assert one.returncode == 0
            logged[f"w{number}"] = int(said)
        assert looks > 1
        for name, count in logged.items():
            dice, loss = project.series_of(project.run(name).id)
            assert (dice.count, loss.count, loss.last) == (count, count, (count - 1) * 0.5)
            assert project.points(dice.id).values.tolist() == [-step for step in range(count)]


def test_a_run_needs_no_network(tmp_path: Path) -> None:
    code = f"""
import socket
import voxloop as vx
try:
    socket.create_connection(("127.0.0.1", 9), timeout=1)
except OSError as error:
    print(error.errno)
with vx.Run(name="alone", project={str(tmp_path)!r}, params={{"lr": 1}}) as run:
    run.log({{"loss": 0.5}})
    run.flush()
with vx.open({str(tmp_path)!r}) as project:
    print(project.run("alone").status, project.series_of(run.id)[0].last)
"""
    words = [*isolated("--net"), sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    # 101: there is not even a loopback device that is up.
    assert done.stdout.split() == ["101", "finished", "0.5"]


@pytest.mark.parametrize("written", ["long ago", "just now", "during the copy"])
def test_a_project_that_may_not_be_written_is_a_sentence_and_can_be_read(tmp_path: Path, written: str) -> None:
    with vx.Run(name="before", project=tmp_path) as run:
        run.log({"loss": 0.5})
    database = tmp_path / ".voxloop" / "voxloop.db"
    if written == "long ago":
        until = time.monotonic() + 20
        while database.with_name("voxloop.db-wal").exists() and time.monotonic() < until:
            time.sleep(0.05)
    if written == "during the copy":
        # The index beside the log is no file that a backup takes.
        copy = tmp_path / "copy"
        shutil.copytree(tmp_path / ".voxloop", copy / ".voxloop", ignore=shutil.ignore_patterns("*-shm"))
        tmp_path = copy
    code = """
import sys
import voxloop as vx
with vx.open(sys.argv[1]) as project:
    print(project.run("before").status, project.series_of(project.run("before").id)[0].last)
    try:
        project.delete_run(project.run("before").id)
    except vx.VoxloopError as error:
        print(error)
try:
    vx.Run(project=sys.argv[1])
except vx.VoxloopError as error:
    print(error)
"""
    read_only = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && exec "$0" -c "$2" "$1"'
    words = [*isolated("--mount"), "sh", "-c", read_only, sys.executable, str(tmp_path), code]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    if written == "during the copy":
        assert "was copied while it was written to" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    read, deleted, started = done.stdout.splitlines()
    assert read == "finished 0.5"
    assert "may not be written to" in deleted
    assert "may not be written to" in started


def test_a_newer_store_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    vx.Run(name="before", project=tmp_path).finish()
    database = tmp_path / ".voxloop" / "voxloop.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'version'")
        connection.commit()
    with pytest.raises(vx.VoxloopError, match="newer voxloop"):
        vx.Run(name="after", project=tmp_path)
    assert not list((tmp_path / ".voxloop" / "journals").iterdir())


def test_a_database_that_is_locked_for_long_does_not_hold_up_a_training(tmp_path: Path) -> None:
    vx.Run(name="before", project=tmp_path).finish()
    with closing(sqlite3.connect(tmp_path / ".voxloop" / "voxloop.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        run = vx.Run(name="during", project=tmp_path)
        for step in range(1000):
            run.log({"loss": step}, step=step)
        other.execute("ROLLBACK")
    run.finish()
    with vx.open(tmp_path) as project:
        (loss,) = project.series_of(run.id)
        assert (loss.count, loss.last) == (1000, 999.0)


def test_a_bare_script_waits_for_nothing_heavy(tmp_path: Path) -> None:
    vx.Run(name="before", project=tmp_path).finish()
    code = """
import sys
import voxloop as vx
run = vx.Run(project=sys.argv[1])
run.log({"loss": 1.0})
print(sorted({"numpy", "sqlalchemy", "nibabel", "torch", "rich"} & set(sys.modules)))
"""
    assert run_script(code, tmp_path).strip() == "[]"
