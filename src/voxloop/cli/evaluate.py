"""`voxloop evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voxloop.cli.console import Bar, console, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from voxloop.inference.evaluation import Evaluation


def evaluate(
    model: Annotated[str, typer.Argument(help="An artifact such as spleen-ct:best, or a bundle folder.")],
    data: Annotated[str, typer.Option("--data", "-d", help="A dataset's folder, or a version of one: spleen:v2.")],
    split: Annotated[str, typer.Option(help="A named split of the dataset.")] = "default",
    part: Annotated[str, typer.Option(help="training, validation, all, or test where a split has it.")] = "validation",
    device: Annotated[str | None, typer.Option(help="cpu, cuda:0, ...; by default the best there is.")] = None,
    project: Annotated[
        Path | None,
        typer.Option(help="The project folder; by default the nearest .voxloop, made if there is none."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="The run's name.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Score a model on a dataset: Dice and volume for each case and class, worst first."""
    from voxloop.inference.evaluation import evaluate_tracked
    from voxloop.store import open_project
    from voxloop.store.artifacts import datasets

    out = console(as_json)
    with open_project(project, create=True) as opened:
        folder = datasets.folder_of(opened, data, Bar(out, "Digesting"))
        datasets.record(opened, folder, Bar(out, "Digesting"))
        result = evaluate_tracked(
            model,
            folder,
            opened,
            split=split,
            part=part,
            device=device,
            name=name,
            progress=Bar(out, "Evaluating"),
        )
    if as_json:
        print_json(result.as_dict())
    else:
        show(result, out)


def show(result: Evaluation, out: Console) -> None:
    """The table of an evaluation."""
    from rich.table import Table

    table = Table(title=f"{result.model}: mean Dice {result.mean_dice:.3f} on {len(result.cases)} cases, worst first")
    table.add_column("case")
    table.add_column("class")
    for title in ("Dice", "truth mL", "predicted mL"):
        table.add_column(title, justify="right")
    for case in result.cases:
        for one in case.classes:
            volumes = (f"{one.values[key]:.0f}" for key in ("truth_ml", "predicted_ml"))
            table.add_row(case.case, one.name, f"{one.dice:.3f}", *volumes)
    out.print(table)
