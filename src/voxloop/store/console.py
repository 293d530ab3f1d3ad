"""What a run printed, by its lines: a range of them, what came since a mark, where a text stands. Ten megabytes are never read for a page."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.store import schema

TABLE = schema.console
ESCAPES = re.compile(r"\x1b\[[0-9;:?<=>]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][0-9A-B]|\x1b.")
# Pieces that are read at a time.
BATCH = 64


@dataclass(frozen=True, slots=True)
class Index:
    """Where lines lie: the pieces' numbers, and how many lines end before each of them. The last entry of `before` counts all."""

    numbers: tuple[int, ...]
    before: tuple[int, ...]
    # Whether the last line is a whole one.
    closed: bool
    # After which piece the lines of the next one begin anew, and how many lines end up to it.
    mark: tuple[int, int]

    @property
    def first(self) -> int:
        return self.before[0]

    @property
    def total(self) -> int:
        return self.before[-1] + (not self.closed)


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    time: float


def index(connection: Connection, run_id: str, after: tuple[int, int] = (-1, 0)) -> Index:
    """The lines of a run; with a former index's mark, those that came since."""
    last, lines = after
    ends = TABLE.c.text
    found = connection.execute(
        sa.select(
            TABLE.c.number,
            sa.func.length(ends) - sa.func.length(sa.func.replace(ends, "\n", "")),
            sa.func.substr(ends, sa.func.length(ends), 1) == "\n",
        )
        .where(TABLE.c.run_id == run_id, TABLE.c.number > last, ends != "")
        .order_by(TABLE.c.number)
    )
    numbers, before, closed, mark = [], [lines], True, after
    for number, ended, whole in found:
        lines += int(ended)
        closed = bool(whole)
        numbers.append(int(number))
        before.append(lines)
        if closed:
            mark = (int(number), lines)
    return Index(tuple(numbers), tuple(before), closed, mark)


def lines(connection: Connection, run_id: str, found: Index, first: int, count: int) -> list[Line]:
    """The lines from one on, as far as there are any."""
    first = max(first, found.first)
    count = min(count, found.total - first)
    if count <= 0:
        return []
    # A line begins where the one before it ends: in the piece that holds that end, or with the first piece.
    begin = max(0, bisect_left(found.before, first) - 1)
    end = min(bisect_left(found.before, first + count), len(found.numbers))
    made = _lines(connection, run_id, found.numbers[begin : max(end, begin + 1)])
    return [line for number, line in enumerate(made, found.before[begin]) if first <= number < first + count]


def find(connection: Connection, run_id: str, text: str, most: int) -> tuple[int, list[int]]:
    """How many lines have a text, and the numbers of the first of them; capitals and colours make no difference."""
    wanted = text.lower()
    numbers = connection.execute(
        sa.select(TABLE.c.number).where(TABLE.c.run_id == run_id).order_by(TABLE.c.number)
    ).scalars()
    total = 0
    hits: list[int] = []
    for number, line in enumerate(_lines(connection, run_id, tuple(numbers))):
        if wanted in plain(line.text).lower():
            total += 1
            if len(hits) < most:
                hits.append(number)
    return total, hits


def plain(text: str) -> str:
    """A printed text without its colours."""
    return ESCAPES.sub("", text) if "\x1b" in text else text


def pieces(connection: Connection, run_id: str, after: int) -> list[tuple[int, str]]:
    """The next pieces after one, with their numbers; none at the end."""
    query = sa.select(TABLE.c.number, TABLE.c.text).where(TABLE.c.run_id == run_id, TABLE.c.number > after)
    return [(row.number, row.text) for row in connection.execute(query.order_by(TABLE.c.number).limit(BATCH))]


def _lines(connection: Connection, run_id: str, numbers: tuple[int, ...]) -> Iterator[Line]:
    """The lines of some pieces. Those that come from other programs may be cut anywhere."""
    open_text, begun = "", 0.0
    for start in range(0, len(numbers), BATCH):
        part = numbers[start : start + BATCH]
        query = sa.select(TABLE.c.time, TABLE.c.text).where(
            TABLE.c.run_id == run_id, TABLE.c.number >= part[0], TABLE.c.number <= part[-1]
        )
        for time, text in connection.execute(query.order_by(TABLE.c.number)):
            *whole, rest = text.split("\n")
            for one in whole:
                yield Line(_shown(open_text + one), begun if open_text else time)
                open_text = ""
            begun = begun if open_text else time
            open_text += rest
    if open_text:
        yield Line(_shown(open_text), begun)


def _shown(line: str) -> str:
    """What a terminal leaves of a line in which a progress bar went back to the beginning."""
    return line.rstrip("\r").rpartition("\r")[2] if "\r" in line else line
