"""What a run printed: as a whole, by its lines, what came since a mark, where a text stands, as a file."""

import re
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from voxloop.server.api.opened import LARGEST, Opened, Remembered
from voxloop.server.models import console as models
from voxloop.store import Project, console

router = APIRouter(tags=["console"])
# Longer lines are cut: they are whole in the file.
LONGEST = 10_000
MOST_HITS = 10_000


@router.get("/runs/{run_id}/console", operation_id="getConsole")
def get_console(run_id: str, project: Opened) -> models.Printed:
    """What a run printed."""
    return models.Printed(text=project.console(project.run(run_id).id))


@router.get("/runs/{run_id}/console/lines", operation_id="listConsoleLines")
def list_console_lines(
    run_id: str,
    project: Opened,
    kept: Remembered,
    first: Annotated[
        int | None, Query(alias="from", ge=0, le=LARGEST, description="The last lines without it.")
    ] = None,
    count: Annotated[int, Query(ge=1, le=500)] = 200,
    since: Annotated[
        str, Query(pattern=r"^(-?\d{1,15}\.\d{1,15})?$", description="The mark of an earlier answer.")
    ] = "",
) -> models.ConsoleLines:
    """A range of the lines that a run printed, or the last of those that came since a mark."""
    run = project.run(run_id)
    number, lines = (int(part) for part in (since or "-1.0").split("."))

    def look() -> console.Index:
        with project.reading() as connection:
            return console.index(connection, run.id, (number, lines))

    # What came since a mark is little, and nobody asks for it twice.
    index = look() if since else kept.answer(("console", run.id), look)
    begin = max(index.first, index.total - count) if first is None else first
    with project.reading() as connection:
        found = console.lines(connection, run.id, index, begin, count)
    return models.ConsoleLines(
        total=index.total,
        first=begin,
        texts=[_cut(line.text) for line in found],
        times=[line.time for line in found],
        mark=f"{index.mark[0]}.{index.mark[1]}",
    )


@router.get("/runs/{run_id}/console/hits", operation_id="findInConsole")
def find_in_console(
    run_id: str, project: Opened, kept: Remembered, text: Annotated[str, Query(min_length=1, max_length=1000)]
) -> models.ConsoleHits:
    """The lines that have a text, whatever its capitals and colours."""
    run = project.run(run_id)

    def look() -> tuple[int, list[int]]:
        with project.reading() as connection:
            return console.find(connection, run.id, text, MOST_HITS)

    total, hits = kept.answer(("hits", run.id, text.lower()), look)
    return models.ConsoleHits(total=total, lines=hits)


@router.get("/runs/{run_id}/console.txt", operation_id="getConsoleFile", response_class=Response)
def get_console_file(run_id: str, project: Opened, colours: bool = False) -> StreamingResponse:
    """What a run printed as a text file; with colours, it is for a terminal."""
    run = project.run(run_id)
    name = re.sub(r"[^\w.-]+", "-", run.name, flags=re.ASCII).strip("-.") or run.id
    return StreamingResponse(
        _file(project, run.id, colours),
        media_type="text/plain; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}.log"'},
    )


def _file(project: Project, run_id: str, colours: bool) -> Iterator[bytes]:
    last = -1
    while True:
        with project.reading() as connection:
            found = console.pieces(connection, run_id, last)
        if not found:
            return
        last = found[-1][0]
        text = "".join(text for _, text in found)
        yield (text if colours else console.plain(text)).encode("utf-8", "replace")


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}\x1b[0m … {len(text) - LONGEST:,} more characters are in the file"
