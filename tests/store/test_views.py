"""Saved views are there for everyone, nobody overwrites another's, and a project from before them still opens."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

import voxloop as vx
from tests import postgres
from voxloop.errors import VoxloopError
from voxloop.store import Project, open_project, schema
from voxloop.store.doctor.checks import database as look
from voxloop.store.doctor.examination import Place
from voxloop.store.doctor.rebuild import rebuild
from voxloop.store.probe import usable
from voxloop.store.views import OvertakenError


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres.server() as url:
        yield url


@pytest.fixture(params=["its own file", "PostgreSQL"])
def project(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    if request.param == "PostgreSQL":
        url = request.getfixturevalue("server")
        older(url)
        monkeypatch.setenv("VOXLOOP_STORE", f"{url}&application_name={tmp_path.name[-40:]}")
    with open_project(tmp_path, create=True) as opened:
        yield opened


def older(url: str) -> None:
    """A database as it was before there were views, and sketches."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
        schema.metadata.create_all(connection, [t for t in schema.metadata.sorted_tables if t is not schema.views])
        connection.execute(sa.text("ALTER TABLE chunks DROP COLUMN sketch"))
        connection.execute(schema.meta.insert().values(key="version", value="1"))
    engine.dispose()


def test_views_are_saved_renamed_replaced_and_deleted(project: Project) -> None:
    sweep = project.save_view("runs", " learning\trates ", "/runs?group=params.optimizer.lr")
    project.save_view("runs", "Ablation", "/runs?q=ablation")
    project.save_view("compare", "learning rates", "/compare?colour=params.optimizer.lr")
    assert [view.name for view in project.views("runs")] == ["Ablation", "learning rates"]
    assert len(project.views()) == 3
    assert project.change_view(sweep.id, name="<script>alert(1)</script>").address == sweep.address
    project.change_view(sweep.id, address="/runs?sort=created", was=sweep.address)
    assert [(view.name, view.address) for view in project.views("runs")] == [
        ("<script>alert(1)</script>", "/runs?sort=created"),
        ("Ablation", "/runs?q=ablation"),
    ]
    project.delete_view(sweep.id)
    with pytest.raises(VoxloopError, match="gone"):
        project.change_view(sweep.id, name="again")


def test_who_comes_second_overwrites_nothing_unseen(project: Project) -> None:
    mine = project.save_view("runs", "mine", "/runs?q=a")
    with pytest.raises(OvertakenError, match="already"):
        project.save_view("runs", "mine", "/runs?q=b")
    other = project.save_view("runs", "other", "/runs?q=b")
    with pytest.raises(OvertakenError, match="already"):
        project.change_view(other.id, name="mine")
    project.change_view(mine.id, name="renamed", address="/runs?q=c", was="/runs?q=a")
    with pytest.raises(OvertakenError, match="since you opened it"):
        project.change_view(mine.id, address="/runs?q=d", was="/runs?q=a")
    assert [view.address for view in project.views("runs")] == ["/runs?q=b", "/runs?q=c"]

    taken: list[int] = []

    def save(number: int) -> None:
        try:
            project.save_view("runs", "at once", f"/runs?q={number}")
        except OvertakenError:
            taken.append(number)

    threads = [threading.Thread(target=save, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 3


@pytest.mark.parametrize(
    "address",
    ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "javascript:1", "/ü", "/a b"],
)
def test_an_address_that_leads_elsewhere_is_refused(tmp_path: Path, address: str) -> None:
    with open_project(tmp_path, create=True) as opened:
        with pytest.raises(VoxloopError, match="no address on this page"):
            opened.save_view("runs", "bad", address)
        with pytest.raises(VoxloopError, match="needs a name"):
            opened.save_view("runs", "\x00\ud800 ", "/runs")


@pytest.fixture
def yesterday(tmp_path: Path) -> Path:
    """The database of a project with a run, as it was before there were views, and sketches."""
    with vx.Run(name="before", project=tmp_path) as run:
        for step in range(10_000):
            run.log({"loss": float(step)}, step=step)
    path = tmp_path / ".voxloop" / "voxloop.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE views")
        connection.execute("ALTER TABLE chunks DROP COLUMN sketch")
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'version'")
        connection.commit()
    return path


def chart(project: Project) -> list[float]:
    (loss,) = project.series_of(project.run("before").id)
    return list(project.points(loss.id, max_points=10).values)


def test_a_project_from_before_views_is_brought_forward(yesterday: Path) -> None:
    place = Place(yesterday.parent)
    assert [found.severity for found in look(place)] == ["note"]
    place.close()
    with open_project(yesterday.parent) as opened:
        assert opened.views() == []
        opened.save_view("runs", "first", "/runs")
        assert opened.run("before").status == "finished"
        assert chart(opened)[-1] == 9_999.0
    assert yesterday.with_name("voxloop.db.schema-1.backup").is_file()


def test_where_nothing_may_be_written_it_is_read_as_it_is(
    yesterday: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not usable(yesterday, 1)
    backup = shutil.copytree(yesterday.parent, tmp_path / "backup" / ".voxloop")
    monkeypatch.setattr("voxloop.store.probe.writable", lambda path: False)
    assert usable(yesterday, 1)
    with open_project(backup) as opened:
        assert opened.views() == []
        assert opened.run("before").status == "finished"
        assert chart(opened)[-1] == 9_999.0


def test_a_broken_one_is_rebuilt_in_the_newer_shape(yesterday: Path) -> None:
    assert rebuild(yesterday, yesterday.parent / "set-aside")["runs"] == 1
    with open_project(yesterday.parent) as opened:
        assert opened.run("before").name == "before"
        opened.save_view("runs", "first", "/runs")
