"""`voxloop evaluate`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voxloop.cli.console import Bar, console, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from voxloop.inference.evaluation import Contest
    from voxloop.inference.metrics import Metric, Scoring


def evaluate(
    models: Annotated[
        list[str],
        typer.Argument(
            help="Artifacts such as spleen-ct:best, bundle folders, or folders of label maps named after their cases."
        ),
    ],
    data: Annotated[str, typer.Option("--data", "-d", help="A dataset's folder, or a version of one: spleen:v2.")],
    split: Annotated[str, typer.Option(help="A named split of the dataset.")] = "default",
    part: Annotated[str, typer.Option(help="training, validation, all, or test where a split has it.")] = "validation",
    tolerance: Annotated[
        list[str] | None,
        typer.Option(
            help="Millimetres that surfaces may lie apart: 2 for all, spleen=3 for one; may be given again. [default: 2]"
        ),
    ] = None,
    surface: Annotated[
        str, typer.Option(help="elements: the area between voxels. voxels: the outermost voxels, as MONAI takes them.")
    ] = "elements",
    lesion_iou: Annotated[
        float,
        typer.Option(
            "--lesion-iou",
            help="How alike a lesion and its prediction have to be; at 0, one shared voxel finds a lesion.",
        ),
    ] = 0.0,
    classes: Annotated[str | None, typer.Option(help="Only these classes and regions: spleen,liver.")] = None,
    metrics: Annotated[
        str | None, typer.Option(help="What tables show: all, or keys such as dice,nsd. Files hold all.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="A folder for CSV files, evaluation.json, tables and a figure.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Write over an earlier evaluation in --out.")] = False,
    device: Annotated[str | None, typer.Option(help="cpu, cuda:0, ...; by default the best there is.")] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run a bundle that did not come with voxloop without asking.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Where the drawing of patients begins.")] = 0,
    resamples: Annotated[int, typer.Option(help="How often patients are drawn for an interval.")] = 10_000,
    confidence: Annotated[float, typer.Option(help="How sure intervals and claims are to be, in per cent.")] = 95.0,
    project: Annotated[
        Path | None,
        typer.Option(help="The project folder; by default the nearest .voxloop, made if there is none."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="The run's name.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Score models on a dataset, case by case, worst first; two or more are compared.

    Example: voxloop evaluate spleen-ct:best nnunet_predictions --data Task09_Spleen --part test --out results
    """
    from voxloop.cli.trusting import allowing
    from voxloop.errors import VoxloopError
    from voxloop.inference.evaluation import Asked, Resampling, evaluate_several
    from voxloop.inference.evaluation.evaluate import pairs_of
    from voxloop.inference.evaluation.showing import show
    from voxloop.inference.evaluation.writing import require_free, write
    from voxloop.store import open_project
    from voxloop.store.artifacts import datasets

    words = console(as_json)
    how = Resampling(resamples, confidence, seed)
    how.check()
    shown = _metrics(metrics)
    scoring = _scoring(tolerance or [], surface, lesion_iou)
    if out is not None:
        require_free(out, overwrite)
    chosen = tuple(one.strip() for one in (classes or "").split(",") if one.strip())
    with open_project(project, create=True) as opened:
        folder = datasets.folder_of(opened, data, Bar(words, "Digesting"))
        pairs_of(folder, split, part)
        datasets.record(opened, folder, Bar(words, "Digesting"))
        started = time.time()
        asked = Asked(folder, split, part, scoring, chosen, how, device, allowing(trust))
        try:
            contest = evaluate_several(models, opened, asked, name, lambda model: Bar(words, f"Evaluating {model}"))
        except KeyboardInterrupt:
            begun = [run.id for run in opened.runs(limit=1) if run.created >= started]
            kept = f"run {begun[0]} keeps the figures of the cases that were done, and " if begun else ""
            print(f"voxloop: interrupted; {kept}the same command scores all of them.", file=sys.stderr)
            raise typer.Exit(130) from None
    written = [] if out is None else write(contest, out, how, shown)
    if as_json:
        print_json(contest.as_dict(how))
    else:
        show(contest, how, shown, words)
        if written:
            words.print(f"Written into {out}: {', '.join(path.name for path in written)}.", markup=False)
            if not any(path.suffix == ".pdf" for path in written):
                words.print("No figure was drawn: that needs matplotlib; pip install matplotlib.")
    if not contest.complete:
        failed = _tell_failed(contest, words)
        raise VoxloopError(
            f"{failed} could not be scored, and the figures are without {'it' if failed[:2] == '1 ' else 'them'}; mend and evaluate again."
        )


def _tell_failed(contest: Contest, words: Console) -> str:
    """Says of each case, and each model, why it has no figures; answers with how many there are."""
    for one in contest.evaluations:
        for failure in one.failed:
            words.print(f"not scored: {one.model}: {failure.case}: {failure.why}", style="red", markup=False)
    for failure in contest.failed:
        words.print(f"not scored: {failure.case}: {failure.why}", style="red", markup=False)
    cases = sum(len(one.failed) for one in contest.evaluations)
    counts = [(cases, "case"), (len(contest.failed), "model")]
    return " and ".join(f"{count} {what}{'' if count == 1 else 's'}" for count, what in counts if count)


def _metrics(said: str | None) -> list[Metric]:
    """The metrics that tables show."""
    from voxloop.data.splits import nearest
    from voxloop.errors import VoxloopError
    from voxloop.inference.evaluation.wording import usual
    from voxloop.inference.metrics import BY_KEY, METRICS

    if said is None:
        return usual()
    if said.strip() == "all":
        return list(METRICS)
    keys = list(dict.fromkeys(key.strip() for key in said.split(",") if key.strip()))
    if unknown := [key for key in keys if key not in BY_KEY]:
        raise VoxloopError(
            f'No metric is called "{unknown[0]}"; there are: all, {", ".join(BY_KEY)}.{nearest(unknown[0], list(BY_KEY))}'
        )
    if not keys:
        raise VoxloopError(f'--metrics names none; give "all", or some of: {", ".join(BY_KEY)}.')
    return [BY_KEY[key] for key in keys]


def _scoring(tolerances: list[str], surface: str, lesion_iou: float) -> Scoring:
    """What `--tolerance 2 --tolerance spleen=3 --surface elements` says."""
    import math

    from voxloop.errors import VoxloopError
    from voxloop.inference.metrics import Scoring

    if surface not in ("elements", "voxels"):
        raise VoxloopError(f'--surface is "elements" or "voxels", not "{surface}".')
    by_name: dict[str, float] = {}
    for said in tolerances:
        name, _, value = said.rpartition("=")
        try:
            mm = float(value)
        except ValueError:
            mm = math.nan
        if not (math.isfinite(mm) and mm >= 0):
            raise VoxloopError(
                f"--tolerance {said} is no number of millimetres; give 2 for all, or spleen=3 for one class."
            )
        by_name[name.strip()] = mm
    for_all = by_name.pop("", Scoring().tolerance_mm)
    return Scoring(tolerance_mm=for_all, tolerances_mm=by_name, surface=surface, lesion_iou=lesion_iou)
