"""A model and anybody's label maps are scored alike: case by case, by the names of labels, and one bad file costs one case."""

from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tests.inference.evaluation.made import AFFINE, SHAPE, make_dataset, save, second_reading, truth_of
from tests.inference.models import threshold_model
from voxloop.data.formats.writing import write_volume
from voxloop.data.geometry import Geometry
from voxloop.data.splits import Split, write_splits
from voxloop.errors import VoxloopError
from voxloop.inference.evaluation import Evaluation, evaluate
from voxloop.inference.evaluation.candidates import Meaning
from voxloop.inference.evaluation.references import find
from voxloop.inference.metrics import Scoring, dice
from voxloop.inference.predict import predict
from voxloop.inference.saving import save as save_prediction
from voxloop.monai.output import Classes, Regions

GRID = Geometry(SHAPE, AFFINE)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("data") / "Tiny", patients={"case_0": "P", "case_1": "P"})


def judged(folder: Path, dataset: Path, like: Meaning | None = None, classes: tuple[str, ...] = ()) -> Evaluation:
    from voxloop.data.decathlon import read_dataset

    (found,) = find([str(folder)], None)
    return evaluate(found.load(read_dataset(dataset), None, None, like), dataset, part="all", classes=classes)


def dice_of(result: Evaluation) -> dict[tuple[str, str], float]:
    return {(case.case, one.name): one.dice for case in result.cases for one in case.classes}


def test_label_maps_are_scored_by_case_and_class_worst_first(dataset: Path, tmp_path: Path) -> None:
    folder = second_reading(dataset, tmp_path / "anna")
    result = judged(folder, dataset)
    expected = {
        (case, name): dice(
            truth_of(dataset, case) == value, np.asarray(nib.load(folder / f"{case}.nii.gz").dataobj) == value
        )
        for case in ("case_0", "case_1", "case_2", "case_3")
        for value, name in ((1, "spleen"), (2, "liver"))
    }
    assert dice_of(result) == expected
    assert 0.5 < min(expected.values()) < max(expected.values()) < 1
    assert [case.mean_dice for case in result.cases] == sorted(case.mean_dice for case in result.cases)
    assert result.patients() == {"case_0": "P", "case_1": "P", "case_2": None, "case_3": None}
    assert (result.model, result.dataset, result.complete, result.notes) == ("anna", "Tiny", True, ())


@pytest.mark.parametrize("ending", [".nii", ".nrrd", ".seg.nrrd", ".mha"])
def test_every_format_says_the_same(dataset: Path, tmp_path: Path, ending: str) -> None:
    for number in range(4):
        truth = truth_of(dataset, f"case_{number}")
        write_volume(tmp_path / f"case_{number}{ending}", truth, GRID)
    assert set(dice_of(judged(tmp_path, dataset)).values()) == {1.0}


def test_a_model_is_scored_as_its_own_label_maps_are(dataset: Path, tmp_path: Path) -> None:
    """What `predict` saves, with the model's numbers and names in the file, scores as the model does."""
    # It calls every label "bright" that is above 1: the liver, and whatever is called so.
    model = replace(threshold_model(level=1.5), output=Classes(("background", "liver")))
    direct = evaluate(model, dataset, part="all")
    for number in range(4):
        scan = dataset / "imagesTr" / f"case_{number}.nii.gz"
        save_prediction(predict(model, scan), tmp_path / "predicted" / scan.name)
    assert set(dice_of(direct).values()) == {1.0}
    assert dice_of(judged(tmp_path / "predicted", dataset, Meaning(model.output))) == dice_of(direct)
    with pytest.raises(VoxloopError, match=r'none is "spleen"; they are: liver\. Rename the label'):
        judged(tmp_path / "predicted", dataset)
    assert dice_of(judged(tmp_path / "predicted", dataset, classes=("liver",))) == dice_of(direct)


