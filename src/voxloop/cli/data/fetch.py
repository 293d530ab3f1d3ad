"""`voxloop data fetch`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voxloop.cli.console import console, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from voxloop.data.fetch.places import Progress
    from voxloop.data.fetch.tasks import Task


def fetch(
    task: Annotated[str | None, typer.Argument(help="Task09_Spleen, or in short: Task09, 09, spleen.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to put the dataset's folder in.")] = Path(),
    mirror: Annotated[
        str | None,
        typer.Option(
            envvar="VOXLOOP_MIRROR",
            help="Where TaskNN_….tar lies: an http(s) address or a folder; by default the public bucket that MONAI uses.",
        ),
    ] = None,
    archive: Annotated[
        Path | None, typer.Option(help="The task's tar, where somebody has brought it: no network is used.")
    ] = None,
    keep_archive: Annotated[bool, typer.Option("--keep-archive", help="Leave the tar beside the folder.")] = False,
    list_tasks: Annotated[bool, typer.Option("--list", help="Show the ten tasks.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Get a task of the Medical Segmentation Decathlon.

    Interrupted, it goes on where it was; done, it does nothing.

    Example: voxloop data fetch spleen
    """
    from voxloop.data.decathlon import read_dataset
    from voxloop.data.fetch import dataset
    from voxloop.data.fetch.tasks import LICENCE, MIRROR, SOURCE, find_task
    from voxloop.errors import VoxloopError

    words = console(as_json)
    # A path may have square brackets in it.
    say = partial(words.print, markup=False)
    if list_tasks:
        _show_tasks(words, as_json)
        return
    if task is None:
        raise VoxloopError("Name a task, such as: voxloop data fetch spleen (all ten: voxloop data fetch --list)")
    wanted = find_task(task)
    try:
        with _stages(words) as progress:
            done = dataset.fetch(
                wanted,
                out,
                MIRROR if mirror is None else mirror,
                archive,
                keep_archive,
                say=say,
                progress=progress,
            )
    except KeyboardInterrupt:
        print("voxloop: interrupted; the same command goes on from here", file=sys.stderr)
        raise typer.Exit(130) from None
    read = read_dataset(done.folder)
    if as_json:
        print_json(
            {
                "task": wanted.name,
                "folder": done.folder,
                "already": done.already,
                "training": len(read.training),
                "test": len(read.test),
                "modality": read.modality,
                "labels": read.labels,
                "files": done.files,
                "bytes": done.bytes,
                "licence": LICENCE,
                "source": SOURCE,
            }
        )
        return
    if done.already:
        say(f"{done.folder} is there already, whole.")
    say(
        f"{done.folder}: {len(read.training)} labelled cases and {len(read.test)} without labels, {', '.join(read.modality.values())}."
    )
    say(f"Labels: {', '.join(f'{value} {name}' for value, name in read.labels.items())}.")
    say(f"Licence: {LICENCE}. Name the source: {SOURCE}.")
    say(f"Next:  voxloop data check {shlex.quote(str(done.folder))}")
    say(f"       voxloop train {_recipe(wanted)} --data {shlex.quote(str(done.folder))}")


def _recipe(task: Task) -> str:
    from voxloop.recipes import names

    return next((name for name in names() if name.startswith(task.subject.replace(" ", "_"))), "RECIPE")


def _show_tasks(words: Console, as_json: bool) -> None:
    from rich.table import Table

    from voxloop.data.fetch.places import amount
    from voxloop.data.fetch.tasks import LICENCE, TASKS

    if as_json:
        print_json([{**asdict(task), "licence": LICENCE} for task in TASKS])
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("task", no_wrap=True)
    for head in ("labels", "modality"):
        table.add_column(head)
    for head in ("labelled", "unlabelled", "about"):
        table.add_column(head, justify="right")
    for task in TASKS:
        table.add_row(
            task.name, task.shows, task.modality, str(task.training), str(task.test), amount(task.about_bytes)
        )
    words.print(table)
    words.print(f"All are {LICENCE}. Get one with: voxloop data fetch spleen")


@contextmanager
def _stages(words: Console) -> Iterator[Progress | None]:
    """A bar for each stage, with speed and time left; nothing where nobody watches."""
    if not words.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns: list[Any] = [TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()]
    with Progress(*columns, TimeRemainingColumn(), console=words, transient=True) as bars:
        shown: dict[str, Any] = {}

        def progress(done: int, total: int, what: str) -> None:
            if what not in shown:
                for earlier in shown.values():
                    bars.update(earlier, visible=False)
                # What was here before is no speed.
                shown[what] = bars.add_task(what, total=total, completed=done)
            bars.update(shown[what], completed=done, total=total, visible=True)

        yield progress
