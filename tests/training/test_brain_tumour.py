"""The brain tumour recipe from four channels to a label map: names decide, numbers and order do not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest
from rich.console import Console

from voxloop import recipes
from voxloop.data.geometry import Geometry
from voxloop.data.phantom import make_brain_tumour
from voxloop.errors import VoxloopError
from voxloop.inference.evaluation import Evaluation, evaluate, evaluate_tracked
from voxloop.inference.metrics import score
from voxloop.inference.model import Model, load_model
from voxloop.inference.predict import predict
from voxloop.inference.saving import save
from voxloop.monai.bundle import Bundle
from voxloop.monai.output import Regions
from voxloop.store import Project, open_project
from voxloop.store.contents import contents
from voxloop.training.train import Trained, prepare, train

TINY = [
    "epochs=2",
    "val_interval=1",
    "spacing_mm=[6,6,6]",
    "roi_size=[16,16,16]",
    "window_size=[32,32,32]",
    "crops_per_scan=1",
    "repeats=1",
    "cache_workers=0",
    "network_def#init_filters=8",
    "network_def#blocks_down=[1,1]",
    "network_def#blocks_up=[1]",
]
REGIONS = ["tumour core", "whole tumour", "enhancing tumour"]
# As another hospital numbers, spells and orders the same.
NUMBERS = {1: 7, 2: 4, 3: 1}
LABELS = {"0": "background", "7": "Peritumoral Oedema (ED)", "4": "NCR/NET", "1": "GD-enhancing tumor", "9": "cavity"}
ORDER = ("T1ce", "T2", "T1", "flair", "DWI")
# Which of FLAIR, T1w, T1gd, T2w each is; the last one is nothing that the recipe needs.
TAKEN = (2, 3, 1, 0, 3)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "Task01_BrainTumour"
    make_brain_tumour(folder, cases=5, seed=11, size="small")
    return folder


@pytest.fixture(scope="module")
def elsewhere(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same scans with other numbers, other spellings, other channels."""
    folder = tmp_path_factory.mktemp("elsewhere") / "Glioma"
    shutil.copytree(dataset, folder)
    for path in [*folder.glob("imagesT*/*.nii.gz"), *folder.glob("labelsTr/*.nii.gz")]:
        image = nib.load(path)
        voxels = np.asarray(image.dataobj)
        if path.parent.name == "labelsTr":
            voxels = np.select([voxels == here for here in NUMBERS], list(NUMBERS.values()), 0).astype(np.uint8)
        else:
            voxels = voxels[..., list(TAKEN)]
        nib.save(nib.Nifti1Image(voxels, image.affine, image.header), path)
    change(folder, labels=LABELS, modality={str(at): name for at, name in enumerate(ORDER)})
    return folder


@pytest.fixture(scope="module")
def trained(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trained, Path, str]:
    folder, said = tmp_path_factory.mktemp("project"), StringIO()
    with open_project(folder, create=True) as project:
        job = prepare("brain_tumour", dataset, "quick", "default", TINY)
        console = Console(file=said, width=200, force_terminal=False)
        return train(job, project, name="tiny", console=console), folder, said.getvalue()


@pytest.fixture
def project(trained: tuple[Trained, Path, str]) -> Project:
    return open_project(trained[1])


def change(folder: Path, **changes: Any) -> None:
    content = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps({**content, **changes}))


def series(project: Project, run: str, name: str) -> dict[Mapping[str, Any], list[float]]:
    """Every number of a run's series of a name, by its context."""
    found = project.series_of(project.run(run).id, name)
    return {
        tuple(sorted(one.context.items())): np.asarray(project.points(one.id).values).tolist()  # type: ignore[misc]
        for one in found
    }


def test_each_case_and_region_is_tracked_and_the_best_mean_is_kept(
    trained: tuple[Trained, Path, str], project: Project
) -> None:
    (case,) = project.run("tiny").params["split"]["validation"]
    contexts = {tuple(dict(key).values()) for key in series(project, "tiny", "val/dice")}
    assert contexts == {(case, region) for region in REGIONS}
    (means,) = series(project, "tiny", "val/mean_dice").values()
    assert max(means) == pytest.approx(trained[0].best_dice)


def test_the_report_has_a_column_for_each_region(trained: tuple[Trained, Path, str]) -> None:
    header, *rows = [line for line in trained[2].splitlines() if line.strip()]
    assert header.split() == [
        "epoch",
        "loss",
        "mean",
        "Dice",
        "tumour",
        "core",
        "whole",
        "tumour",
        "enhancing",
        "tumour",
        "best",
    ]
    assert len(rows[0].removesuffix("new best").split()) == 7


