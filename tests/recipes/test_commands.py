"""Every command in each recipe's README runs, under the MONAI of the day and under 1.5.2, in one process and in two.

The commands are taken from the README as they stand; only settings that make them short are appended.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from tests.peers import OLD_MONAI
from voxloop import recipes
from voxloop.data.phantom import make_brain_tumour, make_spleen

MAKE: dict[str, Any] = {"spleen_ct": make_spleen, "brain_tumour": make_brain_tumour}
FOLDERS = {"spleen_ct": "Task09_Spleen", "brain_tumour": "Task01_BrainTumour"}
# What training and inference both have: the spacing, the crop and the network.
SHARED = {
    "spleen_ct": [
        *("--spacing_mm", "[6,6,6]"),
        *("--roi_size", "[32,32,32]"),
        *("--network_def#channels", "[4,8]"),
        *("--network_def#strides", "[2]"),
    ],
    "brain_tumour": [
        *("--spacing_mm", "[8,8,8]"),
        *("--roi_size", "[16,16,16]"),
        *("--window_size", "[16,16,16]"),
        *("--network_def#init_filters", "8"),
        *("--network_def#blocks_down", "[1,1]"),
        *("--network_def#blocks_up", "[1]"),
    ],
}
ONCE = [*("--epochs", "1"), *("--val_interval", "1"), *("--crops_per_scan", "1"), *("--cache_workers", "0")]
RECIPES = pytest.mark.parametrize("recipe", ["spleen_ct", "brain_tumour"])


def commands(recipe: str) -> dict[str, str]:
    """The README's command lines by what they do."""
    text = (recipes.find(recipe) / "docs" / "README.md").read_text()
    lines = re.findall(r"^```\n(.*?)\n```$", text, flags=re.MULTILINE | re.DOTALL)
    names = ["train", "train quick", "train two", "evaluate", "evaluate two", "infer"]
    assert len(lines) == len(names)
    return dict(zip(names, lines, strict=True))


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for recipe, make in MAKE.items():
        make(folder / FOLDERS[recipe], cases=10, seed=3, size="small")
    return folder


@pytest.fixture
def bundle(tmp_path: Path, datasets: Path, recipe: str) -> Path:
    """The recipe in a folder of its own, with the data where its README says."""
    folder = tmp_path / recipe
    shutil.copytree(recipes.find(recipe), folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "data").mkdir()
    (folder / "data" / FOLDERS[recipe]).symlink_to(datasets / FOLDERS[recipe])
    return folder


def old_monai() -> Path:
    folder = Path(sys.prefix) / "peers" / f"monai-{OLD_MONAI}"
    assert (folder / "monai").is_dir(), (
        f"MONAI {OLD_MONAI} is not installed; run: python -m tests.peers {folder.parent}"
    )
    return folder


def run(command: str, extra: list[str], bundle: Path, monai: str) -> str:
    words = shlex.split(command)
    if words[0] == "torchrun":
        words[:1] = [sys.executable, "-m", "torch.distributed.run"]
    else:
        words[0] = sys.executable
    # This voxloop, also where another one is installed.
    paths = [*([str(old_monai())] if monai == "old" else []), str(Path(recipes.__file__).parents[2])]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(
        [*words, *extra],
        cwd=bundle,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("recipe", "monai"), [("spleen_ct", "new"), ("spleen_ct", "old"), ("brain_tumour", "old")])
def test_train_evaluate_and_infer(bundle: Path, recipe: str, monai: str) -> None:
    lines, short = commands(recipe), ONCE + SHARED[recipe]
    said = run(lines["train"], short, bundle, monai)
    assert "val_mean_dice" in said
    assert (bundle / "models" / "model.pt").is_file()

    run(lines["evaluate"], short, bundle, monai)
    rows = (bundle / "eval" / "val_mean_dice_raw.csv").read_text().splitlines()
    assert len(rows) == 3, "ten cases leave two for validation, and a header"
    assert "/imagesTr/" in rows[1]

    run(lines["infer"], SHARED[recipe], bundle, monai)
    scans = sorted((bundle / "data" / FOLDERS[recipe] / "imagesTs").glob("*.nii.gz"))
    assert scans
    for scan in scans:
        source = nib.load(scan)
        made = nib.load(bundle / "eval" / f"{scan.name.removesuffix('.nii.gz')}_pred.nii.gz")
        assert made.shape == source.shape[:3]
        assert made.get_data_dtype() == np.uint8
        assert np.allclose(made.affine, source.affine, atol=1e-3)


@pytest.mark.slow
@RECIPES
def test_two_processes_train_and_evaluate(bundle: Path, recipe: str) -> None:
    run(commands(recipe)["train two"], ONCE + SHARED[recipe], bundle, "new")
    assert (bundle / "models" / "model.pt").is_file()
    if recipe == "spleen_ct":
        run(commands(recipe)["evaluate two"], ONCE + SHARED[recipe], bundle, "new")
        assert (bundle / "eval" / "val_mean_dice_raw.csv").is_file()


@pytest.mark.parametrize("name", ["multi_gpu_train", "multi_gpu_evaluate"])
def test_several_processes_are_arranged_the_same_in_every_recipe(name: str) -> None:
    """So that one recipe's run in two processes speaks for the others."""
    assert len({json.dumps(configs_of(recipe, name)) for recipe in MAKE}) == 1


@RECIPES
def test_the_quick_preset_is_the_same_recipe_with_other_numbers(recipe: str) -> None:
    """A preset may change a setting that the recipe has; it may not bring one of its own."""
    full, quick = configs_of(recipe, "train", "quick")
    assert set(quick) <= set(full)


@RECIPES
def test_training_and_inference_share_their_settings(recipe: str) -> None:
    train, inference = configs_of(recipe, "train", "inference")
    own = {"imports", "bundle_root", "ckpt_dir", "output_dir", "dataset_dir", "device", "amp", "run"}
    shared = {"class_names", "spacing_mm", "roi_size", "network_def", "network"}
    assert shared <= (set(train) & set(inference)) - own
    for key in (set(train) & set(inference)) - own:
        assert train[key] == inference[key], key
    of_image = [step["_target_"] for step in inference["preprocessing"]["transforms"]]
    of_both = [step["_target_"] for step in train["train"]["deterministic_transforms"]]
    of_labels = ("MapLabelValued", "FgBgToIndicesd", "ClassesToIndicesd", "voxloop.recipes.regions.ClassesOfLabelsd")
    assert [step for step in of_both if step not in of_labels] == of_image


@RECIPES
def test_the_bundle_has_what_monai_asks_of_one(datasets: Path, recipe: str) -> None:
    from monai.bundle import ConfigWorkflow

    configs = recipes.find(recipe) / "configs"
    for name, kind in (("train", "train"), ("inference", "infer")):
        workflow = ConfigWorkflow(
            config_file=str(configs / f"{name}.json"),
            meta_file=str(configs / "metadata.json"),
            logging_file=False,
            workflow_type=kind,
            dataset_dir=str(datasets / FOLDERS[recipe]),
            spacing_mm=[9.0, 9.0, 9.0],
            roi_size=[16, 16, 16],
            cache_workers=0,
        )
        workflow.initialize()
        assert workflow.check_properties() == [], "MONAI lists the required properties that are missing"


def configs_of(recipe: str, *names: str) -> list[dict[str, Any]]:
    folder = recipes.find(recipe) / "configs"
    return [json.loads((folder / f"{name}.json").read_text()) for name in names]
