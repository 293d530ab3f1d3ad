"""Many processes write into one project for a minute while one reads: `python -m benchmarks.writers [--writers N] [--seconds S]`.

Told are the points that were logged and found, and how long any of them and the reader waited at the longest.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import voxloop as vx

WRITER = """
import json, sys, time
import voxloop as vx
until = time.monotonic() + float(sys.argv[3])
slowest = step = 0
with vx.Run(name=sys.argv[2], project=sys.argv[1], console=False) as run:
    while time.monotonic() < until:
        began = time.perf_counter()
        run.log({"loss": step * 0.5, "dice": -step}, step=step)
        slowest = max(slowest, time.perf_counter() - began)
        step += 1
        # Eight trainings on a machine log some hundred times a second each, not as fast as they can.
        time.sleep(0.002)
print(json.dumps([step, slowest]))
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--writers", type=int, default=8)
    options.add_argument("--seconds", type=float, default=60)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        names = [f"writer-{number}" for number in range(chosen.writers)]
        slowest_look, looks = 0.0, 0
        with vx.open(folder, create=True) as project:
            writers = [
                subprocess.Popen(
                    [sys.executable, "-c", WRITER, folder, name, str(chosen.seconds)], stdout=subprocess.PIPE, text=True
                )
                for name in names
            ]
            while any(one.poll() is None for one in writers):
                began = time.perf_counter()
                for run in project.runs():
                    project.series_of(run.id)
                slowest_look = max(slowest_look, time.perf_counter() - began)
                looks += 1
                time.sleep(0.1)
            said = [json.loads(one.communicate()[0]) for one in writers]
            found = {
                # How busy the machine was is noted as well, and not by the script.
                run.name: sum(one.count for one in project.series_of(run.id) if not one.name.startswith("system/"))
                for run in project.runs()
            }
        logged = {name: 2 * steps for name, (steps, _) in zip(names, said, strict=True)}
        kilobytes = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) / 1000
    lost = sum(logged.values()) - sum(found.values())
    print(f"{chosen.writers} writers and a reader for {chosen.seconds:.0f} s, in one project")
    print(f"points logged {sum(logged.values()):,}; lost {lost}; {kilobytes:,.0f} kB on disk")
    print(f"the longest that a log took: {max(slowest for _, slowest in said) * 1000:.0f} ms (must 1000)")
    print(f"the longest of {looks} looks of the reader: {slowest_look * 1000:.0f} ms (must 1000)")
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
