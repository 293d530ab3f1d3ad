"""Each kind of mistake in a bundle is found where it is planted, told in one sentence, and nothing else is found with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.bundles.sound_bundle import KEYS, TRAIN, Planted
from voxloop.bundles.checking import KINDS, check
from voxloop.bundles.checking.reference import reference

SPLEEN = {"0": "background", "1": "spleen"}
CT = {"0": "CT"}


@dataclass(frozen=True)
class Fault:
    """What is planted, the kind that is found, what the sentence has to say, and kinds that truly come with it."""

    kind: str
    plant: Callable[[Planted], object]
    says: tuple[str, ...]
    comes_with: frozenset[str] = frozenset()
    labels: dict[str, str] = field(default_factory=dict)
    modality: dict[str, str] = field(default_factory=dict)


def setting(key: str, value: Any, config: str = "train") -> Callable[[Planted], object]:
    return lambda bundle: bundle.set(key, value, config)


def without(key: str, config: str = "train") -> Callable[[Planted], object]:
    return lambda bundle: bundle.drop(key, config)


def text(name: str, content: str) -> Callable[[Planted], object]:
    return lambda bundle: bundle.texts.update({name: content})


def both(*plants: Callable[[Planted], object]) -> Callable[[Planted], object]:
    return lambda bundle: [plant(bundle) for plant in plants]


def overlay(content: dict[str, Any], name: str = "multi_gpu_train") -> Callable[[Planted], object]:
    return lambda bundle: bundle.configs.update({name: content})


def spacing_first(bundle: Planted) -> None:
    for steps in (
        bundle.configs["train"]["train"]["preprocessing"]["transforms"],
        bundle.configs["train"]["validate"]["preprocessing"]["transforms"],
        bundle.configs["inference"]["preprocessing"]["transforms"],
    ):
        steps[2], steps[3] = steps[3], steps[2]


def invert_first(bundle: Planted) -> None:
    steps = bundle.configs["inference"]["postprocessing"]["transforms"]
    steps[0], steps[1] = steps[1], steps[0]


def saver_of_the_trainer(bundle: Planted) -> None:
    saver = {"_target_": "CheckpointSaver", "save_dir": "@ckpt_dir", "save_dict": {"trainer": "@train#trainer"}}
    bundle.configs["train"]["train"]["handlers"].append(saver)


PRE = "train#preprocessing#transforms"
INVERT = "postprocessing#transforms#1"
BRATS = {"_target_": "ConvertToMultiChannelBasedOnBratsClassesd", "keys": "label"}
GLOBS = {
    "images": "$sorted(glob.glob(@dataset_dir + '/imagesTr/*.nii.gz'))",
    "labels": "$sorted(glob.glob(@dataset_dir + '/labelsTr/*.nii.gz'))",
}
ZIPPED = "$[{'image': i, 'label': l} for i, l in zip(@images, @labels)]"
SLICED = "$[{'image': i, 'label': i} for i in @images[:-9]]"
LISTED = both(
    setting("imports", ["$import os", "$import glob"]), *(setting(key, value) for key, value in GLOBS.items())
)
DISABLED = {"_target_": "StatsHandler", "_disabled_": True}
BY_RANK = "$@train#handlers[: -2 if torch.distributed.get_rank() > 0 else None]"
LATE = {"_target_": "NormalizeLabelsInDatasetd", "keys": "label", "label_names": {"background": 0, "spleen": 1}}

FAULTS = [
    # -- files
    Fault("unreadable", text("configs/train.json", '{\n  "epochs": 5,\n}'), ("train.json", "line 3, column 1")),
    Fault("unreadable", text("configs/extra.json", "[" * 5000), ("extra.json", "nested too deeply")),
    Fault(
        "duplicate_key",
        lambda bundle: bundle.texts.update(
            {"configs/train.json": json.dumps(bundle.configs["train"]).replace('"epochs": 20', '"epochs": 5, "epochs": 20')}
        ),
        ("epochs=5 and epochs=20", "only the last"),
    ),
    Fault(
        "overlay_without_base",
        overlay({"validat#handlers": [], "run": ["$@train#trainer.run()"]}),
        ("validat#handlers", "multi_gpu_train.json", "train.json"),
    ),
    # -- references
    Fault("reference_to_nothing", setting("train#trainer#max_epochs", "@epoch"), ('"@epoch"', 'did you mean "epochs"?')),
    Fault("reference_to_nothing", setting("epochs", "$@##up + 1"), ("goes up more levels",)),
    Fault("circular_reference", saver_of_the_trainer, ("train#trainer", "needs itself", "->")),
    Fault("circular_reference", setting("epochs", "$@epochs + 1"), ("epochs -> epochs",)),
    Fault(
        "macro_to_nothing",
        setting("validate#postprocessing", "%train#postprocesing"),
        ('did you mean "train#postprocessing"?',),
    ),
    Fault("macro_to_nothing", setting("loss", "%configs/losses.json#dice"), ("configs/losses.json", "not there")),
    Fault("nothing_to_run", without("run"), ("train.json has nothing to run", '"run"')),
    Fault("broken_expression", setting("output_dir", "$@bundle_root + ('eval'"), ("output_dir=", "not valid Python")),
    Fault("undefined_name", setting("imports", []), ('"os"', '"$import os"')),
    # -- components
    Fault(
        "unknown_target",
        setting(f"{PRE}#0#_target_", "LoadImagd"),
        ('"LoadImagd"', 'did you mean "LoadImaged"?'),
    ),
    Fault(
        "unknown_target",
        setting("optimizer#_target_", "torch.optim.Adamm"),
        ('did you mean "torch.optim.Adam"?',),
    ),
    Fault(
        "unknown_target",
        both(setting("loss#_target_", "scripts.losses.dise"), text("scripts/losses.py", "def dice(to_onehot_y, softmax): ...")),
        ('did you mean "scripts.losses.dice"?',),
    ),
    Fault("unknown_argument", setting("network_def#chanels", [4, 8]), ("chanels=[4, 8]", "UNet")),
    Fault(
        "unknown_argument",
        both(
            setting("loss", {"_target_": "scripts.Loss", "wieght": 1}),
            text("scripts/__init__.py", "class Loss:\n    def __init__(self, weight=1): ..."),
        ),
        ("wieght=1", 'did you mean "weight"?'),
    ),
    Fault("missing_argument", without("optimizer#params"), ("optimizer is a torch.optim.Adam", "params")),
    # -- metadata
    Fault("metadata_missing", without("monai_version", "metadata"), ("metadata.json has no monai_version",)),
    Fault("metadata_invalid", setting("network_data_format", [], "metadata"), ("network_data_format",)),
    Fault("metadata_invalid", setting("version", 1, "metadata"), ("version=1", "quotes")),
    Fault(
        "metadata_channels",
        setting("network_data_format#inputs#image#channel_def", {"0": "T1", "1": "T2"}, "metadata"),
        ("num_channels=1", "names 2"),
    ),
    Fault(
        "metadata_network",
        setting(
            "network_data_format#outputs#pred",
            {"num_channels": 3, "channel_def": {"0": "background", "1": "liver", "2": "spleen"}},
            "metadata",
        ),
        ("3 channels for pred", "network_def#out_channels=2"),
    ),
    Fault("newer_monai", setting("monai_version", "99.0.0", "metadata"), ('monai_version="99.0.0"', "pip install")),
    Fault(
        "deprecated_name",
        both(
            without("required_packages_version", "metadata"),
            lambda bundle: bundle.configs["metadata"].update(optional_packages_version={"nibabel": "5.2.1"}),
        ),
        ("required_packages_version", "rename"),
    ),
    # -- network
    Fault(
        "onehot_count",
        setting("validate#postprocessing#transforms#0#to_onehot", "$1 + @network_def#out_channels"),
        ("3 classes", "out_channels=2"),
    ),
    Fault(
        "roi_not_divisible",
        setting("validate#inferer#roi_size", [32, 32, 31]),
        ("[32, 32, 31]", "divisible by 2", "30 or 32"),
        frozenset({"window_differs"}),
    ),
    # -- transforms
    Fault("key_not_loaded", setting(f"{PRE}#0#keys", "image"), ('"label"', "does not load")),
    Fault(
        "label_interpolated",
        setting(f"{PRE}#3#mode", "bilinear"),
        ('"label"', "bilinear", '"mode": ["bilinear", "nearest"]'),
    ),
    Fault("label_interpolated", without(f"{PRE}#3#mode"), ('"label"', "bilinear by default")),
    Fault("label_left_behind", setting(f"{PRE}#2#keys", "image"), ("Orientationd", '"image"', '"label"')),
    Fault("label_left_behind", setting(f"{PRE}#7#keys", ["image"]), ("RandFlipd",)),
    Fault("spacing_before_orientation", spacing_first, ("[1.5, 1.5, 2.0]", "put Orientation first")),
    Fault("crop_without_pad", without(f"{PRE}#5"), ("32 x 32 x 32", "SpatialPadd")),
    Fault("crop_without_pad", setting(f"{PRE}#5#spatial_size", [32, 32, 16]), ("32 x 32 x 32",)),
    Fault(
        "brats_labels",
        both(
            lambda bundle: bundle.configs["train"]["train"]["preprocessing"]["transforms"].insert(2, BRATS),
            setting("dataset_dir", "data/Task01_BrainTumour"),
        ),
        ("Task01_BrainTumour", "edema"),
    ),
    Fault(
        "deepedit_order",
        lambda bundle: bundle.configs["train"]["train"]["preprocessing"]["transforms"].insert(1, LATE),
        ('"spleen" becomes 2', "last"),
    ),
    # -- training
    Fault("scheduler_never_fires", setting("lr_scheduler#step_size", 20), ("step_size=20", "20 epochs")),
    Fault("scheduler_unused", without("train#handlers#0"), ("lr_scheduler", "LrScheduleHandler")),
    Fault("never_validated", setting("train#handlers#1#interval", 30), ("interval=30", "max_epochs=20")),
    Fault("no_checkpoint", setting("validate#handlers", []), ("train#trainer", "CheckpointSaver"), frozenset({"weights_missing"})),
    Fault("background_in_dice", without("validate#key_metric#val_mean_dice#include_background"), ("by default", "val_mean_dice")),
    Fault(
        "unknown_metric",
        setting("validate#handlers#0#key_metric_name", "val_mean_dise"),
        ('"val_mean_dise"', 'did you mean "val_mean_dice"?'),
    ),
    Fault(
        "handlers_by_position",
        both(
            lambda bundle: bundle.configs["train"]["train"]["handlers"].append(DISABLED),
            overlay({"train#trainer#train_handlers": BY_RANK}),
        ),
        ("train#handlers#3 is disabled", "_disabled_"),
    ),
    Fault("pairs_by_order", both(LISTED, setting("train#dataset#data", ZIPPED)), ("@images and @labels", "one missing file")),
    Fault("split_by_position", both(LISTED, setting("train#dataset#data", SLICED)), ("@images by position", "voxloop data split")),
    # -- inference
    Fault("not_inverted", without(INVERT, "inference"), ("resample=false", "Invertd", '"@preprocessing"')),
    Fault("inverted_as_float", invert_first, ("2 x 4 bytes a voxel", "argmax")),
    Fault(
        "train_infer_disagree",
        setting("preprocessing#transforms#3#pixdim", [1, 1, 1], "inference"),
        ("pixdim=[1.5, 1.5, 2.0] in train.json", "pixdim=[1.0, 1.0, 1.0] in inference.json"),
    ),
    Fault("train_infer_disagree", setting("preprocessing#transforms#4#a_max", 250, "inference"), ("a_max=164", "a_max=250")),
    Fault("train_infer_disagree", setting("network_def#channels", [8, 16], "inference"), ("channels=[8, 16]", "do not fit")),
    Fault("train_infer_disagree", without("preprocessing#transforms#2", "inference"), ("Orientationd", "not in inference.json")),
    Fault("window_differs", setting("inferer#roi_size", [64, 64, 64], "inference"), ("[64, 64, 64]", "[32, 32, 32]")),
    Fault("weights_missing", setting("handlers#0#load_path", "models/best.pt", "inference"), ("models/best.pt is not there",)),
    # -- code
    Fault("package_missing", setting("imports", ["$import os", "$import nosuchpackage"]), ("nosuchpackage", "pip install")),
    Fault("package_missing", setting("loss#_target_", "nosuchpackage.Dice"), ("nosuchpackage", "pip install")),
    Fault("place_of_author", setting("dataset_dir", "/nowhere/data/Task09_Spleen"), ("/nowhere/data", "dataset_dir=...")),
    Fault("place_of_author", setting("dataset_dir", "C:\\data\\Spleen"), ("dataset_dir=...",)),
    Fault("fixed_cuda", setting("device", "$torch.device('cuda:0')"), ("cuda:0", "is_available")),
    Fault("fixed_cuda", text("scripts/net.py", "def f(x):\n    return x.cuda()\n"), ("scripts/net.py", "GPU")),
    Fault(
        "amp_on_cpu",
        both(setting("device", "$torch.device('cpu')"), setting("train#trainer#amp", True)),
        ("train#trainer#amp=true", "no effect"),
    ),
    Fault("unsafe_load", text("scripts/net.py", "import torch\n\nw = torch.load('a.pt')\n"), ("scripts/net.py line 3", "weights_only=True")),
    Fault("unsafe_load", setting("run", ["$torch.load('a.pt', weights_only=False)", "$@train#trainer.run()"]), ("weights_only=True",)),
    Fault("script_broken", text("scripts/net.py", "def f(:\n"), ("scripts/net.py", "line 1")),
    # -- dataset
    Fault("data_classes", lambda bundle: None, ('no label "spleen"', "liver"), labels={"0": "background", "1": "liver"}, modality=CT),
    Fault(
        "data_values",
        lambda bundle: None,
        ('"spleen" as 2', "channel 1"),
        labels={"0": "background", "1": "liver", "2": "spleen"},
        modality=CT,
    ),
    Fault("data_channels", lambda bundle: None, ("2 channels (CT, PET)", "takes 1"), labels=SPLEEN, modality={"0": "CT", "1": "PET"}),
    Fault("data_modality", lambda bundle: None, ("MRI", "CT"), labels=SPLEEN, modality={"0": "MRI"}),
]  # fmt: skip


def write_dataset(folder: Path, labels: dict[str, str], modality: dict[str, str]) -> Path:
    """A dataset whose files are empty: a check of a bundle reads no voxel."""
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir(parents=True)
        (folder / part / "a.nii.gz").touch()
    pairs = [{"image": "imagesTr/a.nii.gz", "label": "labelsTr/a.nii.gz"}]
    said = {"name": "Mine", "labels": labels, "modality": modality, "training": pairs}
    (folder / "dataset.json").write_text(json.dumps(said))
    return folder


def test_a_sound_bundle_is_left_alone(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", SPLEEN, CT)
    assert check(Planted().write(tmp_path / "bundle"), data=data).findings == ()


@pytest.mark.parametrize("number", range(len(FAULTS)), ids=[fault.kind for fault in FAULTS])
def test_a_planted_fault_is_found_and_told_in_one_sentence(number: int, tmp_path: Path) -> None:
    fault, bundle = FAULTS[number], Planted()
    fault.plant(bundle)
    data = write_dataset(tmp_path / "data", fault.labels, fault.modality) if fault.labels else None
    report = check(bundle.write(tmp_path / "bundle"), data=data)
    assert {finding.kind for finding in report.findings} - fault.comes_with == {fault.kind}
    sentences = [finding.sentence for finding in report.findings if finding.kind == fault.kind]
    assert any(all(part in sentence for part in fault.says) for sentence in sentences), sentences
    for sentence in sentences:
        assert "\n" not in sentence
        assert ";" in sentence, "the next step follows the reason"
        assert "::" not in sentence


def test_tensorboards_handlers_are_told_where_the_package_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = Planted()
    bundle.configs["train"]["train"]["handlers"].append(
        {"_target_": "TensorBoardStatsHandler", "log_dir": "@output_dir"}
    )
    root = bundle.write(tmp_path / "bundle")
    for there, kinds in ((False, ["tensorboard_missing"]), (True, [])):
        monkeypatch.setattr("voxloop.bundles.checking.components.installed", lambda top, there=there: there)
        assert [finding.kind for finding in check(root).findings] == kinds


def test_every_kind_of_the_catalogue_is_planted_and_on_the_page() -> None:
    assert {fault.kind for fault in FAULTS} | {"tensorboard_missing"} == set(KINDS)
    page = reference()
    assert all(f"### `{kind}`" in page and one.example in page for kind, one in KINDS.items())


def test_what_nothing_uses_is_a_warning_only(tmp_path: Path) -> None:
    bundle = Planted()
    bundle.configs["train"]["leftover"] = "@nowhere"
    (finding,) = check(bundle.write(tmp_path / "bundle")).findings
    assert (finding.kind, finding.severity) == ("reference_to_nothing", "warning")
    assert "nothing that runs uses it" in finding.sentence


def test_a_label_that_stays_on_its_own_grid_is_right_where_the_prediction_is_carried_back(tmp_path: Path) -> None:
    bundle = Planted()
    for step in bundle.configs["train"]["validate"]["preprocessing"]["transforms"][2:4]:
        step["keys"] = "image"
        step.pop("mode", None)
    del bundle.configs["train"]["validate"]["preprocessing"]["transforms"][5]
    steps = bundle.configs["train"]["validate"]["postprocessing"]["transforms"]
    steps.insert(
        0, {"_target_": "Invertd", "keys": "pred", "orig_keys": "image", "transform": "@validate#preprocessing"}
    )
    assert check(bundle.write(tmp_path / "bundle")).findings == ()


def test_regions_without_a_background_may_average_all_of_their_channels(tmp_path: Path) -> None:
    bundle = Planted()
    names = {"0": "tumour core", "1": "whole tumour"}
    bundle.configs["metadata"]["network_data_format"]["outputs"]["pred"]["channel_def"] = names
    bundle.drop("validate#key_metric#val_mean_dice#include_background")
    assert check(bundle.write(tmp_path / "bundle")).findings == ()


def test_the_sound_bundle_is_what_the_faults_are_planted_into() -> None:
    assert Planted().configs["train"] == TRAIN
    assert Planted().configs["train"]["train"]["preprocessing"]["transforms"][0]["keys"] == KEYS
