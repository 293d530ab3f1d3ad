"""A published pair of segmentations of one real CT, scored as two folders of label maps: the Dice values that were published."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from voxloop.inference.evaluation import evaluate_several
from voxloop.inference.evaluation.label_folder import own_names
from voxloop.inference.evaluation.tracked import Asked
from voxloop.store import open_project

DATA = Path(__file__).parents[4] / "shared" / "data" / "totalseg"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the folder of real scans is not beside this repository")
PUBLISHED = {"spleen": 0.977, "liver": 0.981, "kidney_right": 0.964, "kidney_left": 0.973, "stomach": 0.954}


def test_the_published_pair_scores_as_published(tmp_path: Path) -> None:
    """Both files name their 117 labels themselves, as TotalSegmentator writes them."""
    names = own_names(DATA / "example_seg.nii.gz")
    assert len(names) == 117
    data = tmp_path / "Torso"
    files = {
        "imagesTr": "example_ct_sm",
        "labelsTr": "example_seg",
        "full": "example_seg",
        "fast": "example_seg_fast",
    }
    for folder, file in files.items():
        (tmp_path / "Torso" / folder if folder.endswith("Tr") else tmp_path / folder).mkdir(parents=True)
        place = data / folder if folder.endswith("Tr") else tmp_path / folder
        shutil.copy(DATA / f"{file}.nii.gz", place / "torso.nii.gz")
    content = {
        "name": "Torso",
        "modality": {"0": "CT"},
        "labels": {"0": "background", **{str(value): name for value, name in names.items()}},
        "training": [{"image": "imagesTr/torso.nii.gz", "label": "labelsTr/torso.nii.gz"}],
    }
    (data / "dataset.json").write_text(json.dumps(content))
    with open_project(tmp_path, create=True) as project:
        asked = Asked(data, part="all", classes=tuple(PUBLISHED))
        contest = evaluate_several([str(tmp_path / name) for name in ("full", "fast")], project, asked)
    full, fast = contest.evaluations
    assert {one.name: one.dice for one in full.cases[0].classes} == dict.fromkeys(PUBLISHED, 1.0)
    assert {one.name: round(one.dice, 3) for one in fast.cases[0].classes} == pytest.approx(PUBLISHED, abs=0.0011)
    assert [one.case for one in contest.failed] == ["comparison"], "one case compares nothing, and that is told"
    assert "have 1 case in common, and a comparison needs two" in contest.failed[0].why
