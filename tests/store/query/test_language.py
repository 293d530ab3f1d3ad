"""The language by examples, each asked of SQLite, of PostgreSQL and of plain Python."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from tests.store.query.projects import Rows
from tests.store.query.test_agreement import holding
from voxloop.store.query import Scope, parse, parse_order, select_ids, terms
from voxloop.store.query.judge import arranged, fits

NOON = dt.datetime(2025, 3, 1, 12).timestamp()


def run(run_id: str, **values: Any) -> dict[str, Any]:
    plain = {"name": run_id, "experiment": "spleen", "status": "finished", "created": NOON, "ended": None}
    more = {"heartbeat": NOON, "params": {}, "tags": [], "environment": {}, "definitions": {}, "notes": ""}
    return {"id": run_id, **plain, **more, "archived": False, "parent": None, **values}


def series(number: int, run_id: str, name: str, value: float | None, **context: Any) -> dict[str, Any]:
    summary = dict.fromkeys(("first", "last", "min", "max", "best"), value)
    return {"id": number, "run_id": run_id, "name": name, "context": context, "size": 3, "last_step": 30, **summary}


def media(number: int, run_id: str, kind: str, **context: Any) -> dict[str, Any]:
    place = {"id": number, "run_id": run_id, "name": "val/scan", "context": context}
    return {**place, "step": number, "epoch": None, "time": NOON, "kind": kind, "data": {}}


ROWS = Rows(
    [
        run(
            "a",
            name="unet-a",
            created=NOON + 60,
            ended=NOON + 7260,
            tags=["baseline", "Ünet"],
            params={
                "optimizer": {"lr": 1e-4, "name": "Adam"},
                "seed": 0,
                "amp": True,
                "roi size": [96, 96, 96],
                "note": None,
                "huge": 1e308,
                "tiny": 5e-324,
                "weird": {'q"t.[0]': {"é": "x"}, "0": "zero"},
                "same": {"b": [1, 2.5], "a": None},
            },
            environment={"git": {"dirty": True}},
        ),
        run(
            "b",
            name="unet-b[1]",
            params={"optimizer": {"lr": "1e-4"}, "amp": 1, "roi size": [96, 96], "same": {"b": [1, 2.5], "a": None}},
            notes="fold 3: 100%",
            parent="a",
        ),
        run("c", name="segresnet", created=NOON - 86400, params={"optimizer": "none", "amp": "True", "seed": 7}),
        run("d", name="old", archived=True, params={"seed": 7}),
    ],
    [
        series(1, "a", "val/dice", 0.9),
        series(2, "a", "val/dice", 0.5, case="s1", **{"class": "spleen"}),
        series(3, "b", "val/dice", 0.7),
        series(4, "b", "val/dice", None, case="s1", **{"class": "lesion"}),
        series(5, "b", "loss", 0.1, fold=1),
        series(6, "d", "val/dice", 1.0, case="s1", **{"class": "spleen"}),
    ],
    [media(1, "a", "volume", case="s1"), media(2, "b", "figure"), media(3, "d", "volume", case="s1")],
)

RUNS = {
    "": "abc",
    # Params: any depth, any key, any item.
    "run.params.optimizer.lr < 1e-3": "a",
    'run.params["optimizer"]["lr"] == 1e-4': "a",
    'run.params.optimizer.lr == "1e-4"': "b",
    'run.params.optimizer == "none"': "c",
    'run.params["roi size"][0] == 96': "ab",
    'run.params["roi size"][-1] == 96 and run.params["roi size"][2] is None': "b",
    'run.params["roi size"] == [96, 96, 96]': "a",
    'run.params["roi size"] != [96, 96, 96]': "b",
    'run.params["roi size"] == (96, 96)': "b",
    'len(run.params["roi size"]) > 2': "a",
    '96 in run.params["roi size"]': "ab",
    'run.params.weird["q\\"t.[0]"].é == "x"': "a",
    'run.params.weird["0"] == "zero"': "a",
    "run.params.weird[0] is not None": "",
    'run.params["roi size"]["0"] is not None': "",
    '"name" in run.params.optimizer': "a",
    '"no" in run.params.optimizer': "c",
    "run.params.same == run.params.same": "ab",
    "run.params.optimizer.lr == run.params.seed": "",
    # What is missing makes a comparison false, before any `not`.
    "run.params.seed > 3": "c",
    "not run.params.seed > 3": "ab",
    "run.params.seed != 7": "a",
    "not run.params.seed == 7": "ab",
    "run.params.seed not in [7]": "a",
    "not run.params.seed in [7]": "ab",
    "run.params.seed is None": "b",
    "run.params.seed == None": "b",
    "run.params.note is None": "abc",
    "run.params.seed in [None, 7]": "bc",
    # A value by itself is true as in Python; True is no number and no text.
    "run.params.seed": "c",
    "not run.params.seed": "ab",
    "run.params.amp": "abc",
    "run.params.amp == True": "a",
    "run.params.amp == 1": "b",
    "run.params.amp != 1": "ac",
    'run.params.amp == "True"': "c",
    "run.params.amp in [True, 1]": "ab",
    "run.params.amp + 1 == 2": "b",
    "run.params.weird and run.params.same": "a",
    "run.environment.git.dirty": "a",
    # Different kinds have no order.
    "run.params.amp <= 5": "b",
    'run.params.amp <= "z"': "c",
    # Chains, lists and texts.
    "1e-5 < run.params.optimizer.lr <= 1e-4": "a",
    'run.name in ["unet-a", "segresnet"]': "ac",
    '"net" in run.name': "abc",
    '"baseline" in run.tags': "a",
    '"baseline" not in run.tags': "bc",
    "len(run.tags) == 0": "bc",
    'run.tags == ["baseline", "Ünet"]': "a",
    'run.tags[0].startswith("base")': "a",
    'run.name.startswith("unet") and run.name.endswith("a")': "a",
    'run.params.optimizer.name.lower() == "adam"': "a",
    'run.tags[1].lower() == "Ünet"': "a",
    'run.name.matches("unet-?")': "a",
    'run.name.matches("unet-?[1]")': "b",
    'run.name.matches("*net*")': "abc",
    'run.notes.matches("*100%") and not run.notes.matches("%")': "b",
    'run.notes.contains("fold")': "b",
    'run.name < "t"': "c",
    # Numbers and times.
    "run.params.seed / 0 > 1": "",
    "7 / run.params.seed == 1": "c",
    "not 7 / run.params.seed == 1": "ab",
    "run.params.huge * 10 > run.params.huge": "a",
    "-run.params.huge - run.params.huge < -run.params.huge": "a",
    "run.params.huge / run.params.tiny > 1": "a",
    "run.params.tiny * 0.1 == 0 and run.params.tiny * 1 > 0": "a",
    "run.params.huge * 10 - run.params.huge * 10 is None": "abc",
    "abs(run.params.seed - 10) == 3": "c",
    "run.duration == hours(2)": "a",
    "run.created >= datetime(2025, 3, 1)": "ab",
    "run.created > datetime(2025, 3, 1, 12)": "a",
    "run.created < datetime(2025, 2, 28, 12, 30, 5)": "c",
    "now() - run.created <= days(1) - minutes(1)": "ab",
    "run.ended is None": "bc",
    # Metrics are told by their whole context.
    'run.metrics["val/dice"].max > 0.8': "a",
    'not run.metrics["val/dice"].max > 0.8': "bc",
    'run.metrics["val/dice", class="spleen", case="s1"].last == 0.5': "a",
    'run.metrics["val/dice", case="s1"].last is None': "abc",
    'run.metrics["loss", fold=1].count == 3': "b",
    'run.metrics["loss", fold=1.0].count == 3': "",
    'run.metrics["val/dice"].last - run.metrics["loss", fold=1].last > 0.5': "b",
    'run.metrics["val/dice"].last_step == 30': "ab",
    # Archived runs are asked for by name.
    "run.params.seed == 7 ": "c",
    "run.archived": "d",
    "run.params.seed == 7 and (run.archived or True)": "cd",
    'run.parent == "a"': "b",
    'run.id in ["c", "a"]': "ac",
    "(run.params.seed == 7) == (run.name == run.id)": "ab",
}
OTHERS: list[tuple[Scope, str, list[int]]] = [
    ("series", "", [1, 2, 3, 4, 5]),
    ("series", 'series.name == "val/dice" and series.context.case == "s1"', [2, 4]),
    ("series", 'series.context.class == "lesion"', [4]),
    ("series", "series.context.fold == 1", [5]),
    ("series", "series.last is None", [4]),
    ("series", 'series.max > 0.6 and run.name == "unet-a"', [1]),
    ("series", "series.count == 3 and run.archived", [6]),
    ("series", 'series.last < run.metrics["val/dice"].last', [2, 5]),
    ("case", "", [2, 4]),
    ("case", 'case.id == "s1" and case.class == "spleen"', [2]),
    ("case", 'case.metric == "val/dice" and case.last < 0.8', [2]),
    ("case", "run.archived", [6]),
    ("media", "", [1, 2]),
    ("media", 'media.kind == "volume"', [1]),
    ("media", "media.step > 1 and media.epoch is None", [2]),
    ("media", 'media.context.case == "s1" and (run.archived or not run.archived)', [1, 3]),
]
SORTED = {
    None: "abc",
    "run.created": "cba",
    "-run.params.seed": "cab",
    "run.params.seed": "acb",
    'run.metrics["val/dice"].last': "bac",
    '-run.metrics["val/dice"].last': "abc",
    "run.params.amp": "bca",
    "-run.experiment, run.name": "cab",
    "-len(run.name), -run.name": "bca",
}


def asked(engine: sa.Engine, scope: Scope, text: str, sort: str | None = None) -> list[Any]:
    query, order = parse(text, scope, NOON + 300), parse_order(sort, scope, NOON + 300)
    plain = [one.row["id"] for one in arranged([one for one in ROWS.records(scope) if fits(query, one)], order)]
    with holding(engine, ROWS) as connection:
        found = connection.execute(select_ids(query, connection, sort)).scalars().all()
    assert list(found) == plain, "the database and plain Python disagree"
    return plain


@pytest.mark.parametrize(("text", "ids"), RUNS.items())
def test_runs(engine: sa.Engine, text: str, ids: str) -> None:
    assert "".join(sorted(asked(engine, "run", text))) == ids


@pytest.mark.parametrize(("scope", "text", "ids"), OTHERS)
def test_series_cases_and_media(engine: sa.Engine, scope: Scope, text: str, ids: list[int]) -> None:
    assert sorted(asked(engine, scope, text)) == ids


@pytest.mark.parametrize(("sort", "ids"), SORTED.items())
def test_what_is_missing_is_sorted_last_and_ties_are_newest_first(
    engine: sa.Engine, sort: str | None, ids: str
) -> None:
    assert "".join(asked(engine, "run", "", sort)) == ids


def test_a_page_of_the_answers(engine: sa.Engine) -> None:
    with holding(engine, ROWS) as connection:
        page = connection.execute(select_ids(parse("", "run"), connection, "run.id", limit=1, offset=1))
        assert page.scalars().all() == ["b"]


def test_the_example_of_every_term_can_be_asked(engine: sa.Engine) -> None:
    for scope in ("run", "series", "media", "case"):
        for term in terms(scope):
            asked(engine, scope, term.example)
