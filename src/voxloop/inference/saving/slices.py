"""The DICOM slices of a scan that is known by one path: those that a DICOM segmentation has to refer to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from voxloop.data.formats.reference import ENDING as REFERENCE
from voxloop.data.formats.reference import read_reference
from voxloop.data.scans import ENDINGS
from voxloop.errors import VoxloopError


def slices_of(scan: Path) -> Sequence[Path]:
    """What a reference names as its first channel, or the series that a slice belongs to, out of its folder."""
    if scan.name.lower().endswith(REFERENCE):
        source = read_reference(scan)[0]
        if isinstance(source, tuple):
            return source
    if scan.name.lower().endswith(ENDINGS):
        raise VoxloopError(
            f"{scan.name} is no DICOM, and a DICOM segmentation refers to the slices of its scan; "
            "predict from the DICOM series itself, or save as .seg.nrrd or .nii.gz."
        )
    from voxloop.data.dicom import discover

    return next((one.files for one in discover(scan.parent).series if scan in one.files), (scan,))
