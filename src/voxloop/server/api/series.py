"""Series and their points."""

import math
from collections.abc import Iterator
from hashlib import blake2b
from typing import Annotated

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from voxloop.server.api.opened import LARGEST, Opened, Remembered
from voxloop.server.models import series as models
from voxloop.server.thinned import Thinned
from voxloop.store import Points, Project, SeriesRecord, curves
from voxloop.store.results.tables import to_csv

router = APIRouter(tags=["series"])
MOST_CURVES = 500
# Enough for every value of 32 bits, and half as long as what a double would say.
DIGITS = 7


@router.get("/runs/{run_id}/series", operation_id="listSeries")
def list_series(run_id: str, project: Opened) -> list[models.Series]:
    """All series of a run with their summaries; no point is read for it."""
    return [
        models.Series(
            id=one.id,
            name=one.name,
            context=one.context,
            count=one.count,
            first=one.first,
            last=one.last,
            min=one.min,
            max=one.max,
            last_step=one.last_step,
            best=one.best,
        )
        for one in project.series_of(project.run(run_id).id)
    ]


@router.get("/series/{series_id}/points", operation_id="getPoints")
def get_points(
    series_id: Annotated[int, Path(ge=0, le=LARGEST)],
    project: Opened,
    most: Annotated[int, Query(alias="max", ge=4, le=100_000)] = 1000,
    first: Annotated[int | None, Query(alias="from", ge=-LARGEST, le=LARGEST)] = None,
    last: Annotated[int | None, Query(alias="to", ge=-LARGEST, le=LARGEST)] = None,
) -> models.Points:
    """Points between two steps, thinned so that no spike is lost."""
    points = project.points(series_id, most, first, last)
    return models.Points(
        steps=points.steps.tolist(),
        epochs=_epochs(points),
        times=points.times.tolist(),
        values=_numbers(points.values),
    )


@router.get("/curves/names", operation_id="listCurveNames")
def list_curve_names(
    project: Opened,
    kept: Remembered,
    q: Annotated[str, Query(description="A query about runs, as in run.params.optimizer.lr < 1e-3.")] = "",
) -> list[models.CurveName]:
    """The names of the series that the runs have which a query fits."""
    found = kept.answer(("names", q), lambda: project.series_names(q))
    return [models.CurveName(name=one.name, series=one.series, plain=one.plain) for one in found]


def _thinned(request: Request) -> Thinned:
    state = request.app.state
    if not hasattr(state, "thinned"):
        state.thinned = Thinned()
    thinned: Thinned = state.thinned
    return thinned


def _axis(
    by: Annotated[curves.By, Query(description="What the curves are drawn along.")] = "step",
    x: Annotated[str | None, Query(description="The series that is the axis, where it is a metric.")] = None,
    low: Annotated[float | None, Query(alias="from", description="Where on the axis the curves begin.")] = None,
    high: Annotated[float | None, Query(alias="to", description="Where on the axis the curves end.")] = None,
) -> curves.Axis:
    return curves.Axis(by, x if by == "metric" else None, low, high)


Along = Annotated[curves.Axis, Depends(_axis)]


@router.get("/curves", operation_id="listCurves", response_model=models.Curves)
def list_curves(
    request: Request,
    project: Opened,
    kept: Remembered,
    thinned: Annotated[Thinned, Depends(_thinned)],
    axis: Along,
    q: Annotated[str, Query(description='A query about series, as in series.name == "val/dice".')],
    sort: Annotated[str | None, Query(description="What to sort by; by run, the newest first, without.")] = None,
    most: Annotated[int, Query(alias="max", ge=4, le=10_000)] = 500,
    limit: Annotated[int, Query(ge=1, le=MOST_CURVES)] = 200,
) -> Response:
    """The curves that a query about series fits, of any runs, or a part of each, thinned so that no spike is lost."""
    total, found = kept.answer(
        ("series", q, sort, limit), lambda: (project.count_series(q), list(project.series(q, sort, limit)))
    )
    partners, runs = _beside(project, found, axis)
    keys = [repr((one, partners.get(one.id), axis, most, runs.get(one.run_id))) for one in found]
    tag = f'"{blake2b(repr((total, keys)).encode(), digest_size=16).hexdigest()}"'
    headers = {"etag": tag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)

    def compute(place: int) -> bytes:
        one = found[place]
        began = runs[one.run_id][1] if one.run_id in runs else 0.0
        read = curves.read(project, one, axis, most, began, partners.get(one.id))
        return _told(one, read, began, axis).model_dump_json().encode()

    body = b'{"total":%d,"curves":[%s]}' % (total, b",".join(thinned.pieces(keys, compute)))
    return Response(body, media_type="application/json", headers=headers)


