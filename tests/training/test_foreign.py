"""`voxloop bundle run`: a bundle of somebody else runs as it is, from anywhere, and is tracked however it ends."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.training.bundles import TRAIN, environment_of, python, write_bundle
from voxloop.bundles import finding, repairs, trust
from voxloop.data.phantom import make_brain_tumour, make_spleen
from voxloop.errors import VoxloopError
from voxloop.monai.bundle import Bundle
from voxloop.store import Project, open_project
from voxloop.training import foreign


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder where a person stands: data and project lie here, the bundle does not."""
    folder = tmp_path_factory.mktemp("elsewhere")
    make_spleen(folder / "Task09_Spleen", cases=6, seed=3, size="small")
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


def vx(
    words: Sequence[str | Path], cwd: Path, trust: bool = True, settings_home: Path | None = None
) -> subprocess.CompletedProcess[str]:
    extra = ["--trust"] if trust and words[:2] == ["bundle", "run"] else []
    home = str(settings_home or cwd / "config")
    return python(["-m", "voxloop", *[str(word) for word in words], *extra], cwd, XDG_CONFIG_HOME=home)


@pytest.fixture(scope="module")
def trained(bundle: Path, elsewhere: Path) -> subprocess.CompletedProcess[str]:
    done = vx(["bundle", "run", bundle, "dataset_dir=Task09_Spleen", "--name", "first"], elsewhere)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def project(elsewhere: Path) -> Project:
    return open_project(elsewhere, create=True)


def test_it_runs_from_any_folder_with_its_own_scripts(
    bundle: Path, elsewhere: Path, trained: subprocess.CompletedProcess[str], project: Project
) -> None:
    """The folder is not on the path, `bundle_root` is ".", and the data is named from where the person stands."""
    run = project.run("first")
    assert run.status == "finished"
    assert run.params["overrides"] == {"dataset_dir": str(elsewhere / "Task09_Spleen")}
    assert (bundle / "models" / "model.pt").is_file()
    assert not (elsewhere / "models").exists()


def test_what_the_bundle_says_passes_through(trained: subprocess.CompletedProcess[str]) -> None:
    assert "Epoch: 2/2, Iter: 3/3 -- train_loss" in trained.stdout + trained.stderr


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is not None, reason="tensorboard is installed")
def test_without_tensorboard_its_handlers_are_left_out_with_a_sentence(
    bundle: Path, trained: subprocess.CompletedProcess[str]
) -> None:
    assert "tensorboard is not installed, so TensorBoardStatsHandler is left out" in trained.stderr
    written = json.loads((bundle / "configs" / "train.json").read_text())
    assert written["train"]["handlers"][3]["_target_"] == "TensorBoardStatsHandler", (
        "the bundle's files stay as they are"
    )


def test_everything_is_tracked(trained: subprocess.CompletedProcess[str], project: Project) -> None:
    run = project.run("first")
    counts = {(one.name, one.context.get("case"), one.context.get("class")): one for one in project.series_of(run.id)}
    assert counts["train/loss", None, None].count == 2 * 3
    assert counts["val/mean_dice", None, None].count == 2
    assert counts["val/mean_dice", None, None].best is not None
    for case in ("spleen_3", "spleen_4", "spleen_5"):
        assert counts["val/dice", case, "spleen"].count == 2, "the class is named by the bundle's metadata"
    kept = project.media_of(run.id, kind="volume")
    assert {(one.context["case"], one.step) for one in kept} == {(f"spleen_{n}", e) for n in (3, 4, 5) for e in (1, 2)}
    assert all([layer["name"] for layer in one.data["layers"]] == ["truth", "prediction"] for one in kept)


def test_its_checkpoint_is_an_artifact_of_the_run(
    bundle: Path, trained: subprocess.CompletedProcess[str], project: Project
) -> None:
    best = project.artifact("tiny-spleen-checkpoint:best")
    assert best.kind == "checkpoint"
    assert best.run_id == project.run("first").id
    stored = project.materialise(best) / "model.pt"
    assert stored.read_bytes() == (bundle / "models" / "model.pt").read_bytes()
    score = next(one for one in project.series_of(project.run("first").id, "val/mean_dice")).best
    assert best.metadata["score"] == pytest.approx(score)


