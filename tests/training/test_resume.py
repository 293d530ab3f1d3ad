"""An interrupted and resumed training is the uninterrupted one, to the last bit of every loss, metric and weight."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.small import bits
from voxloop.data.phantom import make_brain_tumour, make_spleen
from voxloop.store import open_project

SHARED = ["spacing_mm=[6,6,6]", "crops_per_scan=1", "repeats=1", "cache_workers=0"]
SPLEEN = [
    *SHARED,
    "epochs=4",
    "val_interval=2",
    "roi_size=[32,32,32]",
    "network_def#channels=[4,8]",
    "network_def#strides=[2]",
]
TUMOUR = [
    *SHARED,
    "epochs=3",
    "val_interval=1",
    "roi_size=[16,16,16]",
    "window_size=[32,32,32]",
    "network_def#init_filters=8",
    "network_def#blocks_down=[1,1]",
    "network_def#blocks_up=[1]",
]
# Four training cases, two a batch: an epoch has two iterations.
WORKERS = [*SPLEEN, "train#dataloader#num_workers=2", "cache_workers=2", "epochs=3"]
JOBS = {"spleen": SPLEEN, "tumour": TUMOUR, "workers": WORKERS}
KILL, TERM = int(signal.SIGKILL), int(signal.SIGTERM)
IN = "ITERATION_COMPLETED"
AFTER = "EPOCH_COMPLETED"
ENDS: dict[str, tuple[str, list[tuple[str, int, int]]]] = {
    "in the first epoch": ("spleen", [(IN, 1, KILL)]),
    "killed in an epoch": ("spleen", [(IN, 5, KILL)]),
    "asked to end in an epoch": ("spleen", [(IN, 5, TERM)]),
    "right after a state was written": ("spleen", [(AFTER, 2, KILL)]),
    "three times": ("spleen", [(IN, 2, KILL), (AFTER, 2, TERM), (IN, 8, KILL)]),
    "in an epoch, with regions": ("tumour", [(IN, 3, KILL)]),
    "with workers": ("workers", [(IN, 3, KILL), (IN, 6, KILL)]),
}


@dataclass(frozen=True)
class Told:
    """All that a training leaves, exactly: numbers as their bits."""

    status: str
    series: dict[str, Any]
    volumes: list[Any]
    state: dict[str, Any]
    best: dict[str, Any]


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A project for each training, interrupted as its name says or, under the job's own name, not at all."""
    data = tmp_path_factory.mktemp("data")
    make_spleen(data / "spleen", cases=5, seed=11, size="small")
    make_brain_tumour(data / "tumour", cases=5, seed=11, size="small")
    folders = {name: tmp_path_factory.mktemp("project") for name in (*JOBS, *ENDS)}
    plan = []
    for name, folder in folders.items():
        job, ends = ENDS.get(name, (name, []))
        recipe, source = ("brain_tumour", "tumour") if job == "tumour" else ("spleen_ct", "spleen")
        base = {"folder": str(folder), "job": [recipe, str(data / source), JOBS[job]]}
        for event, count, number in ends:
            ended = -KILL if number == KILL else 130
            plan.append({"attempt": {**base, "at": [event, count], "number": number}, "ends": ended})
        plan.append({"attempt": base, "ends": 0})
    path = data / "plan.json"
    path.write_text(json.dumps(plan))
    words = [sys.executable, str(Path(__file__).with_name("attempts.py")), str(path)]
    done = subprocess.run(words, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folders


def told(folder: Path) -> Told:
    with open_project(folder) as project:
        (run,) = project.runs()
        series = {}
        for one in project.series_of(run.id):
            if not one.name.startswith("system/"):
                points = project.points(one.id)
                summary = (one.count, one.first, one.last, one.min, one.max, one.best, one.last_step)
                values = [value.hex() for value in points.values.tolist()]
                series[f"{one.name} {one.context}"] = (points.steps.tolist(), values, points.epochs.tolist(), summary)
        volumes = [
            (one.name, one.step, one.context, [layer["digest"] for layer in one.data["layers"]])
            for one in project.media_of(run.id)
        ]
    states = folder / ".voxloop" / "runs" / run.id
    state, best = (torch.load(states / name, weights_only=True) for name in ("last.pt", "best.pt"))
    return Told(run.status, series, volumes, bits(state), bits(best))


@pytest.mark.slow
@pytest.mark.parametrize("name", ENDS)
def test_an_interrupted_training_is_the_uninterrupted_one_to_the_last_bit(name: str, projects: dict[str, Path]) -> None:
    whole, resumed = told(projects[ENDS[name][0]]), told(projects[name])
    assert resumed.status == whole.status == "finished"
    assert resumed.series == whole.series
    # Its digest is of the file, in which torch writes down also how the tensors came about.
    assert resumed.state == whole.state
    assert resumed.best == whole.best


def test_what_is_compared_holds_losses_dice_weights_moments_and_chance(projects: dict[str, Path]) -> None:
    whole = told(projects["spleen"])
    assert [len(points[0]) for name, points in whole.series.items() if name.startswith("train/loss")] == [8]
    assert any(name.startswith("val/dice") for name in whole.series)
    for beginning in ("/model/", "/optimizer/state/0/exp_avg", "/lr_scheduler/last_epoch", "/ranks/0/chance/torch"):
        assert any(name.startswith(beginning) for name in whole.state), beginning
    flips = [name for name in whole.state if "/ranks/0/chance/trainer" in name and name.endswith(".R/state/key/bytes")]
    assert len(flips) > 5, "each random transform has a generator of its own"


def test_what_the_dead_process_had_logged_beyond_its_state_is_replaced(projects: dict[str, Path]) -> None:
    for name, (job, _) in ENDS.items():
        for _, points in told(projects[name]).series.items():
            assert len(set(points[0])) == len(points[0]), f"{name} ({job}): each step has one point"


def test_a_run_tells_after_which_epochs_it_was_resumed(projects: dict[str, Path]) -> None:
    with open_project(projects["three times"]) as project:
        resumed = project.runs()[0].params["resumed"]
    assert [one["after_epoch"] for one in resumed] == [0, 2, 3]
    assert resumed[0]["told"] == ["No epoch was finished, so the training begins anew, with the same seed."]
    assert resumed[1]["told"] == ["Going on after epoch 2, the last one that was finished."]
