"""`voxloop data import`."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voxloop.cli.console import Bar, console, print_json
from voxloop.cli.options import JsonOption

if TYPE_CHECKING:
    from rich.console import Console

    from voxloop.data.importing import Imported

# A dry run shows how names are understood; more rows show nothing new.
ROWS_SHOWN = 12


class Layout(StrEnum):
    auto = "auto"
    pairs = "pairs"
    nnunet = "nnunet"
    bids = "bids"
    dicom = "dicom"
    decathlon = "decathlon"


def import_(
    source: Annotated[Path, typer.Argument(help="The folder that the scans and labels are in; it is only read.")],
    name: Annotated[str | None, typer.Option(help="The dataset's name; by default the folder's.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The dataset's folder; by default ./NAME.")] = None,
    layout: Annotated[
        Layout, typer.Option(help="How the source is laid out; auto looks what lies in it.")
    ] = Layout.auto,
    images: Annotated[
        str | None, typer.Option(help="Where scans are: 'images/{patient}/{case}_ct.nii.gz', also with {channel}.")
    ] = None,
    labels: Annotated[str | None, typer.Option(help="Where labels are: 'labels/{case}_seg.nii.gz'.")] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="What a label value means: 1=spleen. May be repeated.")
    ] = None,
    modality: Annotated[str | None, typer.Option(help="CT, or a name for each channel: FLAIR,T1w.")] = None,
    copy: Annotated[
        bool, typer.Option("--copy", help="Copy scans as .nii.gz files, instead of referring to them.")
    ] = False,
    allow_gaps: Annotated[
        bool,
        typer.Option(
            "--allow-gaps", help="Interpolate the missing slices of a DICOM series, instead of leaving the case out."
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be brought in, and how.")] = False,
    project: Annotated[
        Path | None,
        typer.Option(help="The project that keeps the dataset's version; by default the nearest, if there is one."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Bring scans and labels into a dataset that refers to them: loose files, nnU-Net, BIDS or DICOM.

    Example: voxloop data import scans --name spleen --images 'ct/{case}.nii.gz' --labels 'seg/{case}_seg.nii.gz' --label 1=spleen
    """
    from voxloop.data.importing import Wanted, bring_in
    from voxloop.data.importing.names import parse_names
    from voxloop.errors import VoxloopError

    if name is None and out is None:
        raise VoxloopError(
            "Give the dataset a name, such as --name spleen; its folder is made here, or where --out says."
        )
    words = console(as_json)
    wanted = Wanted(
        images,
        labels,
        parse_names(label or []),
        tuple(part.strip() for part in modality.split(",") if part.strip()) if modality else (),
        allow_gaps=allow_gaps,
    )
    made = bring_in(
        source,
        out or Path(str(name)),
        name,
        layout=layout,
        wanted=wanted,
        copy=copy,
        dry_run=dry_run,
        progress=Bar(words, "Bringing in"),
    )
    version = None if dry_run else _recorded(made.folder, project, words)
    if as_json:
        print_json({**asdict(made), "added": made.added, "changed": made.changed, "version": version})
        return
    _show(made, words)
    if version is not None:
        words.print(f"It is [bold]{version}[/bold] in this project.")


def _recorded(folder: Path, project: Path | None, words: Console) -> str | None:
    """Keeps a version of the dataset in the project that is asked for, or that is there."""
    from voxloop.errors import VoxloopError
    from voxloop.store import open_project, place
    from voxloop.store.artifacts import datasets

    if project is None:
        try:
            place.find()
        except VoxloopError:
            return None
    with open_project(project, create=project is not None) as opened:
        return datasets.record(opened, folder, Bar(words, "Digesting")).ref


def _show(made: Imported, out: Console) -> None:
    from voxloop.data.importing.found import counted

    out.print(f"Layout: {made.layout}.")
    for sentence in made.said:
        out.print(sentence, markup=False)
    if made.dry_run:
        for row in made.rows[:ROWS_SHOWN]:
            patient = f" (patient {row.patient})" if row.patient else ""
            out.print(f"  {row.id}{patient} ({row.what}): {row.image} + {row.label or 'no label'}", markup=False)
        if len(made.rows) > ROWS_SHOWN:
            out.print(f"  ... and {len(made.rows) - ROWS_SHOWN} more")
    names = ", ".join(f"{value} {name}" for value, name in made.labels.items())
    out.print(f"Labels: {names}. Modality: {', '.join(made.modality)}.", markup=False)
    if made.modality and set(made.modality) == {"unknown"}:
        out.print("What the scans are is not known; say it with --modality CT, or in dataset.json.")
    if made.dry_run:
        out.print(
            f"Would make {made.folder}: {made.added} new, {made.changed} changed. Nothing was written.",
            markup=False,
        )
    elif made.added or made.changed:
        out.print(
            f"{made.folder}: {counted(made.cases, 'case')} and {made.tests} without labels; {made.added} new, {made.changed} changed.",
            markup=False,
        )
    else:
        out.print(
            f"{made.folder} holds all of it already: {counted(made.cases, 'case')}. Nothing has changed.", markup=False
        )
