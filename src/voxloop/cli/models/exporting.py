"""`voxloop models export`: a version as files for others."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from voxloop.cli.console import Bar, console, print_json
from voxloop.cli.models.listing import Reference
from voxloop.cli.options import JsonOption, ProjectOption


class Form(StrEnum):
    """What an export is."""

    BUNDLE = "bundle"
    TORCHSCRIPT = "torchscript"
    ONNX = "onnx"
    FILES = "files"


def export(
    reference: Reference,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="A folder or a .zip that is not there yet; for one form alone also a .ts or .onnx file."
        ),
    ],
    to: Annotated[
        list[Form] | None,
        typer.Option(
            help="bundle: for plain MONAI, with a model card. torchscript, onnx: the network alone, or with a bundle in it. "
            "files: as they are stored. May be repeated. By default a bundle of a model, the files of anything else.",
        ),
    ] = None,
    authors: Annotated[str | None, typer.Option(help="Who trained the model, for its metadata.")] = None,
    copyright_: Annotated[
        str | None, typer.Option("--copyright", help="Whose the model is, for its metadata: Copyright (c) ...")
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Export a model that did not come with voxloop without asking.")
    ] = False,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a version for others: a model as a MONAI bundle that needs no voxloop, as TorchScript or ONNX. Every byte is checked.

    Example: voxloop models export spleen-ct:best --to bundle --to onnx -o spleen.zip
    """
    from voxloop.bundles.exporting import export as write
    from voxloop.cli.trusting import allowing
    from voxloop.store import open_project

    words = console(as_json)
    with open_project(project) as opened:
        version = opened.artifact(reference)
        bar = Bar(words, f"Exporting {version.ref}:")
        done = write(opened, version, out, [form.value for form in to or ()], bar, authors, copyright_, allowing(trust))
    if as_json:
        print_json({"ref": done.ref, "out": str(done.target), "forms": list(done.forms), "files": done.files})
        return
    count = f"{len(done.files)} file{'' if len(done.files) == 1 else 's'}, {sum(done.files.values()) / 1e6:.1f} MB"
    words.print(f"{done.ref} is in {done.target}: {', '.join(done.forms)}; {count}.", markup=False)
    if "bundle" in done.forms:
        words.print("docs/README.md in it says what the model is and how it is run; read it before you pass it on.")
