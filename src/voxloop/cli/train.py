"""`voxloop train`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from voxloop.cli.console import Bar, console, print_json


def train(
    recipe: Annotated[
        str | None, typer.Argument(help="A recipe (spleen_ct, brain_tumour), or the folder of a bundle.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Argument(help="key=value, in MONAI's syntax: epochs=20 network_def#dropout=0.1"),
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", "-d", help="A dataset's folder, or a version of one: spleen:v2.")
    ] = None,
    preset: Annotated[
        str, typer.Option(help="quick: minutes on a CPU, with larger voxels. full: the recipe as it stands.")
    ] = "full",
    split: Annotated[str, typer.Option(help="A named split of the dataset (splits.json).")] = "default",
    name: Annotated[str | None, typer.Option(help="The run's name.")] = None,
    experiment: Annotated[str | None, typer.Option(help="The experiment that the run belongs to.")] = None,
    resume: Annotated[str | None, typer.Option(help="Go on with an interrupted run: its id or name.")] = None,
    project: Annotated[
        Path | None,
        typer.Option(help="The project folder; by default the nearest .voxloop, made if there is none."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train a recipe on a dataset, as a tracked run.

    Example: voxloop train spleen_ct --data Task09_Spleen --preset quick epochs=20
    """
    from voxloop.errors import VoxloopError
    from voxloop.store import open_project
    from voxloop.store.artifacts import datasets
    from voxloop.training.train import Job, prepare
    from voxloop.training.train import train as run_training

    out = console(as_json)
    if resume is not None:
        if recipe is not None or settings or data is not None:
            raise VoxloopError("--resume goes on with a run's own recipe, data and settings; leave the others away.")
        opened = open_project(project)
        run_id: str | None = opened.run(resume).id
        job = Job.of(opened.run(resume))
    else:
        if recipe is None or data is None:
            raise VoxloopError("Name a recipe and its data, such as: voxloop train spleen_ct --data Task09_Spleen")
        folder = datasets.folder_at(project, data, Bar(out, "Digesting"))
        job = prepare(recipe, folder, preset, split, settings or [])
        opened = open_project(project, create=True)
        datasets.record(opened, folder, Bar(out, "Digesting"))
        run_id = None
    with opened:
        try:
            trained = run_training(job, opened, name=name, experiment=experiment, resume=run_id, console=out)
        except KeyboardInterrupt:
            latest = run_id or opened.runs(limit=1)[0].id
            print(f"voxloop: interrupted; go on with: voxloop train --resume {latest}", file=sys.stderr)
            raise typer.Exit(130) from None
    if as_json:
        print_json(
            {
                "run": trained.run_id,
                "model": trained.model,
                "dice": trained.best_dice,
                "epoch": trained.best_epoch,
            }
        )
        return
    out.print(
        f"\nBest Dice [bold]{trained.best_dice:.3f}[/bold] in epoch {trained.best_epoch} of {trained.epochs}, "
        f"saved as [bold]{trained.model}[/bold] (run {trained.run_id})."
    )
    out.print("See it with: voxloop serve")