def test_the_resolved_config_is_kept_with_its_hash(trained: subprocess.CompletedProcess[str], project: Project) -> None:
    params = project.run("first").params
    assert params["config"]["optimizer"]["lr"] == 0.01
    assert len(params["config_hash"]) == 64
    assert params["bundle"] | {"root": ""} == {"name": "tiny-spleen", "version": "0.3.0", "root": ""}


@pytest.mark.slow
def test_a_saved_model_is_evaluated_under_the_other_ids_that_bundles_use(
    bundle: Path, elsewhere: Path, trained: subprocess.CompletedProcess[str], project: Project
) -> None:
    """evaluate.json has `evaluator` and `handlers` at its top, and nothing of a trainer."""
    words: list[str | Path] = [
        "bundle",
        "run",
        bundle,
        "evaluating",
        "--config",
        "evaluate.json",
        "dataset_dir=Task09_Spleen",
    ]
    done = vx([*words, "--name", "judged", "--json"], elsewhere)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout[done.stdout.rindex("\n{") :])["status"] == "finished"
    run = project.run("judged")
    (mean,) = project.series_of(run.id, "eval/mean_dice")
    assert mean.last == pytest.approx(project.artifact("tiny-spleen-checkpoint:best").metadata["score"], abs=1e-6)
    assert len(project.series_of(run.id, "eval/dice")) == 3


@pytest.mark.slow
def test_two_processes_write_one_run_and_credit_each_dice_to_its_case(
    bundle: Path, elsewhere: Path, trained: subprocess.CompletedProcess[str], project: Project
) -> None:
    """What two ranks say of each case is what one process says of the same weights."""
    done = vx(["bundle", "run", bundle, "dataset_dir=Task09_Spleen", "--nproc", "2", "--name", "two"], elsewhere)
    assert done.returncode == 0, done.stderr
    evaluated = vx(
        ["bundle", "run", bundle, "-c", "evaluate.json", "dataset_dir=Task09_Spleen", "--name", "of two"], elsewhere
    )
    assert evaluated.returncode == 0, evaluated.stderr
    assert [run.name for run in project.runs()].count("two") == 1
    two, one = project.run("two"), project.run("of two")
    best = project.artifact("tiny-spleen-checkpoint:latest").metadata["epoch"]
    by_two = {
        str(series.context["case"]): project.points(series.id).values[best - 1]
        for series in project.series_of(two.id, "val/dice")
    }
    by_one = {str(series.context["case"]): series.last for series in project.series_of(one.id, "eval/dice")}
    assert len(set(by_one.values())) == 3, "equal values would prove nothing"
    assert by_two == {case: pytest.approx(value, abs=1e-6) for case, value in by_one.items()}


@pytest.mark.slow
def test_a_failure_is_a_failed_run_with_its_last_line(bundle: Path, elsewhere: Path, project: Project) -> None:
    done = vx(["bundle", "run", bundle, "dataset_dir=Task09_Spleen", "explode_at=2", "--name", "boom"], elsewhere)
    run = project.run("boom")
    assert done.returncode == 1
    assert run.status == "failed"
    assert run.params["error"] == "ValueError: the loss exploded"
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("voxloop: tiny: ValueError: the loss exploded; the whole traceback is in ")
    assert "in __call__" in (project.root / "runs" / run.id / "error.txt").read_text()
    (losses,) = project.series_of(run.id, "train/loss")
    assert losses.count >= 1, "what came before it is kept"


@pytest.mark.slow
def test_a_failure_in_several_processes_is_told_once(bundle: Path, elsewhere: Path, project: Project) -> None:
    words: list[str | Path] = ["bundle", "run", bundle, "dataset_dir=Task09_Spleen", "explode_at=2", "--nproc", "2"]
    done = vx([*words, "--name", "boom of two"], elsewhere)
    run = project.run("boom of two")
    assert done.returncode == 1
    assert (run.status, run.params["error"]) == ("failed", "ValueError: the loss exploded")
    assert done.stderr.count("voxloop: tiny: ValueError: the loss exploded") == 1


