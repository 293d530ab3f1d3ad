"""Bundles of others predict what their own inference run writes, voxel for voxel, or say in a sentence why they cannot."""

from __future__ import annotations

import copy
import importlib.util
import json
import marshal
import shutil
import struct
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest
import torch
from typer.testing import CliRunner

from tests.data.test_grid import ORIENTATIONS, oblique, reordered
from tests.training.bundles import INFERENCE, METADATA, python, write_bundle
from voxloop.bundles import trust
from voxloop.cli.main import app
from voxloop.data.phantom import make_brain_tumour
from voxloop.errors import VoxloopError
from voxloop.inference.evaluation import evaluate
from voxloop.inference.model import Model, load_model
from voxloop.inference.predict import predict

Config = dict[str, Any]
Voxels = npt.NDArray[Any]
STEPS = ("postprocessing", "transforms")
# One channel a region, as the zoo's brats_mri_segmentation.
LAMBDA = "$lambda x: torch.where(x[[2]] > 0, 4, torch.where(x[[0]] > 0, 1, torch.where(x[[1]] > 0, 2, 0)))"
OWN_RUN = """
import os, sys, warnings
warnings.simplefilter("ignore")
from monai.bundle import ConfigWorkflow
for root in sys.argv[2:]:
    os.chdir(root)
    sys.path.insert(0, root)
    workflow = ConfigWorkflow("configs/inference.json", "configs/metadata.json", logging_file=False, dataset_dir=sys.argv[1])
    workflow.initialize()
    workflow.run()
    workflow.finalize()
    sys.path.remove(root)
    for name in [name for name in sys.modules if name.partition(".")[0] == "scripts"]:
        del sys.modules[name]
"""


def anybody(program: trust.Program) -> None:
    """Says yes to every bundle: these were written above."""


def load(folder: Path, **more: Any) -> Model:
    return load_model(str(folder), device="cpu", trust=anybody, **more)


def inference(change: Callable[[Config], None]) -> Config:
    config = copy.deepcopy(INFERENCE)
    change(config)
    return config


def channels(names: list[str], inputs: list[str] | None = None) -> Config:
    """Metadata with these channels."""
    metadata = copy.deepcopy(METADATA)
    shape = metadata["network_data_format"]
    shape["outputs"]["pred"] = {
        "num_channels": len(names),
        "channel_def": {str(i): name for i, name in enumerate(names)},
    }
    if inputs is not None:
        shape["inputs"]["image"] = {
            "num_channels": len(inputs),
            "channel_def": {str(i): name for i, name in enumerate(inputs)},
        }
    return metadata


def make(folder: Path, config: Config = INFERENCE, metadata: Config = METADATA, seed: int = 1) -> Path:
    """A bundle with weights that were drawn, so that its label maps are wild ones."""
    write_bundle(folder)
    (folder / "configs" / "inference.json").write_text(json.dumps(config))
    (folder / "configs" / "metadata.json").write_text(json.dumps(metadata))
    (folder / "models").mkdir()
    torch.manual_seed(seed)
    torch.save(network(config).state_dict(), folder / "models" / "model.pt")
    return folder


def network(config: Config) -> torch.nn.Module:
    from monai.networks.nets import UNet

    said = config["network_def"] if isinstance(config["network_def"], dict) else {}
    made: torch.nn.Module = UNet(
        spatial_dims=3,
        in_channels=said.get("in_channels", 1),
        out_channels=said.get("out_channels", 2),
        channels=(4, 8),
        strides=(2,),
        num_res_units=1,
    )
    return made


def net(inputs: int, outputs: int) -> Config:
    return {
        "_target_": "UNet",
        "spatial_dims": 3,
        "in_channels": inputs,
        "out_channels": outputs,
        "channels": [4, 8],
        "strides": [2],
        "num_res_units": 1,
    }


def largest(config: Config) -> None:
    """Its postprocessing does more than an argmax, by code of its own."""
    config["postprocessing"]["transforms"].insert(3, {"_target_": "scripts.steps.Largestd", "keys": "pred"})


def early(config: Config) -> None:
    """The argmax first, inverted by nearest neighbours, as wholeBody_ct_segmentation."""
    steps = config["postprocessing"]["transforms"]
    steps[1]["nearest_interp"] = True
    steps[1], steps[2] = steps[2], steps[1]


