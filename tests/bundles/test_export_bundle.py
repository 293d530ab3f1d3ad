"""An exported bundle runs under plain MONAI, without voxloop, and gives the very label maps of `voxloop predict`."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.bundle import ConfigParser

from tests.bundles import elsewhere, trained
from tests.peers import OLD_MONAI
from voxloop.bundles.exporting import content, export, plain
from voxloop.inference.evaluation import evaluate
from voxloop.inference.model import Model, load_model
from voxloop.inference.predict import predict
from voxloop.monai.output import Regions
from voxloop.recipes import network
from voxloop.store import open_project

RECIPES = pytest.mark.parametrize("recipe", ["spleen_ct", "brain_tumour"])
VERSIONS = pytest.mark.parametrize("monai", ["new", "old"])


@dataclass(frozen=True)
class World:
    """A project with two models, their exported bundles, and what plain MONAI made with them."""

    folder: Path

    def data(self, recipe: str) -> Path:
        return self.folder / f"data-{recipe}"

    def bundle(self, recipe: str) -> Path:
        return self.folder / "shared" / recipe

    def made(self, recipe: str, monai: str, what: str = "labels") -> Path:
        return self.folder / f"{what}-{monai}-{recipe}"

    def model(self, recipe: str) -> Model:
        """The trained model in its project, in fp32 as the bundle."""
        with open_project(self.folder) as project:
            return load_model(f"{recipe.replace('_', '-')}:best", project)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("world"))
    with pytest.MonkeyPatch.context() as patch, open_project(world.folder, create=True) as project:
        patch.setattr(network, "gains_from_bf16", lambda: False)
        for recipe in trained.TINY:
            trained.make_dataset(world.data(recipe), recipe)
        versions = {
            "spleen_ct": trained.trained_spleen(project, world.data("spleen_ct")),
            "brain_tumour": trained.trained_brain(project, world.data("brain_tumour"), world.folder),
        }
        for recipe, version in versions.items():
            export(project, version, world.bundle(recipe), ["bundle", "torchscript"])
        for monai in ("new", "old"):
            run_elsewhere(world, monai)
        yield world


def run_elsewhere(world: World, monai: str) -> None:
    job: dict[str, list[list[str]]] = {"torchscript": [], "commands": []}
    both = ["run", "--config_file", "['configs/inference.json','configs/evaluate.json']"]
    for recipe in trained.TINY:
        folder = str(world.bundle(recipe))
        run = ["run", "--config_file", "configs/inference.json"]
        where = ["--dataset_dir", str(world.data(recipe)), "--output_dir", str(world.made(recipe, monai))]
        job["commands"].append([folder, *run, *where])
        if monai == "new":
            names = [str(world.folder / f"{recipe}-{end}") for end in ("image.pt", "answer.pt")]
            torch.save(torch.randn(1, trained.CHANNELS[recipe], 8, 24, 16), names[0])
            job["torchscript"].append([f"{folder}/models/model.ts", *names])
            job["commands"].append(
                [folder, *both, *where[:2], "--output_dir", str(world.made(recipe, monai, "scores"))]
            )
    if monai == "new":
        # Two scans of one name, as a list.
        scans = [world.folder / patient / "ct.nii.gz" for patient in ("A", "B")]
        for seed, scan in enumerate(scans):
            scan.parent.mkdir()
            trained.save_scan(scan, "spleen_ct", seed, trained.GRIDS[seed])
        listed = ["--dataset_dir", str([str(scan) for scan in scans]), "--output_dir", str(world.folder / "listed")]
        job["commands"].append(
            [str(world.bundle("spleen_ct")), "run", "--config_file", "configs/inference.json", *listed]
        )
        turned = ["--dataset_dir", str(with_turned_labels(world)), "--output_dir", str(world.folder / "turned-scores")]
        job["commands"].append([str(world.bundle("spleen_ct")), *both, *turned])
    task = world.folder / f"job-{monai}.json"
    task.write_text(json.dumps(job))
    old = Path(sys.prefix) / "peers" / f"monai-{OLD_MONAI}"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(old) if monai == "old" else ""}
    words = [sys.executable, str(Path(elsewhere.__file__)), str(task)]
    done = subprocess.run(
        words, env=environment, cwd=world.folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert ("done with MONAI " + (OLD_MONAI if monai == "old" else "1.6")) in done.stdout


def with_turned_labels(world: World) -> Path:
    """The same dataset, its labels stored back to front along two axes, as their headers say."""
    folder = world.folder / "turned"
    shutil.copytree(world.data("spleen_ct"), folder)
    for path in (folder / "labelsTr").iterdir():
        image = nib.load(path)
        turn = np.diag([-1.0, 1.0, -1.0, 1.0])
        turn[:3, 3] = image.shape[0] - 1, 0, image.shape[2] - 1
        nib.save(nib.Nifti1Image(np.asarray(image.dataobj)[::-1, :, ::-1], image.affine @ turn), path)
    return folder


@pytest.fixture
def scans(world: World, recipe: str) -> list[Path]:
    return sorted((world.data(recipe) / "imagesTs").iterdir())


def labels(path: Path) -> npt.NDArray[np.uint8]:
    image = nib.load(path)
    assert image.get_data_dtype() == np.uint8
    return np.asarray(image.dataobj)


@RECIPES
@VERSIONS
def test_label_maps_are_those_of_voxloop_in_every_orientation(
    world: World, recipe: str, monai: str, scans: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "gains_from_bf16", lambda: False)
    model = world.model(recipe)
    assert len(scans) == len(trained.GRIDS)
    for scan in scans:
        expected = predict(model, scan)
        path = world.made(recipe, monai) / f"{scan.name.removesuffix('.nii.gz')}_pred.nii.gz"
        assert np.array_equal(labels(path), expected.labels), scan.name
        assert len(np.unique(expected.labels)) > 1, "a map of one class would be right by chance"
        assert np.allclose(nib.load(path).affine, nib.load(scan).affine, atol=1e-4)


@RECIPES
def test_voxloop_itself_predicts_the_same_with_the_bundle(
    world: World, recipe: str, scans: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "gains_from_bf16", lambda: False)
    shared, model = load_model(str(world.bundle(recipe))), world.model(recipe)
    assert shared.classes == model.classes
    assert np.array_equal(predict(shared, scans[2]).labels, predict(model, scans[2]).labels)


def test_the_order_of_channels_that_a_dataset_names_is_kept(world: World) -> None:
    """The bundle knows no dataset.json; voxloop, which does, tells it the order."""
    shared = load_model(str(world.bundle("brain_tumour")))
    scan = sorted((world.data("brain_tumour") / "imagesTs").iterdir())[0]
    image = nib.load(scan)
    other = world.folder / "other.nii.gz"
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj)[..., [3, 1, 0, 2]], image.affine), other)
    assert np.array_equal(predict(shared, other, [2, 1, 3, 0]).labels, predict(shared, scan).labels)
    assert not np.array_equal(predict(shared, other).labels, predict(shared, scan).labels)


@RECIPES
def test_scores_under_plain_monai_are_those_of_voxloop(
    world: World, recipe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "gains_from_bf16", lambda: False)
    with (world.made(recipe, "new", "scores") / "val_mean_dice_raw.csv").open() as file:
        rows = {Path(row["filename"]).name.removesuffix(".nii.gz"): row for row in csv.DictReader(file)}
    result = evaluate(world.model(recipe), world.data(recipe), part="all")
    assert len(result.cases) == len(rows) == len(trained.PATIENTS)
    for case in result.cases:
        for number, one in enumerate(case.classes):
            assert float(rows[case.case][f"class{number}"]) == pytest.approx(one.dice, abs=1e-5)


def test_a_label_that_is_stored_another_way_round_is_scored_as_it_lies(world: World) -> None:
    there = world.made("spleen_ct", "new", "scores")
    rows = [
        (folder / "val_mean_dice_raw.csv").read_text().splitlines()
        for folder in (there, world.folder / "turned-scores")
    ]
    figures = [[line.partition(",")[2] for line in lines] for lines in rows]
    assert figures[0] == figures[1]
    assert len(set(figures[0])) > 2


def test_scans_of_one_name_do_not_overwrite_each_other(world: World) -> None:
    made = [labels(world.folder / "listed" / patient / "ct_pred.nii.gz") for patient in ("A", "B")]
    assert made[0].shape != made[1].shape


def test_a_folder_without_scans_is_an_error(world: World, tmp_path: Path) -> None:
    parser = ConfigParser(json.loads((world.bundle("spleen_ct") / "configs" / "inference.json").read_text()))
    parser["dataset_dir"] = str(tmp_path)
    with pytest.raises(RuntimeError) as caught:
        parser.get_parsed_content("scans")
    assert f"no scan (.nii, .nii.gz) is in {tmp_path}" in str(caught.value.__cause__)


@RECIPES
def test_torchscript_answers_as_the_network_where_there_is_only_torch(world: World, recipe: str) -> None:
    image, answer = (torch.load(world.folder / f"{recipe}-{end}") for end in ("image.pt", "answer.pt"))
    shared = load_model(str(world.bundle(recipe)), device="cpu")
    with torch.inference_mode():
        assert torch.allclose(answer, shared.network(image), atol=1e-5)


@settings(deadline=None, max_examples=40)
@given(
    regions=st.sampled_from(
        [
            {"core": ["b", "c"], "whole": ["a", "b", "c"], "enhancing": ["c"]},
            {"whole": ["a", "b", "c"], "core": ["a", "c"], "enhancing": ["a"]},
            {"left": ["a"], "right": ["c"], "middle": ["b"]},
            {"one": ["b"], "both": ["b", "a"]},
        ]
    ),
    seed=st.integers(0, 1000),
)
def test_regions_are_painted_as_voxloop_paints_them(regions: dict[str, list[str]], seed: int) -> None:
    """Whatever class stands inside which, and also where the network does not nest them."""
    output = Regions.of(["background", "a", "b", "c"], regions)
    steps = [
        {"_target_": "Activationsd", "keys": "pred", "sigmoid": True},
        {"_target_": plain.PAINT, "keys": "pred"},
    ]
    config = plain.inference({"postprocessing": {"_target_": "Compose", "transforms": steps}}, output, "m:v1")
    logits = torch.randn(len(regions), 4, 5, 6, generator=torch.Generator().manual_seed(seed))
    painted = ConfigParser(config).get_parsed_content("postprocessing")({"pred": logits})["pred"]
    assert np.array_equal(painted[0].numpy(), output.of_logits(logits))


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        ("/home/jane/data", True),
        ("~/data", True),
        ("C:\\Users\\jane", True),
        ("\\\\server\\share", True),
        ("$os.path.join('/mnt/clinic/ct', @name)", True),
        ("$@bundle_root + '/data/Task09_Spleen'", False),
        ("1/2", False),
        ("NCR/NET", False),
        ("https://github.com/Project-MONAI", False),
    ],
)
def test_places_on_a_machine_are_known_from_other_texts(value: str, hidden: bool) -> None:
    assert (content.without_paths({"a": [value]}) != {"a": [value]}) is hidden