def test_the_names_in_a_file_come_before_the_numbers_of_the_dataset(dataset: Path, tmp_path: Path) -> None:
    """Of 3D Slicer, of voxloop, of TotalSegmentator, and of the dataset.json that nnU-Net leaves beside its predictions."""
    turned = np.array([0, 7, 4], np.uint8)
    named = {4: "Liver", 7: "SPLEEN", 9: "aorta"}
    for number in range(4):
        case, voxels = f"case_{number}", turned[truth_of(dataset, f"case_{number}")]
        (tmp_path / "slicer").mkdir(exist_ok=True)
        write_volume(tmp_path / "slicer" / f"{case}.seg.nrrd", voxels, GRID, names=named)
        comment = nib.nifti1.Nifti1Extension("comment", json.dumps({"labels": named}).encode())
        caret = b"".join(
            f'<Label Key="{value}" Red="0.0"><![CDATA[{name}]]></Label>'.encode() for value, name in named.items()
        )
        table = nib.nifti1.Nifti1Extension(0, b'<?xml version="1.0"?><CaretExtension>' + caret + b"</CaretExtension>")
        for folder, extension in (("voxloop", comment), ("totalsegmentator", table), ("nnunet", None)):
            image = nib.Nifti1Image(voxels, AFFINE)
            image.header.extensions.extend([extension] if extension else [])
            (tmp_path / folder).mkdir(exist_ok=True)
            nib.save(image, tmp_path / folder / f"{case}.nii.gz")
    content = {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, **{name: value for value, name in named.items()}},
    }
    (tmp_path / "nnunet" / "dataset.json").write_text(json.dumps(content))
    for folder in ("slicer", "voxloop", "totalsegmentator", "nnunet"):
        assert set(dice_of(judged(tmp_path / folder, dataset)).values()) == {1.0}, folder


def test_without_names_numbers_mean_what_dataset_json_says_and_one_that_it_does_not_name_is_refused(
    dataset: Path, tmp_path: Path
) -> None:
    folder = second_reading(dataset, tmp_path / "anna")
    voxels = truth_of(dataset, "case_1")
    voxels[0, 0, 0] = 3
    save(folder / "case_1.nii.gz", voxels)
    result = judged(folder, dataset)
    assert [(one.case, one.why) for one in result.failed] == [
        ("case_1", "case_1.nii.gz holds the label 3, which has no name in dataset.json; name it there.")
    ]


def test_regions_of_a_model_are_read_in_label_maps_too(dataset: Path, tmp_path: Path) -> None:
    """So that a model of regions can be compared with a person who drew tissues."""
    regions = Regions.of(["background", "spleen", "liver"], {"both": ["spleen", "liver"], "liver": ["liver"]})
    folder = second_reading(dataset, tmp_path / "anna")
    found = dice_of(judged(folder, dataset, Meaning(regions)))
    for number in range(4):
        case = f"case_{number}"
        drawn = np.asarray(nib.load(folder / f"{case}.nii.gz").dataobj)
        assert found[case, "both"] == dice(truth_of(dataset, case) > 0, drawn > 0)
        assert found[case, "liver"] == dice(truth_of(dataset, case) == 2, drawn == 2)


def test_one_bad_case_does_not_end_the_night(dataset: Path, tmp_path: Path) -> None:
    """Damaged, on another grid, missing: each is told, and the others have the figures that they have without them."""
    folder = second_reading(dataset, tmp_path / "anna")
    whole = dice_of(judged(folder, dataset))
    (folder / "case_0.nii.gz").write_bytes(gzip.compress(b"not a scan at all " * 100))
    save(folder / "case_1.nii.gz", np.zeros((7, 11, 12), np.uint8))
    (folder / "case_2.nii.gz").unlink()
    result = judged(folder, dataset)
    assert not result.complete
    assert {one.case: one.why.split(";")[0] for one in result.failed} == {
        "case_0": result.failed[0].why.split(";")[0],
        "case_1": "case_1.nii.gz: the label has 7×11×12 voxels and the scan 7×11×13",
        "case_2": "anna has no label map of case_2",
    }
    assert result.failed[0].why.startswith("case_0.nii.gz")
    assert dice_of(result) == {key: value for key, value in whole.items() if key[0] == "case_3"}
    assert result.as_dict()["complete"] is False


def test_a_model_that_breaks_on_one_scan_is_told_and_goes_on(dataset: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(dataset, tmp_path / "Tiny"))
    model = replace(threshold_model(), output=Classes(("background", "liver")))

    def preprocess(sample: dict[str, object]) -> dict[str, object]:
        if "case_2" in str(sample["image"]):
            raise RuntimeError("CUDA out of memory\nand more of it")
        return dict(model.preprocess(sample))

    result = evaluate(replace(model, preprocess=preprocess), folder, part="all")
    assert [(one.case, one.why) for one in result.failed] == [("case_2", "RuntimeError: CUDA out of memory")]
    assert len(result.cases) == 3
    shutil.rmtree(folder / "labelsTr")
    (folder / "labelsTr").mkdir()
    for number in range(4):
        (folder / "labelsTr" / f"case_{number}.nii.gz").write_bytes(b"damaged")
    with pytest.raises(VoxloopError, match=r"threshold: none of 4 cases could be scored; the first: case_"):
        evaluate(model, folder, part="all")


