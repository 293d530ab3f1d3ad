"""Going on under other settings, with other data, or with nothing left to do: told key by key, and allowed or refused."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from rich.console import Console

import voxloop as vx
from voxloop import recipes
from voxloop.data.phantom import make_spleen
from voxloop.errors import VoxloopError
from voxloop.store import Project, open_project
from voxloop.training.job import Job, continued, prepare
from voxloop.training.train import Trained, train

TINY = [
    "epochs=2",
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
def trained(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a run that is finished after two epochs."""
    folder = tmp_path_factory.mktemp("project")
    with open_project(folder, create=True) as project:
        train(prepare("spleen_ct", dataset, "quick", "default", TINY), project, name="tiny")
    return folder


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Iterator[Project]:
    """A copy of it."""
    shutil.copytree(trained, tmp_path / "project")
    with open_project(tmp_path / "project") as opened:
        yield opened


def go_on(project: Project, *arguments: str, data: Path | None = None, anyway: bool = False) -> tuple[Trained, str]:
    """As `voxloop train --resume tiny` does; what came of it, and what was said."""
    said = StringIO()
    job = continued(Job.of(project.run("tiny")), arguments, data)
    console = Console(file=said, width=400, force_terminal=False)
    return train(job, project, resume=project.run("tiny").id, anyway=anyway, console=console), said.getvalue()


def rates(project: Project, name: str = "train/learning_rate") -> list[float]:
    (series,) = project.series_of(project.run("tiny").id, name)
    return [float(value) for value in project.points(series.id).values]


def cut_off(project: Project) -> None:
    """Has the run be one that was interrupted, with the same state."""
    import sqlalchemy as sa

    with project.writing() as connection:
        connection.execute(sa.text("UPDATE runs SET status = 'crashed'"))


def test_the_settings_and_their_hash_are_kept_with_the_run_and_its_model(project: Project) -> None:
    run = project.run("tiny")
    kept = json.loads((project.root / "runs" / run.id / "config.json").read_text())
    assert kept["config"]["network_def"]["channels"] == [4, 8]
    assert kept["config"]["train"]["random_transforms"], "the whole recipe, not only what was set"
    assert len(kept["config_hash"]) == 64
    assert (
        run.params["config_hash"] == kept["config_hash"] == project.artifact("spleen-ct:best").metadata["config_hash"]
    )
    assert run.params["network_def"]["channels"] == [4, 8]


def test_a_finished_run_says_so_and_goes_on_with_more_epochs(project: Project) -> None:
    run = project.run("tiny")
    with pytest.raises(VoxloopError, match=rf"is finished, after epoch 2; .* voxloop train --resume {run.id} epochs=4"):
        go_on(project)
    before = rates(project)
    done, said = go_on(project, "epochs=5")
    assert done.epochs == 5
    assert sorted(done.scores) == [1, 2, 3, 4, 5]
    assert "Going on after epoch 2, the last one that was finished." in said
    assert "From here on with other settings: epochs: 2 -> 5." in said
    # From here on the cosine is that of five epochs, which is not where the one of two ended.
    cosine = [0.003 * (1 + math.cos(math.pi * epoch / 5)) / 2 for epoch in (3, 4, 5)]
    assert rates(project) == pytest.approx([*before, *cosine], abs=1e-9)
    assert f"The learning rate goes on at {0.003 * (1 + math.cos(math.pi * 2 / 5)) / 2:.6g} rather than 0" in said
    run = project.run("tiny")
    assert run.params["epochs"] == 5
    assert run.params["config_hash"] != run.params["resumed"][0]["changed"]
    assert run.params["resumed"][0]["changed"] == {"epochs": {"before": 2, "now": 5}}
    assert run.params["job"]["overrides"]["epochs"] == 5, "the next one goes on with them"
    with pytest.raises(VoxloopError, match="after epoch 5"):
        go_on(project)


def test_validating_more_often_is_allowed_and_said(project: Project) -> None:
    cut_off(project)
    _, said = go_on(project, "epochs=4", "val_interval=2")
    assert "epochs: 2 -> 4; val_interval: 1 -> 2" in said


