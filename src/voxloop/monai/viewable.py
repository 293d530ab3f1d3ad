"""A scan as a file that a viewer reads as it lies there: NIfTI, with all its channels."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path

from voxloop.data.formats.writing import write_volume
from voxloop.data.scans import NIFTI, Scan


class Viewable:
    """Gives a NIfTI file as it is, and writes one for any other scan, once for as long as it lives."""

    def __init__(self) -> None:
        self._written: dict[Path, Path] = {}
        self._scratch: Path | None = None

    def of(self, scan: Scan) -> Path:
        if scan.path.name.lower().endswith(NIFTI):
            return scan.path
        if scan.path not in self._written:
            if self._scratch is None:
                self._scratch = Path(tempfile.mkdtemp(prefix="voxloop-viewable-"))
                weakref.finalize(self, shutil.rmtree, self._scratch, ignore_errors=True)
            place = self._scratch / f"{len(self._written)}-{scan.path.name.split('.', 1)[0]}.nii.gz"
            write_volume(place, scan.array(), scan.geometry)
            self._written[scan.path] = place
        return self._written[scan.path]
