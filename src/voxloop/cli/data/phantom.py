"""`voxloop data phantom`."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from voxloop.cli.console import console, print_json


class Kind(StrEnum):
    spleen = "spleen"
    brain_tumour = "brain_tumour"
    broken = "broken"


class Size(StrEnum):
    small = "small"
    medium = "medium"
    full = "full"


class Hospital(StrEnum):
    A = "A"
    B = "B"


def phantom(
    kind: Annotated[
        Kind,
        typer.Argument(help="spleen: abdominal CT. brain_tumour: four-channel MRI. broken: bad files, for checkers."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The dataset's folder.")],
    cases: Annotated[int, typer.Option(help="Labelled cases.", min=1)] = 12,
    test_cases: Annotated[
        int | None, typer.Option(help="Scans without labels; by default a quarter as many.", min=0)
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.", min=0)] = 0,
    size: Annotated[
        Size, typer.Option(help="small: for tests. medium: about 2 mm. full: as large as real scans.")
    ] = Size.medium,
    hospital: Annotated[Hospital, typer.Option(help="B scans with another contrast, noise and spacing.")] = Hospital.A,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Make a synthetic dataset in Decathlon layout.

    Example: voxloop data phantom spleen --cases 12 --out Task09_Phantom
    """
    from rich.progress import Progress

    from voxloop.data import phantom as phantoms

    words = console(as_json)
    if kind is Kind.broken:
        faults = phantoms.make_broken(out, seed)
        if as_json:
            print_json([asdict(fault) for fault in faults])
            return
        words.print(f"{out}: {len(faults)} planted faults, listed in faults.json:")
        for fault in faults:
            words.print(f"  {fault.file:<34} {fault.what}")
        return
    with Progress(console=words, transient=True) as progress:
        task = progress.add_task("Drawing cases", total=None)

        def said(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        make: Any = phantoms.make_spleen if kind is Kind.spleen else phantoms.make_brain_tumour
        report = make(out, cases, seed, size.value, hospital.value, test_cases, said)
    if as_json:
        print_json(asdict(report))
        return
    words.print(
        f"{report.root}: {report.cases} labelled cases and {report.test_cases} without labels, in Decathlon layout."
    )
    words.print(f"The label fills {report.foreground:.2%} of a scan on average.")
    words.print(
        f"Baseline: the best plain intensity threshold reaches a Dice of {report.threshold_dice:.2f}; anything better has been learned."
    )
