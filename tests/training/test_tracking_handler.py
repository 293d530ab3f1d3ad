"""What `TrackingHandler` says of an engine, with MONAI's own switch and by hand, and that it changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
from ignite.engine import Engine, Events
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged, Orientationd, Spacingd

import voxloop as vx
from tests.training.bundles import METADATA, TRAIN, environment_of, python, write_bundle
from voxloop.data.phantom import make_brain_tumour, make_spleen
from voxloop.monai import SETTINGS, TrackingHandler
from voxloop.monai.bundle import Bundle
from voxloop.monai.cases import names
from voxloop.monai.output import Guessed
from voxloop.store import Project, open_project
from voxloop.store.contents import VolumeContents, contents

NO_TENSORBOARD = ["--train#handlers#3#_disabled_", "True", "--validate#handlers#1#_disabled_", "True"]


@pytest.fixture(scope="module")
def spleens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "Task09_Spleen"
    make_spleen(folder, cases=6, seed=3, size="small")
    return folder


@pytest.fixture(scope="module")
def tumours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "Task01_BrainTumour"
    make_brain_tumour(folder, cases=1, seed=3, size="small")
    return folder


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.setenv("VOXLOOP_PROJECT", str(tmp_path))
    with open_project(tmp_path, create=True) as opened:
        yield opened


# MONAI's own switch


def monai(data: Path, *extra: str) -> list[str]:
    words = ["-m", "monai.bundle", "run", "--config_file", "configs/train.json", "--dataset_dir", str(data)]
    return [*words, *NO_TENSORBOARD, *extra]


@pytest.mark.slow
def test_losses_are_the_same_to_the_last_bit_with_and_without(spleens: Path, tmp_path: Path, project: Project) -> None:
    bundle = write_bundle(tmp_path / "tiny")
    plain = ["--losses", str(tmp_path / "plain.txt")]
    tracked = ["--losses", str(tmp_path / "tracked.txt"), "--tracking", str(SETTINGS)]
    for extra in (plain, tracked):
        done = python(monai(spleens, *extra), bundle, PYTHONPATH=_path(bundle))
        assert done.returncode == 0, done.stderr
    losses = (tmp_path / "plain.txt").read_text()
    assert len(losses.split()) == 2 * 3
    assert (tmp_path / "tracked.txt").read_text() == losses

    (run,) = project.runs()
    assert (run.name, run.status) == ("tiny-spleen", "finished")
    (series,) = project.series_of(run.id, "train/loss")
    assert [float(value).hex() for value in project.points(series.id).values] == losses.split()
    assert {str(one.context["class"]) for one in project.series_of(run.id, "val/dice")} == {"spleen"}
    assert project.artifact("tiny-spleen-checkpoint:best").run_id == run.id
    assert [path.name for path in (bundle / "eval").iterdir()] == [], "MONAI's copy of the config is not left behind"


@pytest.mark.slow
def test_two_runs_at_once_stay_two_and_a_failing_one_is_marked(spleens: Path, tmp_path: Path, project: Project) -> None:
    bundle = write_bundle(tmp_path / "tiny")
    extras = [["--optimizer#lr", "0.5"], ["--explode_at", "2"]]
    running = [
        subprocess.Popen(
            [sys.executable, *monai(spleens, "--tracking", str(SETTINGS), *extra)],
            cwd=bundle,
            env=environment_of(PYTHONPATH=_path(bundle)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for extra in extras
    ]
    said = [process.communicate(timeout=300)[1] for process in running]
    assert [process.returncode == 0 for process in running] == [True, False], said
    runs = {run.status: run for run in project.runs()}
    assert set(runs) == {"finished", "failed"}
    assert runs["failed"].params["error"] == "ValueError: the loss exploded"
    assert runs["finished"].params["config"]["optimizer"]["lr"] == 0.5
    assert runs["failed"].params["config"]["optimizer"]["lr"] == 0.01
    counts = [project.series_of(run.id, "train/loss")[0].count for run in (runs["finished"], runs["failed"])]
    assert counts == [6, 1], "the iteration that failed was never completed"


def _path(bundle: Path) -> str:
    return os.pathsep.join([str(bundle), os.environ.get("PYTHONPATH", "")])


# What counts as a setting


def bundle_of(root: Path, **changed: Any) -> Bundle:
    from monai.bundle import ConfigParser

    parser = ConfigParser()
    parser.read_config({**json.loads(json.dumps(TRAIN)), **changed})
    parser.read_meta(METADATA)
    return Bundle.of(parser, root)


def test_equal_settings_have_equal_hashes_wherever_they_run(tmp_path: Path) -> None:
    one = bundle_of(tmp_path / "here", bundle_root=str(tmp_path / "here"), dataset_dir="/data/a", extra=["x", {"y": 1}])
    two = bundle_of(tmp_path / "there", bundle_root=str(tmp_path / "there"), extra=["x", {"y": 1}], dataset_dir="/b")
    assert one.config_hash == two.config_hash
    weights = [bundle_of(tmp_path / place, start=str(tmp_path / place / "models" / "model.pt")) for place in ("a", "b")]
    assert weights[0].config_hash == weights[1].config_hash, "a path inside the bundle counts as relative to it"


def test_a_setting_that_counts_changes_the_hash(tmp_path: Path) -> None:
    plain = bundle_of(tmp_path).config_hash
    assert bundle_of(tmp_path, epochs=3).config_hash != plain
    assert bundle_of(tmp_path, loss={"_target_": "DiceLoss"}).config_hash != plain


def test_handlers_that_only_watch_do_not_count(tmp_path: Path) -> None:
    watched = json.loads(json.dumps(TRAIN["train"]))
    watched["handlers"] = [one for one in watched["handlers"] if not one["_target_"].startswith("TensorBoard")]
    watched["handlers"] += [{"_target_": "voxloop.monai.TrackingHandler", "role": "trainer"}]
    assert bundle_of(tmp_path, train=watched).config_hash == bundle_of(tmp_path).config_hash


@pytest.mark.parametrize(
    ("channels", "classes"),
    [
        ({"0": "background", "1": "spleen"}, {1: "spleen"}),
        ({"0": "Background", "2": "tumour", "1": "liver"}, {1: "liver", 2: "tumour"}),
        (
            {"0": "Tumor core", "1": "Whole tumor", "2": "Enhancing"},
            {1: "Tumor core", 2: "Whole tumor", 3: "Enhancing"},
        ),
        ({"nothing": "known"}, {}),
    ],
)
def test_classes_are_named_by_the_metadata(channels: dict[str, str], classes: dict[int, str]) -> None:
    bundle = Bundle(Path(), {}, {"network_data_format": {"outputs": {"pred": {"channel_def": channels}}}}, None)
    assert bundle.classes == classes


def test_cases_are_named_by_their_file_and_by_their_folder_where_files_are_called_the_same() -> None:
    paths = [Path("a/scan.nii.gz"), Path("b/scan.nii.gz"), Path("b/spleen_2.nii.gz"), Path("a/scan.nii.gz")]
    assert names(paths) == {paths[0]: "a/scan", paths[1]: "b/scan", paths[2]: "spleen_2"}


# Any engine, by hand


def engine_of(samples: list[dict[str, Any]], step: Callable[[], None] = lambda: None) -> Engine:
    """An engine that hands out samples as an evaluator does, one in each iteration."""

    def process(engine: Engine, index: int) -> list[dict[str, Any]]:
        step()
        return [samples[index]]

    return Engine(process)


def sample_of(dataset: Path, number: int, spacing: float = 6.0) -> dict[str, Any]:
    """A case in the space of a model, its truth taken for the prediction."""
    listed = json.loads((dataset / "dataset.json").read_text())["training"][number]
    keys = ["image", "label"]
    load = Compose(
        [
            LoadImaged(keys),
            EnsureChannelFirstd(keys),
            Orientationd(keys, axcodes="RAS", labels=(("L", "R"), ("P", "A"), ("I", "S"))),
            Spacingd(keys, pixdim=[spacing] * 3, mode=("bilinear", "nearest")),
        ]
    )
    loaded = load({key: str(dataset / listed[key]) for key in keys})
    assert isinstance(loaded, dict)
    return {**loaded, "pred": loaded["label"].clone()}


def shown(project: Project) -> VolumeContents:
    (kept,) = project.media_of(project.runs()[0].id, kind="volume")
    found: VolumeContents = contents(project.blobs, kept)
    return found


def test_a_run_lives_as_long_as_its_engine_runs(project: Project, spleens: Path) -> None:
    engine = engine_of([sample_of(spleens, 0)])
    TrackingHandler(role="evaluator").attach(engine)
    assert project.runs() == []
    engine.run([0])
    engine.run([0])
    assert [run.status for run in project.runs()] == ["finished", "finished"], "nothing is merged into another run"


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError("no"), "failed"), (KeyboardInterrupt(), "interrupted"), (SystemExit(3), "failed")]
)
def test_how_an_engine_ends_is_how_its_run_ends(project: Project, error: BaseException, status: str) -> None:
    def fail() -> None:
        raise error

    engine = engine_of([{}], fail)
    # As StatsHandler: the first that is told of an exception raises it, and nobody after it is told.
    engine.add_event_handler(Events.EXCEPTION_RAISED, lambda engine, error: (_ for _ in ()).throw(error))
    TrackingHandler(role="trainer").attach(engine)
    with pytest.raises(type(error)):
        engine.run([0])
    (run,) = project.runs()
    assert run.status == status
    assert run.params.get("error") == ("ValueError: no" if isinstance(error, ValueError) else None)


def test_the_handlers_of_a_process_share_one_run(project: Project, spleens: Path) -> None:
    """The validator runs inside the trainer, and its end is not the run's."""
    evaluator = engine_of([sample_of(spleens, 0)])
    trainer = Engine(lambda engine, batch: {"loss": torch.tensor(0.5)})
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: evaluator.run([0]))
    TrackingHandler(role="trainer").attach(trainer)
    TrackingHandler(role="validator").attach(evaluator)
    trainer.run([0, 1], max_epochs=2)
    (run,) = project.runs()
    assert [one.count for one in project.series_of(run.id, "train/loss")] == [4]
    assert len(project.media_of(run.id, kind="volume")) == 2


