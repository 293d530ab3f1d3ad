"""However a process ends, what `log` has acknowledged is there, and the run says how it ended."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import voxloop as vx
from tests.tracking.children import child, run_script
from voxloop.store import Project

# Writes each point's number into a file once `log` has returned: that file, too, survives the process.
WRITER = """
import os, sys
import voxloop as vx
from voxloop.tracking import writer
project, name, acknowledged, full = sys.argv[1:]
writer.FULL = int(full)
run = vx.Run(name=name, project=project)
out = os.open(acknowledged, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
step = 0
while True:
    context = {"case": f"spleen_{step % 3}"} if step % 2 else None
    run.log({"loss": step * 0.5}, step=step, context=context)
    os.write(out, step.to_bytes(8, "little"))
    step += 1
"""


ROUNDS, AT_ONCE = 3, 4


def points(project: Project, run_id: str) -> dict[int, float]:
    """Every point of a run by its step; a point that is there twice fails."""
    found: dict[int, float] = {}
    for series in project.series_of(run_id):
        read = project.points(series.id)
        assert len(read) == series.count
        for step, value in zip(read.steps.tolist(), read.values.tolist(), strict=True):
            assert step not in found, f"step {step} is there twice"
            found[step] = value
    return found


def acknowledges(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0


def wait_for(condition: Callable[[], object], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


def test_processes_killed_side_by_side_lose_nothing_while_their_journals_are_replaced(tmp_path: Path) -> None:
    """Four processes at a time in one project; half of the journals are replaced every few points."""
    draw = random.Random(20)
    for round_ in range(ROUNDS):
        names = [f"{round_}-{number}" for number in range(AT_ONCE)]
        files = {name: tmp_path / f"{name}.acknowledged" for name in names}
        children = {
            name: child(WRITER, tmp_path, name, files[name], 1 << (14 if number % 2 else 22))
            for number, name in enumerate(names)
        }
        try:
            for name in names:
                wait_for(partial(acknowledges, files[name]))
        finally:
            for process in children.values():
                with process:
                    time.sleep(draw.uniform(0, 0.3))
                    process.send_signal(signal.SIGKILL)
        with vx.open(tmp_path) as project:
            for name in names:
                run = project.run(name)
                assert run.status == "crashed"
                content = files[name].read_bytes()
                acknowledged = [int.from_bytes(content[at : at + 8], "little") for at in range(0, len(content) - 7, 8)]
                kept = points(project, run.id)
                assert set(acknowledged) <= set(kept)
                # At most the one that was being acknowledged is there besides.
                assert len(kept) - len(acknowledged) <= 1
                assert all(value == step * 0.5 for step, value in kept.items())
    assert not list((tmp_path / ".voxloop" / "journals").iterdir())


def test_a_reader_that_was_there_before_sees_the_crash(tmp_path: Path) -> None:
    with vx.open(tmp_path, create=True) as project:
        acknowledged = tmp_path / "acknowledged"
        with child(WRITER, tmp_path, "victim", acknowledged, 1 << 22) as process:
            wait_for(project.runs)
            assert project.runs()[0].status == "running"
            process.kill()
            process.wait()
        assert project.runs()[0].status == "crashed"
        assert project.runs()[0].ended is None


def test_a_crashed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    acknowledged = tmp_path / "acknowledged"
    with child(WRITER, tmp_path, "victim", acknowledged, 1 << 22) as process:
        wait_for(partial(acknowledges, acknowledged))
        process.kill()
    with vx.open(tmp_path) as project:
        before = points(project, project.run("victim").id)
    with vx.Run(project=tmp_path, resume="victim") as run:
        run.log({"loss": -1.0}, step=-1, context={"case": "spleen_1"})
    with vx.open(tmp_path) as project:
        assert project.run("victim").status == "finished"
        assert points(project, run.id).items() > before.items()


def test_a_run_whose_journal_is_gone_is_not_running_for_ever(tmp_path: Path) -> None:
    acknowledged = tmp_path / "acknowledged"
    with (
        vx.open(tmp_path, create=True) as project,
        child(WRITER, tmp_path, "victim", acknowledged, 1 << 22) as process,
    ):
        wait_for(project.runs)
        process.kill()
    for path in (tmp_path / ".voxloop" / "journals").iterdir():
        path.unlink()
    with vx.open(tmp_path) as project:
        assert project.run("victim").status == "crashed"


def test_a_forked_child_neither_writes_nor_keeps_a_dead_run_alive(tmp_path: Path) -> None:
    code = """
import os, sys, time
import voxloop as vx
run = vx.Run(name="parent", project=sys.argv[1])
run.log({"loss": 1.0})
if os.fork() == 0:
    os.close(1)
    try:
        run.log({"loss": 2.0})
    except vx.VoxloopError as error:
        open(sys.argv[2], "w").write(str(error))
    run.finish()
    time.sleep(20)
    os._exit(0)
time.sleep(20)
"""
    said = tmp_path / "said"
    with child(code, tmp_path, said) as process:
        wait_for(partial(acknowledges, said))
        with vx.open(tmp_path) as project:
            wait_for(project.runs)
            assert project.runs()[0].status == "running"
            process.kill()
            process.wait()
            assert project.runs()[0].status == "crashed"
            assert points(project, project.runs()[0].id) == {0: 1.0}
    assert "is closed here" in said.read_text()


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("pass", "finished"),
        ("1 / 0", "failed"),
        ("raise KeyboardInterrupt", "interrupted"),
        ("sys.exit(0)", "finished"),
        ("sys.exit('no data')", "failed"),
        ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(5)", "interrupted"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "crashed"),
        ("os._exit(0)", "crashed"),
    ],
)
@pytest.mark.parametrize("block", [True, False], ids=["with", "without"])
def test_how_a_script_ends_is_how_its_run_ends(tmp_path: Path, end: str, status: str, block: bool) -> None:
    if not block and "SIGTERM" in end:
        # Without `with`, nobody asked to be told: SIGTERM ends the process at once.
        status = "crashed"
    if not block and "no data" in end:
        # An exit code is no error that Python keeps until the end.
        status = "finished"
    opening = "with vx.Run(project=sys.argv[1]) as run:" if block else "run = vx.Run(project=sys.argv[1])\nif True:"
    code = f"""
import os, signal, sys, time
sys.stderr = open(os.devnull, "w")
import voxloop as vx
{opening}
    run.log({{"loss": 1.0}})
    {end}
"""
    with child(code, tmp_path) as process:
        process.wait(timeout=60)
    with vx.open(tmp_path) as project:
        run = project.runs()[0]
        assert run.status == status
        assert points(project, run.id) == {0: 1.0}


FULL_DISK = """
import os, resource, sys
import voxloop as vx
run = vx.Run(name="victim", project=sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
for step in range(30_000):
    run.log({"loss": step * 0.1}, step=step)
"""


def test_a_full_disk_does_not_end_a_training_and_nothing_is_lost_once_there_is_room(tmp_path: Path) -> None:
    """Neither journal nor database may grow for a while; a person then frees some space."""
    room = "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\nrun.finish()"
    said = run_script(f"sys = __import__('sys'); sys.__stderr__ = sys.stdout{FULL_DISK}{room}", tmp_path)
    assert "Cannot log into" in said
    assert "held in memory" in said
    with vx.open(tmp_path) as project:
        run = project.run("victim")
        assert run.status == "finished"
        assert points(project, run.id) == {step: step * 0.1 for step in range(30_000)}


def test_a_disk_that_stays_full_keeps_what_it_took_and_the_end_says_what_is_missing(tmp_path: Path) -> None:
    end = "try:\n    run.finish()\nexcept vx.VoxloopError as error:\n    print(error)"
    said = run_script(FULL_DISK + end, tmp_path)
    assert "ends without" in said
    assert "free some space" in said
    with vx.open(tmp_path) as project:
        kept = points(project, project.run("victim").id)
        assert len(kept) > 1000
        assert kept == {step: step * 0.1 for step in range(len(kept))}
