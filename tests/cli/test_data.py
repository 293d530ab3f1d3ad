"""`voxloop data`: what a person types, reads and gets as JSON; and how data reach a training by their version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.data.importing.sources import label, loose, state
from voxloop.cli.main import app
from voxloop.errors import VoxloopError
from voxloop.store import open_project


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    loose(tmp_path / "source", [f"case_{number}" for number in range(6)])
    return tmp_path


def data(*words: str) -> str:
    done = CliRunner().invoke(app, ["data", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def told(*words: str) -> Any:
    done = CliRunner().invoke(app, ["data", *words, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_loose_files_become_a_dataset_with_a_version(here: Path) -> None:
    before = state(here)
    words = data("import", "source", "--name", "spleen", "--label", "1=spleen", "--modality", "CT", "--dry-run")
    assert 'scans are "images/{case}_ct"' in words
    assert "6 new" in words
    assert "Nothing was written" in words
    assert state(here) == before
    assert told("import", "source", "--name", "spleen", "--label", "1=spleen")["version"] is None
    assert not (here / ".voxloop").exists()
    assert "spleen:v1" in data("import", "source", "--name", "spleen", "--project", ".")
    assert "Nothing has changed" in data("import", "source", "--name", "spleen")
    loose(here / "source", ["case_9"])
    assert told("import", "source", "--name", "spleen")["version"] == "spleen:v2"


def test_a_dataset_is_shown_as_it_is_and_as_it_was(here: Path) -> None:
    data("import", "source", "--name", "spleen", "--label", "1=spleen", "--modality", "CT", "--project", ".")
    loose(here / "source", ["case_9"])
    data("import", "source", "--name", "spleen")
    data("split", "spleen", "--folds", "3")
    now, before = told("show", "spleen"), told("show", "spleen:v1")
    assert (now["cases"], before["cases"]) == (7, 6)
    assert now["splits"]["default"] == {"training": 5, "validation": 1, "in no part": 1}
    assert now["splits"]["cv/0"] == {"training": 4, "validation": 3}
    assert [version["ref"] for version in now["versions"]] == ["spleen:v1", "spleen:v2"]
    assert "cv/0" not in before["splits"]
    for words in (data("show", "spleen"), data("show", "spleen:latest")):
        assert "0 background, 1 spleen" in words


def test_splits_are_made_extended_and_kept(here: Path) -> None:
    data("import", "source", "--name", "spleen", "--label", "1=spleen")
    assert "--split cv/0" in data("split", "spleen", "--folds", "3")
    stored = (here / "spleen/splits.json").read_text()
    data("split", "spleen", "--folds", "3")
    assert (here / "spleen/splits.json").read_text() == stored
    with pytest.raises(VoxloopError, match="--force"):
        data("split", "spleen", "--folds", "2")
    assert "--split holdout" in data("split", "spleen", "--val-fraction", "0.5", "--test-fraction", "0.2")
    loose(here / "source", ["case_9"])
    assert "voxloop data split" in data("import", "source", "--name", "spleen")
    assert "1 new case found a place" in data("split", "spleen", "--extend")
    assert "nothing has changed" in data("split", "spleen", "--extend")
    for words in (["--extend", "--folds", "2"], ["--folds", "2", "--val-fraction", "0.1"]):
        with pytest.raises(VoxloopError):
            data("split", "spleen", *words)


def test_an_export_of_a_version_holds_what_it_held(here: Path) -> None:
    data("import", "source", "--name", "spleen", "--label", "1=spleen", "--modality", "CT", "--project", ".")
    loose(here / "source", ["case_9"])
    data("import", "source", "--name", "spleen")
    assert "6 cases" in data("export", "spleen:v1", "--out", "Dataset001_Spleen", "--to", "nnunet", "--format", "mha")
    assert len(list((here / "Dataset001_Spleen/imagesTr").glob("*_0000.mha"))) == 6


def test_data_reach_a_command_by_their_version_or_are_refused(here: Path) -> None:
    data("import", "source", "--name", "spleen", "--label", "1=spleen", "--modality", "CT", "--project", ".")
    label(here / "source/labels/case_2_seg.nii.gz", (1, 1))
    with pytest.raises(VoxloopError, match='the label of the case "case_2" has changed'):
        CliRunner().invoke(app, ["train", "spleen_ct", "--data", "spleen:v1"], catch_exceptions=False)
    with pytest.raises(VoxloopError, match="it has: v1"):
        CliRunner().invoke(app, ["train", "spleen_ct", "--data", "spleen:v3"], catch_exceptions=False)
    with open_project(here) as project:
        assert project.count_runs() == 0


def test_without_a_name_or_a_meaning_the_way_out_is_told() -> None:
    with pytest.raises(VoxloopError, match="--name"):
        data("import", "source")
    with pytest.raises(VoxloopError, match="--label 1=NAME"):
        data("import", "source", "--name", "spleen")
