"""Which layout a source has: as it is told, or by what lies in it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from voxloop.data.importing import bids, nnunet
from voxloop.data.importing.found import Progress, Survey, Wanted, volumes_in
from voxloop.errors import VoxloopError

AUTO = "auto"
LAYOUTS = {
    "pairs": "voxloop.data.importing.pairs",
    "nnunet": "voxloop.data.importing.nnunet",
    "bids": "voxloop.data.importing.bids",
    "dicom": "voxloop.data.importing.dicom",
    "decathlon": "voxloop.data.importing.elsewhere",
}


def survey(source: Path, layout: str, wanted: Wanted, progress: Progress | None = None) -> Survey:
    """What a source holds, by a layout or by the one that it shows."""
    if not source.is_dir():
        what = "is a file" if source.exists() else "is not there"
        raise VoxloopError(f"{source} {what}; name the folder that the scans are in.")
    if layout not in (AUTO, *LAYOUTS):
        raise VoxloopError(f'No layout is called "{layout}"; there are: {", ".join((AUTO, *LAYOUTS))}.')
    chosen = _seen(source, wanted) if layout == AUTO else layout
    found: Survey = import_module(LAYOUTS[chosen]).survey(source, wanted, progress)
    return found


def _seen(source: Path, wanted: Wanted) -> str:
    if wanted.images:
        return "pairs"
    if (source / "dataset.json").is_file():
        return "nnunet" if nnunet.is_raw(source) else "decathlon"
    if bids.looks_so(source):
        return "bids"
    if volumes_in(source):
        return "pairs"
    return "dicom"
