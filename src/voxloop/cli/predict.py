"""`voxloop predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from voxloop.cli.console import Bar, console, print_json


def predict(
    model: Annotated[str, typer.Argument(help="An artifact such as spleen-ct:best, or a bundle folder.")],
    scans: Annotated[list[Path], typer.Argument(help="NIfTI scans, or folders of them.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Where the label maps go, one for each scan, under its name.")
    ],
    device: Annotated[str | None, typer.Option(help="cpu, cuda:0, ...; by default the best there is.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Predict again where a label map is already there.")] = False,
    project: Annotated[Path | None, typer.Option(help="The project folder that holds the model.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Segment scans: uint8 label maps with each scan's own shape, affine and header.

    Scans that already have a label map are left alone, so an interrupted folder goes on where it was.
    """
    from voxloop.errors import VoxloopError
    from voxloop.inference.model import load_model
    from voxloop.inference.predict import predict as segment
    from voxloop.inference.saving import save
    from voxloop.inference.sources import sources_in, targets_of
    from voxloop.store import open_project

    words = console(as_json)
    targets = targets_of(sources_in(scans), out)
    if (Path(model) / "configs").is_dir():
        loaded = load_model(model, None, device)
    else:
        with open_project(project) as opened:
            loaded = load_model(model, opened, device)
    progress = Bar(words, "Predicting")
    rows: list[dict[str, Any]] = []
    for done, (source, target) in enumerate(targets.items()):
        progress(done, len(targets), source.path.name)
        if target.exists() and not overwrite:
            rows.append({"scan": str(source.path), "labels": str(target), "skipped": True})
            continue
        try:
            prediction = segment(loaded, source.open())
            save(prediction, target)
        except VoxloopError as error:
            # One bad file of a night's work does not end the night.
            rows.append({"scan": str(source.path), "labels": None, "error": str(error)})
            continue
        volumes = {name: round(prediction.volume_ml(number), 2) for number, name in enumerate(loaded.classes) if number}
        rows.append({"scan": str(source.path), "labels": str(target), "volume_ml": volumes, "skipped": False})
    progress(len(targets), len(targets))
    failed = [row for row in rows if "error" in row]
    if failed and len(rows) == 1:
        raise VoxloopError(failed[0]["error"])
    if as_json:
        print_json({"model": loaded.name, "predictions": rows})
        raise typer.Exit(1 if failed else 0)
    for row in (row for row in rows if "error" not in row):
        said = (
            "already there"
            if row["skipped"]
            else ", ".join(f"{name} {ml:.1f} mL" for name, ml in row["volume_ml"].items())
        )
        words.print(f"{row['labels']}: {said}")
    words.print("Not a medical device: look at every label map before you rely on it.")
    if failed:
        for row in failed:
            words.print(f"not segmented: {row['error']}", style="red", markup=False)
        raise VoxloopError(
            f"{len(failed)} of {len(rows)} scans could not be segmented; mend them, and give the same command again for these."
        )
