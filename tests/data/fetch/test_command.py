"""`voxloop data fetch`: what a person reads, what a program reads, and what both are refused with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.data.fetch.server import Mirror, serving
from tests.data.fetch.tiny import tiny_tar, tiny_task
from voxloop.cli.main import app
from voxloop.data.fetch import tasks
from voxloop.data.fetch.tasks import TASKS
from voxloop.errors import VoxloopError


def run(*words: str) -> Result:
    done = CliRunner().invoke(app, ["data", "fetch", *words], env={"COLUMNS": "200"})
    if done.exception is not None:
        raise done.exception
    return done


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table with one task in it, whose checksum is that of the tiny tar."""
    find_task = tasks.find_task
    monkeypatch.setattr(tasks, "find_task", lambda said: find_task(said, [tiny_task()]))


def test_the_list_shows_all_ten(tmp_path: Path) -> None:
    shown = run("--list").stdout
    assert all(task.name in shown and str(task.training) in shown for task in TASKS)
    assert "CC-BY-SA 4.0" in shown
    listed = json.loads(run("--list", "--json").stdout)
    assert [(task["name"], task["md5"], task["licence"]) for task in listed] == [
        (task.name, task.md5, "CC-BY-SA 4.0") for task in TASKS
    ]


def test_a_person_reads_what_came_and_what_is_next(tmp_path: Path, tiny: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Mirror(tiny_tar())) as mirror:
        monkeypatch.setenv("VOXLOOP_MIRROR", mirror.url)
        said = run("spleen", "--out", str(tmp_path)).stdout
        again = run("09", "--out", str(tmp_path)).stdout
    folder = tmp_path / "Task09_Spleen"
    assert f"from {mirror.url}/Task09_Spleen.tar" in said
    assert f"{folder}: 2 labelled cases and 1 without labels, CT." in said
    assert "Labels: 0 background, 1 spleen." in said
    assert "Licence: CC-BY-SA 4.0" in said
    assert f"voxloop data check {folder}" in said
    assert f"voxloop train spleen_ct --data {folder}" in said
    assert f"{folder} is there already, whole." in again


def test_a_program_reads_json_and_nothing_else(tmp_path: Path, tiny: None) -> None:
    tmp_path = tmp_path / "a [bold] folder"
    tmp_path.mkdir()
    (tmp_path / "brought.tar").write_bytes(tiny_tar())
    words = ["spleen", "--archive", str(tmp_path / "brought.tar"), "--out", str(tmp_path), "--json"]
    said = json.loads(run(*words).stdout)
    assert said["folder"] == str(tmp_path / "Task09_Spleen")
    assert (said["training"], said["test"], said["already"]) == (2, 1, False)
    assert (said["labels"], said["modality"]) == ({"0": "background", "1": "spleen"}, {"0": "CT"})
    assert json.loads(run(*words).stdout)["already"] is True
    assert f"{tmp_path}/Task09_Spleen is there already" in run(*words[:-1]).stdout


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ([], "Name a task"),
        (["spleeen"], 'did you mean "Task09_Spleen"'),
        (["spleen", "--mirror", "s3://bucket"], "no http or https address"),
        (["spleen", "--mirror", ""], "has no address"),
        (["spleen", "--archive", "nowhere.tar"], "No archive is at nowhere.tar"),
    ],
)
def test_what_cannot_be_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], part: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(VoxloopError, match=part):
        run(*words)
    assert list(tmp_path.iterdir()) == []


def test_the_published_checksum_decides_on_an_archive_by_hand(tmp_path: Path) -> None:
    (tmp_path / "Task09_Spleen.tar").write_bytes(tiny_tar())
    with pytest.raises(VoxloopError, match="not 410d4a301da4e5b2f6f86ec3ddba524e"):
        run("spleen", "--out", str(tmp_path))
    assert [entry.name for entry in tmp_path.iterdir()] == ["Task09_Spleen.tar"]
