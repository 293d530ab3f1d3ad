"""`voxloop runs`: what was run, and what came of it."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voxloop.cli.console import console, print_json

if TYPE_CHECKING:
    from voxloop.store import Project, RunRecord

app = typer.Typer(help="List, show, delete, export and import runs.", invoke_without_command=True)

ProjectOption = Annotated[Path | None, typer.Option(help="The project folder; by default the nearest .voxloop.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def runs(
    context: typer.Context,
    limit: Annotated[int, typer.Option(help="How many, newest first.")] = 50,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the runs of a project, newest first."""
    if context.invoked_subcommand is not None:
        return
    from rich.table import Table

    from voxloop.store import open_project

    with open_project(project) as opened:
        found = opened.runs(limit)
        rows = [_summary(opened, run) for run in found]
        total = opened.count_runs()
    if as_json:
        print_json(rows)
        return
    table = Table(title=f"{len(rows)} of {total} runs")
    for column in ("id", "name", "experiment", "status", "created", "duration", "best"):
        table.add_column(column)
    for run, row in zip(found, rows, strict=True):
        best = ", ".join(f"{name} {value:.3f}" for name, value in list(row["best"].items())[:2])
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created))
        table.add_row(run.id, run.name, run.experiment, run.status, when, f"{run.duration_s:.0f} s", best)
    console().print(table)


@app.command()
def show(
    run: Annotated[str, typer.Argument(help="An id, the beginning of one, or a name.")],
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one run: settings, series, artifacts."""
    from voxloop.store import open_project

    with open_project(project) as opened:
        record = opened.run(run)
        series = opened.series(record.id)
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


@app.command()
def delete(
    run: Annotated[str, typer.Argument(help="An id, the beginning of one, or a name.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    project: ProjectOption = None,
) -> None:
    """Delete a run with its series and media. Its artifacts stay."""
    from voxloop.store import open_project

    with open_project(project) as opened:
        record = opened.run(run)
        if not yes:
            typer.confirm(f"Delete {record.name} ({record.id}) for good?", abort=True)
        opened.delete_run(record.id)
    console().print(f"Deleted {record.name} ({record.id}).")


@app.command()
def export(
    run: Annotated[
        list[str] | None, typer.Argument(help="Ids, beginnings of them, or names; by default every run that has ended.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="A .zip that is not there yet.")] = Path("runs.zip"),
    blobs: Annotated[bool, typer.Option(help="Take scans, masks and artifact files along.")] = True,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write whole runs, with what they made and used, into one zip that any other project can import.

    A run that is still running is refused where it is named, and left out where all are meant.
    """
    from voxloop.cli.console import Bar
    from voxloop.store import open_project, portable

    words = console(as_json)
    with open_project(project) as opened:
        ids = [opened.run(one).id for one in run] if run else None
        said = portable.export_runs(out, opened.reading, opened.blobs, ids, blobs, Bar(words, "Exporting"))
    if as_json:
        print_json({**asdict(said), "path": str(said.path)})
        return
    left = f" {len(said.running)} still running were left out." if said.running else ""
    words.print(
        f"{out}: {len(said.runs)} runs, {said.versions} artifact versions, {said.bytes / 1e6:.1f} MB.{left}",
        markup=False,
    )


@app.command("import")
def import_(
    archive: Annotated[Path, typer.Argument(help="A zip that voxloop runs export wrote.")],
    as_new: Annotated[
        bool, typer.Option("--as-new", help="Give a run a new id where its own is taken by other content.")
    ] = False,
    project: Annotated[
        Path | None, typer.Option(help="The project folder; by default the nearest .voxloop, made if there is none.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Take over the runs of a zip: all of them or, if anything is wrong with it, none.

    A run that is here already is left as it is, so importing twice is importing once.
    """
    from voxloop.cli.console import Bar
    from voxloop.store import open_project, portable

    words = console(as_json)
    with open_project(project, create=True) as opened:
        bar = Bar(words, "Importing")
        said = portable.import_runs(archive, opened.root, opened.reading, opened.writing, opened.blobs, as_new, bar)
    if as_json:
        print_json(asdict(said))
        return
    words.print(f"{len(said.runs)} runs imported, {len(said.present)} were here already.")
    for old, new in said.runs.items():
        if old != new:
            words.print(f"  {old} is {new} here")
    for old, new in said.versions.items():
        if old != new:
            words.print(f"  {old} is {new} here")
    if said.missing_blobs:
        words.print(f"  {said.missing_blobs} files were not in the archive and are missing here")


def _summary(project: Project, run: RunRecord) -> dict[str, Any]:
    plain = [one for one in project.series(run.id) if not one.context]
    return {
        "id": run.id,
        "name": run.name,
        "experiment": run.experiment,
        "status": run.status,
        "created": run.created,
        "duration_s": run.duration_s,
        "tags": list(run.tags),
        "best": {one.name: one.best for one in plain if one.best is not None and not one.name.startswith("train/")},
    }