def test_other_settings_are_refused_unless_one_goes_on_anyway(project: Project) -> None:
    cut_off(project)
    with pytest.raises(
        VoxloopError, match=r"learning_rate: 0.003 -> 0.0005\), so this would be another training.*--anyway"
    ):
        go_on(project, "learning_rate=0.0005", "epochs=4")
    assert "resumed" not in project.run("tiny").params, "nothing was touched"
    go_on(project, "learning_rate=0.0005", "epochs=4", anyway=True)
    assert rates(project)[2] == pytest.approx(0.0005 * (1 + math.cos(math.pi * 3 / 4)) / 2)
    run = project.run("tiny")
    assert run.params["resumed"][0]["changed"]["learning_rate"] == {"before": 0.003, "now": 0.0005}
    assert run.params["learning_rate"] == 0.0005


def test_fewer_epochs_than_are_done_are_refused_even_so(project: Project) -> None:
    with pytest.raises(VoxloopError, match="has 2 epochs behind it, so it cannot end after 1"):
        go_on(project, "epochs=1", anyway=True)


def test_another_network_does_not_take_the_weights(project: Project) -> None:
    with pytest.raises(VoxloopError, match="do not fit the network of these settings"):
        go_on(project, "network_def#channels=[8,8]", "epochs=3", anyway=True)


def test_a_longer_epoch_is_counted_on(project: Project) -> None:
    done, said = go_on(project, "batch_size=1", "epochs=3", anyway=True)
    assert done.epochs == 3
    assert "An epoch has 4 iterations now, and had 2" in said
    (losses,) = project.series_of(done.run_id, "train/loss")
    assert project.points(losses.id).steps.tolist() == [1, 2, 3, 4, 9, 10, 11, 12]


