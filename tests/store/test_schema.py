"""A folder that is no project is refused, and processes that open it at once do not hinder each other."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection

from tests.tracking.children import child
from voxloop.errors import VoxloopError
from voxloop.store import open_project, schema
from voxloop.store.place import DATABASE, FOLDER
from voxloop.store.sqlite import connect, upgrade


@pytest.fixture
def database(tmp_path: Path) -> Path:
    with open_project(tmp_path, create=True) as project:
        return project.root / DATABASE


def ask(database: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        found: list[tuple[object, ...]] = connection.execute(query).fetchall()
        connection.commit()
        return found


def add_colour(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE runs ADD COLUMN colour TEXT")


@pytest.mark.parametrize("damage", ["DELETE FROM meta", "DROP TABLE meta", "UPDATE meta SET value = 'x'"])
def test_a_database_without_a_version_is_not_ours(database: Path, damage: str) -> None:
    ask(database, damage)
    with pytest.raises(VoxloopError, match="holds no voxloop project"):
        open_project(database.parent)


def test_a_project_that_lost_its_database_is_not_taken_for_a_new_one(database: Path) -> None:
    (database.parent / "blobs" / "ab").mkdir(parents=True)
    for path in database.parent.glob(f"{DATABASE}*"):
        path.unlink()
    with pytest.raises(VoxloopError, match="has lost its database"):
        open_project(database.parent)


def test_many_processes_may_make_the_same_project_at_once(tmp_path: Path) -> None:
    code = "import sys, voxloop as vx\nvx.open(sys.argv[1], create=True).close()"
    children = [child(code, tmp_path) for _ in range(6)]
    for one in children:
        with one:
            assert one.wait(timeout=60) == 0
    assert ask(tmp_path / FOLDER / DATABASE, "SELECT count(*) FROM meta") == [(1,)]


def test_of_two_that_migrate_at_once_one_does(database: Path) -> None:
    turns: list[int] = []

    def slow(connection: Connection) -> None:
        turns.append(1)
        add_colour(connection)
        time.sleep(0.3)

    def migrate() -> None:
        engine = connect(database)
        upgrade(engine, database, schema.VERSION + 1, {schema.VERSION: slow})
        engine.dispose()

    threads = [threading.Thread(target=migrate) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert turns == [1]
    backup = database.with_name(f"{DATABASE}.schema-{schema.VERSION}.backup")
    assert ask(backup, "SELECT value FROM meta WHERE key = 'version'") == [(str(schema.VERSION),)]
