"""`voxloop data export`."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from voxloop.cli.console import Bar, console, print_json
from voxloop.cli.options import JsonOption, ProjectOption


class To(StrEnum):
    decathlon = "decathlon"
    nnunet = "nnunet"


class Format(StrEnum):
    nii_gz = "nii.gz"
    nrrd = "nrrd"
    mha = "mha"


def export(
    data: Annotated[str, typer.Argument(help="A dataset's folder, or a version of one: spleen:v2.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="A folder that is not there yet.")],
    to: Annotated[To, typer.Option(help="The layout: decathlon, or nnU-Net v2's raw data.")] = To.decathlon,
    file_format: Annotated[Format, typer.Option("--format", help="The format of every file.")] = Format.nii_gz,
    split: Annotated[
        str | None, typer.Option(help="Only this split; for nnU-Net the folds that splits_final.json is made of.")
    ] = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a dataset as whole files for other tools, voxel for voxel.

    Example: voxloop data export spleen --to nnunet --out nnUNet_raw/Dataset009_Spleen
    """
    from voxloop.data.exporting import export_dataset
    from voxloop.store.artifacts import datasets

    words = console(as_json)
    bar = Bar(words, "Exporting")
    folder = datasets.folder_at(project, data, bar)
    made = export_dataset(folder, out, to.value, f".{file_format.value}", split, bar)
    if as_json:
        print_json(asdict(made))
        return
    for sentence in made.said:
        words.print(sentence, markup=False)
    words.print(f"{made.folder}: {made.cases} cases and {made.tests} without labels, as whole files.", markup=False)
