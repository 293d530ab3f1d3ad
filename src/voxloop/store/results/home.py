"""What a person asks on opening the page: what is running, what is new, what got worse. A few questions, however many runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.store import schema, series
from voxloop.store.records import SeriesRecord
from voxloop.store.results.home_glance import Glance
from voxloop.store.results.home_goals import main_of, value_of
from voxloop.store.results.home_running import Running, last_lines, running
from voxloop.store.results.home_verdicts import Verdict, verdicts

RUNS = schema.runs.c
MOST_ENDED = 40
MOST_VERSIONS = 20
# Checkpoints come with every epoch and are no news.
QUIET = ("checkpoint",)
UNHAPPY = ("failed", "crashed")


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that came to some end, the value that it is judged by, and of an unhappy one what it printed last."""

    id: str
    name: str
    experiment: str
    status: str
    ended: float
    duration_s: float
    metric: str | None
    value: float | None
    line: str | None


@dataclass(frozen=True, slots=True)
class Made:
    """A new version of a model, a dataset, an evaluation."""

    ref: str
    name: str
    kind: str
    aliases: tuple[str, ...]
    created: float
    run_id: str | None
    run_name: str | None
    dice: float | None
    cases: int | None


@dataclass(frozen=True, slots=True)
class Home:
    runs: int
    running: tuple[Running, ...]
    running_total: int
    ended: tuple[Ended, ...]
    made: tuple[Made, ...]
    verdicts: tuple[Verdict, ...]


def home(connection: Connection, runs: Sequence[Glance]) -> Home:
    """The newest of everything, after a glance at all runs."""
    ended = [one for one in runs if one.status != "running"]
    alive = len(runs) - len(ended)
    return Home(
        runs=len(runs),
        running=running(connection) if alive else (),
        running_total=alive,
        ended=_ended(connection, ended[:MOST_ENDED]),
        made=_made(connection),
        verdicts=verdicts(connection, ended),
    )


def ended_since(runs: Sequence[Glance], moment: float) -> dict[str, int]:
    """How many runs have come to which end since a moment."""
    return dict(Counter(one.status for one in runs if one.status != "running" and one.end > moment))


def _ended(connection: Connection, runs: Sequence[Glance]) -> tuple[Ended, ...]:
    ids = [one.id for one in runs]
    held = (RUNS.id, RUNS.name, RUNS.created, RUNS.definitions)
    rows = {row.id: row for row in connection.execute(sa.select(*held).where(RUNS.id.in_(ids)))}
    plain = series.plain(connection, ids)
    lines = last_lines(connection, [one.id for one in runs if one.status in UNHAPPY])
    return tuple(_one_ended(one, rows[one.id], plain.get(one.id, []), lines.get(one.id)) for one in runs)


def _one_ended(run: Glance, row: Any, plain: Sequence[SeriesRecord], line: tuple[float, str] | None) -> Ended:
    main = main_of(plain, row.definitions)
    return Ended(
        id=run.id,
        name=row.name,
        experiment=run.experiment,
        status=run.status,
        ended=run.end,
        duration_s=max(0.0, run.end - row.created),
        metric=main[0].name if main else None,
        value=value_of(*main) if main else None,
        line=line[1] if line else None,
    )


def _made(connection: Connection) -> tuple[Made, ...]:
    table = schema.versions.c
    asked = (
        sa.select(table.name, table.version, table.kind, table.created, table.run_id, table.metadata, RUNS.name)
        .select_from(schema.versions.outerjoin(schema.runs, RUNS.id == table.run_id))
        .where(table.kind.not_in(QUIET))
        .order_by(table.created.desc())
        .limit(MOST_VERSIONS)
    )
    rows = connection.execute(asked).all()
    pointing: dict[tuple[str, int], list[str]] = {}
    named = schema.aliases.c
    for one in connection.execute(sa.select(schema.aliases).where(named.name.in_({row[0] for row in rows}))):
        pointing.setdefault((one.name, one.version), []).append(one.alias)
    return tuple(
        Made(
            ref=f"{name}:v{version}",
            name=name,
            kind=kind,
            aliases=tuple(sorted(pointing.get((name, version), []))),
            created=created,
            run_id=run_id,
            run_name=run_name,
            dice=_number(metadata, "dice"),
            cases=None if (cases := _number(metadata, "cases")) is None else int(cases),
        )
        for name, version, kind, created, run_id, metadata, run_name in rows
    )


def _number(metadata: Any, key: str) -> float | None:
    value = metadata.get(key) if isinstance(metadata, dict) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
