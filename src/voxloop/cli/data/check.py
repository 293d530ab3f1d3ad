"""`voxloop data check`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voxloop.cli.console import Bar, console, print_json
from voxloop.data.whole import write_json
from voxloop.errors import VoxloopError

if TYPE_CHECKING:
    from rich.console import Console

    from voxloop.data.check import Options, Patch, Report
    from voxloop.data.check.mending import Mended

# Findings of a kind that are told one by one; the names of the rest follow on one line.
SHOWN, NAMED = 3, 12
STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}


def check(
    folder: Annotated[Path, typer.Argument(help="The dataset's folder, in Decathlon layout.", show_default=False)],
    recipe: Annotated[
        str | None, typer.Option(help="Also check that scans are large enough for this recipe's patch.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings as well.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the whole report into this file, as JSON.")
    ] = None,
    plots: Annotated[
        Path | None, typer.Option(help="Draw spacing, size, intensities and volumes into this folder.")
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(help="Where what was seen of each case is kept; by default .voxloop-check in the dataset."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that look; by default one per processor.", min=1)
    ] = None,
    fix: Annotated[
        Path | None,
        typer.Option(
            help="Write a copy into this new folder: what is safe to mend is mended, what needs a person is left out and named."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")] = False,
) -> None:
    """Say what is wrong with a dataset, and how to mend it, before training on it.

    Every case is looked at once and remembered, so that an interrupted check goes on and a second one is quick. Exit
    code 1 means that there is an error; with --fix, that there is one in the copy.

    Example: voxloop data check Task09_Spleen --recipe spleen_ct
    """
    from voxloop.data.check import Options
    from voxloop.data.check import check as check_dataset

    words = console(as_json)
    patch = _patch(recipe) if recipe is not None else None
    report = check_dataset(folder, Options(patch, cache, workers), Bar(words, "Looking at cases"))
    if out is not None:
        write_json(out, report.as_dict())
    drawn = None
    if plots is not None:
        from voxloop.data.check.plots import draw

        drawn = draw(report, plots)
    mended, after = (None, report) if fix is None else _mend(words, report, fix, Options(patch, None, workers))
    if as_json:
        more = {} if mended is None else {"mended": {**mended.as_dict(), "check": after.as_dict()}}
        print_json({**report.as_dict(), **more})
    else:
        _tell(words, report)
        if mended is not None:
            _tell_mended(words, mended, after)
        if out is not None:
            words.print(f"The whole report is in {out}.", markup=False)
    if drawn:
        words.print(f"{len(drawn)} plots are in {plots}.", markup=False)
    # With a copy made, what counts is whether that is sound.
    if after.count("error") or (strict and after.count("warning")):
        raise typer.Exit(1)


def _mend(words: Console, report: Report, out: Path, options: Options) -> tuple[Mended, Report]:
    """The mended copy, and what a check says of it."""
    from voxloop.data.check import check as check_dataset
    from voxloop.data.check.mending import mend

    mended = mend(report.dataset, report.findings, out, Bar(words, "Mending"))
    return mended, check_dataset(out, options, Bar(words, "Looking at the copy"))


def _tell_mended(words: Console, mended: Mended, after: Report) -> None:
    words.print()
    words.print(
        f"{mended.folder}: {mended.cases} cases; files that needed nothing are links.", style="bold", markup=False
    )
    for step in mended.steps:
        words.print(f"  mended: {step.file}: {step.what}.", markup=False)
    for one in mended.left_out:
        words.print(f"  left out for a person: {one.case} ({', '.join(one.kinds)})", markup=False)
    left = after.count("error")
    words.print(f"  A check of it finds {left or 'no'} error{'' if left == 1 else 's'}.", markup=False)


def _patch(recipe: str) -> Patch:
    """The plain numbers of a recipe that say how large a scan has to be."""
    from voxloop import recipes
    from voxloop.data.check import Patch

    path = recipes.find(recipe) / "configs" / "train.json"
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        spacing = [float(side) for side in content["spacing_mm"]]
        size = [int(side) for side in content["roi_size"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise VoxloopError(
            f"{path} does not give spacing_mm and roi_size as three numbers each ({type(error).__name__}: {error}); "
            "add them, or check without --recipe."
        ) from error
    if len(spacing) != 3 or len(size) != 3 or min(spacing) <= 0:
        raise VoxloopError(f"{path} does not give spacing_mm and roi_size as three numbers each; correct them.")
    return Patch(recipe, spacing, size)


def _tell(words: Console, report: Report) -> None:
    """A line that sums up, then kind by kind, the worst first."""
    from voxloop.data.check import KINDS

    counts = [f"{report.count(severity)} {severity}{'' if report.count(severity) == 1 else 's'}" for severity in STYLES]
    words.print(
        f"{report.dataset}: {len(report.cases)} cases looked at in {report.seconds:.1f} s; {', '.join(counts)}.",
        markup=False,
    )
    for kind, findings in report.by_kind().items():
        known = KINDS[kind]
        times = f" ({len(findings)} times)" if len(findings) > 1 else ""
        words.print()
        words.print(f"{known.severity}: {known.title}{times} [{kind}]", style=STYLES[known.severity], markup=False)
        for finding in findings[:SHOWN]:
            case = f"{finding.case}: " if finding.case else ""
            where = f" At voxel {', '.join(map(str, finding.where))}." if finding.where is not None else ""
            words.print(f"  {case}{finding.what}{where}", markup=False)
        rest = [finding.case or finding.file or "" for finding in findings[SHOWN:]]
        if rest:
            more = f" and {len(rest) - NAMED} more" if len(rest) > NAMED else ""
            words.print(f"  also: {', '.join(rest[:NAMED])}{more}", markup=False)
        words.print(f"  {known.why}", style="dim", markup=False)
        words.print(f"  -> {known.mend}", markup=False)
    if not report.findings:
        words.print("Nothing is wrong with it, as far as a check can see.", markup=False)
