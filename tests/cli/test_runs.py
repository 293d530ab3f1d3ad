"""`voxloop runs`: one question, and the answer as a person, a spreadsheet or a program wants it."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import voxloop as vx

Ask = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    for number, rate in enumerate((1e-2, 1e-4)):
        with vx.Run(name=f"unet-{number}", project=tmp_path, params={"lr": rate, "seed": 0}) as run:
            run.define("val/*", best="max")
            run.log({"val/dice": 0.8 + number / 10})
            print(f"said by {run.name}")

    def ask(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "voxloop", "runs", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)

    return ask


def test_a_query_is_the_first_word(ask: Ask) -> None:
    assert "2 of 2 runs" in ask().stdout
    found = ask("run.params.lr < 1e-3").stdout
    assert "1 of 1 runs" in found
    assert "unet-1" in found
    assert "unet-0" not in found


def test_columns_sort_and_format_make_a_table_for_others(ask: Ask, tmp_path: Path) -> None:
    words = ["--sort", '-run.metrics["val/dice"].max', "--columns", "name,params.lr,metrics.val/dice.max"]
    rows = list(csv.reader(io.StringIO(ask("--format", "csv", *words).stdout)))
    assert rows == [
        ["name", "params.lr", "metrics.val/dice.max"],
        ["unet-1", "0.0001", "0.9"],
        ["unet-0", "0.01", "0.8"],
    ]
    assert [row["name"] for row in json.loads(ask("--json", *words).stdout)] == ["unet-1", "unet-0"]
    assert ask("--format", "parquet", "--out", "runs.parquet").returncode == 0
    assert (tmp_path / "runs.parquet").read_bytes().startswith(b"PAR1")


def test_more_columns_than_fit_are_lines(ask: Ask) -> None:
    said = ask("--columns", "name,params,metrics,environment", "--limit", "1").stdout.splitlines()
    assert [line.split() for line in said if line.startswith(("name", "params.lr"))] == [
        ["name", "unet-1"],
        ["params.lr", "0.0001"],
    ]


def test_what_is_misspelt_is_shown_where_it_stands(ask: Ask) -> None:
    done = ask("run.stauts == 'failed'")
    assert done.returncode == 1
    assert "did you mean" in done.stderr
    assert "Traceback" not in done.stderr
    caret = done.stderr.splitlines()[-1]
    assert caret.strip() == "^"
    assert ask("--columns", "name,params.nothing").returncode == 1
    assert "--out" in ask("--format", "parquet").stderr


def test_runs_are_compared_by_what_differs(ask: Ask) -> None:
    one, two = json.loads(ask("compare", "unet-0", "unet-1", "--json").stdout)
    assert (one["params.lr"], two["params.lr"]) == (0.01, 0.0001)
    assert "params.seed" not in one
    assert "params.seed" in json.loads(ask("compare", "unet-0", "unet-1", "--json", "--all").stdout)[0]
    assert "name two or more" in ask("compare", "unet-0").stderr


def test_a_person_has_the_last_word_on_names_tags_and_notes(ask: Ask) -> None:
    assert "unet-0: good, old." in ask("tag", "unet-0", "good", "old").stdout
    assert "unet-0: good." in ask("tag", "unet-0", "old", "--remove").stdout
    assert "look at case 3" in ask("note", "unet-0", "look at case 3").stdout
    assert "unet-0 is now first" in ask("rename", "unet-0", "first").stdout
    assert json.loads(ask("show", "first", "--json").stdout)["notes"] == "look at case 3"
    assert ask("archive", "first", "unet-1").returncode == 0
    assert "0 of 0 runs" in ask().stdout
    assert ask("restore", "first").returncode == 0
    assert "1 of 1 runs" in ask("'good' in run.tags").stdout
    assert ask("delete", "first", "--yes").returncode == 0
    assert "No run is called" in ask("show", "first").stderr


def test_what_a_run_printed_is_there_to_read(ask: Ask) -> None:
    assert "said by unet-1" in ask("console", "unet-1").stdout


def test_the_words_of_a_query_are_told(ask: Ask) -> None:
    names = {one["name"] for one in json.loads(ask("terms", "--json").stdout)}
    assert {"run.name", "run.tags", "run.duration"} <= names
    assert "is nothing to ask about" in ask("terms", "volumes").stderr
