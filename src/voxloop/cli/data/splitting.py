"""`voxloop data split`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from voxloop.cli.console import console, print_json
from voxloop.cli.options import JsonOption


class By(StrEnum):
    patient = "patient"
    case = "case"


def split(
    data: Annotated[Path, typer.Argument(help="A dataset's folder.")],
    folds: Annotated[
        int | None, typer.Option(help="Folds that validate in turn: the splits NAME/0, NAME/1, ...", min=2)
    ] = None,
    by: Annotated[By, typer.Option(help="What stays together; a patient who is not known is a case.")] = By.patient,
    seed: Annotated[int, typer.Option(help="The same seed gives the same split, in any order of the files.")] = 0,
    name: Annotated[str | None, typer.Option(help="The split's name; by default cv for folds, else holdout.")] = None,
    val_fraction: Annotated[float | None, typer.Option(help="The share that validates, without folds: 0.2.")] = None,
    test_fraction: Annotated[float, typer.Option(help="A share that neither trains nor validates.")] = 0.0,
    extend: Annotated[
        bool,
        typer.Option(
            "--extend", help="Put cases that came later into stored splits by their own rule; no old one moves."
        ),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Make a stored split anew.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Divide a dataset: into folds for cross-validation, or once. A stored split is never made anew by itself.

    Example: voxloop data split Task09_Spleen --folds 5, and then: voxloop train spleen_ct --data Task09_Spleen --split cv/0
    """
    from voxloop.data.dividing import divide, extend_all
    from voxloop.data.importing.found import counted
    from voxloop.data.splits import Rule
    from voxloop.errors import VoxloopError

    out = console(as_json)
    if extend:
        if folds is not None or val_fraction is not None or test_fraction or force:
            raise VoxloopError("--extend goes on by a split's own rule; leave folds, fractions and --force away.")
        splits, new = extend_all(data, name)
        words = (
            f"{counted(new, 'new case')} found a place; no other has moved."
            if new
            else "No case is without a place; nothing has changed."
        )
    else:
        if folds is not None and val_fraction is not None:
            raise VoxloopError("Of folds each validates in turn, so --val-fraction has no place beside --folds.")
        rule = Rule(folds or 0, by.value, seed, 0.2 if val_fraction is None else val_fraction, test_fraction)
        splits = divide(data, name or ("cv" if folds else "holdout"), rule, force)
        words = f"Stored in {data / 'splits.json'}; use it with: --split {next(iter(splits))}"
    if as_json:
        print_json({name: one.parts for name, one in splits.items()})
        return
    for full, one in splits.items():
        counts = ", ".join(f"{len(ids)} {part}" for part, ids in one.parts.items())
        out.print(f"{full}: {counts}", markup=False)
    out.print(words, markup=False)
