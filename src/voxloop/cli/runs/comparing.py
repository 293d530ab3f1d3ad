"""`voxloop runs compare`: in what runs differ, and what came of it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from voxloop.cli.console import console, print_json
from voxloop.cli.options import JsonOption, ProjectOption


def compare(
    runs: Annotated[
        list[str], typer.Argument(help="Two or more: ids, beginnings of ids, or names.", show_default=False)
    ],
    everything: Annotated[bool, typer.Option("--all", help="Show also what is the same in all.")] = False,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the params in which runs differ, and the best and last values of their metrics."""
    from voxloop.errors import VoxloopError
    from voxloop.store import open_project
    from voxloop.store.results import Result

    if len(runs) < 2:
        raise VoxloopError("One run cannot be compared; name two or more.")
    with open_project(project) as opened:
        found = Result([opened.run(reference) for reference in runs], opened.plain_series)
        rows = {name: values for name, values in found.table().items() if name.startswith(("params", "metrics."))}
    differing = {name: values for name, values in rows.items() if everything or any(one != values[0] for one in values)}
    if as_json:
        print_json(
            [
                {"id": run.id, "name": run.name, **{k: v[at] for k, v in differing.items()}}
                for at, run in enumerate(found)
            ]
        )
        return
    from rich.table import Table

    table = Table(
        "", *(f"{run.name}\n{run.id}" for run in found), title=f"{len(rows) - len(differing)} more are the same in all"
    )
    for name, values in differing.items():
        table.add_row(name, *(_told(value) for value in values))
    console().print(table)


def _told(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