def test_a_given_run_is_left_open(project: Project) -> None:
    trainer = Engine(lambda engine, batch: {"g_loss": 1.0, "d_loss": torch.tensor(2.0), "fakes": torch.zeros(3)})
    with vx.Run(name="mine") as run:
        TrackingHandler(run, "trainer").attach(trainer)
        trainer.run([0])
        run.log({"after": 1.0})
    (mine,) = project.runs()
    assert {one.name for one in project.series_of(mine.id)} == {"train/g_loss", "train/d_loss", "after"}


def test_labels_come_back_to_the_scan_and_the_file_is_shown_where_it_says_the_same(
    project: Project, spleens: Path
) -> None:
    sample = sample_of(spleens, 1, spacing=4.0)
    engine = engine_of([sample])
    TrackingHandler(role="validator", classes={1: "spleen"}).attach(engine)
    engine.run([0])
    seen = shown(project)
    truth = nib.load(sample["label"].meta["filename_or_obj"])
    assert np.array_equal(seen.layers["truth"], np.asarray(truth.dataobj)), "the sharp one"
    assert seen.channels == (), "a scan of one needs no name for it"
    assert seen.layers["prediction"].shape == truth.shape
    assert np.allclose(seen.affine, truth.affine, atol=1e-4)
    both = seen.layers["prediction"], np.asarray(truth.dataobj)
    overlap = 2 * np.logical_and(*both).sum() / sum((one > 0).sum() for one in both)
    assert overlap > 0.8, "only resampling lies between them"


