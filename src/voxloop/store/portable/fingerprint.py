"""What a run measured, as one digest: two runs with the same are the same run, wherever they lie."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from voxloop.errors import VoxloopError
from voxloop.store import codec

# What is told of a run by its own process. Name, tags, notes and the like are a person's, who may change them.
OWN = ("status", "created", "ended", "params", "environment", "definitions")
Rows = Callable[[str], Iterator[dict[str, Any]]]


class Damaged(VoxloopError):  # noqa: N818 - what it is, as in `except Damaged`
    """A chunk that is not what its row says; whoever reads it knows where it lies."""


def fingerprints(rows: Rows) -> dict[str, str]:
    """The digest of each run, from the rows of its tables. Chunks come series by series, in order of their numbers.

    Over points, not over the bytes they are packed in, so that another packing of the same points is the same run.
    """
    parts: dict[str, list[bytes]] = {}
    for run in rows("runs"):
        parts[run["id"]] = [_digest({key: run[key] for key in OWN})]
    places: dict[int, tuple[str, str, str]] = {}
    counts: dict[int, int] = {}
    for one in rows("series"):
        _belongs(one["run_id"], parts, "series")
        places[one["id"]] = (one["run_id"], one["name"], one["context"])
        counts[one["id"]] = one["size"]
    for series_id, digest, count in _points(rows, places):
        if counts.pop(series_id) != count:
            raise Damaged(f"{places[series_id][1]} has {count} points, and its row says otherwise")
        run_id, name, context = places[series_id]
        parts[run_id].append(_digest(["series", name, context, digest]))
    for series_id, count in counts.items():
        run_id, name, context = places[series_id]
        if count:
            raise Damaged(f"{name} has no points, and its row says {count}")
        parts[run_id].append(_digest(["series", name, context, ""]))
    for table in ("media", "console"):
        for row in rows(table):
            _belongs(row["run_id"], parts, table)
            content = {key: value for key, value in row.items() if key not in ("id", "run_id")}
            parts[row["run_id"]].append(_digest([table, content]))
    return {run_id: hashlib.sha256(b"".join(sorted(found))).hexdigest() for run_id, found in parts.items()}


def _belongs(run_id: str, parts: dict[str, list[bytes]], table: str) -> None:
    if run_id not in parts:
        raise Damaged(f"{table} has a row of the run {run_id[:80]}, which is not there")


def _points(rows: Rows, places: dict[int, tuple[str, str, str]]) -> Iterator[tuple[int, str, int]]:
    """Each series that has chunks: its id, the digest of its points, and how many they are."""
    done: set[int] = set()
    current, number, count = None, -1, 0
    columns: list[Any] = []
    unpacked: tuple[Any, ...]
    for chunk in rows("chunks"):
        series_id = chunk["series_id"]
        if series_id != current:
            if current is not None:
                yield current, _joined(columns), count
            if series_id not in places or series_id in done:
                raise Damaged(f"a chunk belongs to series {series_id}, which is not there or is complete")
            done.add(series_id)
            current, number, count = series_id, -1, 0
            columns = []
        name = places[series_id][1]
        try:
            unpacked = codec.unpack(chunk["data"])
        except ValueError as error:
            raise Damaged(f"{name} has a chunk that cannot be read") from error
        steps = unpacked[0]
        fits = len(steps) == chunk["size"] > 0 and number < chunk["number"]
        if not fits or (int(steps.min()), int(steps.max())) != (chunk["low_step"], chunk["high_step"]):
            raise Damaged(f"{name} has a chunk that is not what its row says")
        columns = columns or [hashlib.sha256() for _ in unpacked]
        number, count = chunk["number"], count + len(steps)
        for hasher, column in zip(columns, unpacked, strict=True):
            hasher.update(np.asarray(column).tobytes())
    if current is not None:
        yield current, _joined(columns), count


def _joined(columns: list[Any]) -> str:
    return "".join(column.hexdigest() for column in columns)


def _digest(value: Any) -> bytes:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()
