"""Writing a phantom dataset in Decathlon layout: case by case, in parallel, whole files only, the same bytes every time."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.phantom.headers import Header
from voxloop.data.whole import whole
from voxloop.errors import VoxloopError

Progress = Callable[[int, int], None]
HISTOGRAM = np.arange(-1024, 3074)
NOTE = "phantom.json"


@dataclass(frozen=True, slots=True)
class PhantomCase:
    """One drawn case: voxels, labels, header."""

    voxels: npt.NDArray[np.int16]
    labels: npt.NDArray[np.uint8]
    header: Header


@dataclass(frozen=True, slots=True)
class PhantomReport:
    """What was made. `threshold_dice` is what the best plain intensity window reaches, without any learning."""

    root: Path
    cases: int
    test_cases: int
    foreground: float
    threshold_dice: float


@dataclass(frozen=True, slots=True)
class Counts:
    """Intensities of one case, inside and outside the labels: enough to find the best threshold over all cases."""

    inside: npt.NDArray[np.int64]
    outside: npt.NDArray[np.int64]


Draw = Callable[[int], PhantomCase]


def make(
    out: Path,
    description: Mapping[str, Any],
    prefix: str,
    cases: int,
    test_cases: int | None,
    draw: Draw,
    progress: Progress | None,
    recipe: Mapping[str, Any],
) -> PhantomReport:
    """Draws and writes every case. `draw` gives case i for the same i, whatever else is drawn.

    `recipe` is what the phantom was asked for; a folder made of the same is taken as it is where it is complete.
    """
    if cases < 1:
        raise VoxloopError(f"A phantom dataset has at least one case, not {cases}.")
    tests = max(1, cases // 4) if test_cases is None else test_cases
    asked = {**recipe, "cases": cases, "test_cases": tests}
    done = _finished(out, asked)
    if done is not None:
        return PhantomReport(out, cases, tests, **done)
    for folder in ("imagesTr", "labelsTr", "imagesTs"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    total, counts = cases + tests, []
    workers = min(os.cpu_count() or 1, total)
    # Spawned, not forked: the caller may have threads.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(_write_case, draw, index, out, prefix, index < cases) for index in range(total)]
        for number, job in enumerate(as_completed(jobs), start=1):
            counts.append(job.result())
            if progress is not None:
                progress(number, total)
    names = [f"{prefix}_{index}.nii.gz" for index in range(total)]
    content = {
        **description,
        "numTraining": cases,
        "numTest": tests,
        "training": [{"image": f"./imagesTr/{name}", "label": f"./labelsTr/{name}"} for name in names[:cases]],
        "test": [f"./imagesTs/{name}" for name in names[cases:]],
    }
    inside = np.sum([one.inside for one in counts], axis=0)
    outside = np.sum([one.outside for one in counts], axis=0)
    result = {
        "foreground": float(inside.sum() / (inside.sum() + outside.sum())),
        "threshold_dice": threshold_dice(inside, outside),
    }
    write(out / "dataset.json", (json.dumps(content, indent=2) + "\n").encode())
    write(out / NOTE, (json.dumps({"asked": asked, **result}) + "\n").encode())
    return PhantomReport(out, cases, tests, **result)


def _finished(out: Path, asked: Mapping[str, Any]) -> dict[str, float] | None:
    """The figures of a dataset that is there and complete; anything else in the way is not touched."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return None
    try:
        note = json.loads((out / NOTE).read_text())
    except (OSError, json.JSONDecodeError):
        begun = {"imagesTr", "labelsTr", "imagesTs"}
        if out.is_dir() and {entry.name for entry in out.iterdir()} <= begun:
            return None
        raise VoxloopError(f"{out} is already there and is not a phantom dataset; choose another --out.") from None
    if note.get("asked") != json.loads(json.dumps(dict(asked))):
        raise VoxloopError(
            f"{out} holds a phantom that was made with other settings; choose another --out, or delete it."
        )
    return {"foreground": note["foreground"], "threshold_dice": note["threshold_dice"]}


def _write_case(draw: Draw, index: int, out: Path, prefix: str, labelled: bool) -> Counts:
    case = draw(index)
    name = f"{prefix}_{index}.nii.gz"
    write_nifti(out / ("imagesTr" if labelled else "imagesTs") / name, case.header.image(case.voxels))
    if labelled:
        write_nifti(out / "labelsTr" / name, case.header.image(case.labels))
    first = case.voxels[..., 0] if case.voxels.ndim == 4 else case.voxels
    here = case.labels > 0
    inside, _ = np.histogram(np.clip(first[here], -1024, 3072), HISTOGRAM)
    outside, _ = np.histogram(np.clip(first[~here], -1024, 3072), HISTOGRAM)
    return Counts(inside, outside)


def threshold_dice(inside: npt.NDArray[np.int64], outside: npt.NDArray[np.int64]) -> float:
    """The best Dice that any window low ≤ HU ≤ high reaches over all cases, found by trying them all."""
    hit, miss = np.concatenate([[0], inside.cumsum()]), np.concatenate([[0], outside.cumsum()])
    step = slice(None, None, 4)
    hit, miss = hit[step], miss[step]
    hits = hit[None, :] - hit[:, None]
    taken = hits + miss[None, :] - miss[:, None]
    scores = 2 * hits / np.maximum(taken + inside.sum(), 1)
    return float(np.triu(scores).max())


def write_nifti(path: Path, image: Any) -> None:
    # No time stamp in the archive, so that equal voxels are equal bytes.
    write(path, gzip.compress(image.to_bytes(), 3, mtime=0))


def write(path: Path, content: bytes) -> None:
    with whole(path, "free some space or choose another --out") as partial:
        partial.write_bytes(content)
