"""Whatever bytes a header holds, a check ends in sentences, and its report is JSON."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.data.check.datasets import checked, describe, save


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz")
    rng = np.random.default_rng(1)
    affine = np.diag([-3.0, -3.0, 3.0, 1.0])
    save(folder / "imagesTr" / "a.nii", rng.normal(0, 300, (9, 10, 11)).astype(np.float32), affine)
    save(folder / "labelsTr" / "a.nii", (rng.random((9, 10, 11)) > 0.5).astype(np.float32), affine)
    describe(folder, ["a"], training=[{"image": "imagesTr/a.nii", "label": "labelsTr/a.nii"}])
    return folder


changes = st.lists(st.tuples(st.integers(0, 351), st.integers(0, 255)), min_size=1, max_size=6)
voxels = st.lists(st.tuples(st.integers(352, 352 + 9 * 10 * 11 * 4 - 1), st.integers(0, 255)), max_size=6)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=changes, content=voxels, which=st.sampled_from(["imagesTr", "labelsTr"]))
def test_any_bytes_end_in_sentences(
    pair: Path, tmp_path: Path, header: list[tuple[int, int]], content: list[tuple[int, int]], which: str
) -> None:
    path = pair / which / "a.nii"
    whole = path.read_bytes()
    broken = bytearray(whole)
    for at, value in header + content:
        broken[at] = value
    path.write_bytes(bytes(broken))
    try:
        with warnings.catch_warnings():
            # What nibabel thinks of a header on its way is told by the finding.
            warnings.simplefilter("ignore")
            report = checked(pair, cache=tmp_path / str(abs(hash(bytes(broken)))))
        json.dumps(report.as_dict(), allow_nan=False)
        assert all(one.what.endswith(".") and "\n" not in one.what for one in report.findings)
    finally:
        path.write_bytes(whole)
