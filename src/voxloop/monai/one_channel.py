"""Of a scan of several channels the first one, as a file of its own: what a viewer shows of an MRI in four sequences."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path

from voxloop.data.scans import Scan


class OneChannel:
    """Gives the file of a scan of one channel as it is, and writes one of several channels once, for as long as it lives."""

    def __init__(self) -> None:
        self._written: dict[Path, Path] = {}
        self._scratch: Path | None = None

    def of(self, scan: Scan) -> Path:
        if scan.channels == 1:
            return scan.path
        if scan.path not in self._written:
            import nibabel as nib

            if self._scratch is None:
                self._scratch = Path(tempfile.mkdtemp(prefix="voxloop-channels-"))
                weakref.finalize(self, shutil.rmtree, self._scratch, ignore_errors=True)
            place = self._scratch / f"{len(self._written)}-{scan.path.name}"
            nib.save(nib.load(scan.path).slicer[..., 0], place)
            self._written[scan.path] = place
        return self._written[scan.path]
