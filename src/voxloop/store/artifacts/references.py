"""Who refers to a blob: the rows that name it by its digest."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.store import schema
from voxloop.store.blobs import DIGEST

ANYWHERE = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
# Journals that are not drained, and what `doctor` has set aside.
FILES = ("journals/*", "set-aside/**/*.jsonl")


def named_in(value: Any) -> Iterator[str]:
    """The digests under a key `digest`, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "digest" and isinstance(inner, str) and DIGEST.fullmatch(inner):
                yield inner
            else:
                yield from named_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from named_in(inner)


def kept(connection: Connection, without: Collection[tuple[str, int]] = ()) -> set[str]:
    """Every digest that any row mentions, wherever it stands in it, but for some artifact versions.

    Whatever looks like a digest counts: rather a blob too many than one too few.
    """
    found: set[str] = set()
    for column in (schema.media.c.data, schema.runs.c.params, schema.runs.c.environment):
        for (text,) in connection.execute(sa.select(sa.cast(column, sa.Text))).yield_per(1000):
            found |= _digests(text)
    columns = schema.versions.c
    query = sa.select(
        columns.name, columns.version, sa.cast(columns.files, sa.Text), sa.cast(columns.metadata, sa.Text)
    )
    for name, version, files, metadata in connection.execute(query).yield_per(1000):
        if (name, version) not in without:
            found |= _digests(files) | _digests(metadata)
    return found


def kept_by_files(root: Path) -> set[str]:
    """Every digest that stands in a file of the project which is still to become rows."""
    found: set[str] = set()
    for pattern in FILES:
        for path in root.glob(pattern):
            try:
                with path.open("rb") as file:
                    # Line by line would do for text; a journal has none, so pieces overlap by a digest and its neighbours.
                    tail = b""
                    while piece := file.read(1 << 20):
                        found |= {digest.decode() for digest in ANYWHERE.findall(tail + piece)}
                        tail = (tail + piece)[-66:]
            except (FileNotFoundError, IsADirectoryError):
                continue
    return found


def _digests(text: str | None) -> set[str]:
    return {digest.decode() for digest in ANYWHERE.findall((text or "").encode("utf-8", "replace"))}


def named_by(connection: Connection) -> dict[str, list[str]]:
    """Who needs each blob, in words. Of rows whose JSON cannot be read, nothing is known."""
    found: dict[str, list[str]] = {}
    media = schema.media.c
    query = sa.select(media.name, media.step, media.run_id, sa.cast(media.data, sa.Text))
    for name, step, run_id, text in connection.execute(query).yield_per(1000):
        for digest in named_in(read(text)):
            found.setdefault(digest, []).append(f"{name} at step {step} of run {run_id}")
    versions = schema.versions.c
    for name, version, text in connection.execute(
        sa.select(versions.name, versions.version, sa.cast(versions.files, sa.Text))
    ):
        for digest in named_in(read(text)):
            found.setdefault(digest, []).append(f"{name}:v{version}")
    return found


def read(text: str | None) -> Any:
    """A JSON text's value; None where it cannot be read."""
    try:
        return json.loads(text or "null")
    except (ValueError, RecursionError):
        return None
