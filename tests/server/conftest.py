"""A small project, written as a training writes it, and a client that asks the app in this process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from fastapi.testclient import TestClient

import voxloop as vx
from voxloop.server.app import create_app
from voxloop.store import open_project

HERE = "http://127.0.0.1:8765"
SHAPE = (7, 11, 13)
AFFINE = np.array([[-2.0, 0, 0, 47], [0, 2.0, 0, -39], [0, 0, 3.0, -44], [0, 0, 0, 1]])
EPOCHS = (1, 2, 3)
DICE = {
    ("spleen_2", "spleen"): (0.5, 0.7, 0.9),
    ("spleen_9", "spleen"): (0.1, float("nan"), 0.3),
    ("spleen_9", "lesion"): (0.2, 0.6, 0.4),
}


@dataclass(frozen=True)
class Written:
    """What was put into the project."""

    root: Path
    run_id: str
    failed_id: str
    scan: npt.NDArray[np.int16]


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A failed run, and one of two cases over three epochs with a model; read only, so that tests may share it."""
    root = tmp_path_factory.mktemp("liver-study") / ".voxloop"
    rng = np.random.default_rng(3)
    scan = rng.integers(-1000, 1000, SHAPE).astype(np.int16)
    model = root.parent / "model.pt"
    model.write_bytes(b"weights")
    with vx.Run(name="unet-old", experiment="spleen", project=root) as failed:
        failed.log({"train/loss": float("inf")}, step=1)
        failed.finish("failed")
    with vx.Run(
        name="unet-a",
        experiment="spleen",
        tags=["baseline"],
        params={"optimizer": {"lr": 1e-4}, "clip": float("inf"), "limits": [float("nan"), 1]},
        project=root,
    ) as run:
        run.define("val/*", axis="epoch", best="max")
        run.define("*loss", best="min")
        for step in range(40):
            run.log({"train/loss": float("nan") if step == 7 else 1 / (1 + step)}, step=step, epoch=1 + step // 20)
        for nth, epoch in enumerate(EPOCHS):
            for case in ("spleen_2", "spleen_9"):
                truth = (scan > 500).astype(np.uint8)
                prediction = (scan > 400 + 50 * epoch).astype(np.uint8)
                volume = vx.Volume(scan, {"truth": truth, "prediction": prediction}, {1: "spleen"}, AFFINE)
                run.log({"val/scan": volume}, step=epoch, epoch=epoch, context={"case": case})
            for (case, name), values in DICE.items():
                run.log({"val/dice": values[nth]}, step=epoch, epoch=epoch, context={"case": case, "class": name})
            run.log({"val/mean_dice": 0.2 * epoch}, step=epoch, epoch=epoch)
        run.save(model, name="spleen-ct", kind="model", aliases=["best"], metadata={"dice": 0.6})
        run.use("spleen-ct:best")
    return Written(root, run.id, failed.id, scan)


@pytest.fixture
def client(written: Written) -> Iterator[TestClient]:
    with open_project(written.root) as project, TestClient(create_app(project), HERE) as one:
        yield one
