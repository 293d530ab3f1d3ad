"""What keeps a project small and sound, and moves it, from the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

import voxloop as vx
from voxloop.store import open_project


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with three versions of a model, of which the second is the best and the last was used."""
    home = tmp_path / "work"
    home.mkdir()
    for number in (1, 2, 3):
        (home / "model.pt").write_bytes(b"%d" % number * 1000)
        with vx.Run(name=f"train-{number}", project=home) as run:
            run.log({"loss": 1 / number})
            run.save(home / "model.pt", name="m", kind="model", aliases=["best"] if number == 2 else [])
    with vx.Run(name="evaluate", project=home) as run:
        run.use("m:v3")
    return home


def voxloop(folder: Path, *words: str, expect: int = 0, answer: str = "") -> str:
    """Runs the program as a person would; answers with what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "voxloop", *words],
        cwd=folder,
        env={**os.environ, "COLUMNS": "400", "OMP_NUM_THREADS": "1"},
        input=answer,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout if expect == 0 else done.stdout + done.stderr


def asked(folder: Path, *words: str, expect: int = 0) -> Any:
    done = voxloop(folder, *words, "--json", expect=expect)
    return json.loads(done[: done.rindex("}") + 1])


def age(folder: Path) -> None:
    with open_project(folder) as project:
        for digest in project.blobs:
            os.utime(project.blobs.path(digest), (time.time() - 7200,) * 2)


def refs(folder: Path) -> list[str]:
    with open_project(folder) as project:
        return [version.ref for version in project.artifacts()]


def test_prune_says_what_goes_asks_and_frees_the_space(folder: Path) -> None:
    age(folder)
    assert "1 version of 3 go, which frees 0.0 MB" in voxloop(folder, "models", "prune", "--dry-run")
    voxloop(folder, "models", "prune", answer="n\n", expect=1)
    assert refs(folder) == ["m:v1", "m:v2", "m:v3"]
    said = asked(folder, "models", "prune", "--yes")
    assert said == {"removed": ["m:v1"], "kept": 2, "bytes": 1000, "freed": 1000, "dry_run": False}
    assert refs(folder) == ["m:v2", "m:v3"]
    assert asked(folder, "models", "prune", "--keep", "best", "--name", "m", "--yes")["removed"] == ["m:v3"]
    assert "no rule of what to keep" in voxloop(folder, "models", "prune", "--keep", "good", expect=1)


def test_delete_alias_and_gc(folder: Path) -> None:
    assert "m:v2 is m:best, so it is kept" in voxloop(folder, "models", "delete", "m:v2", "--yes", expect=1)
    voxloop(folder, "models", "unalias", "m:best")
    assert "names no alias" in voxloop(folder, "models", "unalias", "m", expect=1)
    voxloop(folder, "models", "delete", "m:v2", "--yes")
    assert refs(folder) == ["m:v1", "m:v3"]
    assert asked(folder, "models", "gc", "--yes") == {
        "blobs": 0, "bytes": 0, "waiting": 1, "partials": 0, "folders": 0, "pictures": 0, "dry_run": False
    }  # fmt: skip
    age(folder)
    assert asked(folder, "models", "gc", "--dry-run")["bytes"] == 1000
    assert "1 files that nothing refers to (0.0 MB) freed" in voxloop(folder, "models", "gc", answer="y\n")
    assert asked(folder, "models", "gc", "--yes")["blobs"] == 0


def test_verify_and_export_read_every_byte(folder: Path) -> None:
    assert "3 versions sound" in voxloop(folder, "models", "verify")
    voxloop(folder, "models", "export", "m:best", "--out", "out")
    assert (folder / "out" / "model.pt").read_bytes() == b"2" * 1000
    voxloop(folder, "models", "export", "m:best", "--out", "out.zip")
    with zipfile.ZipFile(folder / "out.zip") as archive:
        assert archive.read("model.pt") == b"2" * 1000
    with open_project(folder) as project:
        path = project.blobs.path(project.artifact("m:best").files["model.pt"]["digest"])
    path.chmod(0o644)
    path.write_bytes(b"3" * 1000)
    assert "m:v2: model.pt is damaged" in voxloop(folder, "models", "verify", expect=1)
    assert asked(folder, "models", "verify", "m:v1")["unsound"] == {}
    assert asked(folder, "models", "verify", "m", expect=0)["versions"] == 1
    for out in ("again", "again.zip"):
        said = voxloop(folder, "models", "export", "m:best", "--out", out, expect=1)
        assert "m:v2: model.pt is damaged" in said
    assert not [path.name for path in folder.iterdir() if "again" in path.name]


def test_lineage_is_a_graph(folder: Path) -> None:
    said = asked(folder, "models", "lineage", "m:v3")
    assert [(edge["how"], edge["source"] == "m:v3") for edge in said["edges"]] == [("made", False), ("used", True)]
    assert "was used by run evaluate" in voxloop(folder, "models", "lineage", "m:v3", "--depth", "1")


def test_runs_travel_as_a_zip(folder: Path, tmp_path: Path) -> None:
    said = asked(folder, "runs", "export", "--out", "runs.zip")
    with vx.open(folder) as project:
        told = [one for run in project.runs() for one in run.environment.values()]
    of_code = {one["digest"] for one in told if isinstance(one, dict) and "digest" in one}
    assert (len(said["runs"]), said["versions"], said["blobs"]) == (4, 3, 3 + len(of_code))
    assert "is already there" in voxloop(folder, "runs", "export", "--out", "runs.zip", expect=1)
    other = tmp_path / "other"
    other.mkdir()
    assert "4 runs imported, 0 were here already" in voxloop(other, "runs", "import", str(folder / "runs.zip"))
    assert asked(other, "runs", "import", str(folder / "runs.zip"))["runs"] == {}
    assert refs(other) == ["m:v1", "m:v2", "m:v3"]
    voxloop(folder, "runs", "export", "evaluate", "train-1", "--out", "two.zip", "--no-blobs")
    (folder / "bad.zip").write_bytes((folder / "runs.zip").read_bytes()[:-40])
    assert "cannot be imported: it is no zip file, or its end is missing" in voxloop(
        other, "runs", "import", str(folder / "bad.zip"), expect=1
    )


def test_the_doctor_finds_and_mends_and_says_so_in_its_exit_code(folder: Path) -> None:
    assert "All is well" in voxloop(folder, "doctor")
    root = folder / ".voxloop"
    (root / "journals").mkdir(exist_ok=True)
    (root / "journals" / "x.damaged").write_bytes(b"?")
    said = asked(folder, "doctor", expect=1)
    assert [(one["check"], one["mendable"]) for one in said["findings"] if one["severity"] != "note"] == [
        ("journal", True)
    ]
    said = asked(folder, "doctor", "--repair")
    assert (said["sound"], [one["check"] for one in said["mended"]]) == (True, ["journal"])
    assert (Path(said["set_aside"]) / "journals" / "x.damaged").exists()


def test_the_doctor_without_a_project_looks_at_the_machine(tmp_path: Path) -> None:
    said = asked(tmp_path, "doctor")
    assert (said["project"], set(said["machine"])) == (None, {"python", "torch", "monai", "disk", "memory"})
    assert not (tmp_path / ".voxloop").exists()
    assert "No project is at" in voxloop(tmp_path, "doctor", "--project", str(tmp_path), expect=1)


def test_the_doctor_says_what_is_lost(folder: Path) -> None:
    for path in (folder / ".voxloop").glob("voxloop.db*"):
        path.unlink()
    assert "has lost its database; restore voxloop.db from a backup" in voxloop(folder, "doctor", expect=1)
    assert not (folder / ".voxloop" / "voxloop.db").exists()