@router.get("/curves/points.csv", operation_id="getCurvePoints", response_class=StreamingResponse)
def get_curve_points(
    project: Opened,
    axis: Along,
    ids: Annotated[list[Annotated[int, Query(ge=0, le=LARGEST)]], Query(alias="id", max_length=MOST_CURVES)],
) -> StreamingResponse:
    """All points of some series on a part of an axis, as CSV for a spreadsheet: a row for each point."""
    with project.reading() as connection:
        found = curves.series_by_id(connection, ids)
    partners, runs = _beside(project, found, axis)
    keys = sorted({key for one in found for key in one.context})

    def block(one: SeriesRecord | None, points: Points | None) -> str:
        count = 0 if points is None else len(points)
        name, _ = runs.get(one.run_id, ("", 0.0)) if one else ("", 0.0)
        return to_csv(
            {
                "run_id": [one.run_id if one else ""] * count,
                "run": [name] * count,
                "name": [one.name if one else ""] * count,
                **{f"context.{key}": [one.context.get(key) if one else None] * count for key in keys},
                "step": points.steps if points else [],
                "epoch": _epochs(points) if points else [],
                "time": points.times if points else [],
                "value": points.values if points else [],
            },
            None,
            spreadsheet=True,
        )

    def lines() -> Iterator[bytes]:
        head = block(None, None)
        # Excel takes a file without this mark for one of its own country's.
        yield head.encode("utf-8-sig")
        for one in found:
            began = runs[one.run_id][1] if one.run_id in runs else 0.0
            for points in curves.rows(project, one, axis, began, partners.get(one.id)):
                yield block(one, points)[len(head) :].encode()

    return StreamingResponse(
        lines(), media_type="text/csv; charset=utf-8", headers={"content-disposition": "attachment"}
    )


def _beside(
    project: Project, found: list[SeriesRecord], axis: curves.Axis
) -> tuple[dict[int, SeriesRecord], dict[str, tuple[str, float]]]:
    """What the series are drawn along, and the names and beginnings of their runs."""
    with project.reading() as connection:
        runs = curves.beginnings(connection, [one.run_id for one in found])
        partners = dict(curves.partners(connection, found, axis.metric)) if axis.metric is not None else {}
    return partners, runs


def _told(one: SeriesRecord, read: curves.Curve, began: float, axis: curves.Axis) -> models.Curve:
    placed, timed = axis.by in ("epoch", "metric"), axis.by in curves.TIMES
    points, broken = read.points, read.broken
    return models.Curve(
        id=one.id,
        run_id=one.run_id,
        name=one.name,
        context=one.context,
        count=one.count,
        began=began,
        points=models.CurvePoints(
            steps=points.steps.tolist(),
            epochs=_epochs(points) if np.any(points.epochs >= 0) else [],
            times=np.round(points.times - began, 3).tolist() if timed else [],
            values=_numbers(_short(points.values)),
            means=_numbers(_short(read.means)),
            x=_short(read.x).tolist() if placed else [],
        ),
        broken=models.Broken(
            count=read.broken_count,
            steps=broken.steps.tolist(),
            times=np.round(broken.times - began, 3).tolist() if timed else [],
            x=_short(read.broken_x).tolist() if placed else [],
            kinds=["NaN" if math.isnan(v) else "Infinity" if v > 0 else "-Infinity" for v in broken.values.tolist()],
        )
        if read.broken_count
        else None,
        unplaced=read.unplaced,
    )


def _short(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The same to seven significant digits, which are half as long to write and to read."""
    with np.errstate(all="ignore"):
        scale = 10.0 ** (DIGITS - 1 - np.floor(np.log10(np.abs(values))))
        short = np.round(values * scale) / scale
    return np.where(np.isfinite(short), short, values)


def _epochs(points: Points) -> list[int | None]:
    return [epoch if epoch >= 0 else None for epoch in points.epochs.tolist()]


def _numbers(values: npt.NDArray[np.float64]) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values.tolist()]
