"""`voxloop bundle run` and `voxloop bundle tracking`: any MONAI bundle, as it is, tracked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from voxloop.cli.console import print_json


def run(
    bundle: Annotated[str, typer.Argument(help="The folder of a bundle, or a recipe's name.")],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN_ID] [KEY=VALUE]...",
            help="What of it to run, by default run; and settings in MONAI's syntax: train#trainer#max_epochs=20",
        ),
    ] = None,
    config: Annotated[
        list[str] | None,
        typer.Option(
            "--config", "-c", help="A config of the bundle; several are merged in order. By default train.json."
        ),
    ] = None,
    nproc: Annotated[int, typer.Option(min=1, help="Processes on this machine, joined by torchrun.")] = 1,
    name: Annotated[str | None, typer.Option(help="The run's name; by default the bundle's.")] = None,
    project: Annotated[
        Path | None,
        typer.Option(help="The project folder; by default the nearest .voxloop, made if there is none."),
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run a bundle that did not come with voxloop without asking.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with the tracked run as JSON.")] = False,
) -> None:
    """Run a bundle in a process of its own, tracked.

    Example: voxloop bundle run spleen_ct_segmentation --config train.json dataset_dir=Task09_Spleen
    """
    from voxloop.bundles import finding
    from voxloop.bundles.trust import Program
    from voxloop.cli.trusting import allowing
    from voxloop.errors import VoxloopError
    from voxloop.training import foreign

    words = arguments or []
    run_id = words[0] if words and "=" not in words[0] else None
    root = finding.find(bundle)
    configs = finding.config_files(root, config or [], nproc)
    allowing(trust)(Program.of(root, configs))
    job = foreign.BundleJob(root, configs, run_id, tuple(words[1:] if run_id else words), name)
    if nproc > 1:
        # One process tells a mistake itself; several would tell it each, and torchrun once more.
        foreign.check(job)
    ended = foreign.run(job, project, nproc)
    if as_json:
        print_json(
            {
                "run": ended.run_id,
                "name": ended.name,
                "status": ended.status,
                "exit_code": ended.exit_code,
                "error": ended.error,
            }
        )
    elif ended.run_id is not None:
        print(
            f"voxloop: {ended.status}: run {ended.name} ({ended.run_id}); see it with: voxloop serve", file=sys.stderr
        )
    if ended.error is not None and ended.exit_code == 1:
        raise VoxloopError(ended.error)
    if ended.error is not None:
        print(f"voxloop: {ended.error}", file=sys.stderr)
    if ended.exit_code:
        raise typer.Exit(ended.exit_code)


def tracking() -> None:
    """Print the settings file that tracks any bundle under MONAI's own command.

    Example: python -m monai.bundle run --config_file configs/train.json --tracking $(voxloop bundle tracking)
    """
    from importlib.resources import files

    print(files("voxloop.monai") / "tracking.json")
