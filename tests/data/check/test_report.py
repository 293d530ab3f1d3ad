"""The report, its fingerprint and its plots; the catalogue, from which the docs are made."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tests.data.check.datasets import checked
from voxloop.data.check import KINDS, Patch, Report
from voxloop.data.check.plots import draw
from voxloop.data.decathlon import read_dataset
from voxloop.data.phantom import make_spleen
from voxloop.errors import VoxloopError

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def spleens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "Task09_Spleen"
    make_spleen(folder, 3, 2, "small", test_cases=0)
    return folder


@pytest.fixture(scope="module")
def report(spleens: Path) -> Report:
    return checked(spleens)


def test_the_reference_of_findings_is_fresh() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "generate.py"))["findings"]()
    assert (ROOT / "docs" / "reference" / "findings.md").read_text() == made, (
        "docs/reference/findings.md is stale; run: make docs"
    )


def test_each_kind_of_the_catalogue_has_its_sentences() -> None:
    for kind in KINDS.values():
        assert not kind.title.endswith(".")
        assert kind.why.endswith(".")
        assert kind.mend.endswith(".")


def test_each_kind_that_is_said_is_in_the_catalogue_and_each_of_it_is_said() -> None:
    code = "".join(
        path.read_text()
        for path in (ROOT / "src" / "voxloop" / "data" / "check").glob("*.py")
        if path.name != "catalogue.py"
    )
    assert {kind for kind in KINDS if f'"{kind}"' not in code} == set()


def test_a_report_is_json(report: Report) -> None:
    again = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert again["cases"] == ["spleen_0", "spleen_1", "spleen_2"]
    assert again["counts"]["error"] == 0
    assert {finding["kind"] for finding in again["findings"]} == set(again["kinds"])


def test_the_fingerprint_is_what_numpy_says(spleens: Path, report: Report) -> None:
    under = []
    for case in read_dataset(spleens).training:
        scan, label = nib.load(case.image), np.asanyarray(nib.load(case.label).dataobj)
        known = report.fingerprint["cases"][case.id]
        hu = np.asanyarray(scan.dataobj)
        assert known["shape"] == list(scan.shape)
        assert known["spacing_mm"] == pytest.approx(scan.header.get_zooms()[:3], rel=1e-4)
        assert known["orientation"] == "".join(nib.aff2axcodes(scan.affine))
        all_of = known["intensity"][0]["all"]
        assert (all_of["min"], all_of["max"]) == (hu.min(), hu.max())
        assert all_of["p95"] == pytest.approx(np.percentile(hu, 95), abs=1)
        spleen = known["classes"]["spleen"]
        assert spleen["voxels"] == label.sum()
        ml = label.sum() * abs(np.linalg.det(scan.affine[:3, :3])) / 1000
        assert spleen["ml"] == pytest.approx(ml, rel=1e-4)
        under.append(hu[label == 1])
    (foreground,) = report.fingerprint["dataset"]["foreground"]
    values = np.concatenate(under)
    assert foreground["mean"] == pytest.approx(values.mean(), rel=1e-4)
    assert foreground["std"] == pytest.approx(values.std(), rel=1e-4)
    assert foreground["p0.5"] == pytest.approx(np.percentile(values, 0.5), abs=4)
    assert foreground["p99.5"] == pytest.approx(np.percentile(values, 99.5), abs=4)


def test_scans_that_are_short_for_a_patch(spleens: Path) -> None:
    report = checked(spleens, patch=Patch("mine", (1.5, 1.5, 2.0), (96, 96, 150)))
    short = [one for one in report.findings if one.kind == "short_for_patch"]
    assert short, "no phantom is 300 mm long"
    for one in short:
        known = report.fingerprint["cases"][one.case]
        assert one.numbers["size"][2] == round(known["size_mm"][2] / 2)
        assert one.severity == "note"
    assert not [one for one in checked(spleens, patch=Patch("small", (2, 2, 2), (32, 32, 32))).findings if one in short]


def test_plots_are_drawn(report: Report, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    written = draw(report, tmp_path / "plots")
    assert [path.name for path in written] == ["spacing.svg", "size.svg", "intensity.svg", "volumes.svg"]
    assert all(path.read_text().startswith("<?xml") for path in written)


def test_without_matplotlib_plots_are_refused_in_a_sentence(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(VoxloopError, match="pip install matplotlib"):
        draw(report, tmp_path)
