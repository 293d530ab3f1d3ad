"""A project answers questions about runs, series, media and cases, on a file of its own and on a team's PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

import voxloop as vx
from tests import postgres
from voxloop.errors import VoxloopError
from voxloop.store import Project, open_project
from voxloop.store.query import QueryError


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres.server() as url:
        yield url


@pytest.fixture(params=["its own file", "PostgreSQL"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a new project is to be, with one of the two databases and nothing in it."""
    if request.param == "PostgreSQL":
        url = request.getfixturevalue("server")
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text("DROP SCHEMA public CASCADE"))
            connection.execute(sa.text("CREATE SCHEMA public"))
        engine.dispose()
        # Told apart by a name of its own, so that no test finds the engine of another.
        monkeypatch.setenv("VOXLOOP_STORE", f"{url}&application_name={tmp_path.name[-40:]}")
    return tmp_path


@pytest.fixture
def project(folder: Path) -> Iterator[Project]:
    for number, rate in enumerate((1e-2, 1e-3, 1e-4)):
        params = {"optimizer": {"lr": rate}, "roi": [96, 96, 96], "näme": "ü"}
        with vx.Run(name=f"unet-{number}", project=folder, params=params, tags=["good"] if number else []) as run:
            run.define("val/*", best="max")
            for epoch in range(3):
                run.log({"val/mean_dice": 0.5 + number / 10 + epoch / 100}, step=epoch, epoch=epoch)
                for case in ("spleen_1", "spleen_2"):
                    dice = {"spleen_1": 0.9, "spleen_2": 0.4 + number / 10}[case]
                    run.log({"val/dice": dice}, step=epoch, context={"case": case, "class": "spleen"})
            run.log(
                {"scan": vx.Volume(np.arange(24, dtype=np.int16).reshape(2, 3, 4))},
                step=1,
                context={"case": "spleen_1"},
            )
    with open_project(folder) as opened:
        yield opened


def test_runs_are_found_by_params_and_metrics_and_sorted_by_them(project: Project) -> None:
    found = project.runs("run.params.optimizer.lr < 5e-3", sort='-run.metrics["val/mean_dice"].max')
    assert [run.name for run in found] == ["unet-2", "unet-1"]
    assert [run.name for run in project.runs('run.metrics["val/mean_dice"].best > 0.65')] == ["unet-2"]
    assert [run.name for run in project.runs('"good" in run.tags', sort="run.name", limit=1)] == ["unet-1"]
    assert [run.name for run in project.runs("run.params.roi == [96, 96, 96]", sort="run.name", offset=2)] == ["unet-2"]
    assert project.count_runs('run.name != "unet-0"') == 2


def test_a_run_without_the_metric_is_no_answer_and_its_negation_is(project: Project, folder: Path) -> None:
    vx.Run(name="empty", project=folder).finish()
    assert "empty" not in {run.name for run in project.runs('run.metrics["val/mean_dice"].max > 0')}
    assert {run.name for run in project.runs('not run.metrics["val/mean_dice"].max > 0')} == {"empty"}


def test_series_media_and_cases_are_asked_in_the_same_words(project: Project) -> None:
    points = project.series(
        'series.name == "val/dice" and series.context.case == "spleen_2"', sort="run.name"
    ).to_pandas()
    assert points["value"].tolist() == pytest.approx([0.4] * 3 + [0.5] * 3 + [0.6] * 3)
    assert set(points["context.class"]) == {"spleen"}
    assert len(project.media('media.kind == "volume" and run.name == "unet-1"')) == 1
    worst = project.cases('case.metric == "val/dice" and case.last < 0.55', sort="case.last")
    assert [(one.case, one.class_name, round(one.last or 0, 1)) for one in worst] == [
        ("spleen_2", "spleen", 0.4),
        ("spleen_2", "spleen", 0.5),
    ]


def test_archived_runs_are_out_of_the_way_until_they_are_asked_for(project: Project) -> None:
    project.edit("unet-0", archived=True, tags=["old"], notes="a first try")
    assert {run.name for run in project.runs()} == {"unet-1", "unet-2"}
    (old,) = project.runs("run.archived")
    assert (old.name, old.tags, old.notes) == ("unet-0", ("old",), "a first try")
    project.edit("unet-0", archived=False)
    assert project.count_runs() == 3
    with pytest.raises(VoxloopError, match="cannot be edited"):
        project.edit("unet-0", status="finished")


def test_a_misspelt_word_is_shown_where_it_stands(project: Project) -> None:
    with pytest.raises(QueryError, match="did you mean") as caught:
        project.runs("run.params.lr > 0 and run.stauts == 'failed'")
    assert caught.value.position == len("run.params.lr > 0 and run.")


def test_completion_offers_what_the_project_holds(project: Project) -> None:
    assert [one.text for one in project.complete("run.params.opt")] == ["optimizer"]
    assert "val/mean_dice" in " ".join(one.text for one in project.complete('run.metrics["val/'))
    assert any("spleen_2" in one.text for one in project.complete("series.context.case == ", scope="series"))


def test_a_fork_has_the_past_of_its_parent_and_a_future_of_its_own(project: Project, folder: Path) -> None:
    with vx.Run(name="fork", project=folder, fork="unet-1", params={"optimizer": {"lr": 1.0}}) as run:
        run.log({"val/mean_dice": 0.95})
    forked, parent = project.run("fork"), project.run("unet-1")
    assert forked.parent == parent.id
    assert forked.params == {**parent.params, "optimizer": {"lr": 1.0}}
    (mine,), (theirs,) = (project.series_of(one.id, "val/mean_dice") for one in (forked, parent))
    assert project.points(mine.id).steps.tolist() == [0, 1, 2, 3]
    assert (mine.best, theirs.count) == (0.95, 3)


def test_artifacts_and_a_deleted_run_are_kept_and_gone_alike(project: Project, tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"weights")
    run = project.run("unet-1")
    version = project.save(tmp_path / "model.pt", "m", "model", run.id, ["best"])
    assert project.artifact("m:best").ref == version.ref == "m:v1"
    assert project.save(tmp_path / "model.pt", "m", "model", run.id).ref == "m:v1"
    project.delete_run(run.id)
    assert {one.name for one in project.runs()} == {"unet-0", "unet-2"}
    assert project.artifact("m").run_id == run.id