def test_other_numbers_and_another_order_give_the_same_losses_bit_for_bit(elsewhere: Path, project: Project) -> None:
    train(prepare("brain_tumour", elsewhere, "quick", "default", TINY), project, name="elsewhere")
    for name in ("train/loss", "val/dice", "val/mean_dice"):
        here, there = (series(project, run, name) for run in ("tiny", "elsewhere"))
        assert here
        np.testing.assert_equal(there, here)
    shown = [layer(project, run, "truth") for run in ("tiny", "elsewhere")]
    assert np.array_equal(shown[0], shown[1]), "the review shows one numbering, too"


def layer(project: Project, run: str, name: str) -> npt.NDArray[np.uint8]:
    kept = project.media_of(project.run(run).id, kind="volume")[-1]
    labels: npt.NDArray[np.uint8] = contents(project.blobs, kept).layers[name]
    return labels


def test_truth_and_prediction_in_a_review_have_the_same_names(dataset: Path, project: Project) -> None:
    kept = project.media_of(project.run("tiny").id, kind="volume")[-1]
    assert kept.data["classes"] == {"1": "edema", "2": "non-enhancing tumour", "3": "enhancing tumour"}
    truth = np.asarray(nib.load(dataset / "labelsTr" / f"{kept.context['case']}.nii.gz").dataobj)
    assert np.array_equal(layer(project, "tiny", "truth"), truth)
    assert layer(project, "tiny", "prediction").shape == truth.shape
    assert set(np.unique(layer(project, "tiny", "prediction"))) <= {0, 1, 2, 3}


def test_the_saved_model_says_what_its_channels_mean(project: Project) -> None:
    model = load_model("brain-tumour:best", project)
    assert model.classes == ("background", "edema", "non-enhancing tumour", "enhancing tumour")
    assert [part.name for part in model.output.parts] == REGIONS
    assert model.channels == ("FLAIR", "T1w", "T1gd", "T2w")


def test_plain_monai_with_tracking_shows_the_same_classes() -> None:
    """A handler that the bundle's own config makes reads what its channels mean there."""
    from monai.bundle import ConfigParser

    folder, parser = recipes.find("brain_tumour"), ConfigParser()
    parser.read_config(str(folder / "configs" / "train.json"))
    output = Bundle.of(parser, folder).output
    assert output is not None
    assert [part.name for part in output.parts] == REGIONS
    parser["regions"] = {"left": "@something"}
    assert Bundle.of(parser, folder).output is None, "a foreign bundle may mean anything by the word"


def test_an_evaluation_finds_its_classes_in_any_numbering(dataset: Path, elsewhere: Path, project: Project) -> None:
    here = evaluate_tracked("brain-tumour:best", dataset, project, part="all", name="judged")
    there = evaluate(load_model("brain-tumour:best", project), elsewhere, part="all")
    # What has no answer here has none there.
    np.testing.assert_equal(numbers(here), numbers(there))
    assert [one.name for one in here.cases[0].classes] == REGIONS
    for case in here.cases:
        truth = np.asarray(nib.load(dataset / "labelsTr" / f"{case.case}.nii.gz").dataobj)
        expected = [np.isin(truth, values).sum() * 0.064 for values in ([2, 3], [1, 2, 3], [3])]
        assert [one.values["truth_ml"] for one in case.classes] == pytest.approx(expected)
    contexts = {tuple(dict(key).values()) for key in series(project, "judged", "eval/dice")}
    assert contexts == {(case.case, region) for case in here.cases for region in REGIONS}


def numbers(result: Evaluation) -> Any:
    return {case["case"]: case["classes"] for case in result.as_dict()["cases"]}


# Half a millilitre a voxel.
GRID = Geometry((2, 3, 4), np.diag([5.0, 10.0, 10.0, 1.0]))


def test_empty_regions_have_an_answer() -> None:
    output = Regions.of(["background", "edema", "core"], {"whole": ["edema", "core"], "core": ["core"]})
    nothing, some = np.zeros((2, 3, 4), np.uint8), np.ones((2, 3, 4), np.uint8)
    for truth, predicted, expected in ((nothing, nothing, [1, 1]), (nothing, some, [0, 1]), (some, some, [1, 1])):
        found = score(truth, predicted, output.parts, GRID)
        assert [one.dice for one in found] == expected
    assert [one.values["predicted_ml"] for one in score(nothing, some, output.parts, GRID)] == pytest.approx([12, 0])


