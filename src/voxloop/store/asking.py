"""Questions put to the database in the query language, and what there is to ask about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.store import query, schema
from voxloop.store.query import Known, Scope

# Completion looks at the newest runs: what nobody has used for long is not what a person types.
RUNS = 200
CONTEXTS = 5000
VALUES = 200


def ids(
    connection: Connection, scope: Scope, text: str, sort: str | None, limit: int | None, offset: int = 0
) -> list[Any]:
    """What fits a query, by id, in order."""
    asked = query.parse(text, scope)
    return list(connection.execute(query.select_ids(asked, connection, sort, limit, offset)).scalars())


def count(connection: Connection, scope: Scope, text: str) -> int:
    asked = query.parse(text, scope)
    counted = sa.select(sa.func.count()).select_from(query.base(scope)).where(query.where(asked, connection))
    return int(connection.execute(counted).scalar_one())


def known(connection: Connection) -> Known:
    """The names and values that a project holds, for completion."""
    newest = sa.select(schema.runs).order_by(schema.runs.c.created.desc()).limit(RUNS)
    rows = connection.execute(newest).all()
    contexts: dict[str, dict[Any, None]] = {}
    for text in connection.execute(sa.select(schema.series.c.context).distinct().limit(CONTEXTS)).scalars():
        for key, value in json.loads(text).items():
            contexts.setdefault(key, {})[value] = None
    return Known(
        params=tuple(dict.fromkeys(path for row in rows for path in _paths(row.params))),
        environment=tuple(dict.fromkeys(path for row in rows for path in _paths(row.environment))),
        metrics=tuple(
            connection.execute(sa.select(schema.series.c.name).distinct().order_by(schema.series.c.name)).scalars()
        ),
        context={key: tuple(values)[:VALUES] for key, values in contexts.items()},
        tags=tuple(dict.fromkeys(tag for row in rows for tag in row.tags)),
        experiments=tuple(connection.execute(sa.select(schema.runs.c.experiment).distinct()).scalars()),
    )


def _paths(value: Any, before: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths to everything that is not itself a dict."""
    if isinstance(value, dict) and value:
        for key, one in value.items():
            yield from _paths(one, (*before, key))
    elif before:
        yield before
