"""Reports: a run as one HTML file."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Response

from voxloop.reports import Choice, as_html, gather
from voxloop.server.api.opened import Opened

router = APIRouter(tags=["runs"])


@router.get("/runs/{run_id}/report.html", operation_id="getReport", response_class=Response)
def get_report(
    run_id: str,
    project: Opened,
    metric: str | None = None,
    worst: Annotated[int, Query(ge=0, le=100)] = 6,
    pictures: Annotated[bool, Query(description="Slices of the worst cases.")] = True,
    anonymous: Annotated[bool, Query(description="Cases by number instead of by name.")] = False,
) -> Response:
    """A run's summary with its worst cases, as a file that opens offline."""
    choice = Choice(metric, worst, pictures, anonymous)
    report = gather(project, run_id, choice)
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(report.run.name or report.run.id, safe='')}.html"
    }
    return Response(as_html(report, choice), media_type="text/html; charset=utf-8", headers=headers)
