"""A project is damaged in every way that we know; it is found, said, mended where it can be, and nothing is thrown away."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import voxloop as vx
from tests.tracking.children import run_script
from voxloop.errors import VoxloopError
from voxloop.store import Project, open_project
from voxloop.store.doctor import examine, rebuild, repair
from voxloop.store.series import CHUNK

REST = 904
POINTS = CHUNK + REST


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A sound project with one of everything."""
    (tmp_path / "model.pt").write_bytes(b"weights")
    with vx.Run(name="unet", project=tmp_path, params={"lr": 1e-3}) as run:
        run.define("loss", best="min")
        for step in range(POINTS):
            run.log({"loss": 1 / (step + 1)}, step=step)
        run.log({"val/dice": 0.5}, step=0, context={"case": "a"})
        run.log({"scan": vx.Volume(np.arange(24, dtype=np.int16).reshape(2, 3, 4))}, step=1)
        run.save(tmp_path / "model.pt", name="m", kind="model", aliases=["best"])
    return tmp_path / ".voxloop"


def sql(root: Path, *statements: str) -> None:
    with closing(sqlite3.connect(root / "voxloop.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def contents(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        # What SQLite shares among its readers says nothing of the data.
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


def found(root: Path) -> list[tuple[str, str]]:
    return [(one.check, one.severity) for one in examine(root)]


def blob(project: Project) -> Path:
    return project.blobs.path(project.media_of(project.runs()[0].id)[0].data["image"]["digest"])


def aside(root: Path, name: str) -> list[dict[str, object]]:
    (path,) = (root / "set-aside").glob(f"*/{name}.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_sound_project_is_said_to_be_sound_and_is_not_touched(root: Path) -> None:
    before = contents(root)
    assert examine(root) == []
    said = repair(root)
    assert (said.mended, said.failed, said.left, said.aside) == ((), (), (), None)
    assert contents(root) == before


def test_a_project_at_work_is_sound(root: Path) -> None:
    with vx.Run(name="at work", project=root) as run:
        run.log({"loss": 1.0})
        assert examine(root) == []


# Points


def test_a_damaged_chunk_is_set_aside_and_the_rest_of_its_series_stays(root: Path) -> None:
    with closing(sqlite3.connect(root / "voxloop.db")) as connection:
        (whole,) = connection.execute("SELECT data FROM chunks WHERE number = 0 AND size > 1").fetchone()
    sql(root, "UPDATE chunks SET data = substr(data, 1, 100) WHERE number = 0 AND size > 1")
    (finding,) = examine(root)
    assert (finding.check, finding.severity) == ("chunk", "error")
    assert finding.sentence.startswith(f"{CHUNK} points of loss of run ")
    said = repair(root)
    assert [one.check for one in said.mended] == ["chunk"]
    assert said.left == ()
    with open_project(root) as project:
        (loss,) = project.series_of(project.runs()[0].id, "loss")
        assert (loss.count, loss.max, loss.first) == (REST, 1 / (CHUNK + 1), 1 / (CHUNK + 1))
        assert project.points(loss.id).steps.tolist() == list(range(CHUNK, POINTS))
    (kept,) = aside(root, "chunks")
    data = kept["data"]
    assert isinstance(data, dict)
    assert base64.b64decode(data["base64"]) == whole[:100]


@pytest.mark.parametrize("column", ["size", "min", "max", "first", "last", "last_step"])
def test_a_summary_is_made_anew_from_the_points(root: Path, column: str) -> None:
    with open_project(root) as project:
        before = project.series_of(project.runs()[0].id)
    sql(root, f"UPDATE series SET {column} = 7 WHERE name = 'loss'")
    (finding,) = examine(root)
    assert (finding.check, finding.severity) == ("summary", "warning")
    assert f"its row says {column} 7" in finding.sentence
    assert repair(root).left == ()
    with open_project(root) as project:
        assert project.series_of(project.runs()[0].id) == before


def test_points_that_are_gone_leave_a_series_without_points(root: Path) -> None:
    sql(root, "DELETE FROM chunks")
    assert found(root) == [("summary", "warning")] * 2
    assert repair(root).left == ()
    with open_project(root) as project:
        assert [one.count for one in project.series_of(project.runs()[0].id)] == [0, 0]


# Rows


@pytest.mark.parametrize(
    ("damage", "table", "rows"),
    [
        ("UPDATE chunks SET series_id = 99 WHERE number = 1", "chunks", 1),
        ("INSERT INTO console VALUES ('nobody', 0, 0.0, 'printed')", "console", 1),
        ("INSERT INTO uses VALUES ('nobody', 'm', 1)", "uses", 1),
        ("INSERT INTO aliases VALUES ('m', 'gone', 9)", "aliases", 1),
        ("UPDATE media SET run_id = 'nobody'", "media", 1),
        ("UPDATE series SET run_id = 'nobody' WHERE name = 'loss'", "series", 1),
    ],
)
def test_rows_of_nobody_are_set_aside(root: Path, damage: str, table: str, rows: int) -> None:
    sql(root, damage)
    assert ("orphan", "warning") in found(root)
    assert repair(root).left == ()
    assert len(aside(root, table)) == rows
    if table == "series":
        assert len(aside(root, "chunks")) == 2, "a series takes its points along"


def test_a_run_whose_series_are_set_aside_keeps_the_others(root: Path) -> None:
    sql(root, "DELETE FROM runs")
    repair(root)
    assert examine(root) == []
    with open_project(root) as project:
        assert project.runs() == []
        assert project.artifact("m:best").ref == "m:v1", "a version outlives the run that made it"


@pytest.mark.parametrize(
    ("damage", "column"),
    [
        ("UPDATE runs SET params = '{\"lr\": '", "params"),
        ("UPDATE runs SET tags = '{}'", "tags"),
        ("UPDATE runs SET definitions = x'ff00'", "definitions"),
    ],
)
def test_a_run_stays_without_what_cannot_be_read(root: Path, damage: str, column: str) -> None:
    sql(root, damage)
    (finding,) = examine(root)
    assert (finding.check, finding.severity) == ("json", "error")
    assert f"The {column} of runs" in finding.sentence
    assert repair(root).left == ()
    with open_project(root) as project:
        assert project.runs()[0].name == "unet"
    assert len(aside(root, "runs")) == 1


@pytest.mark.parametrize("table", ["media", "versions"])
def test_a_row_whose_content_cannot_be_read_is_set_aside(root: Path, table: str) -> None:
    sql(root, f"UPDATE {table} SET {'data' if table == 'media' else 'files'} = 'no JSON'")
    assert ("json", "error") in found(root)
    assert repair(root).left == ()
    (kept,) = aside(root, table)
    assert "no JSON" in kept.values()


# Blobs


def test_a_damaged_blob_is_set_aside_and_who_needs_it_is_said(root: Path) -> None:
    with open_project(root) as project:
        path = blob(project)
    path.chmod(0o644)
    path.write_bytes(b"not what it was")
    (finding,) = examine(root)
    assert (finding.check, finding.severity, finding.mendable) == ("blob", "error", True)
    assert "scan at step 1 of run" in finding.sentence
    said = repair(root)
    assert [(one.check, one.mendable) for one in said.left] == [("missing", False)]
    assert "restore blobs/ from a backup" in said.left[0].sentence
    assert not path.exists()
    assert [one.read_bytes() for one in (root / "set-aside").glob("*/blobs/*/*")] == [b"not what it was"]


def test_a_missing_blob_is_taken_from_the_cache_where_it_was_unpacked(root: Path) -> None:
    with open_project(root) as project:
        version = project.artifact("m")
        folder = project.materialise(version)
        project.blobs.path(version.files["model.pt"]["digest"]).unlink()
    (finding,) = examine(root)
    assert (finding.check, finding.mendable) == ("missing", True)
    assert "m:v1 needs it; an unpacked copy is in the cache" in finding.sentence
    assert repair(root).left == ()
    # A copy that was changed is none.
    with open_project(root) as project:
        project.blobs.path(version.files["model.pt"]["digest"]).unlink()
    (folder / "model.pt").unlink()
    (folder / "model.pt").write_bytes(b"Weights")
    said = repair(root)
    assert [one.check for one in said.left] == ["missing"]
    assert len(said.failed) == 1


# Files


def test_what_interrupted_writers_left_is_removed(root: Path) -> None:
    folder = next((root / "blobs").glob("??"))
    for name in (".partial-old", ".partial-new"):
        (folder / name).write_bytes(b"half")
    os.utime(folder / ".partial-old", (time.time() - 7200,) * 2)
    assert found(root) == [("partial", "warning")]
    assert repair(root).left == ()
    assert [path.name for path in folder.glob(".partial*")] == [".partial-new"]


def test_a_journal_that_nobody_could_read_is_kept_aside(root: Path) -> None:
    (root / "journals").mkdir(exist_ok=True)
    (root / "journals" / "x.damaged").write_bytes(b"the shopping list")
    assert found(root) == [("journal", "warning")]
    assert repair(root).left == ()
    assert [one.read_bytes() for one in (root / "set-aside").rglob("x.damaged")] == [b"the shopping list"]


def test_a_run_without_a_process_is_marked_crashed_and_loses_no_point(root: Path) -> None:
    run_script(
        """
import os, sys, voxloop as vx
run = vx.Run(name="doomed", project=sys.argv[1])
for step in range(10):
    run.log({"loss": float(step)}, step=step)
run.flush()
os._exit(0)
""",
        root,
    )
    (finding,) = examine(root)
    assert (finding.check, finding.severity) == ("run", "warning")
    assert "Run doomed" in finding.sentence
    assert repair(root).left == ()
    with closing(sqlite3.connect(root / "voxloop.db")) as connection:
        assert connection.execute("SELECT status FROM runs WHERE name = 'doomed'").fetchone() == ("crashed",)
        assert connection.execute("SELECT max(size) FROM series WHERE max = 9.0").fetchone() == (10,)


# The database


def big(root: Path, rows: int = 3000) -> None:
    """So many rows that every table has many pages."""
    with closing(sqlite3.connect(root / "voxloop.db")) as connection:
        with connection:
            (run,) = connection.execute("SELECT id FROM runs").fetchone()
            connection.executemany(
                "INSERT INTO console VALUES (?, ?, 0.0, ?)",
                [(run, number, f"line {number} " * 30) for number in range(rows)],
            )
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def pages_of(root: Path, table: str) -> list[int]:
    """The places of a table's leaves: pages that hold some of its text."""
    content = (root / "voxloop.db").read_bytes()
    return [
        at
        for at in range(0, len(content), 4096)
        if content[at] == 0x0D and table in content[at : at + 4096].decode("latin-1")
    ]


@pytest.mark.parametrize("which", [slice(5, 6), slice(40, 43), slice(-1, None), slice(0, None, 20)])
def test_a_broken_database_is_copied_as_far_as_it_can_be_read(root: Path, which: slice) -> None:
    big(root)
    pages = pages_of(root, "line ")
    content = bytearray((root / "voxloop.db").read_bytes())
    lost = 0
    for at in pages[which]:
        # So many rows a page says that it has.
        lost += int.from_bytes(content[at + 3 : at + 5])
        content[at : at + 4096] = b"\xa5" * 4096
    (root / "voxloop.db").write_bytes(content)
    assert ("database", "error") in found(root)
    said = repair(root)
    assert [one.check for one in said.left] == []
    assert said.aside is not None
    assert (said.aside / "voxloop.db").read_bytes() == content, "the broken one is kept as it was"
    with closing(sqlite3.connect(root / "voxloop.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (left,) = connection.execute("SELECT count(*) FROM console").fetchone()
    assert left == 3000 - lost, "every row on a whole page is there"
    with open_project(root) as project:
        assert project.series_of(project.runs()[0].id, "loss")[0].count == POINTS
        assert project.artifact("m:best").ref == "m:v1"


def test_a_lost_table_comes_back_empty(root: Path) -> None:
    sql(root, "DROP TABLE uses")
    (finding,) = examine(root)
    assert "it has lost the table uses" in finding.sentence
    assert repair(root).left == ()
    with open_project(root) as project:
        assert project.used(project.runs()[0].id) == []


def scribble(path: Path) -> None:
    path.write_bytes(b"no database at all, but a letter " * 400)


@pytest.mark.parametrize("destroy", [scribble, Path.unlink])
def test_where_nothing_can_be_read_nothing_is_changed(root: Path, destroy: Callable[[Path], None]) -> None:
    for name in ("voxloop.db-wal", "voxloop.db-shm"):
        (root / name).unlink(missing_ok=True)
    destroy(root / "voxloop.db")
    before = contents(root)
    (finding,) = examine(root)
    assert (finding.check, finding.severity) == ("database", "error")
    said = repair(root)
    assert [one.check for one in said.left] == ["database"]
    after = contents(root)
    assert {path: digest for path, digest in after.items() if not path.startswith("set-aside/")} == before
    assert not (root / "voxloop.db").exists() or any("restore it from a backup" in one for one in said.failed)


def test_a_newer_project_is_left_to_a_newer_program(root: Path) -> None:
    sql(root, "UPDATE meta SET value = '999' WHERE key = 'version'")
    (finding,) = examine(root)
    assert (finding.mendable, "update voxloop" in finding.sentence) == (False, True)
    before = contents(root)
    repair(root)
    assert contents(root) == before


def test_a_database_is_not_rebuilt_under_a_writer(root: Path) -> None:
    with vx.Run(name="at work", project=root), pytest.raises(VoxloopError, match="while 1 runs are written"):
        rebuild.rebuild(root / "voxloop.db", root / "set-aside")