def test_label_maps_of_no_case_and_of_other_cases_are_told(dataset: Path, tmp_path: Path) -> None:
    folder = second_reading(dataset, tmp_path / "anna")
    data = Path(shutil.copytree(dataset, tmp_path / "Tiny"))
    write_splits(data, {"mine": Split({"training": ["case_0", "case_1"], "validation": ["case_2", "case_3"]})})
    for name in ("case_0_final.nii.gz", "notes.nrrd", "._case_1.nii.gz"):
        shutil.copy(folder / "case_0.nii.gz", folder / name)
    from voxloop.data.decathlon import read_dataset

    (found,) = find([str(folder)], None)
    result = evaluate(found.load(read_dataset(data), None, None, None), data, split="mine")
    assert result.notes == (
        "anna: case_0_final.nii.gz, notes.nrrd are of no case of the dataset.",
        "anna: case_0, case_1 are of cases that were not asked for.",
    )
    assert len(result.cases) == 2
    shutil.copy(folder / "case_0.nii.gz", folder / "case_0.nii")
    with pytest.raises(VoxloopError, match=r'case_0\.nii and case_0\.nii\.gz, both of the case "case_0"'):
        judged(folder, data)


def test_a_folder_that_fits_no_case_is_refused_with_an_example(dataset: Path, tmp_path: Path) -> None:
    save(tmp_path / "anna" / "case_7.nii.gz", np.zeros(SHAPE, np.uint8))
    with pytest.raises(VoxloopError, match=r'none is named as a case of Tiny, such as "case_0" \("case_7" is none\)'):
        judged(tmp_path / "anna", dataset)
    (tmp_path / "empty").mkdir()
    with pytest.raises(VoxloopError, match="is no bundle, for it has no configs, and it holds no label map"):
        find([str(tmp_path / "empty")], None)
    with pytest.raises(VoxloopError, match=r"Nothing is at .*gone; check the path"):
        find([str(tmp_path / "gone")], None)
    with pytest.raises(VoxloopError, match="is named twice; a comparison needs two that differ"):
        find([str(tmp_path / "anna"), f"{tmp_path}/anna/"], None)


def test_folders_of_one_name_are_told_apart(dataset: Path, tmp_path: Path) -> None:
    for who in ("anna", "ben"):
        second_reading(dataset, tmp_path / who / "labels")
    found = find([str(tmp_path / who / "labels") for who in ("anna", "ben")], None)
    assert [one.name for one in found] == ["anna/labels", "ben/labels"]


def test_only_the_classes_that_are_asked_for_are_scored_each_with_its_own_tolerance(
    dataset: Path, tmp_path: Path
) -> None:
    from voxloop.data.decathlon import read_dataset

    (found,) = find([str(second_reading(dataset, tmp_path / "anna"))], None)
    candidate = found.load(read_dataset(dataset), None, None, None)
    how = Scoring(tolerance_mm=1.0, tolerances_mm={"liver": 3.0, "spleen": 0.5})
    result = evaluate(candidate, dataset, part="all", classes=["liver"], scoring=how)
    assert result.classes == ("liver",)
    assert result.scoring == Scoring(tolerance_mm=1.0, tolerances_mm={"liver": 3.0})
    for classes, tolerances, sentence in (
        (["livre"], {}, 'No class or region is called "livre"; there are: spleen, liver. Did you mean "liver"?'),
        ([], {"splen": 1.0}, 'A tolerance is given for "splen", and there are: spleen, liver. Did you mean "spleen"?'),
    ):
        with pytest.raises(VoxloopError) as caught:
            evaluate(candidate, dataset, part="all", classes=classes, scoring=Scoring(tolerances_mm=tolerances))
        assert str(caught.value) == sentence


def test_names_that_differ_in_case_and_spelling_are_one_class(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "Tiny", cases=2, labels={0: "air", 1: "tumor", 2: "Tumour", 5: "liver"})
    result = judged(dataset / "labelsTr", dataset)
    assert result.classes == ("tumor", "liver")
    assert set(dice_of(result).values()) == {1.0}
