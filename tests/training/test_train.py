"""A training is tracked, and leaves a bundle that predicts as it validated."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from voxloop.data.phantom import make_spleen
from voxloop.errors import VoxloopError
from voxloop.inference.evaluation import evaluate_tracked
from voxloop.inference.model import load_model
from voxloop.store import Project, open_project
from voxloop.store.contents import contents
from voxloop.training.train import Job, Trained, prepare, train

TINY = [
    "epochs=3",
    "val_interval=1",
    "spacing_mm=[6,6,6]",
    "roi_size=[32,32,32]",
    "crops_per_scan=1",
    "repeats=1",
    "cache_workers=0",
    "network_def#channels=[4,8]",
    "network_def#strides=[2]",
]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "Task09_Spleen"
    make_spleen(folder, cases=5, seed=11, size="small")
    return folder


@pytest.fixture(scope="module")
def trained(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trained, Path]:
    folder = tmp_path_factory.mktemp("project")
    with open_project(folder, create=True) as project:
        return train(prepare("spleen_ct", dataset, "quick", "default", TINY), project, name="tiny"), folder


@pytest.fixture
def project(trained: tuple[Trained, Path]) -> Project:
    return open_project(trained[1])


def test_every_iteration_and_validation_is_tracked(trained: tuple[Trained, Path], project: Project) -> None:
    run = project.run("tiny")
    series = {(one.name, one.context.get("case"), one.context.get("class")): one for one in project.series_of(run.id)}
    assert run.status == "finished"
    assert series["train/loss", None, None].count == 3 * 2, "four training cases, two a batch"
    assert series["val/mean_dice", None, None].count == 3
    (case,) = run.params["split"]["validation"]
    assert series["val/dice", case, "spleen"].count == 3
    assert series["val/mean_dice", None, None].best == pytest.approx(trained[0].best_dice)


def test_settings_are_searchable_params(project: Project) -> None:
    params = project.run("tiny").params
    assert params["spacing_mm"] == [6, 6, 6]
    assert params["optimizer"]["lr"] == params["learning_rate"]
    assert params["job"]["overrides"]["network_def#channels"] == [4, 8]


def test_each_validation_keeps_a_volume_on_the_scans_own_grid(dataset: Path, project: Project) -> None:
    import nibabel as nib

    run = project.run("tiny")
    kept = project.media_of(run.id, kind="volume")
    assert [one.step for one in kept] == [1, 2, 3]
    assert len({one.data["image"]["digest"] for one in kept}) == 1, "the scan is stored once"
    case = kept[0].context["case"]
    scan = nib.load(dataset / "imagesTr" / f"{case}.nii.gz")
    truth = np.asarray(nib.load(dataset / "labelsTr" / f"{case}.nii.gz").dataobj)
    stored = contents(project.blobs, kept[-1])
    assert (stored.layers["truth"] == truth).all()
    assert stored.layers["prediction"].shape == scan.shape
    assert np.allclose(stored.affine, scan.affine, atol=1e-4)


def test_the_model_is_a_bundle_with_the_settings_that_were_used(project: Project) -> None:
    version = project.artifact("spleen-ct:best")
    folder = project.materialise(version)
    inference = json.loads((folder / "configs" / "inference.json").read_text())
    assert inference["spacing_mm"] == [6, 6, 6]
    assert inference["network_def"]["channels"] == [4, 8]
    assert inference["run"] == "%evaluating"
    assert project.run("tiny").id == version.run_id
    model = load_model("spleen-ct:best", project)
    assert model.classes == ("background", "spleen")
    assert sum(one.numel() for one in model.network.parameters()) < 100_000


def test_an_evaluation_is_a_run_that_remembers_its_model_and_its_data(dataset: Path, project: Project) -> None:
    result = evaluate_tracked("spleen-ct:best", dataset, project, part="all", name="judged")
    assert len(result.cases) == 5
    assert [case.mean_dice for case in result.cases] == sorted(case.mean_dice for case in result.cases)
    run = project.run("judged")
    assert [version.ref for version in project.used(run.id)] == ["Spleen:v1", "spleen-ct:v1"]
    assert len(project.users(project.artifact("Spleen:v1"))) == 2
    assert run.id in project.users(project.artifact("spleen-ct:best"))
    tracked = {str(one.context["case"]): one.last for one in project.series_of(run.id, "eval/dice")}
    assert tracked == {case.case: pytest.approx(case.classes[0].dice) for case in result.cases}


def test_weights_with_code_in_them_are_refused(project: Project, tmp_path: Path) -> None:
    import shutil

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, ("touch sprung",)

    folder = tmp_path / "bundle"
    shutil.copytree(project.materialise(project.artifact("spleen-ct:best")), folder, copy_function=shutil.copyfile)
    torch.save({"model": Trap()}, folder / "models" / "model.pt")
    with pytest.raises(VoxloopError, match="more than tensors"):
        load_model(str(folder))
    assert not Path("sprung").exists()


def test_resuming_what_is_no_training_is_refused(project: Project) -> None:
    import voxloop as vx

    with vx.Run(name="other", project=project.root):
        pass
    with pytest.raises(VoxloopError, match="nothing to resume"):
        Job.of(project.run("other"))