def resampled(config: Config) -> None:
    """No inversion: SaveImaged itself goes back to the file's grid, while it writes."""
    del config["postprocessing"]["transforms"][1]
    config["postprocessing"]["transforms"][2]["resample"] = True


def brats(config: Config) -> None:
    """Four files a case, regions, and numbers of its own in what it writes."""
    config["network_def"] = net(4, 3)
    config["datalist"] = "$[{'image': sorted(glob.glob(@dataset_dir + '/channels/*.nii.gz'))}]"
    config["preprocessing"]["transforms"] = [
        {"_target_": "LoadImaged", "keys": "image", "image_only": False},
        {"_target_": "NormalizeIntensityd", "keys": "image", "nonzero": True, "channel_wise": True},
    ]
    steps = config["postprocessing"]["transforms"]
    steps[0] = {"_target_": "Activationsd", "keys": "pred", "sigmoid": True}
    steps[1]["meta_keys"] = "pred_meta_dict"
    steps[2] = {"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.5}
    steps.insert(3, {"_target_": "Lambdad", "keys": "pred", "func": LAMBDA})
    steps[4] |= {"meta_keys": "pred_meta_dict", "output_dtype": "uint8", "resample": False}


BRATS = channels(["Tumor core", "Whole tumor", "Enhancing tumor"], ["T1c", "T1", "T2", "FLAIR"])
VARIANTS = {"plain": lambda config: None, "largest": largest, "early": early, "resampled": resampled}


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tilted, anisotropic, stored along other axes; and one of four channels."""
    folder = tmp_path_factory.mktemp("scans")
    for number, (degrees, which, spacing) in enumerate(
        [
            (0.0, 0, (1.0, 1.0, 1.0)),
            (7.0, 17, (0.8, 1.1, 5.0)),
            (30.0, 42, (2.3, 0.7, 1.9)),
            (-12.0, 29, (1.5, 3.0, 0.9)),
        ]
    ):
        blob = np.random.default_rng(number).normal(0, 40, (11, 17, 13)).astype(np.float32)
        blob[3:8, 4:12, 2:9] += 100
        # `reordered` moves voxels of any kind.
        voxels, affine = reordered(blob, oblique(degrees, spacing), *ORIENTATIONS[which])  # type: ignore[arg-type]
        nib.save(nib.Nifti1Image(voxels, affine), folder / f"scan_{number}.nii.gz")
    make_brain_tumour(folder / "brain", cases=1, test_cases=0, seed=1, size="small")
    source = nib.load(folder / "brain" / "imagesTr" / "BRATS_0.nii.gz")
    (folder / "channels").mkdir()
    for number, channel in enumerate((2, 1, 3, 0)):
        one = nib.Nifti1Image(np.asarray(source.dataobj[..., channel], np.float32), source.affine)
        nib.save(one, folder / "channels" / f"{number}.nii.gz")
    return folder


@pytest.fixture(scope="module")
def bundles(scans: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of each kind, after its own inference run by plain MONAI."""
    folder = tmp_path_factory.mktemp("bundles")
    for name, change in VARIANTS.items():
        make(folder / name, inference(change))
    make(folder / "brats", inference(brats), BRATS)
    done = python(["-c", OWN_RUN, str(scans), *[str(folder / name) for name in (*VARIANTS, "brats")]], folder)
    assert done.returncode == 0, done.stderr
    return folder


def written(bundle: Path) -> dict[str, Voxels]:
    """What its own run wrote, by scan."""
    found = sorted((bundle / "predicted").glob("*.nii.gz"))
    return {path.name.removesuffix("_trans.nii.gz"): np.asarray(nib.load(path).dataobj) for path in found}


def test_what_is_left_on_the_networks_grid_is_carried_to_the_scans_and_said(
    bundles: Path, scans: Path, tmp_path: Path
) -> None:
    def never_back(config: Config) -> None:
        del config["postprocessing"]["transforms"][1]

    model = load(make(tmp_path / "lost", inference(never_back)))
    found = predict(model, scans / "scan_2.nii.gz").labels
    back = written(bundles / "resampled")["scan_2"]
    assert found.shape == back.shape
    assert (found == back).mean() > 0.95
    assert model.notes == [
        "lost leaves its label maps on its network's grid; they are carried to the scan's, voxel by voxel."
    ]


@pytest.mark.parametrize("name", VARIANTS)
def test_a_label_map_is_what_the_bundles_own_run_writes(bundles: Path, scans: Path, name: str) -> None:
    own, model = written(bundles / name), load(bundles / name)
    assert len(own) == 4
    assert model.classes == ("background", "spleen")
    for case, expected in own.items():
        found = predict(model, scans / f"{case}.nii.gz")
        assert 0 < expected.sum() < expected.size
        assert (found.labels == expected).all(), f"{case}: {(found.labels != expected).sum()} of {expected.size}"
    assert model.notes == []


def test_regions_are_shown_as_named_tissues_and_the_bundles_own_numbers_are_left_out_and_said(
    bundles: Path, scans: Path
) -> None:
    """BraTS writes 4 for enhancing; the recipe's 3 is what the file, the table and the page name."""
    (expected,) = written(bundles / "brats").values()
    model = load(bundles / "brats")
    found = predict(model, scans / "brain" / "imagesTr" / "BRATS_0.nii.gz")
    assert set(np.unique(expected)) == {0, 1, 2, 4}
    assert (found.labels == np.array([0, 2, 1, 0, 3])[expected.astype(int)]).all()
    assert found.classes == ("background", "edema", "non-enhancing tumour", "enhancing tumour")
    assert [part.name for part in model.output.parts] == ["tumour core", "whole tumour", "enhancing tumour"]
    (note,) = model.notes
    assert note.startswith(
        "brats: Lambdad of its postprocessing is left out, it makes numbers of its own of the regions"
    )
    assert "1 edema, 2 non-enhancing tumour, 3 enhancing tumour" in note


def test_channels_are_found_by_name_and_labels_too(bundles: Path, scans: Path, tmp_path: Path) -> None:
    """T1c is T1gd, and the phantom's dataset has it third: a network that were shown FLAIR for it would say anything."""
    model = load(bundles / "brats")
    assert model.channels == ("T1c", "T1", "T2", "FLAIR")
    there = evaluate(model, scans / "brain", part="all")
    other = Path(shutil.copytree(scans / "brain", tmp_path / "other"))
    source = nib.load(other / "imagesTr" / "BRATS_0.nii.gz")
    turned = nib.Nifti1Image(np.asarray(source.dataobj)[..., [3, 0, 2, 1]], source.affine)
    nib.save(turned, other / "imagesTr" / "BRATS_0.nii.gz")
    said = json.loads((other / "dataset.json").read_text())
    said["modality"] = {"0": "T2", "1": "T2-FLAIR", "2": "T1ce", "3": "T1"}
    (other / "dataset.json").write_text(json.dumps(said))
    assert evaluate(model, other, part="all").cases == there.cases
    assert [one.name for one in there.cases[0].classes] == ["tumour core", "whole tumour", "enhancing tumour"]
    alone = tmp_path / "alone.nii.gz"
    shutil.copyfile(scans / "scan_0.nii.gz", alone)
    with pytest.raises(VoxloopError, match="needs 4: T1c, T1, T2, FLAIR"):
        predict(model, alone)


def test_two_bundles_do_not_see_each_others_scripts(tmp_path: Path, scans: Path) -> None:
    """Each has a package `scripts`, and imports more of it while a scan is being prepared."""
    before = sorted(sys.modules), list(sys.path), list(sys.path_hooks)
    soft, hard = make(tmp_path / "soft"), make(tmp_path / "hard")
    (hard / "scripts" / "steps.py").write_text((soft / "scripts" / "steps.py").read_text().replace("= 2.0", "= -5.0"))
    one, other = load(soft), load(hard)
    scan = scans / "scan_1.nii.gz"
    assert predict(one, scan).labels.tolist() != predict(other, scan).labels.tolist()
    assert predict(one, scan).labels.tolist() == predict(load(soft), scan).labels.tolist()
    assert [name for name in sys.modules if name.partition(".")[0] == "scripts"] == []
    assert (before[1], before[2]) == (list(sys.path), list(sys.path_hooks))
    assert not list(tmp_path.rglob("__pycache__")), "a bundle's folder stays as it is"


def test_a_compiled_file_beside_a_script_is_not_believed(tmp_path: Path) -> None:
    """Python itself takes an unchecked .pyc for the script, whatever the script says."""
    bundle = make(tmp_path / "tiny")
    cached = Path(importlib.util.cache_from_source(str(bundle / "scripts" / "__init__.py")))
    cached.parent.mkdir()
    trap = compile(f"open({str(tmp_path / 'sprung')!r}, 'w')", "scripts", "exec")
    cached.write_bytes(importlib.util.MAGIC_NUMBER + struct.pack("<I", 1) + bytes(8) + marshal.dumps(trap))
    load(bundle)
    assert not (tmp_path / "sprung").exists()


def test_nothing_of_a_foreign_bundle_runs_without_a_word_of_trust(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    bundle = make(tmp_path / "tiny")
    script = bundle / "scripts" / "__init__.py"
    script.write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n" + script.read_text())
    with pytest.raises(VoxloopError, match=r"tiny did not come with voxloop.*--trust"):
        load_model(str(bundle), device="cpu")
    assert not (tmp_path / "ran").exists()
    load_model(str(bundle), device="cpu", trust=lambda program: trust.require(program, given=True))
    assert (tmp_path / "ran").exists()
    load_model(str(bundle), device="cpu")
    script.write_text(script.read_text() + "# changed\n")
    with pytest.raises(VoxloopError, match="did not come with voxloop"):
        load_model(str(bundle), device="cpu")


@pytest.mark.parametrize("wrapped", ["plain", "under a key", "of several processes", "compiled"])
def test_weights_are_found_however_they_were_saved(tmp_path: Path, scans: Path, wrapped: str) -> None:
    bundle = make(tmp_path / "tiny")
    expected = predict(load(bundle), scans / "scan_1.nii.gz").labels
    path = bundle / "models" / "model.pt"
    state = torch.load(path, weights_only=True)
    saved: Any = {
        "plain": state,
        "under a key": {"model": state, "epoch": 3},
        "of several processes": {"state_dict": {f"module.{key}": value for key, value in state.items()}},
        "compiled": {f"module._orig_mod.{key}": value for key, value in state.items()},
    }[wrapped]
    torch.save(saved, path)
    assert (predict(load(bundle), scans / "scan_1.nii.gz").labels == expected).all()


def test_weights_that_do_not_fit_are_told_by_their_first_key(tmp_path: Path) -> None:
    bundle = make(tmp_path / "tiny")
    path = bundle / "models" / "model.pt"
    state = torch.load(path, weights_only=True)
    first = next(iter(state))
    torch.save({**state, first: torch.zeros(2, 3)}, path)
    with pytest.raises(
        VoxloopError, match=rf'"{first}" is \[2, 3\] in the file and \[\d+, 1, 3, 3, 3\] in the network'
    ):
        load(bundle)
    torch.save({key: value for key, value in state.items() if key != first}, path)
    with pytest.raises(VoxloopError, match=rf'"{first}", .* is not among its {len(state) - 1} keys'):
        load(bundle)
    torch.save({**state, "more": torch.zeros(1)}, path)
    with pytest.raises(VoxloopError, match=r'it holds "more", \[1\], which the network has not'):
        load(bundle)


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, ("sprung", "w")


def test_weights_with_code_in_them_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bundle = make(tmp_path / "tiny")
    path = bundle / "models" / "model.pt"
    torch.save({"model": Trap()}, path)
    with pytest.raises(VoxloopError, match="more than tensors"):
        load(bundle)
    path.rename(bundle / "models" / "model.ts")
    with pytest.raises(VoxloopError, match=r"models/model\.ts is no TorchScript archive"):
        load(bundle)
    (bundle / "models" / "model.ts").unlink()
    with pytest.raises(VoxloopError, match=r"has no models/model\.pt and no models/model\.ts; get its weights"):
        load(bundle)
    assert not Path("sprung").exists()


def test_torchscript_takes_the_place_of_weights_and_counts_as_code(tmp_path: Path, scans: Path) -> None:
    bundle = make(tmp_path / "tiny")
    expected = predict(load(bundle), scans / "scan_1.nii.gz").labels
    before = trust.Program.of(bundle).digest
    model = network(INFERENCE)
    model.load_state_dict(torch.load(bundle / "models" / "model.pt", weights_only=True))
    with warnings.catch_warnings():
        # What tracing warns of, shapes that become constants, does not matter where all windows are alike.
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(model.eval(), torch.zeros(1, 1, 16, 16, 16))
    traced.save(str(bundle / "models" / "model.pt"))
    with pytest.raises(VoxloopError, match="is a TorchScript archive, a program and no weights"):
        load(bundle)
    (bundle / "models" / "model.pt").rename(bundle / "models" / "model.ts")
    assert trust.Program.of(bundle).digest != before
    assert (predict(load(bundle), scans / "scan_1.nii.gz").labels == expected).all()


def test_a_step_that_only_renumbers_is_left_out_and_said(bundles: Path, scans: Path, tmp_path: Path) -> None:
    """The values in the file are the ones that the metadata name."""

    def renumber(config: Config) -> None:
        step = {"_target_": "MapLabelValued", "keys": "pred", "orig_labels": [0, 1], "target_labels": [0, 6]}
        config["postprocessing"]["transforms"].insert(3, step)

    model = load(make(tmp_path / "six", inference(renumber)))
    expected = written(bundles / "plain")["scan_1"]
    assert (predict(model, scans / "scan_1.nii.gz").labels == expected).all()
    assert "gives other numbers to the same voxels (1 to 6)" in model.notes[0]


def test_regions_that_nobody_explains_are_painted_the_larger_first_and_said(tmp_path: Path, scans: Path) -> None:
    def sigmoid(config: Config) -> None:
        config["network_def"] = net(1, 2)
        steps = config["postprocessing"]["transforms"]
        steps[0] = {"_target_": "Activationsd", "keys": "pred", "sigmoid": True}
        steps[2] = {"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.5}

    model = load(make(tmp_path / "kidney", inference(sigmoid), channels(["kidney and mass", "mass"])))
    assert model.classes == ("background", "kidney and mass", "mass")
    assert model.notes[0].startswith("kidney has no background among its channels (kidney and mass, mass), so they may")
    assert predict(model, scans / "scan_1.nii.gz").labels.max() <= 2


def test_metadata_without_names_give_numbers_and_say_so(tmp_path: Path) -> None:
    model = load(make(tmp_path / "mute", metadata={"version": "0.1"}))
    assert model.classes == ("background", "label 1")
    assert model.notes == ["mute does not say what its channels are called, so they are numbered."]


def clicks(config: Config) -> None:
    step = {"_target_": "AddGuidanceFromPointsDeepEditd", "ref_image": "image", "label_names": {"spleen": 1}}
    config["preprocessing"]["transforms"].append(step)


def own_engine(config: Config) -> None:
    config["evaluator"]["prepare_batch"] = "$scripts.small_net"


def flat(config: Config) -> None:
    config["network_def"] = net(1, 2) | {"spatial_dims": 2}


def headless(config: Config) -> None:
    del config["preprocessing"], config["dataset"]["transform"]


def wanting(config: Config) -> None:
    config["imports"].append("$import surely_not_installed")
    config["network_def"] = "$surely_not_installed.net()"


def broken(config: Config) -> None:
    config["network_def"] = net(1, 2) | {"chanels": [4, 8]}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (clicks, "odd is shown where a person clicks (AddGuidanceFromPointsDeepEditd), so it cannot predict alone"),
        (own_engine, "its evaluator has prepare_batch of its own, which only its own engine can run"),
        (flat, "odd segments images of two axes, and a scan has three"),
        (headless, "its inference config has no preprocessing under dataset::transform, preprocessing"),
        (wanting, "odd needs the package surely_not_installed, which is not installed"),
        (broken, "odd: reading its inference config failed: TypeError: "),
    ],
)
def test_what_cannot_predict_here_says_why(tmp_path: Path, change: Callable[[Config], None], sentence: str) -> None:
    bundle = make(tmp_path / "odd")
    (bundle / "configs" / "inference.json").write_text(json.dumps(inference(change)))
    with pytest.raises(VoxloopError) as caught:
        load(bundle)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_step_that_fails_on_a_scan_is_named_with_the_scan(tmp_path: Path, scans: Path) -> None:
    bundle = make(tmp_path / "tiny")
    (bundle / "scripts" / "strength.py").write_text("def contrast():\n    raise ValueError('no contrast\\nat all')\n")
    with pytest.raises(
        VoxloopError, match=r"^tiny: its preprocessing of scan_1\.nii\.gz failed: ValueError: no contrast\.$"
    ):
        predict(load(bundle), scans / "scan_1.nii.gz")


def test_what_older_monai_called_otherwise_still_runs(tmp_path: Path, scans: Path, bundles: Path) -> None:
    def older(config: Config) -> None:
        config["postprocessing"]["transforms"].insert(
            0, {"_target_": "SplitChanneld", "keys": "pred", "output_postfixes": ["0", "1"], "channel_dim": 0}
        )

    model = load(make(tmp_path / "older", inference(older)))
    assert model.notes == ["SplitChanneld is no more in this MONAI, so SplitDimd takes its place."]
    found = predict(model, scans / "scan_1.nii.gz").labels
    assert (found == written(bundles / "plain")["scan_1"]).all()


def test_a_model_of_many_organs_is_scored_on_those_that_the_dataset_has_and_says_so(
    bundles: Path, scans: Path, tmp_path: Path
) -> None:
    """By name: the dataset's spleen is 7, the model's is 1; its liver nobody has drawn."""

    def three(config: Config) -> None:
        config["network_def"] = net(1, 3)

    model = load(make(tmp_path / "organs", inference(three), channels(["background", "Spleen", "liver"])))
    data = tmp_path / "data"
    for folder in ("imagesTr", "labelsTr"):
        (data / folder).mkdir(parents=True)
    shutil.copyfile(scans / "scan_1.nii.gz", data / "imagesTr" / "scan_1.nii.gz")
    found = predict(model, scans / "scan_1.nii.gz").labels
    truth = nib.Nifti1Image(np.where(found == 1, 7, 0).astype(np.uint8), nib.load(scans / "scan_1.nii.gz").affine)
    nib.save(truth, data / "labelsTr" / "scan_1.nii.gz")
    content = {
        "name": "Spleens",
        "modality": {"0": "CT"},
        "labels": {"0": "background", "7": "spleen"},
        "training": [{"image": "./imagesTr/scan_1.nii.gz", "label": "./labelsTr/scan_1.nii.gz"}],
    }
    (data / "dataset.json").write_text(json.dumps(content))
    result = evaluate(model, data, part="all")
    assert {1, 2} <= set(np.unique(found))
    assert [(one.name, one.values["dice"]) for one in result.cases[0].classes] == [("Spleen", 1.0)]
    assert result.notes == ("organs: liver is not among the labels of the dataset, and not scored.",)


def test_the_commands_ask_once_and_then_remember(
    bundles: Path, scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    words = ["predict", str(bundles / "plain"), str(scans / "scan_3.nii.gz"), "--out", str(tmp_path / "out")]
    refused = CliRunner().invoke(app, words)
    assert isinstance(refused.exception, VoxloopError)
    assert "plain did not come with voxloop" in str(refused.exception)
    assert not (tmp_path / "out" / "scan_3.nii.gz").exists()
    assert CliRunner().invoke(app, [*words, "--trust", "--device", "cpu"], catch_exceptions=False).exit_code == 0
    made = np.asarray(nib.load(tmp_path / "out" / "scan_3.nii.gz").dataobj)
    assert (made == written(bundles / "plain")["scan_3"]).all()
    # The same word counts for evaluating it, where a dataset that does not suit it is told next.
    judged = CliRunner().invoke(
        app, ["evaluate", str(bundles / "plain"), "--data", str(scans / "brain"), "--part", "all"]
    )
    assert 'has no label "spleen"' in str(judged.exception)
    unknown = CliRunner().invoke(
        app, ["evaluate", str(bundles / "early"), "--data", str(scans / "brain"), "--part", "all"]
    )
    assert "early did not come with voxloop" in str(unknown.exception)


def test_what_a_bundle_would_do_is_there_for_a_program(bundles: Path) -> None:
    said = CliRunner().invoke(app, ["bundle", "check", str(bundles / "plain"), "--json"])
    code = json.loads(said.stdout)["code"]
    assert "scripts.steps.Contrastd" in code["classes"]
    assert ("writes files", "open") in {(deed["power"], deed["what"]) for deed in code["deeds"]}
