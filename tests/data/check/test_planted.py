"""Each planted fault is found under its kind and nothing else is said of its case; of a clean dataset only notes are taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.check.datasets import bad, checked, kinds
from voxloop.data.check import KINDS, Report
from voxloop.data.decathlon import case_id
from voxloop.data.phantom import make_brain_tumour, make_broken, make_spleen
from voxloop.data.phantom.broken import Fault

# What every phantom truly has: here and there a border, and two positions a little apart.
EVERYWHERE = {"forms_differ", "label_border"}


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Fault], Report]:
    folder = tmp_path_factory.mktemp("data") / "broken"
    return make_broken(folder), checked(folder)


def test_each_fault_is_found_and_nothing_else_of_its_case(broken: tuple[list[Fault], Report]) -> None:
    faults, report = broken
    assert len(faults) >= 45
    said = {}
    for fault in faults:
        where = case_id(Path(fault.file))
        about = [one for one in report.findings if where == one.case or fault.file == one.file]
        said[fault.kind] = kinds(about) - (EVERYWHERE - {fault.kind})
    # The ._ file lies beside the sound case, which touches the border.
    assert said == {fault.kind: {fault.kind} for fault in faults}


def test_the_sound_case_is_sound(broken: tuple[list[Fault], Report]) -> None:
    _, report = broken
    assert kinds([one for one in report.findings if one.case == "spleen_0"]) <= EVERYWHERE


def test_a_finding_says_the_numbers_the_file_and_the_way_out(broken: tuple[list[Fault], Report]) -> None:
    _, report = broken
    for finding in report.findings:
        known = KINDS[finding.kind]
        assert (finding.severity, finding.fix) == (known.severity, known.mend)
        assert finding.what.endswith(".")
        assert "\n" not in finding.what
    (shifted,) = [one for one in report.findings if one.kind == "label_shifted"]
    assert shifted.numbers["mm"] == pytest.approx(15, abs=0.01)
    assert shifted.file == "labelsTr/spleen_5.nii.gz"
    (unnamed,) = [one for one in report.findings if one.kind == "label_value"]
    assert unnamed.where is not None, "the page jumps to it"
    order = [finding.severity for finding in report.findings]
    assert order == sorted(order, key=["error", "warning", "note"].index), "worst first"


@pytest.mark.parametrize(("cases", "seed", "hospital"), [(8, 3, "A"), (2, 11, "B")])
def test_a_clean_ct_phantom_gets_few_notes(tmp_path: Path, cases: int, seed: int, hospital: str) -> None:
    make_spleen(tmp_path / "clean", cases, seed, "small", hospital)  # type: ignore[arg-type]
    report = checked(tmp_path / "clean")
    assert bad(report) == []
    assert kinds(list(report.findings)) <= EVERYWHERE | {"label_empty", "mixed_orientation", "mixed_spacing"}
    assert sum(one.kind == "label_empty" for one in report.findings) == (1 if cases == 8 else 0)
    assert len(report.findings) <= cases + 2


@pytest.mark.parametrize(("cases", "hospital"), [(5, "A"), (4, "B")])
def test_a_clean_mri_phantom_gets_none(tmp_path: Path, cases: int, hospital: str) -> None:
    make_brain_tumour(tmp_path / "clean", cases, 7, "small", hospital)  # type: ignore[arg-type]
    assert checked(tmp_path / "clean").findings == ()
