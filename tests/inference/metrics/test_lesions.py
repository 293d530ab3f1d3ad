"""Which lesions count as found, missed and false, where they are split, merged, or only alike."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.inference.metrics.masks import Mask, figures, pairs, straight
from voxloop.inference.metrics import Scoring


def line(drawn: str) -> Mask:
    """Lesions along a row of voxels: `##.#` are two of them."""
    return np.array([[[letter == "#" for letter in drawn]]])


def counts(truth: Mask, predicted: Mask, iou: float = 0.0) -> tuple[int, ...]:
    """Found, missed, false."""
    found = figures(truth, predicted, straight(truth.shape, (1, 1, 1)), Scoring(lesion_iou=iou))
    return tuple(int(found[f"lesions_{what}"]) for what in ("found", "missed", "false"))


CASES = {
    #                 truth          prediction     a voxel     IoU 0.3    IoU 0.5
    "as it is": ("..####..##.", "..####..##.", (2, 0, 0), (2, 0, 0), (2, 0, 0)),
    "one missed": ("..####..##.", "..####.....", (1, 1, 0), (1, 1, 0), (1, 1, 0)),
    "one false": ("..####.....", "..####..##.", (1, 0, 1), (1, 0, 1), (1, 0, 1)),
    "a mere touch": ("..####.....", ".....####..", (1, 0, 0), (0, 1, 1), (0, 1, 1)),
    "one of three": ("..###......", "....#......", (1, 0, 0), (1, 0, 0), (0, 1, 1)),
    "beside it": ("..####.....", "......####.", (0, 1, 1), (0, 1, 1), (0, 1, 1)),
    "split evenly": ("..#####....", "..##.##....", (1, 0, 0), (1, 0, 1), (0, 1, 2)),
    "split in five": ("#########..", "#.#.#.#.#..", (1, 0, 0), (0, 1, 5), (0, 1, 5)),
    "merged": ("..##.##....", "..#####....", (2, 0, 0), (1, 1, 0), (0, 2, 1)),
    "everything": ("..##..#..#.", "###########", (3, 0, 0), (0, 3, 1), (0, 3, 1)),
}


@pytest.mark.parametrize("case", CASES)
def test_lesions_are_found_by_a_voxel_or_by_an_iou(case: str) -> None:
    truth, predicted, *expected = CASES[case]
    assert [counts(line(truth), line(predicted), iou) for iou in (0.0, 0.3, 0.5)] == expected


def test_the_three_shares_follow_from_the_three_counts() -> None:
    truth, predicted = line("##.##.##.##......"), line("##.#.....##.#.#.#")
    found = figures(truth, predicted, straight(truth.shape, (1, 1, 1)))
    assert counts(truth, predicted) == (3, 1, 3)
    assert found["lesion_sensitivity"] == 3 / 4
    assert found["lesion_precision"] == 3 / 6
    assert found["lesion_f1"] == 2 * 3 / (2 * 3 + 1 + 3)


def test_corners_join_a_lesion() -> None:
    truth = np.zeros((5, 5, 5), bool)
    truth[range(5), range(5), range(5)] = True
    assert counts(truth, truth) == (1, 0, 0)
    assert figures(truth, truth, straight(truth.shape, (1, 1, 8)))["lesions_truth"] == 1


def test_the_most_pairs_count_not_the_first() -> None:
    """The long lesion could be taken by the only partner that the short one has; both can have one."""
    truth, predicted = line("####.##..."), line("##.##.#...")
    # IoU: long with first 2/4, long with second 1/5, short with second 1/4... so from 0.2 on both find a partner.
    assert counts(truth, predicted, 0.2) == (2, 0, 1)


@settings(max_examples=40, deadline=None)
@given(pairs())
def test_components_are_simpleitks(pair: tuple[Mask, Mask]) -> None:
    import SimpleITK as sitk  # noqa: N813

    def numbered(mask: Mask) -> Any:
        return sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8)), True))

    truth, predicted = pair
    true, said = numbered(truth), numbered(predicted)
    hit = len(np.unique(true[predicted & truth]))
    false = said.max() - len(np.unique(said[predicted & truth]))
    assert counts(truth, predicted) == (hit, true.max() - hit, false)


@settings(max_examples=40, deadline=None)
@given(pairs(), st.sampled_from([0.05, 0.2, 0.5, 0.8]))
def test_pairs_are_the_most_that_a_search_through_all_pairings_finds(pair: tuple[Mask, Mask], iou: float) -> None:
    from scipy.ndimage import label

    truth, predicted = pair
    (true, many), (said, more) = (label(mask, np.ones((3, 3, 3))) for mask in pair)
    if max(many, more) > 5:
        return
    alike = np.array(
        [
            [((true == a) & (said == b)).sum() / ((true == a) | (said == b)).sum() >= iou for b in range(1, more + 1)]
            for a in range(1, many + 1)
        ]
    )
    alike = alike if many <= more else alike.T
    most = max(
        sum(bool(alike[a, b]) for a, b in enumerate(order))
        for order in permutations(range(max(alike.shape)), len(alike))
    )
    assert counts(truth, predicted, iou) == (most, many - most, more - most)
