"""Each of the three ways to the nearest point finds it, and what they need of memory is bounded."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from tests.inference.metrics.masks import SPACINGS, figures, mask_of, sheared, straight
from voxloop.inference.metrics import nearest

LATTICES = [
    *(np.diag(spacing) for spacing in SPACINGS),
    sheared(3),
    np.diag([0.1, 0.1, 90.0]),
    np.diag([1e-4, 1.0, 1.0]),
]
WAYS: dict[str, dict[str, float]] = {
    "steps": {},
    "trees": {"_STEPS": 2},
    "many small trees": {"_STEPS": 2, "_IN_ONE_TREE": 7, "_AT_ONCE": 5},
    "one pass": {"_MANY": 0.0},
    "one pass in parts": {"_MANY": 0.0, "_AT_ONCE": 5},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("lattice", range(len(LATTICES)))
@pytest.mark.parametrize("kind", ["specks", "noise", "blob"])
def test_every_way_finds_the_nearest(way: str, lattice: int, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix, targets = LATTICES[lattice], mask_of(kind, (9, 11, 13), 2)
    for name, value in WAYS[way].items():
        monkeypatch.setattr(nearest, name, value)
    asked = np.argwhere(~targets)
    expected = cdist(asked @ matrix.T, np.argwhere(targets) @ matrix.T).min(axis=1)
    found = nearest.nearest_mm(np.flatnonzero(~targets), targets, matrix)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_noise_needs_no_more_memory_than_some_copies_of_its_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    """An untrained network's prediction: half of all voxels, and a surface everywhere, far from a small organ."""
    organ, noise = np.zeros((80, 80, 80), bool), mask_of("noise", (80, 80, 80), 1)
    organ[30:50, 30:50, 30:50] = True
    geometry = straight(organ.shape, (1, 1, 1))
    monkeypatch.setattr(nearest, "_AT_ONCE", 5_000)
    figures(organ[:40], noise[:40], straight((40, 80, 80), (1, 1, 1)))
    tracemalloc.start()
    try:
        figures(organ, noise, geometry)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak / organ.size < 40
