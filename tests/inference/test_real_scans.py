"""Real scans go through prediction and scoring. They lie beside the repository, and the tests wait for them there."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tests.inference.models import threshold_model
from tests.inference.test_predict import check_header
from voxloop.data.scans import open_labels, open_scan
from voxloop.inference.metrics import dice
from voxloop.inference.predict import predict
from voxloop.inference.saving import save

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the folder of real scans is not beside this repository")


def test_a_real_ct_keeps_its_header_and_its_bones(tmp_path: Path) -> None:
    scan = DATA / "totalseg" / "example_ct.nii.gz"
    made = check_header(scan, save(predict(threshold_model(level=300), scan), tmp_path / "bones.nii.gz"))
    hu = np.asarray(nib.load(scan).dataobj)
    assert (np.asarray(made.dataobj) == (hu > 300)).all()


def test_a_real_mri_is_carried_back_from_another_spacing(tmp_path: Path) -> None:
    scan = DATA / "tcga-du-7294" / "TCGA-DU-7294_fla_bet.nii.gz"
    prediction = predict(threshold_model((1.5, 1.5, 1.5), level=50), scan)
    check_header(scan, save(prediction, tmp_path / "labels.nii.gz"))
    direct = np.asarray(nib.load(scan).dataobj) > 50
    assert dice(direct, prediction.labels > 0) > 0.9


def test_the_published_pair_of_masks_scores_as_published() -> None:
    """Full against fast model, with the Dice values that were measured for this pair: liver .981, spleen .977, stomach .954."""
    folder = DATA / "totalseg"
    like = open_scan(folder / "example_ct_sm.nii.gz").geometry
    full, fast = (open_labels(folder / f"example_{name}.nii.gz", like).array() for name in ("seg", "seg_fast"))
    for number, expected in ((1, 0.977), (5, 0.981), (6, 0.954)):
        assert dice(full == number, fast == number) == pytest.approx(expected, abs=0.001)