def test_a_label_that_the_bundle_renumbers_is_shown_as_the_network_knows_it(project: Project, tumours: Path) -> None:
    """In the file 1 is oedema; the network was given it as 2."""
    sample = sample_of(tumours, 0)
    swapped = sample["label"].clone()
    swapped[sample["label"] == 1], swapped[sample["label"] == 2] = 2, 1
    engine = engine_of([{**sample, "label": swapped, "pred": swapped.clone()}])
    TrackingHandler(role="validator", classes={1: "necrosis", 2: "oedema", 3: "enhancing"}).attach(engine)
    engine.run([0])
    seen = shown(project).layers
    assert np.array_equal(seen["truth"], seen["prediction"])
    file = np.asarray(nib.load(sample["label"].meta["filename_or_obj"]).dataobj)
    inside = (file == 1) & (seen["truth"] > 0)
    assert (seen["truth"][inside] == 2).mean() > 0.5


def test_regions_inside_each_other_and_four_channels_are_reviewable(project: Project, tumours: Path) -> None:
    """As in BraTS: three overlapping channels, and one file with four sequences."""
    sample = sample_of(tumours, 0)
    label = sample["label"]
    regions = torch.cat([(label == 2) | (label == 3), label > 0, label == 3]).float()
    engine = engine_of([{**sample, "label": regions, "pred": regions * 0.9}])
    TrackingHandler(role="validator", classes={1: "core", 2: "whole", 3: "enhancing"}).attach(engine)
    engine.run([0])
    seen = shown(project)
    scan = nib.load(sample["image"].meta["filename_or_obj"])
    assert scan.shape[3] == 4
    assert np.array_equal(seen.image, np.asarray(scan.dataobj))
    assert seen.channels == ("FLAIR", "T1w", "T1gd", "T2w"), "as dataset.json beside it calls them"
    assert np.allclose(seen.affine, scan.affine)
    assert set(np.unique(seen.layers["prediction"])) == {0, 1, 2, 3}