def test_an_exit_code_comes_through(tmp_path: Path, elsewhere: Path, project: Project) -> None:
    folder = write_bundle(tmp_path / "leaves", run=["$__import__('sys').exit(7)"])
    done = vx(["bundle", "run", folder, "dataset_dir=Task09_Spleen", "--name", "seven"], elsewhere)
    assert done.returncode == 7
    assert project.run("seven").status == "failed"


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "processes"), [(signal.SIGINT, 1), (signal.SIGTERM, 1), (signal.SIGINT, 2)])
def test_stopping_it_leaves_an_interrupted_run(
    bundle: Path, elsewhere: Path, project: Project, sent: signal.Signals, processes: int
) -> None:
    name = f"stopped-{sent.name}-{processes}"
    words = ["-m", "voxloop", "bundle", "run", str(bundle), "dataset_dir=Task09_Spleen", "epochs=5000", "--trust"]
    process = subprocess.Popen(
        [sys.executable, *words, "--name", name, "--nproc", str(processes)],
        cwd=elsewhere,
        env=environment_of(XDG_CONFIG_HOME=str(elsewhere / "config")),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 90
    while not any(run.name == name and project.series_of(run.id, "train/loss") for run in project.runs()):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, "no iteration was tracked within 90 s"
        time.sleep(0.1)
    process.send_signal(sent)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + sent
    assert project.run(name).status == "interrupted"
    # Before it comes what the bundle's own StatsHandler says of being stopped.
    assert said.strip().splitlines()[-1].startswith(f"voxloop: interrupted: run {name}")


@pytest.mark.slow
def test_trust_is_asked_once_and_again_when_the_code_changes(tmp_path: Path) -> None:
    folder, home = write_bundle(tmp_path / "tiny"), tmp_path / "home"
    refused = vx(["bundle", "run", folder, "trainin"], tmp_path, trust=False, settings_home=home)
    assert refused.returncode == 1
    assert refused.stderr.strip().splitlines()[-1].startswith("voxloop: tiny did not come with voxloop")
    assert "--trust" in refused.stderr
    trusted = vx(["bundle", "run", folder, "trainin"], tmp_path, settings_home=home)
    assert 'no run_id "trainin"; did you mean "training"?' in trusted.stderr
    assert (home / "voxloop" / "trusted-bundles.json").is_file()
    (folder / "models").mkdir()
    (folder / "models" / "model.pt").write_bytes(b"weights are no code")
    remembered = vx(["bundle", "run", folder, "trainin"], tmp_path, trust=False, settings_home=home)
    assert "no run_id" in remembered.stderr
    (folder / "scripts" / "more.py").write_text("import os\n")
    changed = vx(["bundle", "run", folder, "trainin"], tmp_path, trust=False, settings_home=home)
    assert "did not come with voxloop" in changed.stderr
    assert not (tmp_path / ".voxloop").exists() or not open_project(tmp_path).runs(), "nothing ran"


def test_a_person_may_say_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    program = trust.Program.of(write_bundle(tmp_path / "tiny"))
    asked: list[str] = []

    def say_no(why: str) -> bool:
        asked.append(why)
        return False

    with pytest.raises(VoxloopError, match="not trusted, so it was not run"):
        trust.require(program, ask=say_no)
    assert "3 Python files" in asked[0]
    assert "with your rights" in asked[0]
    trust.require(program, ask=lambda why: True)
    trust.require(program)


def test_what_came_with_voxloop_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    trust.require(trust.Program.of(finding.find("spleen_ct")))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["tyny"], r'No bundle is at ".*tyny"; did you mean "tiny"\?'),
        (["tiny/configs"], "is part of a bundle; name the bundle itself"),
        ([""], "is no bundle: it has no configs folder"),
    ],
)
def test_what_is_no_bundle_is_told(bundle: Path, words: list[str], sentence: str) -> None:
    with pytest.raises(VoxloopError, match=sentence):
        finding.find(str(bundle.parent / words[0]))


def test_a_config_that_is_not_there_is_told_with_the_nearest(bundle: Path) -> None:
    with pytest.raises(VoxloopError, match=r'no config "evaluat.json"; did you mean "evaluate.json"\?'):
        finding.config_files(bundle, ["evaluat.json"])


