"""`voxloop predict`."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voxloop.cli.console import Bar, console, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from voxloop.inference.batch import Row
    from voxloop.inference.model import Model


def predict(
    model: Annotated[str, typer.Argument(help="An artifact such as spleen-ct:best, or a bundle folder.")],
    scans: Annotated[list[Path], typer.Argument(help="Scans, DICOM series, or folders of either.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Where the label maps go, one for each scan, under its name.")
    ],
    with_models: Annotated[
        list[str] | None,
        typer.Option("--with", help="Another model or fold, to be averaged with; can be given several times."),
    ] = None,
    flips: Annotated[
        str, typer.Option(help="Average over flipped scans: all, or axes such as x (left-right), xy. Slower.")
    ] = "none",
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Write CASE.probabilities.nii.gz too, one map for each class.")
    ] = False,
    each_volume: Annotated[
        bool, typer.Option("--each-volume", help="Segment each volume of a file of several, such as time points.")
    ] = False,
    ending: Annotated[
        str,
        typer.Option("--format", help="nii.gz, nii, seg.nrrd (3D Slicer), nrrd, mha, or dcm (a DICOM segmentation)."),
    ] = "nii.gz",
    allow_gaps: Annotated[
        bool, typer.Option("--allow-gaps", help="Take DICOM series with missing slices, and fill them in.")
    ] = False,
    device: Annotated[str | None, typer.Option(help="cpu, cuda:0, ...; by default the best there is.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Make anew what is already there, whatever made it.")
    ] = False,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run a bundle that did not come with voxloop without asking.")
    ] = False,
    project: Annotated[Path | None, typer.Option(help="The project folder that holds the model.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Segment scans, DICOM series among them: a label map with each scan's own shape and place in the patient.

    predictions.json beside them records what each was made with; so the same command goes on where it was interrupted.

    Example: voxloop predict spleen-ct:best scans --out labels --flips all
    """
    from voxloop.errors import VoxloopError
    from voxloop.inference.batch import predict_all
    from voxloop.inference.flips import flips_of
    from voxloop.inference.looking import look_in
    from voxloop.inference.predict import How
    from voxloop.inference.sources import targets_of

    words = console(as_json)
    how = How(flips_of(flips), probabilities)
    found = look_in(scans, allow_gaps, Bar(words, "Looking"))
    for sentence in found.said:
        words.print(sentence, markup=False)
    targets = targets_of(found.sources, out, f".{ending.lstrip('.')}")
    rows: list[Row] = []
    began = time.monotonic()
    try:
        models = _loaded([model, *(with_models or [])], project, device, trust)
        for row in predict_all(
            models,
            targets,
            out,
            how,
            each_volume=each_volume,
            overwrite=overwrite,
            progress=Bar(words, "Predicting"),
        ):
            rows.append(row)
    except KeyboardInterrupt:
        done = sum(row.error is None for row in rows)
        print(
            f"voxloop: interrupted; {done} of {len(targets)} scans are segmented, and the same command goes on from there",
            file=sys.stderr,
        )
        raise typer.Exit(130) from None
    failed = [row.error for row in rows if row.error is not None]
    if failed and len(rows) == 1:
        raise VoxloopError(failed[0])
    if as_json:
        named = [one.name for one in models]
        print_json(
            {
                "model": named[0],
                "models": named,
                "flips": how.flips,
                "each_volume": each_volume,
                "said": [*found.said, *(note for one in models for note in one.notes)],
                "predictions": [row.as_dict() for row in rows],
            }
        )
        raise typer.Exit(1 if failed else 0)
    _show(rows, time.monotonic() - began, words)
    for note in dict.fromkeys(note for one in models for note in one.notes):
        words.print(note, markup=False)
    if failed:
        raise VoxloopError(
            f"{len(failed)} of {len(rows)} scans could not be segmented; mend them, and give the same command again for these."
        )


def _loaded(references: Sequence[str], project: Path | None, device: str | None, trust: bool) -> list[Model]:
    """The models, in their order; a project is opened only where one of them lies in it."""
    from voxloop.cli.trusting import allowing
    from voxloop.inference.model import load_model
    from voxloop.store import open_project

    allow = allowing(trust)
    if all(Path(reference).exists() for reference in references):
        return [load_model(reference, None, device, allow) for reference in references]
    with open_project(project) as opened:
        return [load_model(reference, opened, device, allow) for reference in references]


def _show(rows: Sequence[Row], seconds: float, words: Console) -> None:
    made = [row for row in rows if row.error is None]
    for row in made:
        said = ", ".join(f"{name} {_ml(volume)} mL" for name, volume in row.volume_ml.items())
        words.print(f"{row.labels}: {said}{' (already there)' if row.skipped else ''}", markup=False)
    new = sum(not row.skipped for row in made)
    if len(rows) > 1:
        words.print(
            f"{new} of {len(rows)} scans segmented in {_duration(seconds)}, {len(made) - new} were there already."
        )
    words.print("Not a medical device: look at every label map before you rely on it.")
    for row in rows:
        if row.error is not None:
            words.print(f"not segmented: {row.error}", style="red", markup=False)


def _ml(volume: float | list[float]) -> str:
    return "/".join(f"{one:.1f}" for one in (volume if isinstance(volume, list) else [volume]))


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
