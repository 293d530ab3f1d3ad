"""`voxloop data show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from voxloop.cli.console import console, print_json
from voxloop.cli.options import JsonOption, ProjectOption


def show(
    data: Annotated[str, typer.Argument(help="A dataset's folder, or a version of one: spleen:v2, spleen:latest.")],
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a dataset holds: cases, patients, labels, modality, splits and versions."""
    said = _described(data, project)
    if as_json:
        print_json(said)
        return
    out = console()
    out.print(f"[bold]{said['name']}[/bold]  {said['from']}")
    out.print(f"  {said['cases']} cases of {said['patients']} patients, {said['test']} without labels")
    out.print(f"  labels: {', '.join(f'{value} {name}' for value, name in said['labels'].items())}", markup=False)
    out.print(f"  modality: {', '.join(said['modality'].values())}", markup=False)
    for name, parts in said["splits"].items():
        counts = ", ".join(f"{count} {part}" for part, count in parts.items())
        out.print(f"  split {name}: {counts}", markup=False)
    for version in said["versions"]:
        used = f", used by {version['used_by']} runs" if version["used_by"] else ""
        out.print(f"  {version['ref']}: {version['cases']} cases{used}", markup=False)


def _described(data: str, project: Path | None) -> dict[str, Any]:
    from voxloop.data.decathlon import read_dataset
    from voxloop.data.splits import read_splits
    from voxloop.store import open_project
    from voxloop.store.artifacts import datasets

    if datasets.is_reference(data):
        with open_project(project) as opened:
            version = opened.artifact(data)
            manifest = datasets.manifest(opened, version)
            told = {
                "name": manifest.name,
                "from": version.ref,
                **datasets.summary(manifest),
                "folders": version.metadata.get("folders", []),
                "case_ids": [case.id for case in manifest.cases],
            }
            return {
                **told,
                "splits": _counts(manifest.splits, {case.id for case in manifest.cases}),
                "versions": datasets.versions(opened, version.name),
            }
    folder = Path(data)
    dataset = read_dataset(folder)
    return {
        "name": dataset.name,
        "from": str(folder),
        "cases": len(dataset.training),
        "patients": len({who or f"case {case}" for case, who in dataset.patients.items()}),
        "test": len(dataset.test),
        "labels": {str(value): name for value, name in dataset.labels.items()},
        "modality": {str(channel): name for channel, name in dataset.modality.items()},
        "case_ids": [case.id for case in dataset.training],
        "splits": _counts(read_splits(folder), set(dataset.patients)),
        "versions": _versions(folder, project),
    }


def _counts(splits: dict[str, Any], cases: set[str]) -> dict[str, dict[str, int]]:
    """How many cases each part has, and how many came too late for any."""
    found = {}
    for name, split in splits.items():
        counts = {part: len(ids) for part, ids in split.parts.items()}
        without = len(cases - split.cases())
        found[name] = {**counts, **({"in no part": without} if without else {})}
    return found


def _versions(folder: Path, project: Path | None) -> list[dict[str, Any]]:
    """The versions that were recorded of this folder, where a project is there."""
    from voxloop.errors import VoxloopError
    from voxloop.store import open_project, place
    from voxloop.store.artifacts import datasets

    if project is None:
        try:
            place.find()
        except VoxloopError:
            return []
    with open_project(project) as opened:
        here = str(folder.resolve())
        return [
            told
            for name in dict.fromkeys(version.name for version in opened.artifacts() if version.kind == datasets.KIND)
            for told in datasets.versions(opened, name)
            if here in told["folders"]
        ]