def test_regions_are_painted_largest_first() -> None:
    core, whole, enhancing = np.zeros((3, 5, 6, 7))
    whole[1:4], core[1:4, 2:4], enhancing[2, 2, 2] = 1, 1, 1
    labels = Guessed({1: "core", 2: "whole", 3: "enhancing"}).of_channels(np.stack([core, whole, enhancing]))
    assert labels[2, 2, 2] == 3
    assert labels[1, 2, 0] == 1
    assert labels[1, 0, 0] == 2
    assert labels[0].max() == 0


@pytest.mark.parametrize(
    ("channels", "classes", "expected"),
    [
        ([[0.0, 2.0, 1.0]], {}, [0, 2, 1]),
        ([[0.2, 0.9, 0.6]], {1: "spleen"}, [0, 1, 1]),
        ([[0.9, 0.2, 0.3], [0.1, 0.8, 0.7]], {1: "spleen"}, [0, 1, 1]),
        ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], {}, [0, 1, 2]),
        ([[1, 0, 0], [1, 1, 0]], {}, [1, 2, 0]),
    ],
)
def test_channels_of_any_kind_are_one_label_map(
    channels: list[list[float]], classes: dict[int, str], expected: list[int]
) -> None:
    """Discrete, one probability, softmax, one-hot, and regions."""
    given = np.array(channels, dtype=np.float32)[:, None, None, :]
    assert Guessed(classes).of_channels(given)[0, 0].tolist() == expected


def test_a_sample_that_says_nothing_of_itself_costs_its_volume_and_one_sentence(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = {"image": torch.zeros(1, 4, 4, 4), "pred": torch.zeros(2, 4, 4, 4)}
    engine = engine_of([bare, bare])
    TrackingHandler(role="validator").attach(engine)
    engine.run([0, 1, 0], max_epochs=2)
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert "volumes for review are not tracked: the samples do not carry the name of their file" in said[0]
    assert project.runs()[0].status == "finished"


def test_tracking_never_ends_a_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A project that cannot be made costs the tracking, and a sentence."""
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("VOXLOOP_PROJECT", str(tmp_path / "file" / "project"))
    trainer = Engine(lambda engine, batch: {"loss": 0.5})
    TrackingHandler(role="trainer").attach(trainer)
    trainer.run([0, 1])
    assert trainer.state.iteration == 2
    assert "this run is not tracked" in capsys.readouterr().err


def test_details_are_credited_to_classes_with_and_without_background(project: Project, spleens: Path) -> None:
    engine = engine_of([sample_of(spleens, 0)])

    def judge(engine: Engine) -> None:
        engine.state.metrics["val_mean_dice"] = 0.5
        engine.state.metrics["val_per_class"] = torch.tensor([0.25, 0.5])
        engine.state.metric_details = {
            "val_mean_dice": torch.tensor([[0.5]]),
            "val_all_dice": torch.tensor([[0.9, 0.5]]),
            "val_confusion": torch.zeros(1, 2, 4),
        }

    engine.add_event_handler(Events.EPOCH_COMPLETED, judge)
    TrackingHandler(role="validator", classes={1: "spleen"}).attach(engine)
    engine.run([0])
    found = {(one.name, one.context.get("class")): one.last for one in project.series_of(project.runs()[0].id)}
    assert found == {
        ("val/mean_dice", None): 0.5,
        ("val/per_class", "background"): 0.25,
        ("val/per_class", "spleen"): 0.5,
        ("val/dice", "spleen"): 0.5,
        ("val/all_dice", "background"): pytest.approx(0.9),
        ("val/all_dice", "spleen"): 0.5,
    }


def test_rows_whose_case_cannot_be_told_are_not_guessed(
    project: Project, spleens: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = engine_of([sample_of(spleens, 0)])
    details = {"val_mean_dice": torch.tensor([[0.5], [0.6]])}
    engine.add_event_handler(Events.EPOCH_COMPLETED, lambda engine: setattr(engine.state, "metric_details", details))
    TrackingHandler(role="validator").attach(engine)
    engine.run([0])
    assert project.series_of(project.runs()[0].id, "val/dice") == []
    assert "val/dice is not tracked by case" in capsys.readouterr().err
