"""The published pair of masks, a full model's against a fast one's, scores as the published implementation scores it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.inference.metrics.masks import figures
from tests.inference.metrics.test_peers import published
from voxloop.data.geometry import Geometry
from voxloop.data.scans import open_labels, open_scan
from voxloop.inference.metrics import Scoring
from voxloop.monai.output import Labels

DATA = Path(__file__).parents[4] / "shared" / "data" / "totalseg"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the folder of real scans is not beside this repository")

# Dice, HD95 and NSD within 2 mm as they were measured for this pair with the package of Nikolov et al.
MEASURED = {"spleen": (1, 0.977, 3.0, 0.945), "liver": (5, 0.981, 3.0, 0.928), "stomach": (6, 0.954, 3.0, 0.917)}


@pytest.fixture(scope="module")
def pair() -> tuple[Labels, Labels, Geometry]:
    like = open_scan(DATA / "example_ct_sm.nii.gz").geometry
    full, fast = (open_labels(DATA / f"example_{name}.nii.gz", like).array() for name in ("seg", "seg_fast"))
    return full, fast, like


@pytest.mark.parametrize("organ", MEASURED)
def test_an_organ_of_the_published_pair_scores_as_published(organ: str, pair: tuple[Labels, Labels, Geometry]) -> None:
    from surface_distance import compute_robust_hausdorff, compute_surface_dice_at_tolerance

    full, fast, geometry = pair
    number, dice, hd95_mm, nsd = MEASURED[organ]
    truth, predicted = full == number, fast == number
    found = figures(truth, predicted, geometry, Scoring(tolerance_mm=2.0))
    theirs = published(np.ascontiguousarray(truth), np.ascontiguousarray(predicted), geometry.spacing_mm)
    assert found["hd95_mm"] == pytest.approx(compute_robust_hausdorff(theirs, 95))
    assert found["nsd"] == pytest.approx(compute_surface_dice_at_tolerance(theirs, 2.0))
    assert (found["dice"], found["hd95_mm"], found["nsd"]) == pytest.approx((dice, hd95_mm, nsd), abs=0.001)
