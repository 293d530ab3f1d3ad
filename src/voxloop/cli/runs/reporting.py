"""`voxloop runs report`: a run as one HTML file to mail or to keep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from voxloop.cli.console import Bar, console
from voxloop.cli.options import ProjectOption, RunArgument


def report(
    run: RunArgument,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file to write; by default RUN.html here.")
    ] = None,
    metric: Annotated[str | None, typer.Option(help="What cases are judged by, as in val/dice.")] = None,
    worst: Annotated[int, typer.Option(min=0, max=100, help="How many of the worst cases to show.")] = 6,
    pictures: Annotated[bool, typer.Option(help="Show a slice of each of the worst cases.")] = True,
    anonymous: Annotated[bool, typer.Option(help="Number the cases instead of naming them.")] = False,
    project: ProjectOption = None,
) -> None:
    """Write a run's summary with its worst cases as one HTML file that opens offline.

    It holds pictures of scans and names of cases: leave them out with --no-pictures and --anonymous where it leaves the building.
    """
    from voxloop.data.whole import write_text
    from voxloop.reports import Choice, as_html, gather
    from voxloop.store import open_project

    choice = Choice(metric, worst, pictures, anonymous)
    with open_project(project) as opened:
        found = gather(opened, run, choice, Bar(console(), "Looking at the worst cases"))
    target = out or Path(
        f"{''.join(c if c.isalnum() or c in '._-' else '-' for c in found.run.name) or found.run.id}.html"
    )
    write_text(target, as_html(found, choice))
    what = "" if anonymous or not found.worst else "; it names cases" + (" and shows scans" if pictures else "")
    console().print(f"Wrote {target}{what}.")
