"""`voxloop runs [QUERY]`: the runs that a query fits, as a table, CSV, JSON or Parquet."""

from __future__ import annotations

import enum
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voxloop.cli.console import console
from voxloop.cli.options import JsonOption, ProjectOption

if TYPE_CHECKING:
    from voxloop.store import Project, RunRecord
    from voxloop.store.results import Result


# A column that is narrower cannot be read.
NARROWEST = 9


class Format(enum.StrEnum):
    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


def list_runs(
    query: Annotated[
        str,
        typer.Argument(
            help="Which runs, as in: run.params.optimizer.lr < 1e-3 and run.status == 'finished'", show_default=False
        ),
    ] = "",
    sort: Annotated[
        str | None, typer.Option(help="What to sort by; a - before it turns it around. Newest first without.")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(help="What to show, separated by commas, as in: name,params.optimizer.lr,metrics.val/dice.max"),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    form: Annotated[Format, typer.Option("--format", help="How to print them.")] = Format.table,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write into this file instead.")] = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the runs that a query fits. `voxloop runs terms` says what can be asked about."""
    from voxloop.errors import VoxloopError
    from voxloop.store import open_project

    chosen = None if columns is None else [name.strip() for name in columns.split(",") if name.strip()]
    if as_json:
        form = Format.json
    if form is Format.parquet and out is None:
        raise VoxloopError("Parquet is no text; say where to write it, with --out FILE.")
    with open_project(project) as opened:
        found = opened.runs(query, sort, limit)
        if form is Format.table and out is None:
            _print(opened, found, chosen, query)
            return
        if form is Format.parquet and out is not None:
            found.to_parquet(out, chosen)
            text = ""
        else:
            write = found.to_csv if form is Format.csv else found.to_json
            text = write(out, chosen)
    if out is None:
        typer.echo(text.rstrip("\n"))
    else:
        console().print(f"{len(found)} runs are in {out}.")


def terms(
    scope: Annotated[str, typer.Argument(help="run, series, media or case.")] = "run",
    as_json: JsonOption = False,
) -> None:
    """Say what a query can ask about."""
    from rich.table import Table

    from voxloop.cli.console import print_json
    from voxloop.errors import VoxloopError
    from voxloop.store.query import FUNCTIONS, SCOPES
    from voxloop.store.query import terms as known

    if scope not in SCOPES:
        raise VoxloopError(f'"{scope}" is nothing to ask about; it is {", ".join(SCOPES)}.')
    words = list(known(scope))
    if as_json:
        print_json([{"name": one.name, "type": one.type, "help": one.help, "example": one.example} for one in words])
        return
    table = Table("term", "is", "example", title=f"What a query about a {scope} may say")
    for one in words:
        table.add_row(one.shown or one.name, one.help, one.example)
    out = console()
    out.print(table)
    out.print(f"Functions and methods: {', '.join(sorted(FUNCTIONS))}.")


def _print(project: Project, found: Result[RunRecord], columns: list[str] | None, query: str) -> None:
    from rich.table import Table

    total = project.count_runs(query)
    shown = _usual(project, found) if columns is None else _chosen(found, columns)
    out = console()
    out.print(f"{len(found)} of {total} runs", style="italic", justify="center" if out.is_terminal else None)
    if len(shown) * NARROWEST > out.width:
        # More columns than fit beside each other: each run is a block of lines instead.
        for row in zip(*shown.values(), strict=True):
            out.rule()
            for name, value in zip(shown, row, strict=True):
                out.print(f"{name:<32} {value}", markup=False)
        return
    table = Table()
    for column in shown:
        table.add_column(column, overflow="fold", no_wrap=column == "id")
    for row in zip(*shown.values(), strict=True):
        table.add_row(*row)
    out.print(table)


def _chosen(found: Result[RunRecord], columns: list[str]) -> dict[str, list[str]]:
    return {name: [_told(value) for value in values] for name, values in found.table(columns).items()}


def _usual(project: Project, found: Result[RunRecord]) -> dict[str, list[str]]:
    series = project.plain_series([run.id for run in found])
    bests = [
        ", ".join(
            f"{one.name} {one.best:.3f}"
            for one in series.get(run.id, [])
            if one.best is not None and not one.name.startswith("train/")
        )
        for run in found
    ]
    told = {
        "id": [run.id for run in found],
        "name": [run.name for run in found],
        "experiment": [run.experiment for run in found],
        "status": [run.status for run in found],
        "created": [time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created)) for run in found],
        "duration": [f"{run.duration_s:.0f} s" for run in found],
        "tags": [", ".join(run.tags) for run in found],
        "best": bests,
    }
    # A column in which nobody has anything is only in the way.
    return {name: values for name, values in told.items() if any(values) or not len(found)}


def _told(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
