"""`voxloop train`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from voxloop.cli.console import Bar, console, print_json

# What a run has had from the start.
ITS_OWN = ("preset", "split", "name", "experiment")


def train(
    context: typer.Context,
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
    resume: Annotated[
        str | None,
        typer.Option(
            help="Go on with an interrupted run, its id or name; with epochs=40, for longer than it was to be."
        ),
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Go on even with other settings or data than the run was begun with.")
    ] = False,
    project: Annotated[
        Path | None,
        typer.Option(help="The project folder; by default the nearest .voxloop, made if there is none."),
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Train a bundle that did not come with voxloop without asking.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train a recipe on a dataset, as a tracked run.

    Example: voxloop train spleen_ct --data Task09_Spleen --preset quick epochs=20
    """
    from voxloop.cli.trusting import allowing
    from voxloop.errors import VoxloopError
    from voxloop.store import open_project
    from voxloop.store.artifacts import datasets
    from voxloop.training.job import Job, continued, prepare
    from voxloop.training.train import Stopped
    from voxloop.training.train import train as run_training

    out = console(as_json)
    run_id: str | None = None
    if resume is not None:
        # The first word is a setting here: the recipe is the run's.
        words = [*([recipe] if recipe else []), *(settings or [])]
        if recipe is not None and "=" not in recipe:
            raise VoxloopError(f'--resume goes on with the run\'s own recipe; leave "{recipe}" away.')
        for one in ITS_OWN:
            source = context.get_parameter_source(one)
            if source is not None and source.name == "COMMANDLINE":
                raise VoxloopError(f"--resume goes on with the run's own {one}; leave --{one} away.")
        opened = open_project(project)
        run = opened.run(resume)
        folder = datasets.folder_of(opened, data, Bar(out, "Digesting")) if data is not None else None
        job = Job.of(run)
        run_id, job = run.id, continued(job, words, folder) if words or folder else job
    else:
        if recipe is None or data is None:
            raise VoxloopError("Name a recipe and its data, such as: voxloop train spleen_ct --data Task09_Spleen")
        if anyway:
            raise VoxloopError("--anyway is for a run that goes on under other settings; say which one with --resume.")
        folder = datasets.folder_at(project, data, Bar(out, "Digesting"))
        job = prepare(recipe, folder, preset, split, settings or [])
        opened = open_project(project, create=True)
        datasets.record(opened, folder, Bar(out, "Digesting"))
    with opened:
        try:
            trained = run_training(
                job,
                opened,
                name=name,
                experiment=experiment,
                resume=run_id,
                anyway=anyway,
                console=out,
                progress=Bar(out, "Digesting"),
                trust=allowing(trust),
            )
        except Stopped as stopped:
            kept = f"epoch {stopped.epoch} is the last one kept" if stopped.epoch else "no epoch was finished"
            print(f"voxloop: interrupted, {kept}; go on with: voxloop train --resume {stopped.run_id}", file=sys.stderr)
            raise typer.Exit(130) from None
        except KeyboardInterrupt:
            print("voxloop: interrupted.", file=sys.stderr)
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
