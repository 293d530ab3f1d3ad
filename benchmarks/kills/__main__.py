"""Processes killed in the middle of logging, and what they lost: `python -m benchmarks.kills [--kills N] [--at-once N]`.

A point counts as acknowledged when `run.log` has returned: the victim then writes its step to a file, in one call.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import voxloop as vx

VICTIM = """
import os, sys
import voxloop as vx
run = vx.Run(name=sys.argv[2], project=sys.argv[1], console=False)
said = os.open(sys.argv[3], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
step = 0
while True:
    run.log({"loss": step * 0.5}, step=step)
    os.write(said, step.to_bytes(8, "little"))
    step += 1
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=1000)
    options.add_argument("--at-once", type=int, default=8)
    chosen = options.parse_args()
    chance = random.Random(0)
    killed = acknowledged = lost = twice = 0
    slowest = 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        vx.Run(name="first", project=folder).finish()
        while killed < chosen.kills:
            victims = {}
            for number in range(min(chosen.at_once, chosen.kills - killed)):
                called, said = f"victim-{killed + number}", folder / f"said-{killed + number}"
                words = [sys.executable, "-c", VICTIM, name, called, str(said)]
                victims[called] = (subprocess.Popen(words), said)
            for process, said in victims.values():
                while not (said.exists() and said.stat().st_size):
                    time.sleep(0.002)
                time.sleep(chance.uniform(0, 0.15))
                process.send_signal(signal.SIGKILL)
                process.wait()
            began = time.perf_counter()
            with vx.open(folder) as project:
                slowest = max(slowest, time.perf_counter() - began)
                for called, (_, said) in victims.items():
                    content = said.read_bytes()
                    steps = {int.from_bytes(content[at : at + 8], "little") for at in range(0, len(content) - 7, 8)}
                    run = project.run(called)
                    assert run.status == "crashed", f"{called} is {run.status}"
                    (loss,) = project.series_of(run.id)
                    kept = project.points(loss.id).steps.tolist()
                    acknowledged += len(steps)
                    lost += len(steps - set(kept))
                    twice += len(kept) - len(set(kept))
                    said.unlink()
            killed += len(victims)
    print(f"{killed} kills, {acknowledged:,} points acknowledged, {lost} lost, {twice} there twice")
    print(f"the longest that the project took to open after a kill: {slowest * 1000:.0f} ms")
    sys.exit(1 if lost or twice else 0)


if __name__ == "__main__":
    main()
