"""`voxloop runs show` and `console`: all about one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from voxloop.cli.console import console, print_json
from voxloop.cli.options import JsonOption, ProjectOption, RunArgument

if TYPE_CHECKING:
    from voxloop.store import Project, RunRecord


def show(
    run: RunArgument,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one run: settings, series, artifacts."""
    from voxloop.store import open_project

    with open_project(project) as opened:
        record = opened.run(run)
        series = opened.series_of(record.id)
        made, used = opened.made(record.id), opened.used(record.id)
        said = {
            **_summary(opened, record),
            "params": record.params,
            "environment": record.environment,
            "series": [
                {
                    "name": one.name,
                    "context": one.context,
                    "count": one.count,
                    "last": one.last,
                    "min": one.min,
                    "max": one.max,
                }
                for one in series
            ],
            "made": [version.ref for version in made],
            "used": [version.ref for version in used],
        }
    if as_json:
        print_json(said)
        return
    from rich.pretty import Pretty

    out = console()
    out.print(f"[bold]{record.name}[/bold]  {record.id}  {record.status}, {record.duration_s:.0f} s")
    out.print(f"made: {', '.join(said['made']) or 'nothing'}   used: {', '.join(said['used']) or 'nothing'}")
    for one in series:
        if not one.context and one.last is not None:
            out.print(
                f"  {one.name:<28} last {one.last:<12.5g} best {'' if one.best is None else f'{one.best:.5g}'}  ({one.count} points)"
            )
    out.print(f"  {sum(1 for one in series if one.context)} more series with a context")
    out.print(Pretty(record.params, max_depth=3))


def console_output(run: RunArgument, project: ProjectOption = None) -> None:
    """Print what a run printed."""
    from voxloop.store import open_project

    with open_project(project) as opened:
        typer.echo(opened.console(opened.run(run).id), nl=False)


def _summary(project: Project, run: RunRecord) -> dict[str, Any]:
    plain = [one for one in project.series_of(run.id) if not one.context]
    return {
        "id": run.id,
        "name": run.name,
        "experiment": run.experiment,
        "status": run.status,
        "created": run.created,
        "duration_s": run.duration_s,
        "tags": list(run.tags),
        "notes": run.notes,
        "archived": run.archived,
        "parent": run.parent,
        "best": {one.name: one.best for one in plain if one.best is not None and not one.name.startswith("train/")},
    }