def test_an_edited_bundle_says_which_key_is_otherwise(dataset: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "mine"
    shutil.copytree(recipes.find("spleen_ct"), bundle)
    with open_project(tmp_path / "project", create=True) as project:
        done = train(prepare(str(bundle), dataset, "quick", "default", TINY), project, name="tiny")
        config = json.loads((bundle / "configs" / "train.json").read_text())
        config["train"]["random_transforms"][2]["prob"] = 0.7
        (bundle / "configs" / "train.json").write_text(json.dumps(config))
        with pytest.raises(VoxloopError, match=r"\(train#random_transforms#2#prob: 0.1 -> 0.7\)"):
            go_on(project, "epochs=3")
        # Where the settings are not kept any more, the params know most of them.
        (project.root / "runs" / done.run_id / "config.json").unlink()
        with pytest.raises(VoxloopError, match=r"\(train#random_transforms#2#prob: 0.1 -> 0.7\)"):
            go_on(project, "epochs=3")


def test_a_recipe_is_found_again_from_another_folder(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(recipes.find("spleen_ct"), tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    assert Path(prepare("mine", dataset, "quick", "default", TINY).recipe) == tmp_path / "mine"


def test_a_label_that_has_changed_since_is_refused_by_its_case(dataset: Path, project: Project, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(dataset, tmp_path / "moved"))
    case = project.run("tiny").params["split"]["training"][0]
    path = moved / "labelsTr" / f"{case}.nii.gz"
    label = nib.load(path)
    nib.save(nib.Nifti1Image(np.asarray(label.dataobj)[::-1].copy(), label.affine, label.header), path)
    with pytest.raises(
        VoxloopError, match=f'begun with other data: the label of the case "{case}" has changed.*--anyway'
    ):
        go_on(project, "epochs=3", data=moved)
    _, said = go_on(project, "epochs=3", data=moved, anyway=True)
    assert f'From here on with other data: the label of the case "{case}" has changed.' in said
    assert len(project.used(project.run("tiny").id)) == 2
    with pytest.raises(VoxloopError, match="is finished"):
        go_on(project)


def test_data_that_only_lie_elsewhere_or_grew_are_the_same_data(
    dataset: Path, project: Project, tmp_path: Path
) -> None:
    moved = Path(shutil.copytree(dataset, tmp_path / "moved"))
    content = json.loads((moved / "dataset.json").read_text())
    for part in ("imagesTr", "labelsTr"):
        shutil.copy(next((moved / part).iterdir()), moved / part / "spleen_99.nii.gz")
    content["training"].append({"image": "imagesTr/spleen_99.nii.gz", "label": "labelsTr/spleen_99.nii.gz"})
    (moved / "dataset.json").write_text(json.dumps(content))
    done, said = go_on(project, "epochs=3", data=moved)
    assert done.epochs == 3
    assert "other data" not in said
    assert project.run("tiny").params["job"]["data"] == str(moved)


def test_a_split_that_has_changed_is_told(dataset: Path, project: Project, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(dataset, tmp_path / "moved"))
    splits = json.loads((moved / "splits.json").read_text())
    parts = splits["default"]
    out = parts["training"].pop()
    (moved / "splits.json").write_text(json.dumps(splits))
    with pytest.raises(VoxloopError, match=f'the case "{out}" is no longer in the training part'):
        go_on(project, "epochs=3", data=moved)
    parts["training"] = [out, *parts["training"]]
    (moved / "splits.json").write_text(json.dumps(splits))
    with pytest.raises(VoxloopError, match="the cases of the training part are in another order"):
        go_on(project, "epochs=3", data=moved)


def test_labels_that_mean_something_else_are_other_data(dataset: Path, project: Project, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(dataset, tmp_path / "moved"))
    content = json.loads((moved / "dataset.json").read_text())
    content["labels"] = {"0": "background", "1": "liver", "2": "spleen"}
    (moved / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(VoxloopError, match="the labels are 0 background, 1 liver, 2 spleen, and were"):
        go_on(project, "epochs=3", data=moved)


def test_data_that_are_gone_are_asked_for(project: Project, tmp_path: Path) -> None:
    job = replace(Job.of(project.run("tiny")), data=tmp_path / "nowhere")
    with pytest.raises(
        VoxloopError, match="nowhere, the data of run tiny, is not there now; say where they are with --data"
    ):
        train(job, project, resume="tiny")


def test_a_run_that_is_being_written_is_not_gone_on_with(project: Project) -> None:
    refused = pytest.raises(VoxloopError, match="being written by another process; wait until it ends")
    with vx.Run(resume="tiny", project=project.root, system_s=None), refused:
        go_on(project, "epochs=3")


def test_from_a_damaged_state_it_goes_on_with_the_one_before_to_the_same_end(trained: Path, project: Project) -> None:
    cut_off(project)
    run = project.run("tiny")
    states = project.root / "runs" / run.id
    content = bytearray((states / "last.pt").read_bytes())
    content[len(content) // 2] ^= 1
    (states / "last.pt").write_bytes(content)
    _, said = go_on(project)
    assert "last.pt is damaged; the state before it is whole, that of epoch 1." in said
    assert "Going on after epoch 1" in said
    assert (states / "best.pt").read_bytes() == (trained / ".voxloop" / "runs" / run.id / "best.pt").read_bytes()


def test_a_run_whose_states_are_gone_is_not_begun_anew_in_secret(project: Project) -> None:
    cut_off(project)
    shutil.rmtree(project.root / "runs" / project.run("tiny").id)
    with pytest.raises(VoxloopError, match=r"The states of run tiny are not in .* any more, so it cannot go on"):
        go_on(project)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["spleen_ct"], 'own recipe; leave "spleen_ct" away'),
        (["--preset", "quick"], "own preset; leave --preset away"),
        (["--split", "cv/0"], "own split; leave --split away"),
        (["learning_rate=1"], "learning_rate: 0.003 -> 1), so this would be another training"),
        (["epochz=9"], 'did you mean "epochs"'),
        (["val_interval=9"], "nothing would be validated"),
    ],
)
def test_what_a_run_has_had_from_the_start_is_not_given_again(words: list[str], said: str, project: Project) -> None:
    from typer.testing import CliRunner

    from voxloop.cli.main import app

    done = CliRunner().invoke(app, ["train", "--resume", "tiny", "--project", str(project.root), *words])
    assert isinstance(done.exception, VoxloopError)
    assert said in str(done.exception)


def command(*words: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "voxloop", "train", *words],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "400"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_the_command_says_after_which_epoch_it_goes_on(dataset: Path, tmp_path: Path) -> None:
    process = command("spleen_ct", "--data", str(dataset), "--preset", "quick", *TINY, "epochs=400", cwd=tmp_path)
    deadline = time.monotonic() + 240
    while not list(tmp_path.glob(".voxloop/runs/*/last.pt")):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, "no epoch was finished"
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate()
    assert process.returncode == 130, err
    with open_project(tmp_path) as project:
        (run,) = project.runs()
        assert run.status == "interrupted"
        kept = f"voxloop: interrupted, epoch {_done(project, run.id)} is the last one kept; go on with: voxloop train --resume {run.id}"
        assert kept in err
        assert "Traceback" not in out + err


def _done(project: Project, run_id: str) -> Any:
    from voxloop.training.saved import Files

    saved = Files(project.root / "runs" / run_id).read()
    assert saved is not None
    return saved.epoch
