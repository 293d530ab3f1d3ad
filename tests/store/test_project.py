"""A project opens, is found, is refused with a sentence, and is shared by processes that write at once."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

import voxloop as vx
from voxloop.errors import VoxloopError
from voxloop.store import open_project, schema
from voxloop.store.sqlite import connect, upgrade


def test_the_nearest_project_is_found_from_below(tmp_path: Path) -> None:
    vx.Run(name="a", project=tmp_path).finish()
    deep = tmp_path / "one" / "two"
    deep.mkdir(parents=True)
    with open_project(deep) as project:
        assert project.root == tmp_path / ".voxloop"


def test_whoever_names_a_place_to_write_into_means_that_place(tmp_path: Path) -> None:
    vx.Run(name="a", project=tmp_path).finish()
    vx.Run(name="b", project=tmp_path / "inner").finish()
    with open_project(tmp_path / "inner") as project:
        assert [run.name for run in project.runs()] == ["b"]


def test_no_project_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(VoxloopError, match="No project is at"):
        open_project(tmp_path)


def test_a_folder_that_is_not_there_is_not_taken_for_the_one_above(tmp_path: Path) -> None:
    vx.Run(name="a", project=tmp_path).finish()
    with pytest.raises(VoxloopError, match="No folder is at"):
        open_project(tmp_path / "misspelt")


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".voxloop").mkdir()
    path = tmp_path / ".voxloop" / "voxloop.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE patients (name TEXT)")
    other.close()
    with pytest.raises(VoxloopError, match="another program"):
        open_project(tmp_path)


def test_a_damaged_database_is_a_sentence_and_is_left_alone(tmp_path: Path) -> None:
    vx.Run(name="a", project=tmp_path).finish()
    database = tmp_path / ".voxloop" / "voxloop.db"
    database.write_bytes(b"not a database " * 1000)
    with pytest.raises(VoxloopError, match="cannot be opened"):
        open_project(tmp_path)
    assert database.read_bytes().startswith(b"not a database")


def test_a_store_from_the_future_is_refused(tmp_path: Path) -> None:
    vx.Run(name="a", project=tmp_path).finish()
    with sqlite3.connect(tmp_path / ".voxloop" / "voxloop.db") as database:
        database.execute("UPDATE meta SET value = '99' WHERE key = 'version'")
    database.close()
    with pytest.raises(VoxloopError, match="newer voxloop"):
        open_project(tmp_path)


def test_an_older_store_is_brought_forward_after_a_backup(tmp_path: Path) -> None:
    vx.Run(name="a", project=tmp_path).finish()
    path = tmp_path / ".voxloop" / "voxloop.db"
    engine = connect(path)

    def colour(connection: sa.engine.Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE runs ADD COLUMN colour TEXT")

    upgrade(engine, path, schema.VERSION + 1, {schema.VERSION: colour})
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT name, colour FROM runs").all() == [("a", None)]
    engine.dispose()
    backup = sqlite3.connect(path.with_name(f"voxloop.db.schema-{schema.VERSION}.backup"))
    assert backup.execute("SELECT name FROM runs").fetchall() == [("a",)]
    with pytest.raises(sqlite3.OperationalError, match="colour"):
        backup.execute("SELECT colour FROM runs")
    backup.close()


def test_a_failing_migration_changes_nothing(tmp_path: Path) -> None:
    vx.Run(name="a", project=tmp_path).finish()
    path = tmp_path / ".voxloop" / "voxloop.db"
    engine = connect(path)

    def half(connection: sa.engine.Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE runs ADD COLUMN colour TEXT")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        upgrade(engine, path, schema.VERSION + 1, {schema.VERSION: half})
    engine.dispose()
    with open_project(tmp_path) as project:
        assert project.run("a").name == "a"
    with sqlite3.connect(path) as database, pytest.raises(sqlite3.OperationalError):
        database.execute("SELECT colour FROM runs")
    database.close()


def test_runs_are_found_by_id_beginning_and_name(tmp_path: Path) -> None:
    ids = {}
    for name in ("unet-a", "unet-b"):
        with vx.Run(name=name, project=tmp_path) as run:
            ids[name] = run.id
    with open_project(tmp_path) as project:
        assert project.run("unet-a").id == project.run(ids["unet-a"]).id == project.run(ids["unet-a"][:8]).id
        with pytest.raises(VoxloopError, match="Did you mean unet-"):
            project.run("unet-c")
        with pytest.raises(VoxloopError, match="No run is called"):
            project.run("%")


def test_a_deleted_run_takes_its_numbers_along_and_leaves_its_artifacts(tmp_path: Path) -> None:
    with vx.Run(name="a", project=tmp_path) as run:
        run.log({"loss": 1.0})
        (tmp_path / "model.pt").write_bytes(b"weights")
        run.save(tmp_path / "model.pt", name="model", kind="model")
    with open_project(tmp_path) as project:
        project.delete_run(run.id)
        assert project.runs() == []
        assert project.series_of(run.id) == []
        assert project.artifact("model").run_id == run.id


def test_a_running_run_is_not_deleted(tmp_path: Path) -> None:
    run = vx.Run(name="a", project=tmp_path)
    with open_project(tmp_path) as project, pytest.raises(VoxloopError, match="still running"):
        project.delete_run(run.id)
    run.finish()


def test_processes_write_at_once_and_all_of_it_is_there(tmp_path: Path) -> None:
    code = f"""
import voxloop as vx
with vx.Run(project={str(tmp_path)!r}) as run:
    for step in range(20_000):
        run.log({{"loss": step / 2}}, step=step)
        if step % 2000 == 0:
            run.params[f"p{{step}}"] = step
"""
    processes = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) for _ in range(4)]
    for process in processes:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
    with open_project(tmp_path) as project:
        runs = project.runs()
        assert len(runs) == 4
        for run in runs:
            (loss,) = project.series_of(run.id)
            assert (loss.count, loss.last, run.status, len(run.params)) == (20_000, 9999.5, "finished", 10)


def test_a_change_by_another_process_is_seen(tmp_path: Path) -> None:
    with open_project(tmp_path, create=True) as project:
        before = project.change_token()
        assert project.change_token() == before
        vx.Run(project=tmp_path).finish()
        assert project.change_token() != before


def test_a_project_can_be_moved(tmp_path: Path) -> None:
    with vx.Run(name="a", project=tmp_path / "old") as run:
        (tmp_path / "model.pt").write_bytes(b"weights")
        run.save(tmp_path / "model.pt", name="model")
    shutil.move(tmp_path / "old", tmp_path / "new")
    with open_project(tmp_path / "new") as project:
        assert (project.materialise(project.artifact("model")) / "model.pt").read_bytes() == b"weights"


def test_connections_of_a_project_that_nobody_uses_are_closed_a_little_later(tmp_path: Path) -> None:
    """Also where a process holds more projects open than it remembers, as a notebook may."""
    others = [open_project(tmp_path / str(number), create=True) for number in range(20)]
    log = tmp_path / "one" / ".voxloop" / "voxloop.db-wal"
    with open_project(tmp_path / "one", create=True) as project, project.writing() as connection:
        connection.execute(schema.runs.delete())
    assert log.exists(), "not at once: the next run may come right away"
    until = time.monotonic() + 20
    while log.exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not log.exists()
    for other in others:
        other.close()
