"""What holds for every pair of masks, whatever they look like and however their scan is stored."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.inference.metrics.masks import (
    SWAPPABLE,
    Mask,
    figures,
    geometry_of,
    mask_of,
    pairs,
    seeds,
    sheared,
    straight,
    turned,
    turns,
)
from voxloop.inference.metrics import Scoring
from voxloop.inference.metrics.distances import diagonal_mm
from voxloop.inference.metrics.surfaces import KINDS

kinds = st.sampled_from(KINDS)
some = settings(max_examples=30, deadline=None)


def same(one: dict[str, float], other: dict[str, float]) -> None:
    assert one == pytest.approx(other, rel=1e-9, abs=1e-9, nan_ok=True)


@some
@given(pairs(), seeds, kinds)
def test_truth_and_prediction_may_be_swapped(pair: tuple[Mask, Mask], seed: int, kind: str) -> None:
    geometry, how = geometry_of(pair[0].shape, sheared(seed)), Scoring(surface=kind)
    one, other = figures(*pair, geometry, how), figures(pair[1], pair[0], geometry, how)
    assert {key: one[key] for key in SWAPPABLE} == pytest.approx({key: other[key] for key in SWAPPABLE})
    assert one["sensitivity"] == other["precision"]
    assert one["difference_ml"] == pytest.approx(-other["difference_ml"])
    assert one["lesions_truth"] == other["lesions_predicted"]


@settings(max_examples=8, deadline=None)
@given(pairs(), seeds, kinds, st.sampled_from([0.0, 0.2, 0.5]))
def test_a_scan_may_be_stored_in_any_of_the_48_orientations(
    pair: tuple[Mask, Mask], seed: int, kind: str, lesion_iou: float
) -> None:
    matrix, how = sheared(seed), Scoring(surface=kind, lesion_iou=lesion_iou)
    expected = figures(*pair, geometry_of(pair[0].shape, matrix), how)
    for order, signs in turns():
        truth, predicted = (turned(mask, order, signs) for mask in pair)
        same(figures(truth, predicted, geometry_of(truth.shape, matrix[:, order] * signs), how), expected)


@some
@given(pairs(), seeds, kinds)
def test_air_around_both_masks_changes_nothing(pair: tuple[Mask, Mask], seed: int, kind: str) -> None:
    matrix, how = sheared(seed), Scoring(surface=kind)
    truth, predicted = (np.pad(mask, [(2, 0), (1, 3), (0, 1)]) for mask in pair)
    same(
        figures(truth, predicted, geometry_of(truth.shape, matrix), how),
        figures(*pair, geometry_of(pair[0].shape, matrix), how),
    )


@some
@given(pairs(), seeds, kinds)
def test_a_patient_may_lie_at_any_angle_and_millimetres_are_millimetres(
    pair: tuple[Mask, Mask], seed: int, kind: str
) -> None:
    matrix = sheared(seed)
    turn, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((3, 3)))
    here = figures(*pair, geometry_of(pair[0].shape, matrix), Scoring(surface=kind, tolerance_mm=1.1))
    same(figures(*pair, geometry_of(pair[0].shape, turn @ matrix), Scoring(surface=kind, tolerance_mm=1.1)), here)
    thrice = figures(*pair, geometry_of(pair[0].shape, 3 * matrix), Scoring(surface=kind, tolerance_mm=3.3))
    for key, value in here.items():
        power = 3 if key.endswith("_ml") else 1 if key.endswith("_mm") else 0
        assert thrice[key] == pytest.approx(value * 3**power, nan_ok=True), key


@some
@given(pairs(), seeds, kinds)
def test_figures_keep_their_order(pair: tuple[Mask, Mask], seed: int, kind: str) -> None:
    geometry = geometry_of(pair[0].shape, sheared(seed))
    found = figures(*pair, geometry, Scoring(surface=kind))
    assert 0 <= found["hd95_mm"] <= found["hd_mm"] <= diagonal_mm(geometry)
    assert 0 <= found["assd_mm"] <= found["hd_mm"] * (1 + 1e-12)
    assert found["iou"] <= found["dice"] == pytest.approx(2 * found["iou"] / (1 + found["iou"]))
    assert found["lesions_found"] + found["lesions_missed"] == found["lesions_truth"]
    assert found["lesions_false"] <= found["lesions_predicted"]
    nsd = [
        figures(*pair, geometry, Scoring(surface=kind, tolerance_mm=mm))["nsd"]
        for mm in (0, found["hd_mm"] / 2, found["hd_mm"] * 0.99, found["hd_mm"])
    ]
    assert nsd == sorted(nsd)
    assert nsd[3] == 1.0
    assert found["hd_mm"] == 0 or nsd[2] < 1.0


@some
@given(pairs(), seeds, kinds)
def test_a_perfect_prediction_is_perfect(pair: tuple[Mask, Mask], seed: int, kind: str) -> None:
    truth, _ = pair
    how = Scoring(surface=kind, tolerance_mm=0, lesion_iou=1)
    found = figures(truth, truth.copy(), geometry_of(truth.shape, sheared(seed)), how)
    for key in (
        "dice",
        "iou",
        "sensitivity",
        "precision",
        "nsd",
        "lesion_sensitivity",
        "lesion_precision",
        "lesion_f1",
    ):
        assert found[key] == 1.0, key
    for key in (
        "hd95_mm",
        "hd_mm",
        "assd_mm",
        "difference_ml",
        "difference_percent",
        "lesions_missed",
        "lesions_false",
    ):
        assert found[key] == 0.0, key


@some
@given(pairs(), seeds, kinds)
def test_no_prediction_is_never_better_than_any(pair: tuple[Mask, Mask], seed: int, kind: str) -> None:
    """So nobody gains by leaving an organ out that a model finds badly."""
    truth, predicted = pair
    geometry, how = geometry_of(truth.shape, sheared(seed)), Scoring(surface=kind)
    missed, tried = (figures(truth, mask, geometry, how) for mask in (np.zeros_like(truth), predicted))
    for key in ("dice", "iou", "nsd", "sensitivity", "lesion_f1", "lesion_sensitivity"):
        assert missed[key] == 0.0 <= tried[key], key
    for key in ("hd95_mm", "hd_mm", "assd_mm"):
        assert missed[key] == diagonal_mm(geometry) >= tried[key], key


@pytest.mark.parametrize("kind", KINDS)
def test_a_box_moved_by_two_slices_of_five_millimetres_is_ten_millimetres_off(kind: str) -> None:
    truth = np.zeros((12, 12, 12), bool)
    truth[3:7, 3:7, 3:7] = True
    found = figures(truth, np.roll(truth, 2, axis=2), straight(truth.shape, (0.7, 0.7, 5.0)), Scoring(surface=kind))
    assert found["hd_mm"] == found["hd95_mm"] == pytest.approx(10.0)
    assert found["dice"] == 0.5
    assert found["truth_ml"] == found["predicted_ml"] == pytest.approx(64 * 0.7 * 0.7 * 5 / 1000)


def test_a_tilted_gantry_moves_a_slice_sideways_too() -> None:
    """One slice up is 4 mm up and 3 mm to the front: 5 mm, which the spacing alone says as well; a voxel to the back of that is not."""
    truth = np.zeros((5, 9, 5), bool)
    truth[2, 4, 1] = True
    matrix = np.array([[1.0, 0, 0], [0, 3.0, 3.0], [0, 0, 4.0]])
    for moved, expected in (((2, 4, 2), 5.0), ((2, 3, 2), 4.0), ((2, 5, 2), math.hypot(6, 4))):
        predicted = np.zeros_like(truth)
        predicted[moved] = True
        found = figures(truth, predicted, geometry_of(truth.shape, matrix), Scoring(surface="voxels"))
        assert found["hd_mm"] == found["hd95_mm"] == found["assd_mm"] == pytest.approx(expected)


def test_a_class_has_a_tolerance_of_its_own() -> None:
    truth = mask_of("one voxel", (9, 9, 9), 1)
    predicted, geometry = np.roll(truth, 1, axis=0), straight((9, 9, 9), (1, 1, 1))
    strict, lenient = Scoring(tolerance_mm=0.5), Scoring(tolerance_mm=0.5, tolerances_mm={"liver": 3})
    assert figures(truth, predicted, geometry, strict)["nsd"] < figures(truth, predicted, geometry, lenient)["nsd"] == 1
