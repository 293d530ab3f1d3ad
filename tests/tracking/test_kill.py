"""A point is safe when `log` returns: processes are killed in the middle of logging, and nothing they got is lost."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from voxloop.store import open_project
from voxloop.store.journal import owned

KILLS = 15
WRITER = """
import sys, voxloop as vx
run = vx.Run(name="doomed", project=sys.argv[1])
step = 0
while True:
    run.log({"loss": step * 0.5}, step=step)
    # Only what `log` has returned from is acknowledged.
    sys.stdout.write(f"{step}\\n")
    sys.stdout.flush()
    step += 1
"""


@pytest.mark.slow
def test_no_acknowledged_point_is_lost_to_a_kill(tmp_path: Path) -> None:
    chance = random.Random(7)
    for number in range(KILLS):
        folder = tmp_path / str(number)
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(chance.uniform(0, 0.7))
        process.send_signal(signal.SIGKILL)
        # A line that the kill cut in two was not acknowledged.
        said = first + process.stdout.read()
        process.wait()
        process.stdout.close()
        acknowledged = len(said[: said.rfind("\n") + 1].splitlines())
        assert acknowledged > 0
        # A child that it was starting just then, as to ask git, holds its lock until that is another program.
        end = time.monotonic() + 10
        while any(map(owned, folder.rglob("*.journal"))) and time.monotonic() < end:
            time.sleep(0.01)
        with open_project(folder) as project:
            (run,) = project.runs()
            assert run.status == "crashed"
            (loss,) = project.series_of(run.id)
            points = project.points(loss.id)
        assert loss.count >= acknowledged
        assert points.steps.tolist() == list(range(loss.count)), "nothing twice, nothing missing"
        assert (points.values == points.steps * 0.5).all()
        assert not list((folder / ".voxloop" / "journals").iterdir())
