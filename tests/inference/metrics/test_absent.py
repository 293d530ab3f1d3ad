"""Every figure has an answer, or says that it has none, where truth or prediction hold nothing; the catalogue says which."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.inference.metrics.masks import Mask, figures, geometry_of, mask_of, sheared
from voxloop.data.geometry import Geometry
from voxloop.errors import VoxloopError
from voxloop.inference.metrics import BY_KEY, METRICS, Scoring, dice, score, score_masks
from voxloop.inference.metrics.distances import diagonal_mm
from voxloop.inference.metrics.surfaces import KINDS
from voxloop.monai.output import Part

SHAPE = (7, 11, 13)
GEOMETRY = geometry_of(SHAPE, sheared(5))
# Two lesions, one of them in a corner of the scan.
ORGAN, NOTHING = mask_of("blob", SHAPE, 1), np.zeros(SHAPE, bool)
FAR, ML = diagonal_mm(GEOMETRY), ORGAN.sum() * GEOMETRY.voxel_ml
NONE = float("nan")

#                      both empty  truth empty  prediction empty
ANSWERS = {
    "dice": (1, 0, 0),
    "iou": (1, 0, 0),
    "sensitivity": (NONE, NONE, 0),
    "precision": (NONE, 0, NONE),
    "nsd": (1, 0, 0),
    "hd95_mm": (0, FAR, FAR),
    "hd_mm": (0, FAR, FAR),
    "assd_mm": (0, FAR, FAR),
    "truth_ml": (0, 0, ML),
    "predicted_ml": (0, ML, 0),
    "difference_ml": (0, ML, -ML),
    "difference_percent": (0, NONE, -100),
    "lesions_truth": (0, 0, 2),
    "lesions_predicted": (0, 2, 0),
    "lesions_found": (0, 0, 0),
    "lesions_missed": (0, 0, 2),
    "lesions_false": (0, 2, 0),
    "lesion_sensitivity": (NONE, NONE, 0),
    "lesion_precision": (NONE, 0, NONE),
    "lesion_f1": (1, 0, 0),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lesion_iou", [0.0, 0.5])
@pytest.mark.parametrize(
    ("column", "truth", "predicted"), [(0, NOTHING, NOTHING), (1, NOTHING, ORGAN), (2, ORGAN, NOTHING)]
)
def test_every_figure_has_its_answer_for_nothing(
    column: int, truth: Mask, predicted: Mask, kind: str, lesion_iou: float
) -> None:
    found = figures(truth, predicted, GEOMETRY, Scoring(surface=kind, lesion_iou=lesion_iou))
    assert found == pytest.approx({key: answers[column] for key, answers in ANSWERS.items()}, nan_ok=True)


def test_the_catalogue_and_the_figures_are_the_same_in_the_same_order() -> None:
    assert list(BY_KEY) == [metric.key for metric in METRICS] == list(figures(ORGAN, ORGAN, GEOMETRY))
    assert set(ANSWERS) == set(BY_KEY)
    assert len({metric.title for metric in METRICS}) == len(METRICS)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.key)
def test_the_catalogue_tells_of_each_what_it_is_and_what_it_says_of_nothing(metric: object) -> None:
    found = BY_KEY[getattr(metric, "key")]  # noqa: B009
    assert found.better in ("max", "min", "zero", "none")
    assert found.says.endswith(".")
    assert found.absent.endswith(".")
    for unit, ending in (("mm", "_mm"), ("mL", "_ml"), ("%", "_percent")):
        assert (found.unit == unit) == found.key.endswith(ending)
    never = any(math.isnan(answer) for answer in ANSWERS[found.key])
    assert ("no answer" in found.absent.lower()) == never
    assert ("diagonal" in found.absent) == (FAR in ANSWERS[found.key])


def test_figures_are_plain_numbers() -> None:
    assert {type(value) for value in figures(ORGAN, np.roll(ORGAN, 1, 0), GEOMETRY).values()} == {float}
    assert type(dice(ORGAN, ORGAN)) is float


def test_the_diagonal_is_that_of_the_brats_challenge() -> None:
    """240×240×155 mm: what the challenge gives a missed lesion, 373 mm."""
    assert diagonal_mm(Geometry((240, 240, 155), np.eye(4))) == pytest.approx(373.13, abs=0.01)


def test_classes_and_regions_are_scored_as_their_masks_are() -> None:
    rng = np.random.default_rng(0)
    truth, predicted = (rng.integers(0, 4, SHAPE).astype(np.uint8) for _ in range(2))
    truth[4:], predicted[:, :3] = 0, 0
    parts = [Part("edema", (1,)), Part("tumour", (1, 2, 3)), Part("core", (3,)), Part("cyst", (9,))]
    how = Scoring(tolerance_mm=1.0, tolerances_mm={"core": 4.0})
    # NIfTI's voxels lie in memory the other way round than a network's.
    for order in ("C", "F"):
        found = score(np.asarray(truth, order=order), predicted, parts, GEOMETRY, how)
        for part, one in zip(parts, found, strict=True):
            expected = score_masks(part.name, part.mask(truth), part.mask(predicted), GEOMETRY, how)
            assert one.name == part.name
            assert one.values == pytest.approx(expected.values, nan_ok=True)
    assert found[-1].dice == 1.0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"tolerance_mm": -1.0}, "0 mm or more"),
        ({"tolerance_mm": NONE}, "0 mm or more"),
        ({"tolerances_mm": {"liver": math.inf}}, "0 mm or more"),
        ({"surface": "voxel"}, "elements, voxels"),
        ({"lesion_iou": 1.5}, "from 0 to 1"),
        ({"lesion_iou": NONE}, "from 0 to 1"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(VoxloopError, match=said):
        Scoring(**wrong)  # type: ignore[arg-type]


def test_a_tolerance_for_a_class_that_is_not_there_is_refused() -> None:
    labels = ORGAN.astype(np.uint8)
    with pytest.raises(VoxloopError, match='"livre", which is not scored; what is: liver, spleen'):
        score(
            labels, labels, [Part("liver", (1,)), Part("spleen", (2,))], GEOMETRY, Scoring(tolerances_mm={"livre": 1})
        )


def test_masks_of_other_grids_are_refused() -> None:
    with pytest.raises(VoxloopError, match="The prediction has 7×11×12 voxels and the scan 7×11×13"):
        score_masks("liver", ORGAN, ORGAN[:, :, :12], GEOMETRY, Scoring())
