"""Two tiny models of the shipped recipes in a project of their own, with everything in it that must not get out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
import torch

import voxloop as vx
from tests.data.test_grid import ORIENTATIONS, oblique, reordered
from voxloop import recipes
from voxloop.bundles import settings, writing
from voxloop.store import Project
from voxloop.store.artifacts import datasets
from voxloop.store.records import ArtifactVersion
from voxloop.training.train import prepare, train

# Names of patients, as they stand in file names and lists.
PATIENTS = ("Doe-Jane-19670412", "Roe-Richard-19590101", "Poe-Ann-19810730", "Loe-Max-19770215")
SHAPE = (14, 11, 13)
# Settings under which a training lasts a second, and a grid that lies on every second voxel of some scans: all ties.
TINY = {
    "spleen_ct": [
        "epochs=2",
        "val_interval=1",
        "spacing_mm=[6,6,6]",
        "roi_size=[16,16,16]",
        "crops_per_scan=1",
        "repeats=1",
        "cache_workers=0",
        "network_def#channels=[4,8]",
        "network_def#strides=[2]",
    ],
    "brain_tumour": [
        "spacing_mm=[6,6,6]",
        "roi_size=[8,8,8]",
        "window_size=[8,8,8]",
        "network_def#init_filters=8",
        "network_def#blocks_down=[1,1]",
        "network_def#blocks_up=[1]",
    ],
}
CHANNELS = {"spleen_ct": 1, "brain_tumour": 4}
WORDS: dict[str, dict[str, Any]] = {
    "spleen_ct": {"labels": {"0": "background", "1": "spleen"}, "modality": {"0": "CT"}},
    "brain_tumour": {
        "labels": {"0": "background", "1": "edema", "2": "non-enhancing tumor", "3": "enhancing tumour"},
        "modality": {"0": "FLAIR", "1": "T1w", "2": "T1gd", "3": "T2w"},
    },
}
# Orientation, angle, spacing: flips, turns and slants; a spacing whose double is the network's, and one that fits in nowhere.
GRIDS = ((0, 0.0, (3.0, 3.0, 3.0)), (17, 0.0, (3.0, 2.0, 6.0)), (42, 9.0, (2.3, 3.1, 5.0)), (29, 23.0, (3.0, 3.0, 3.0)))


def save_scan(path: Path, recipe: str, seed: int, grid: tuple[int, float, tuple[float, float, float]]) -> Path:
    """Noise that the network has something to say about: coarse enough to survive resampling."""
    which, degrees, spacing_mm = grid
    rng = np.random.default_rng(seed)
    coarse = rng.integers(-200, 300, (7, 6, 7, CHANNELS[recipe]))
    voxels = coarse.repeat(2, 0).repeat(2, 1).repeat(2, 2)[: SHAPE[0], : SHAPE[1], : SHAPE[2]].astype(np.int16)
    if recipe == "brain_tumour":
        # Skull-stripped: nothing around the head.
        voxels = np.abs(voxels) + 1
        voxels[:3] = voxels[:, :2] = voxels[:, :, -3:] = 0
    turned, affine = _turned(voxels, oblique(degrees, spacing_mm), which)
    nib.save(nib.Nifti1Image(turned if CHANNELS[recipe] > 1 else turned[..., 0], affine), path)
    return path


def _turned(voxels: npt.NDArray[Any], affine: npt.NDArray[np.float64], which: int) -> tuple[Any, Any]:
    parts = [reordered(voxels[..., channel], affine, *ORIENTATIONS[which]) for channel in range(voxels.shape[-1])]
    return np.stack([part for part, _ in parts], axis=-1), parts[0][1]


def make_dataset(folder: Path, recipe: str) -> Path:
    for part in ("imagesTr", "labelsTr", "imagesTs"):
        (folder / part).mkdir(parents=True)
    pairs = []
    for number, patient in enumerate(PATIENTS):
        scan = save_scan(folder / "imagesTr" / f"{patient}.nii.gz", recipe, number, GRIDS[number])
        image = nib.load(scan)
        labels = np.random.default_rng(100 + number).integers(0, len(WORDS[recipe]["labels"]), image.shape[:3])
        nib.save(nib.Nifti1Image(labels.astype(np.uint8), image.affine), folder / "labelsTr" / f"{patient}.nii.gz")
        where = f"{patient}.nii.gz"
        pairs.append({"image": f"imagesTr/{where}", "label": f"labelsTr/{where}", "patient": patient.replace("-", " ")})
    for number, grid in enumerate(GRIDS):
        save_scan(folder / "imagesTs" / f"scan_{number}.nii.gz", recipe, 50 + number, grid)
    said = {
        "name": f"Clinic {recipe}",
        "description": f"Of {PATIENTS[0]}, from {folder}",
        "licence": "CC-BY-SA 4.0",
        "reference": f"{folder}/paper.pdf",
        **WORDS[recipe],
        "training": pairs,
        "test": [f"imagesTs/scan_{number}.nii.gz" for number in range(len(GRIDS))],
    }
    (folder / "dataset.json").write_text(json.dumps(said))
    return folder


def trained_spleen(project: Project, data: Path) -> ArtifactVersion:
    """By `voxloop train` itself."""
    done = train(prepare("spleen_ct", data, "quick", "default", TINY["spleen_ct"]), project, name="tiny")
    return project.artifact(done.model)


def trained_brain(project: Project, data: Path, work: Path) -> ArtifactVersion:
    """As `voxloop train` leaves it, but with weights that were drawn: a training of this recipe takes too long for a test."""
    from monai.bundle import ConfigParser

    recipe = recipes.find("brain_tumour")
    config = settings.read(settings.config_files(recipe, "full"))
    overrides = settings.overrides(TINY["brain_tumour"], config)
    torch.manual_seed(4)
    network = ConfigParser(settings.applied(config, overrides)).get_parsed_content("network_def")
    torch.save({"model": network.state_dict()}, work / "weights.pt")
    params = {**settings.searchable({**config, **overrides}), "job": {"recipe": "brain_tumour", "split": "default"}}
    with vx.Run(name="drawn", experiment="brain_tumour", params=params, project=project.root) as run:
        datasets.use(project, run.id, data)
        used = {**config, **overrides, "train#dataset#cache_dir": str(work / "cache")}
        writing.write(recipe, work / "bundle", work / "weights.pt", used, 0.25)
        told = {"dice": 0.25, "epoch": 3, "recipe": "brain_tumour"}
        run.save(work / "bundle", name="brain-tumour", kind="model", aliases=["best"], metadata=told)
    return project.artifact("brain-tumour:best")
