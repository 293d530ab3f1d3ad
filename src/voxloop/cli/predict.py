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
    from voxloop.inference.model import load_model
    from voxloop.inference.predict import predict as segment
    from voxloop.inference.predict import scans_in, targets_of
    from voxloop.store import open_project

    words = console(as_json)
    targets = targets_of(scans_in(scans), out)
    if (Path(model) / "configs").is_dir():
        loaded = load_model(model, None, device)
    else:
        with open_project(project) as opened:
            loaded = load_model(model, opened, device)
    progress = Bar(words, "Predicting")
    rows: list[dict[str, Any]] = []
    for done, (scan, target) in enumerate(targets.items()):
        progress(done, len(targets), scan.name)
        if target.exists() and not overwrite:
            rows.append({"scan": str(scan), "labels": str(target), "skipped": True})
            continue
        prediction = segment(loaded, scan)
        prediction.save(target)
        volumes = {name: round(prediction.volume_ml(number), 2) for number, name in enumerate(loaded.classes) if number}
        rows.append({"scan": str(scan), "labels": str(target), "volume_ml": volumes, "skipped": False})
    progress(len(targets), len(targets))
    if as_json:
        print_json({"model": loaded.name, "predictions": rows})
        return
    for row in rows:
        said = (
            "already there"
            if row["skipped"]
            else ", ".join(f"{name} {ml:.1f} mL" for name, ml in row["volume_ml"].items())
        )
        words.print(f"{row['labels']}: {said}")
    words.print("Not a medical device: look at every label map before you rely on it.")
