"""`voxloop data check` as a person types it: what it says, its exit codes, its files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from voxloop.data.phantom import make_spleen


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "Task09_Spleen"
    make_spleen(folder, 2, 2, "small", test_cases=0)
    return folder


def run(*words: str, cwd: Path, expect: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "voxloop", "data", "check", *words],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done


def test_clean_data_has_the_exit_code_0_and_a_report(clean: Path, tmp_path: Path) -> None:
    done = run(str(clean), "--recipe", "spleen_ct", "--out", "report.json", "--strict", cwd=tmp_path)
    first = done.stdout.splitlines()[0]
    assert first.startswith(f"{clean}: 2 cases looked at in ")
    assert "; 0 errors, 0 warnings, " in first
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["cases"] == ["spleen_0", "spleen_1"]
    assert report == {**json.loads(run(str(clean), "--recipe", "spleen_ct", "--json", cwd=tmp_path).stdout)} | {
        "seconds": report["seconds"]
    }


def test_an_error_is_told_with_the_way_out_and_the_exit_code_1(clean: Path, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    (folder / "imagesTr").mkdir(parents=True)
    (folder / "labelsTr").mkdir()
    pairs = []
    for number in range(5):
        names = {part: f"{part}/s[{number}].nii.gz" for part in ("imagesTr", "labelsTr")}
        for part, name in names.items():
            whole = (clean / part / "spleen_0.nii.gz").read_bytes()
            (folder / name).write_bytes(whole[:900] if part == "imagesTr" else whole)
        pairs.append({"image": names["imagesTr"], "label": names["labelsTr"]})
    content = {"modality": {"0": "CT"}, "labels": {"0": "background", "1": "spleen"}, "training": pairs}
    (folder / "dataset.json").write_text(json.dumps(content))
    said = run(str(folder), cwd=tmp_path, expect=1).stdout
    assert "5 errors" in said.splitlines()[0]
    assert "error: a file that ends too early (5 times) [truncated]" in said
    assert "  s[0]: s[0].nii.gz is cut off" in said, "names with brackets are no markup"
    assert "  also: s[3], s[4]" in said
    assert "  -> Copy or download the file again." in said


def test_warnings_count_when_they_are_asked_to(clean: Path, tmp_path: Path) -> None:
    content = json.loads((clean / "dataset.json").read_text()) | {"numTraining": 7}
    shutil.copytree(clean, tmp_path / "set")
    (tmp_path / "set" / "dataset.json").write_text(json.dumps(content))
    assert "1 warning," in run("set", cwd=tmp_path).stdout
    run("set", "--strict", cwd=tmp_path, expect=1)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("nowhere",), "No dataset is at nowhere"),
        ((".",), "nothing to check"),
        ((".", "--recipe", "spleen_cd"), 'did you mean "spleen_ct"'),
    ],
)
def test_what_cannot_be_checked_is_told_in_a_line(tmp_path: Path, words: tuple[str, ...], part: str) -> None:
    said = run(*words, cwd=tmp_path, expect=1).stderr
    assert part in said
    assert len(said.strip().splitlines()) == 1
