"""Rows that belong to nobody, and rows whose JSON nobody can read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.store import schema
from voxloop.store.doctor.examination import Finding, Place

# Which rows belong to nobody: what holds of them, and whose they should be.
_OF_A_RUN = {
    table.name: (sa.not_(table.c.run_id.in_(sa.select(schema.runs.c.id))), "runs")
    for table in (schema.series, schema.media, schema.console, schema.uses)
}
_VERSION = sa.exists().where(
    (schema.versions.c.name == schema.aliases.c.name) & (schema.versions.c.version == schema.aliases.c.version)
)
ORPHANS: dict[str, tuple[sa.ColumnElement[bool], str]] = {
    **_OF_A_RUN,
    "chunks": (sa.not_(schema.chunks.c.series_id.in_(sa.select(schema.series.c.id))), "series"),
    "aliases": (sa.not_(_VERSION), "versions"),
}
# What each text is to be. A run without its params is still a run; a media row without its content is nothing.
TEXTS: dict[str, dict[str, type]] = {
    "runs": {"params": dict, "tags": list, "environment": dict, "definitions": dict},
    "media": {"data": dict, "context": dict},
    "series": {"context": dict},
    "versions": {"files": dict, "metadata": dict},
}
REPLACED = ("runs",)


def orphans(place: Place) -> Iterator[Finding]:
    with place.reading() as connection:
        for name, (condition, owners) in ORPHANS.items():
            table = schema.metadata.tables[name]
            count = connection.execute(sa.select(sa.func.count()).select_from(table).where(condition)).scalar_one()
            if count:
                sentence = f"{count} rows of {name} belong to {owners} that are not there."
                yield Finding("orphan", "warning", sentence, mendable=True, subject=name)


def set_orphans_aside(place: Place, finding: Finding) -> None:
    table = schema.metadata.tables[finding.subject]
    condition, _ = ORPHANS[finding.subject]
    with place.writing() as connection:
        place.keep_rows(table.name, _raw(connection, table, condition))
        connection.execute(table.delete().where(condition))


def unreadable(place: Place) -> Iterator[Finding]:
    with place.reading() as connection:
        for name, texts in TEXTS.items():
            table = schema.metadata.tables[name]
            keys = list(table.primary_key.columns)
            columns = [sa.cast(table.c[column], sa.LargeBinary).label(column) for column in texts]
            for row in connection.execute(sa.select(*(key.label(f"key_{key.name}") for key in keys), *columns)):
                key = tuple(row[: len(keys)])
                for column, kind in texts.items():
                    if not _is(getattr(row, column), kind):
                        sentence = f"The {column} of {name} {':v'.join(map(str, key))} cannot be read."
                        yield Finding("json", "error", sentence, mendable=True, subject=(name, key, column))


def _is(text: bytes | None, kind: type) -> bool:
    try:
        return isinstance(json.loads(text or b""), kind)
    except (ValueError, RecursionError):
        return False


def set_unreadable_aside(place: Place, finding: Finding) -> None:
    """Keeps the row in a file. A run stays, without what could not be read; any other row goes."""
    name, key, column = finding.subject
    table = schema.metadata.tables[name]
    here = sa.and_(*(one == value for one, value in zip(table.primary_key.columns, key, strict=True)))
    with place.writing() as connection:
        place.keep_rows(name, _raw(connection, table, here))
        if name in REPLACED:
            connection.execute(table.update().where(here).values(**{column: TEXTS[name][column]()}))
        else:
            connection.execute(table.delete().where(here))


def _raw(connection: Connection, table: sa.Table, condition: sa.ColumnElement[bool]) -> Iterator[dict[str, Any]]:
    """Rows as they lie there: JSON as text, whether it can be read or not."""
    json_columns = [column.name for column in table.columns if isinstance(column.type, sa.JSON)]
    columns = [
        sa.cast(column, sa.LargeBinary).label(column.name) if column.name in json_columns else column
        for column in table.columns
    ]
    for row in connection.execute(sa.select(*columns).where(condition)):
        found = dict(row._mapping)
        yield {**found, **{name: (found[name] or b"").decode("utf-8", "replace") for name in json_columns}}
