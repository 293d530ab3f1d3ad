"""How fast a dataset is checked, and in how much memory: `python -m benchmarks.check [--cases N] [--distinct N]`.

A dozen phantoms as large as Task09's scans are drawn; the other cases are links to them under other names, so that each is read and
unpacked like any other without filling a disk. Told are cases per second, processor seconds per case, and the most memory of a worker.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from voxloop.data.check import Options, check
from voxloop.data.phantom import make_spleen


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cases", type=int, default=1000)
    options.add_argument("--distinct", type=int, default=12)
    options.add_argument("--workers", type=int, default=None)
    options.add_argument("--drawn", type=Path, help="a folder that keeps the phantoms for the next time")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "Task09"
        print(f"drawing {chosen.distinct} scans of 512×512 ...", flush=True)
        drawn = chosen.drawn or Path(temporary) / "drawn"
        make_spleen(drawn, chosen.distinct, 0, "full", test_cases=0)
        shutil.copytree(drawn, folder)
        packed, voxels = multiply(folder, chosen.cases)
        # What the processes that drew the phantoms used up does not count.
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        watched = Watched()
        report = check(folder, Options(workers=chosen.workers, cache=Path(temporary) / "cache"), watched)
        seconds = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        began = time.perf_counter()
        check(folder, Options(cache=Path(temporary) / "cache"))
        again = time.perf_counter() - began
    print(f"{len(report.cases)} cases, {packed / 2**30:.1f} GiB packed, {voxels / 1e9:.1f} giga-voxels")
    print(f"{len(report.cases) / seconds:.1f} cases/s on {os.cpu_count()} processors (must 3 on 2 that are idle)")
    print(f"{spent / len(report.cases):.2f} processor seconds a case; the load was {os.getloadavg()[0]:.1f}")
    print(f"the most memory of a worker: {watched.most / 2**20:.0f} MiB")
    print(f"a second check: {again:.1f} s")


class Watched:
    """Looks at the workers' memory each time a case is done."""

    def __init__(self) -> None:
        self.most = 0

    def __call__(self, done: int, total: int, what: str) -> None:
        for task in Path("/proc/self/task").iterdir() if Path("/proc/self/task").is_dir() else ():
            for child in (task / "children").read_text().split():
                self.most = max(self.most, peak(Path("/proc") / child))


def peak(process: Path) -> int:
    """VmHWM, the most that a process ever had in memory."""
    try:
        lines = (process / "status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM")), 0)


def multiply(folder: Path, cases: int) -> tuple[int, int]:
    """Links under new names until there are enough cases; answers with packed bytes and voxels."""
    import nibabel as nib

    content = json.loads((folder / "dataset.json").read_text())
    first = list(content["training"])
    packed = voxels = 0
    for number in range(cases):
        source = first[number % len(first)]
        pair = {}
        for part in ("image", "label"):
            path = folder / source[part]
            name = f"{path.parent.name}/case_{number}.nii.gz"
            os.link(path, folder / name)
            pair[part] = f"./{name}"
            packed += path.stat().st_size
        voxels += int(np.prod(nib.load(folder / source["image"]).shape))
        content["training"].append(pair)
    content["training"] = content["training"][len(first) :]
    content["numTraining"] = len(content["training"])
    for pair in first:
        for part in ("image", "label"):
            (folder / pair[part]).unlink()
    (folder / "dataset.json").write_text(json.dumps(content))
    return packed, voxels


if __name__ == "__main__":
    main()
