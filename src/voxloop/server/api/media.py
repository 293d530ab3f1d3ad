"""Logged media: which there are, what one holds, and their contents in the parts that a page asks for."""

import json
import math
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query
from fastapi.responses import Response

from voxloop.errors import VoxloopError
from voxloop.server.api.content import content, record
from voxloop.server.api.opened import LARGEST, Opened, Remembered
from voxloop.server.api.pictures import kept_slice
from voxloop.server.models import media as models
from voxloop.store import Project, media
from voxloop.store.contents import heat, rows, slices
from voxloop.store.contents.filters import FilterError
from voxloop.store.context import canonical
from voxloop.store.results import media_groups
from voxloop.store.results.tables import Table as Columns
from voxloop.store.results.tables import json_value, to_csv

router = APIRouter(tags=["media"])
MOST_RECORDS = 200
MOST_ROWS = 500
# A cell is looked at, not read; the whole of it is in the CSV.
MOST_CELL = 2000
EXACT = 2**53
MOST_FOUND = 1000
# What is named by its digest never changes.
FOR_EVER = {"cache-control": "private, max-age=31536000, immutable"}

Sort = Annotated[str | None, Query(description="The column to sort by; -dice sorts downwards.")]
Where = Annotated[
    str,
    Query(max_length=10_000, description='Filters by column, as JSON: {"dice": "> 0.5", "case": "spleen"}.'),
]


@router.get("/media", operation_id="listMedia")
def list_media(
    project: Opened,
    kept: Remembered,
    q: Annotated[str, Query(description='A query about media, as in media.kind == "image".')] = "",
) -> models.MediaGroups:
    """The media that a query fits, by run, name and context; no content is read for it."""

    def read() -> models.MediaGroups:
        with project.reading() as connection:
            found = media_groups.of_query(connection, q)
        return models.MediaGroups(
            total=found.total,
            runs=[models.MediaRun(id=run_id, name=name) for run_id, name in found.runs.items()],
            groups=[
                models.MediaGroup(
                    run_id=one.run_id,
                    name=one.name,
                    kind=one.kind,
                    context=one.context,
                    steps=list(one.steps),
                    ids=list(one.ids),
                )
                for one in found.groups
            ],
        )

    return kept.answer(("media", q), read)


@router.get("/media/records", operation_id="getMedia")
def get_media(
    project: Opened, number: Annotated[list[int], Query(alias="id", min_length=1, max_length=MOST_RECORDS)]
) -> list[models.MediaRecord]:
    """What some logged objects hold, or where it is to be had; those that are gone are left out."""
    with project.reading() as connection:
        found = media.by_id(connection, [one for one in number if 0 <= one <= LARGEST])
    return [record(project.blobs, one) for one in found]


@router.get("/media/heat", operation_id="getHeat")
def get_heat(
    project: Opened,
    kept: Remembered,
    run: str,
    name: str,
    context: Annotated[str, Query(description='The context as JSON: {"layer": "conv1"}.')] = "{}",
    central: Annotated[bool, Query(description="Leave out how far a few steps reach.")] = False,
) -> models.Heat:
    """The distributions that a run logged under a name in a context, over all of their steps."""
    held = _json_object(context, "The context")

    def read() -> models.Heat:
        found = heat.of_records(
            project.blobs, project.media_of(project.run(run).id, "distribution", name, None, held), central
        )
        return models.Heat(
            low=found.low,
            high=found.high,
            beyond=found.beyond,
            columns=[
                models.HeatColumn(
                    first=one.first,
                    last=one.last,
                    share=[round(value, 3) for value in one.share.tolist()],
                    count=one.count,
                    nan=one.nan,
                    inf=one.inf,
                    min=_finite(one.min),
                    max=_finite(one.max),
                    mean=_finite(one.mean),
                    std=_finite(one.std),
                )
                for one in found.columns
            ],
        )

    return kept.answer(("heat", run, name, canonical(held), central), read)


@router.get("/media/{media_id}/slice", operation_id="getSlice")
def get_slice(media_id: Annotated[int, Path(ge=0, le=LARGEST)], project: Opened, kept: Remembered) -> models.Slice:
    """One slice of a logged volume with its layers: where most of the truth is, or the middle one."""
    volume = project.medium(media_id)
    if volume.kind != "volume":
        raise VoxloopError(f'"{volume.name}" is a {volume.kind} and no volume; it has no slices.')
    return kept.answer(("slice", media_id), lambda: kept_slice(project, volume.data, slices.middle))