def test_a_prediction_is_one_label_map_on_the_scan(dataset: Path, project: Project, tmp_path: Path) -> None:
    model = load_model("brain-tumour:best", project)
    scan = sorted((dataset / "imagesTs").glob("*.nii.gz"))[0]
    made = nib.load(save(predict(model, scan), tmp_path / "labels.nii.gz"))
    source = nib.load(scan)
    assert made.shape == source.shape[:3]
    assert made.get_data_dtype() == np.uint8
    assert np.array_equal(made.affine, source.affine)
    assert set(np.unique(np.asarray(made.dataobj))) <= {0, 1, 2, 3}
    (comment,) = made.header.extensions
    assert json.loads(comment.get_content())["labels"] == dict(zip("0123", model.classes, strict=True))


def test_a_scan_in_a_dataset_is_read_by_its_names_and_elsewhere_as_it_lies(
    dataset: Path, elsewhere: Path, project: Project, tmp_path: Path
) -> None:
    model = load_model("brain-tumour:best", project)
    name = min(path.name for path in (dataset / "imagesTs").glob("*.nii.gz"))
    expected = predict(model, dataset / "imagesTs" / name).labels
    assert np.array_equal(predict(model, elsewhere / "imagesTs" / name).labels, expected)
    alone = Path(shutil.copy(dataset / "imagesTs" / name, tmp_path))
    assert np.array_equal(predict(model, alone).labels, expected)
    five = Path(shutil.copy(elsewhere / "imagesTs" / name, tmp_path / "five.nii.gz"))
    with pytest.raises(VoxloopError, match=r"five\.nii\.gz has 5 channels, and .* needs 4: FLAIR, T1w, T1gd, T2w"):
        predict(model, five)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"labels": {"0": "background", "1": "tumour"}}, 'no label "edema"'),
        ({"modality": {"0": "FLAIR", "1": "T1w", "2": "T2w"}}, 'no channel "T1gd"'),
        (
            {"modality": {"0": "DWI", "1": "FLAIR", "2": "T1", "3": "T1c", "4": "T2"}},
            "BRATS_0.nii.gz has 4 channels, and the recipe takes the one that dataset.json numbers 4",
        ),
    ],
)
def test_a_dataset_that_does_not_say_it_is_refused_before_a_scan_is_read(
    dataset: Path, tmp_path: Path, changes: dict[str, Any], part: str
) -> None:
    folder = Path(shutil.copytree(dataset, tmp_path / "data"))
    change(folder, **changes)
    with pytest.raises(VoxloopError, match=part):
        prepare("brain_tumour", folder, "quick", "default", TINY)


def test_a_spelling_of_ones_own_is_a_setting(dataset: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(dataset, tmp_path / "data"))
    change(folder, labels={"0": "background", "1": "swelling", "2": "NET", "3": "ET"})
    with pytest.raises(VoxloopError, match='no label "edema"'):
        prepare("brain_tumour", folder, "quick", "default", [])
    prepare("brain_tumour", folder, "quick", "default", ['spellings#edema=["swelling"]'])


def test_a_bundle_whose_metadata_alone_name_its_regions_is_understood_by_them(project: Project, tmp_path: Path) -> None:
    """As those of the model zoo do; what the regions are made of, the recipe knows."""
    found = project.materialise(project.artifact("brain-tumour:best"))
    folder = Path(shutil.copytree(found, tmp_path / "bundle", copy_function=shutil.copyfile))
    config = json.loads((folder / "configs" / "inference.json").read_text())
    config["network_def"]["out_channels"] = 3
    config["postprocessing"] = None
    without = {key: value for key, value in config.items() if key not in ("class_names", "regions")}
    (folder / "configs" / "inference.json").write_text(json.dumps(without))
    ours, theirs = load_model("brain-tumour:best", project), load_model(str(folder))
    assert theirs.classes == ours.classes
    assert {part.name: part.values for part in theirs.output.parts} == {
        part.name: part.values for part in ours.output.parts
    }


def test_a_crop_that_does_not_fit_the_network_is_told(dataset: Path, project: Project) -> None:
    with pytest.raises(VoxloopError, match="each side of roi_size"):
        train(prepare("brain_tumour", dataset, "quick", "default", [*TINY, "roi_size=[17,16,16]"]), project)
    assert isinstance(load_model("brain-tumour:best", project), Model)
