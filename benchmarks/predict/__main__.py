"""One large scan segmented: `python -m benchmarks.predict [--slices N] [--classes N ...] [--preset quick]`.

Time and memory of `voxloop predict`, beside plain MONAI running the same bundle with the same weights, in processes of their
own. MONAI's turn is as its model zoo's configs have it: the probabilities of all classes are carried back to the scan
(`Invertd`), and only then becomes each voxel one class. That is four bytes a voxel and class, and several times over, so MONAI
segments a shorter scan (`--peer-slices`), and so do we beside it. The weights have learned nothing; the work is the same. Compared is
the time of processors, which other programs on the machine do not change much.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from voxloop import recipes

GIB = 2**30


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took."""

    seconds: float
    processor_seconds: float
    peak_bytes: int

    def __str__(self) -> str:
        return f"{self.seconds:7.1f} s  {self.processor_seconds:7.1f} s of processors  {self.peak_bytes / GIB:5.2f} GiB"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--slices", type=int, default=1000)
    options.add_argument("--peer-slices", type=int, default=100)
    options.add_argument("--classes", type=int, nargs="+", default=[2, 25])
    options.add_argument("--preset", choices=["quick", "full"], default="full")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        large = draw(folder / "large.nii", chosen.slices)
        small = draw(folder / "small.nii", chosen.peer_slices)
        for classes in chosen.classes:
            bundle = make_bundle(folder / f"bundle-{classes}", chosen.preset, classes)
            print(f"\n{classes} classes, spleen_ct ({chosen.preset}), load {os.getloadavg()[0]:.1f}", flush=True)
            print(f"  voxloop, 512×512×{chosen.slices}:            {ours(bundle, large, folder)}", flush=True)
            beside = ours(bundle, small, folder)
            print(f"  voxloop, 512×512×{chosen.peer_slices}:             {beside}", flush=True)
            peer = monai(bundle, small, folder)
            print(f"  MONAI, probabilities inverted: {peer}", flush=True)
            print(
                f"  MONAI takes {peer.processor_seconds / beside.processor_seconds:.1f} times the processor time "
                f"and {peer.peak_bytes / beside.peak_bytes:.1f} times the memory",
                flush=True,
            )


def draw(path: Path, slices: int) -> Path:
    """A trunk of 512×512 voxels a slice, written slice by slice: noise, a body and an organ in it."""
    header = nib.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape((512, 512, slices))
    affine = np.diag([-0.8, 0.8, 1.0, 1.0])
    header.set_sform(affine, 1)
    header.set_qform(affine, 1)
    header.set_slope_inter(1, 0)
    noise = np.random.default_rng(0).normal(0, 20, (7, 512, 512)).astype(np.int16)
    x, y = np.meshgrid(np.linspace(-1, 1, 512), np.linspace(-1, 1, 512), indexing="ij")
    body = (x / 0.85) ** 2 + (y / 0.6) ** 2 < 1
    with path.open("wb") as file:
        header.write_to(file)
        for k in range(slices):
            organ = ((x - 0.4) / 0.15) ** 2 + ((y + 0.1) / 0.2) ** 2 + ((k / slices - 0.5) / 0.1) ** 2 < 1
            plane = np.where(body, 40, -1000) + np.where(organ, 70, 0) + noise[k % 7]
            file.write(plane.astype("<i2").tobytes(order="F"))
    return path


def make_bundle(folder: Path, preset: str, classes: int) -> Path:
    """The recipe with weights that have learned nothing, and as many classes as asked for."""
    import torch
    from monai.bundle import ConfigParser

    shutil.copytree(recipes.find("spleen_ct"), folder, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "configs" / "inference.json"
    config = json.loads(path.read_text())
    if preset == "quick":
        quick = json.loads((folder / "configs" / "quick.json").read_text())
        config |= {key: value for key, value in quick.items() if key in config}
    config["class_names"] = ["background", *(f"organ {number}" for number in range(1, classes))]
    path.write_text(json.dumps(config))
    torch.manual_seed(0)
    (folder / "models").mkdir()
    torch.save(ConfigParser(config).get_parsed_content("network_def").state_dict(), folder / "models" / "model.pt")
    return folder


def ours(bundle: Path, scan: Path, folder: Path) -> Cost:
    out = folder / "ours"
    shutil.rmtree(out, ignore_errors=True)
    return run([sys.executable, "-m", "voxloop", "predict", str(bundle), str(scan), "--out", str(out)])


def monai(bundle: Path, scan: Path, folder: Path) -> Cost:
    """The bundle's own inference.json with the zoo's order of postprocessing: softmax, Invertd, argmax."""
    config = json.loads((bundle / "configs" / "inference.json").read_text())
    _, back, saved = config["postprocessing"]["transforms"]
    steps: list[dict[str, Any]] = [
        {"_target_": "Activationsd", "keys": "pred", "softmax": True},
        {**back, "nearest_interp": False},
        {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
        saved,
    ]
    config["postprocessing"]["transforms"] = steps
    config |= {"scans": [{"image": str(scan)}], "bundle_root": str(bundle), "output_dir": str(folder / "theirs")}
    path = bundle / "configs" / "peer.json"
    path.write_text(json.dumps(config))
    words = ["run", "--config_file", str(path), "--meta_file", str(bundle / "configs" / "metadata.json")]
    return run([sys.executable, "-m", "monai.bundle", *words])


def run(words: list[str]) -> Cost:
    """Runs a process to its end; how it did is only shown where it failed."""
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(words, stdout=said, stderr=subprocess.STDOUT)
        # Asked for itself, since what all children took together hides which one it was.
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - began
        if process.returncode:
            said.seek(0)
            sys.exit(
                f"{' '.join(words)} ended with {process.returncode}:\n{said.read().decode(errors='replace')[-4000:]}"
            )
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * unit)


if __name__ == "__main__":
    main()
