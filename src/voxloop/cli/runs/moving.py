"""`voxloop runs export` and `import`: whole runs as one zip, and back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from voxloop.cli.console import console, print_json
from voxloop.cli.options import JsonOption, ProjectOption


def export_runs(
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


def import_runs(
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
