"""Every command in the recipe's README runs, under the MONAI of the day and under 1.5.2, in one process and in two.

The commands are taken from the README as they stand; only settings that make them short are appended.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tests.peers import OLD_MONAI
from voxloop import recipes
from voxloop.data.phantom import make_spleen

SHORT = [
    *("--epochs", "1"),
    *("--val_interval", "1"),
    *("--spacing_mm", "[6,6,6]"),
    *("--roi_size", "[32,32,32]"),
    *("--crops_per_scan", "1"),
    *("--cache_workers", "0"),
    *("--network_def#channels", "[4,8]"),
    *("--network_def#strides", "[2]"),
]
# What inference has as well: the spacing, the crop and the network.
SHARED = SHORT[4:8] + SHORT[12:]


def commands() -> dict[str, str]:
    """The README's command lines by what they do."""
    text = (recipes.find("spleen_ct") / "docs" / "README.md").read_text()
    lines = re.findall(r"^```\n(.*?)\n```$", text, flags=re.MULTILINE | re.DOTALL)
    names = ["train", "train quick", "train two", "evaluate", "evaluate two", "infer"]
    assert len(lines) == len(names)
    return dict(zip(names, lines, strict=True))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "Task09_Spleen"
    make_spleen(folder, cases=10, seed=3, size="small")
    return folder


@pytest.fixture
def bundle(tmp_path: Path, dataset: Path) -> Path:
    """The recipe in a folder of its own, with the data where its README says."""
    folder = tmp_path / "spleen_ct"
    shutil.copytree(recipes.find("spleen_ct"), folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "data").mkdir()
    (folder / "data" / "Task09_Spleen").symlink_to(dataset)
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
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
    if monai == "old":
        environment["PYTHONPATH"] = str(old_monai())
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
@pytest.mark.parametrize("monai", ["new", "old"])
def test_train_evaluate_and_infer(bundle: Path, monai: str) -> None:
    said = run(commands()["train"], SHORT, bundle, monai)
    assert "val_mean_dice" in said
    assert (bundle / "models" / "model.pt").is_file()

    run(commands()["evaluate"], SHORT, bundle, monai)
    rows = (bundle / "eval" / "val_mean_dice_raw.csv").read_text().splitlines()
    assert len(rows) == 3, "ten cases leave two for validation, and a header"
    assert "spleen_" in rows[1]

    run(commands()["infer"], SHARED, bundle, monai)
    scans = sorted((bundle / "data" / "Task09_Spleen" / "imagesTs").glob("*.nii.gz"))
    assert scans
    for scan in scans:
        source = nib.load(scan)
        made = nib.load(bundle / "eval" / f"{scan.name.removesuffix('.nii.gz')}_pred.nii.gz")
        assert made.shape == source.shape
        assert made.get_data_dtype() == np.uint8
        assert np.allclose(made.affine, source.affine, atol=1e-3)


@pytest.mark.slow
def test_two_processes_train_and_evaluate(bundle: Path) -> None:
    run(commands()["train two"], SHORT, bundle, "new")
    assert (bundle / "models" / "model.pt").is_file()
    run(commands()["evaluate two"], SHORT, bundle, "new")
    assert (bundle / "eval" / "val_mean_dice_raw.csv").is_file()


def test_the_quick_preset_is_the_same_recipe_with_other_numbers() -> None:
    """A preset may change a setting that the recipe has; it may not bring one of its own."""
    import json

    configs = recipes.find("spleen_ct") / "configs"
    full, quick = (json.loads((configs / f"{name}.json").read_text()) for name in ("train", "quick"))
    assert set(quick) <= set(full)


def test_training_and_inference_share_their_settings() -> None:
    import json

    configs = recipes.find("spleen_ct") / "configs"
    train, inference = (json.loads((configs / f"{name}.json").read_text()) for name in ("train", "inference"))
    for key in ("class_names", "spacing_mm", "intensity_range", "roi_size", "network_def", "network"):
        assert train[key] == inference[key]
    of_image = [step["_target_"] for step in inference["preprocessing"]["transforms"]]
    of_both = [step["_target_"] for step in train["train"]["deterministic_transforms"]]
    assert [step for step in of_both if step not in ("MapLabelValued", "FgBgToIndicesd")] == of_image


def test_the_bundle_has_what_monai_asks_of_one(dataset: Path) -> None:
    from monai.bundle import ConfigWorkflow

    configs = recipes.find("spleen_ct") / "configs"
    for name, kind in (("train", "train"), ("inference", "infer")):
        workflow = ConfigWorkflow(
            config_file=str(configs / f"{name}.json"),
            meta_file=str(configs / "metadata.json"),
            logging_file=False,
            workflow_type=kind,
            dataset_dir=str(dataset),
            spacing_mm=[9.0, 9.0, 9.0],
            cache_workers=0,
        )
        workflow.initialize()
        assert workflow.check_properties() == [], "MONAI lists the required properties that are missing"