def test_several_processes_take_the_bundles_own_overlay(bundle: Path, tmp_path: Path) -> None:
    names = [path.name for path in finding.config_files(bundle, [], processes=2)]
    assert names == ["train.json", "multi_gpu_train.json"]
    lonely = write_bundle(tmp_path / "lonely")
    (lonely / "configs" / "multi_gpu_train.json").unlink()
    with pytest.raises(VoxloopError, match="2 processes would each run alone"):
        finding.config_files(lonely, [], processes=2)


@pytest.mark.parametrize(
    ("run_id", "argument", "sentence"),
    [
        ("trainin", "epochs=3", 'no run_id "trainin"; did you mean "training"'),
        (None, "epoch=3", 'epoch=3: the recipe has no setting "epoch"; did you mean "epochs"'),
        (None, "train#trainer#max_epoch=3", 'did you mean "train#trainer#max_epochs"'),
        (None, "epochs=many", "epochs is a number"),
    ],
)
def test_a_mistake_is_told_before_anything_runs(bundle: Path, run_id: str | None, argument: str, sentence: str) -> None:
    job = foreign.BundleJob(bundle, finding.config_files(bundle, []), run_id, (argument,))
    with pytest.raises(VoxloopError) as caught:
        foreign.check(job)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_one_thing_that_an_older_bundle_does_is_found(tmp_path: Path) -> None:
    train = {key: value for key, value in TRAIN.items() if key != "run"}
    folder = tmp_path / "older"
    (write_bundle(folder) / "configs" / "train.json").write_text(json.dumps(train))
    assert foreign.check(foreign.BundleJob(folder, finding.config_files(folder, []))).run_id == "training"


def test_a_bundle_root_of_another_machine_is_repaired(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "tiny", bundle_root="/workspace/bundles/tiny")
    checked = foreign.check(foreign.BundleJob(folder, finding.config_files(folder, [])))
    assert checked.overrides == {"bundle_root": str(folder)}


def test_the_job_survives_its_way_into_the_other_process(bundle: Path) -> None:
    job = foreign.BundleJob(bundle, finding.config_files(bundle, []), "run", ("epochs=3",), "näme", Path("/here"))
    assert foreign.BundleJob.of_text(job.as_text()) == job


def test_handlers_that_stand_inside_their_engine_stay(tmp_path: Path, elsewhere: Path, project: Project) -> None:
    """MONAI's own switch would replace them by the tracking, and the validation would be lost."""
    train = json.loads(json.dumps(TRAIN["train"]))
    train["trainer"]["train_handlers"] = train.pop("handlers")
    folder = write_bundle(tmp_path / "inside", train=train, epochs=1)
    done = vx(["bundle", "run", folder, "dataset_dir=Task09_Spleen", "--name", "inside"], elsewhere)
    assert done.returncode == 0, done.stderr
    names = {one.name for one in project.series_of(project.run("inside").id)}
    assert {"train/loss", "val/mean_dice", "val/dice"} <= names


def test_the_settings_file_is_where_the_command_says() -> None:
    from voxloop.monai import SETTINGS

    done = python(["-m", "voxloop", "bundle", "tracking"], Path.cwd())
    assert done.stdout.strip() == str(SETTINGS)
    assert SETTINGS.is_file()


def brats(dataset_dir: Path, channels: Sequence[str]) -> Bundle:
    """A bundle that takes BraTS's numbers, and channels in this order."""
    inputs = {"image": {"num_channels": len(channels), "channel_def": {str(n): one for n, one in enumerate(channels)}}}
    metadata = {"name": "brats", "network_data_format": {"inputs": inputs, "outputs": {}}}
    steps = [{"_target_": "ConvertToMultiChannelBasedOnBratsClassesd", "keys": "label"}]
    return Bundle(Path("/brats"), {"dataset_dir": str(dataset_dir), "steps": steps}, metadata, None)


