"""`voxloop evaluate` as it is typed: tables, files, JSON, and an exit code that tells of what is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.inference.evaluation.made import make_dataset, second_reading
from voxloop.store import open_project

FEW = ["--resamples", "200"]


def voxloop(cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "voxloop", "evaluate", *words, "--data", "Tiny", *FEW],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def work(tmp_path: Path) -> Path:
    dataset = make_dataset(tmp_path / "Tiny")
    second_reading(dataset, tmp_path / "anna", wrong=0.05)
    second_reading(dataset, tmp_path / "ben", wrong=0.3, seed=1)
    return tmp_path


def test_two_readers_are_compared_and_a_damaged_file_is_told_at_the_end(work: Path) -> None:
    (work / "ben" / "case_2.nii.gz").write_bytes(b"damaged")
    done = voxloop(
        work, "anna", "ben", "--part", "all", "--classes", "liver", "--tolerance", "1", "--out", "results", "--json"
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "not scored: ben: case_2: case_2.nii.gz" in done.stderr
    assert done.stderr.splitlines()[-1].startswith(
        "voxloop: 1 case could not be scored, and the figures are without it;"
    )
    printed = json.loads(done.stdout)
    assert printed == json.loads((work / "results" / "evaluation.json").read_text())
    assert [(one["model"], one["complete"], len(one["cases"])) for one in printed["models"]] == [
        ("anna", True, 4),
        ("ben", False, 3),
    ]
    assert printed["scoring"]["tolerance_mm"] == 1.0
    assert {one["class"] for one in printed["comparisons"]} == {"liver"}
    assert {path.name for path in (work / "results").iterdir()} >= {"cases.csv", "comparison.csv", "table.tex"}
    with open_project(work) as project:
        assert [run.name for run in project.runs()] == ["compare anna, ben", "evaluate ben", "evaluate anna"]


def test_one_reader_in_the_terminal(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from voxloop.cli.main import app

    monkeypatch.chdir(work)
    words = ["evaluate", "anna", "--data", "Tiny", "--part", "all", "--name", "second reading", *FEW]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, (done.output, done.exception)
    assert "anna: mean Dice 0.9" in done.stdout
    assert done.stdout.index("case_") < done.stdout.index("95 % confidence interval of the mean")
    with open_project(work) as project:
        assert [run.name for run in project.runs()] == ["second reading"]


def test_what_cannot_be_meant_is_refused_before_the_work() -> None:
    """In this process, for these refuse before anything heavy is imported or written."""
    from voxloop.cli.evaluate import _metrics, _scoring
    from voxloop.errors import VoxloopError
    from voxloop.inference.metrics import METRICS, Scoring

    assert _metrics("all") == list(METRICS)
    assert [metric.key for metric in _metrics("truth_ml, dice,dice")] == ["truth_ml", "dice"]
    for said in ("dyce", ","):
        with pytest.raises(VoxloopError, match=r"there are: all, dice|names none"):
            _metrics(said)
    assert _scoring(["spleen=3", "1.5", "left lung=0"], "voxels", 0.3) == Scoring(
        1.5, {"spleen": 3.0, "left lung": 0.0}, "voxels", 0.3
    )
    assert _scoring([], "elements", 0.0) == Scoring()
    for said in ("spleen", "spleen=", "-1", "nan", "liver=inf", "=x"):
        with pytest.raises(VoxloopError, match="is no number of millimetres; give 2 for all, or spleen=3"):
            _scoring([said], "elements", 0.0)
    with pytest.raises(VoxloopError, match='"elements" or "voxels", not "faces"'):
        _scoring([], "faces", 0.0)


def test_ctrl_c_is_one_sentence_and_an_interrupted_run(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal comes while a bundle reads its second case."""
    from typer.testing import CliRunner

    from tests.inference.evaluation.bundles import make_bundle
    from voxloop.cli.main import app

    make_bundle(work / "model", {"_target_": "tests.inference.evaluation.bundles.CtrlC", "before": 2})
    monkeypatch.chdir(work)
    done = CliRunner().invoke(
        app, ["evaluate", "model", "--data", "Tiny", "--part", "all", "--name", "stopped", "--trust", *FEW]
    )
    assert done.exit_code == 130, (done.output, done.exception)
    with open_project(work) as project:
        run = project.run("stopped")
        scored = {one.context["case"] for one in project.series_of(run.id, "eval/dice")}
    assert done.stderr == (
        f"voxloop: interrupted; run {run.id} keeps the figures of the cases that were done, "
        "and the same command scores all of them.\n"
    )
    assert run.status == "interrupted"
    assert len(scored) == 1
