"""A validation set kept for review: `python -m benchmarks.volumes [--cases N] [--epochs N]`.

Both sides keep four channels, the truth and the prediction of each epoch. Ours keeps each scan once and a label map for each
epoch; the peer keeps every slice of every epoch as twelve images with two masks each, as W&B's own brain tumour tutorial
does. The peer is measured on one case and one epoch, because it takes many seconds; both are told per case and epoch.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import numpy.typing as npt

import voxloop as vx
from benchmarks.tracking.__main__ import environment
from benchmarks.volumes.slices import size
from voxloop.data.phantom import make_brain_tumour
from voxloop.data.scans import open_scan

PEER = "wandb==0.31.0 pillow numpy"


def predictions(truth: npt.NDArray[np.uint8], epochs: int, seed: int) -> list[npt.NDArray[np.uint8]]:
    """Label maps that come nearer to the truth: moved by less and less, and ragged at some voxels."""
    rng = np.random.default_rng(seed)
    found = []
    for epoch in range(epochs):
        moved = np.roll(truth, max(0, 6 - epoch // 4), axis=epoch % 3)
        ragged = (rng.random(truth.shape) < 0.02) & (moved > 0)
        found.append(np.where(ragged, 0, moved).astype(np.uint8))
    return found


Case = tuple[list[Path], npt.NDArray[np.uint8]]


def ours(folder: Path, cases: list[Case], epochs: int) -> tuple[float, float]:
    classes = {1: "edema", 2: "non-enhancing tumor", 3: "enhancing tumour"}
    told = [predictions(truth, epochs, number) for number, (_, truth) in enumerate(cases)]
    vx.Run(name="first", project=folder).finish()
    before, took = size(folder), 0.0
    with vx.Run(name="review", project=folder) as run:
        for epoch in range(epochs):
            for number, (channels, truth) in enumerate(cases):
                started = time.perf_counter()
                layers = {"truth": truth, "prediction": told[number][epoch]}
                for channel, scan in enumerate(channels):
                    volume = vx.Volume(scan, layers=layers, classes=classes)
                    run.log({f"val/{channel}": volume}, step=epoch, epoch=epoch, context={"case": str(number)})
                took += time.perf_counter() - started
                # A training computes for seconds between two cases; here the thread behind only has to keep up.
                run.flush()
    count = len(cases) * epochs
    return took / count * 1000, (size(folder) - before) / count


def case(scan: Path, folder: Path) -> Case:
    """The channels of a scan as files of their own, as one looks at them, and its truth."""
    image = nib.load(scan)
    paths = []
    for channel in range(image.shape[3]):
        paths.append(folder / f"{channel}-{scan.name}")
        voxels = np.asarray(image.dataobj[..., channel], dtype=np.float32)
        nib.save(nib.Nifti1Image(voxels, image.affine), paths[-1])
    truth = open_scan(scan.parent.parent / "labelsTr" / scan.name).array().astype(np.uint8)
    return paths, truth


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cases", type=int, default=20)
    options.add_argument("--epochs", type=int, default=50)
    options.add_argument("--size", default="full", help="of the phantoms; full is that of real scans")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_brain_tumour(folder / "Task01", cases=chosen.cases, seed=1, size=chosen.size)
        scans = sorted((folder / "Task01" / "imagesTr").glob("*.nii.gz"))
        cases = [case(scan, folder) for scan in scans[: chosen.cases]]
        our_ms, our_bytes = ours(folder / "ours", cases, chosen.epochs)
        channels, truth = cases[0]
        voxels = np.stack([np.asarray(nib.load(path).dataobj) for path in channels])
        np.savez(folder / "volumes.npz", channels=voxels, truth=truth, predictions=predictions(truth, 1, 0))
        (folder / "wandb").mkdir()
        words = [environment(PEER), Path(__file__).parent / "slices.py", folder / "wandb", folder / "volumes.npz"]
        said = subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        peer = json.loads(said.splitlines()[-1])
    print(
        f"{len(cases)} cases of 4 x {truth.shape}, {chosen.epochs} epochs; for each case and epoch, truth and prediction kept"
    )
    print(f"{'':<30}{'voxloop':>12}{'W&B slices':>13}{'ratio':>8}{'must':>8}")
    print(f"{'ms on the training thread':<30}{our_ms:>12.1f}{peer['ms']:>13.0f}{peer['ms'] / our_ms:>7.0f}x{'50x':>8}")
    print(
        f"{'kB on disk':<30}{our_bytes / 1e3:>12.1f}{peer['bytes'] / 1e3:>13.0f}{peer['bytes'] / our_bytes:>7.0f}x{'50x':>8}"
    )


if __name__ == "__main__":
    main()