def test_what_a_bundle_would_take_for_another_is_said_by_name(tmp_path: Path) -> None:
    """BraTS numbers its labels and orders its channels otherwise than the Decathlon, and nothing would fail."""
    make_brain_tumour(tmp_path / "brain", cases=2, test_cases=0, seed=1, size="small")
    channels, labels = foreign.doubts(brats(tmp_path / "brain", ["T1c", "T1", "T2", "FLAIR"]))
    assert "takes the channels T1c, T1, T2, FLAIR in this order, and the files of" in channels
    assert "hold FLAIR, T1w, T1gd, T2w: it would take one for another" in channels
    assert "takes 1 for non-enhancing tumour, 2 for edema, 4 for enhancing tumour (BraTS's numbers)" in labels
    assert "find enhancing tumour nowhere" in labels
    said = json.loads((tmp_path / "brain" / "dataset.json").read_text())
    said["labels"] = {"0": "background", "1": "NCR/NET", "2": "ED", "4": "ET"}
    (tmp_path / "brain" / "dataset.json").write_text(json.dumps(said))
    assert foreign.doubts(brats(tmp_path / "brain", ["FLAIR", "T1", "T1ce", "T2"])) == []


def test_a_class_under_another_number_is_said(tmp_path: Path, elsewhere: Path) -> None:
    outputs = {"pred": {"channel_def": {"0": "background", "1": "liver", "2": "spleen"}}}
    metadata = {"name": "organs", "network_data_format": {"outputs": outputs}}
    bundle = Bundle(Path("/organs"), {"dataset_dir": str(elsewhere / "Task09_Spleen")}, metadata, None)
    (sentence,) = foreign.doubts(bundle)
    assert "number their classes otherwise: spleen is 2 for it and 1 there" in sentence


def test_what_stops_older_bundles_is_mended_in_memory_and_said() -> None:
    config: dict[str, Any] = {
        "output_ext": ".nrrd",
        "steps": [
            {"_target_": "LoadImaged", "keys": "image", "reader": "ITKReader"},
            {"_target_": "AddChanneld", "keys": "image"},
            {"_target_": "monai.transforms.SplitChanneld", "keys": "pred", "channel_dim": 1},
            {"_target_": "SaveImaged", "keys": "pred", "output_ext": "@output_ext"},
        ],
    }
    said = repairs.mend(config)
    load, first, split, save = config["steps"]
    assert first == {"_target_": "EnsureChannelFirstd", "keys": "image", "channel_dim": "no_channel"}
    assert split == {"_target_": "SplitDimd", "keys": "pred", "dim": 1}
    if importlib.util.find_spec("itk") is None:
        assert (load["reader"], save["output_ext"]) == ("voxloop.recipes.reader.VolumeReader", ".nii.gz")
        assert len(said) == 4
    assert repairs.mend(config) == [], "once is enough"


def test_regions_of_brats_are_numbers_that_every_loss_takes() -> None:
    """MONAI 1.5 and later make them true and false, on which its own Dice loss with squared_pred fails."""
    import torch
    from monai.data import MetaTensor
    from monai.losses import DiceLoss
    from monai.transforms import ConvertToMultiChannelBasedOnBratsClassesd

    from voxloop.monai.older import BratsRegionsd

    labels = torch.randint(0, 5, (1, 5, 6, 7), generator=torch.Generator().manual_seed(0))
    plain = ConvertToMultiChannelBasedOnBratsClassesd("label")({"label": MetaTensor(labels)})["label"]
    ours = BratsRegionsd("label")({"label": MetaTensor(labels)})["label"]
    assert torch.equal(ours.bool(), plain.bool())
    loss = DiceLoss(squared_pred=True, sigmoid=True)
    assert torch.isfinite(loss(torch.zeros_like(ours)[None], ours[None]))


def test_a_package_that_is_not_there_is_named(tmp_path: Path, elsewhere: Path) -> None:
    folder = write_bundle(tmp_path / "wanting", imports=["$import glob", "$import os", "$import scripts"])
    (folder / "scripts" / "__init__.py").write_text("import surely_not_installed\n")
    done = vx(["bundle", "run", folder, "dataset_dir=Task09_Spleen", "--name", "wanting"], elsewhere)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(
        "voxloop: wanting needs the package surely_not_installed, which is not installed; install it"
    )
