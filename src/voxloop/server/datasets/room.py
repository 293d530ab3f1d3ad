"""Everything that is held of datasets while the server runs: what is known, the check that goes on, and the pictures."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from voxloop.server.datasets.checks import Checks
from voxloop.server.datasets.known import Known, folder_of
from voxloop.server.datasets.pictures import Pictures
from voxloop.server.datasets.report import REPORT, changed_since, place_of, read_report, stamps
from voxloop.server.kept import Kept
from voxloop.store import ArtifactVersion, Project

# A share is not asked for thousands of files again and again.
FRESH_S = 3.0


class Room:
    """One for each server."""

    def __init__(self, project: Project, kept: Kept) -> None:
        self.cache = project.cache
        self.known = Known(project, kept)
        self.checks = Checks()
        self.pictures = Pictures(project.cache / "slices")
        self._lock = threading.Lock()
        self._report: tuple[Path, int, dict[str, Any]] | None = None
        self._changed: tuple[Path, float, float, list[str]] | None = None

    def folder(self, version: ArtifactVersion) -> Path | None:
        return folder_of(version)

    def place(self, folder: Path) -> Path:
        return place_of(self.cache, folder)

    def report(self, version: ArtifactVersion) -> dict[str, Any] | None:
        """The last report about a version's folder, also where the folder is gone; the one read last stays in memory."""
        for listed in version.metadata.get("folders", []):
            place = self.place(Path(listed))
            try:
                stamp = (place / REPORT).stat().st_mtime_ns
            except OSError:
                continue
            with self._lock:
                if self._report is None or self._report[:2] != (place, stamp):
                    found = read_report(place)
                    if found is None:
                        continue
                    self._report = (place, stamp, found)
                return self._report[2]
        return None

    def changed(self, folder: Path | None, report: dict[str, Any] | None) -> list[str]:
        """The files that are no longer as a report saw them."""
        if folder is None or report is None:
            return []
        with self._lock:
            known = self._changed
        if known is not None and known[:2] == (folder, report["made"]) and time.monotonic() - known[2] < FRESH_S:
            return known[3]
        found = changed_since(report["stamps"], stamps(folder))
        with self._lock:
            self._changed = (folder, report["made"], time.monotonic(), found)
        return found

    def close(self) -> None:
        self.checks.close()
        self.pictures.close()