@router.get("/texts/{digest}", operation_id="getText")
def get_text(
    digest: str,
    project: Opened,
    response: Response,
    start: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
    count: Annotated[int, Query(ge=0, le=1_000_000)] = 50_000,
    find: Annotated[str, Query(max_length=200, description="A word to look for in the whole text.")] = "",
) -> models.WordsPart:
    """Some of a long text, and where a word is in all of it."""
    text = project.blobs.get(digest).decode("utf-8", "replace")
    found: list[int] = []
    matches = 0
    # Lower case of one length, or places in the one are none in the other.
    lowered, wanted = (text.lower(), find.lower()) if len(text.lower()) == len(text) else (text, find)
    at = lowered.find(wanted) if wanted else -1
    while at >= 0:
        matches += 1
        if len(found) < MOST_FOUND:
            found.append(at)
        at = lowered.find(wanted, at + len(wanted))
    response.headers.update(FOR_EVER)
    return models.WordsPart(
        start=start, length=len(text), text=text[start : start + count], found=found, matches=matches
    )


@router.get("/tables/{digest}/rows", operation_id="listTableRows")
def list_table_rows(
    digest: str,
    project: Opened,
    kept: Remembered,
    response: Response,
    sort: Sort = None,
    where: Where = "{}",
    column: Annotated[list[str] | None, Query(description="The columns to tell; all without.")] = None,
    offset: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
    limit: Annotated[int, Query(ge=0, le=MOST_ROWS)] = 100,
) -> models.TableRows:
    """Some rows of a logged table, sorted and filtered here."""
    table = project.blobs.get(digest)
    order = _order(project, kept, digest, sort, where)
    wanted = order[offset : offset + limit]
    found = rows.part(table, wanted, column)
    types = {one["name"]: one["type"] for one in rows.described(table)["columns"]}
    response.headers.update(FOR_EVER)
    return models.TableRows(
        total=len(order),
        columns=[models.TableColumn(name=name, type=types[name]) for name in found],
        rows=[[_cell(project, cell) for cell in row] for row in zip(*found.values(), strict=True)],
        numbers=wanted.tolist(),
    )


@router.get("/tables/{digest}/groups", operation_id="listTableGroups")
def list_table_groups(
    digest: str, project: Opened, kept: Remembered, response: Response, by: str, where: Where = "{}"
) -> models.TableGroups:
    """A logged table's rows by the values of a column, counted, with the means of its numbers."""
    order = _order(project, kept, digest, None, where)
    found, total = kept.answer(
        ("table groups", digest, by, where), lambda: rows.grouped(project.blobs.get(digest), by, order)
    )
    response.headers.update(FOR_EVER)
    return models.TableGroups(
        total=total,
        groups=[
            models.TableGroup(
                value=_cell(project, one.value),
                filter=_filter(one.value),
                count=one.count,
                means={name: _finite(value) for name, value in one.means.items()},
            )
            for one in found
        ],
    )


@router.get("/tables/{digest}/table.csv", operation_id="getTableFile", response_class=Response)
def get_table_file(digest: str, project: Opened, kept: Remembered, sort: Sort = None, where: Where = "{}") -> Response:
    """A logged table, or what filters leave of it, as CSV for a spreadsheet; a medium is told by its kind."""
    order = _order(project, kept, digest, sort, where)
    found = rows.part(project.blobs.get(digest), order)
    told: Columns = {
        name: [cell.get("kind") if _is_medium(cell) else cell for cell in cells] for name, cells in found.items()
    }
    headers = {"content-disposition": 'attachment; filename="table.csv"'}
    # Excel takes a file without this mark for one of its own country's.
    return Response(
        to_csv(told, None, spreadsheet=True).encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers
    )


def _order(project: Project, kept: Remembered, digest: str, sort: str | None, where: str) -> rows.Order:
    filters = {name: str(said) for name, said in _json_object(where, "The filters").items() if str(said).strip()}
    try:
        return kept.answer(
            ("table order", digest, sort, canonical(filters)),
            lambda: rows.order(project.blobs.get(digest), sort, filters),
        )
    except FilterError as error:
        raise HTTPException(422, str(error)) from error


def _cell(project: Project, cell: Any) -> Any:
    if _is_medium(cell):
        return content(project.blobs, str(cell["kind"]), cell["data"])
    if isinstance(cell, list | dict):
        cell = json.dumps(cell, ensure_ascii=False)
    if isinstance(cell, str) and len(cell) > MOST_CELL:
        return f"{cell[:MOST_CELL]}…"
    # Browsers know whole numbers up to here.
    if isinstance(cell, int) and not -EXACT <= cell <= EXACT:
        return str(cell)
    return json_value(cell)


def _is_medium(cell: Any) -> bool:
    return isinstance(cell, dict) and set(cell) == {"kind", "data"} and isinstance(cell["data"], dict)


def _filter(value: Any) -> str | None:
    if value is None:
        return "missing"
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    if isinstance(value, bool):
        return str(value).lower()
    return f"={value}" if isinstance(value, str | int | float) else None


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _json_object(text: str, what: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise VoxloopError(f'{what} "{text[:80]}" is no JSON object; write {{"key": "value"}}.')
    return found
