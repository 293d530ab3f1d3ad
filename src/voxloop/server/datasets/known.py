"""The project's datasets: each manifest is parsed once, and a case leads to its files and no others."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from voxloop.errors import VoxloopError
from voxloop.server.kept import Kept
from voxloop.store import ArtifactVersion, Project

if TYPE_CHECKING:
    from voxloop.data.manifest import CaseContent, Manifest
    from voxloop.store.artifacts.dataset_changes import Difference

T = TypeVar("T")
# Manifests of two thousand cases take a few megabytes each, the digests of a case a hundred bytes.
MANIFESTS, DIGESTS = 12, 10_000


class Memo:
    """What never changes, computed when it is first asked for; what was asked for longest ago is forgotten."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._answers: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def answer(self, question: Hashable, compute: Callable[[], T]) -> T:
        with self._lock:
            if question in self._answers:
                self._answers.move_to_end(question)
                found: T = self._answers[question]
                return found
        made = compute()
        with self._lock:
            self._answers[question] = made
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)
        return made


@dataclass(frozen=True, slots=True)
class CaseFiles:
    """Where the scan and the label of a case are, and whether they are still what was recorded."""

    id: str
    image: Path
    label: Path | None
    key: str
    changed: bool


class Known:
    """Answers about recorded versions, whose content never changes."""

    def __init__(self, project: Project, kept: Kept) -> None:
        self.project = project
        self._kept = kept
        self._contents = Memo(MANIFESTS)
        self._digests = Memo(DIGESTS)

    def all(self) -> dict[str, list[ArtifactVersion]]:
        """The versions of each dataset, the oldest first."""
        from voxloop.store.artifacts.datasets import KIND

        def read() -> dict[str, list[ArtifactVersion]]:
            found: dict[str, list[ArtifactVersion]] = {}
            for version in self.project.artifacts():
                if version.kind == KIND:
                    found.setdefault(version.name, []).append(version)
            return found

        return self._kept.answer("datasets", read)

    def versions(self, name: str) -> list[ArtifactVersion]:
        found = self.all().get(name)
        if found is None:
            raise VoxloopError(f'No dataset is called "{name[:100]}"; open Data to see which there are.')
        return found

    def version(self, name: str, number: int | None) -> ArtifactVersion:
        """A version by its number, or the newest."""
        versions = self.versions(name)
        if number is None:
            return versions[-1]
        for version in versions:
            if version.version == number:
                return version
        there = ", ".join(f"v{version.version}" for version in versions)
        raise VoxloopError(f"{name} has no version v{number}; it has: {there}.")

    def manifest(self, version: ArtifactVersion) -> Manifest:
        from voxloop.store.artifacts import datasets

        return self._contents.answer(version.digest, lambda: datasets.manifest(self.project, version))

    def difference(self, before: ArtifactVersion, now: ArtifactVersion) -> Difference:
        """What sets a version apart from the one before it."""
        from voxloop.store.artifacts.dataset_changes import difference

        return self._digests.answer(
            ("difference", before.digest, now.digest), lambda: difference(self.manifest(before), self.manifest(now))
        )

    def folder(self, version: ArtifactVersion) -> Path:
        """Where a version's scans are, or a sentence about where they were."""
        found = folder_of(version)
        if found is None:
            was = ", ".join(version.metadata.get("folders", [])) or "nowhere on this machine"
            raise VoxloopError(
                f"{version.ref} was in {was}, and is not there now; bring the folder back to look at its scans."
            )
        return found

    def case(self, version: ArtifactVersion, case_id: str, test: bool) -> CaseFiles:
        """The files of a case that the version lists, by the digests that they have now."""
        manifest = self.manifest(version)
        case = next((one for one in (manifest.test if test else manifest.cases) if one.id == case_id), None)
        if case is None:
            raise VoxloopError(f'{version.ref} has no {"test scan" if test else "case"} "{case_id[:200]}".')
        return self._files(version, case)

    def _files(self, version: ArtifactVersion, case: CaseContent) -> CaseFiles:
        import hashlib

        from voxloop.data.digests import digests
        from voxloop.store.artifacts.datasets import memory
        from voxloop.store.artifacts.versions import inside

        folder = self.folder(version)
        listed = [file for file in (case.image, case.label) if file is not None]
        paths = [folder / inside(version, file.path) for file in listed]
        for path in paths:
            if not path.is_file():
                raise VoxloopError(f"{path.name} of {case.id} is not in {folder} any more; bring the file back.")
        stamps = tuple((str(path), stat.st_size, stat.st_mtime_ns) for path in paths for stat in [path.stat()])
        now = self._digests.answer(stamps, lambda: [one.digest for one in digests(paths, memory(self.project))])
        return CaseFiles(
            id=case.id,
            image=paths[0],
            label=paths[1] if len(paths) > 1 else None,
            key=hashlib.sha256("\n".join(now).encode()).hexdigest()[:32],
            changed=now != [file.digest for file in listed],
        )


def folder_of(version: ArtifactVersion) -> Path | None:
    """The newest of the folders that a version was recorded in and that is there."""
    from voxloop.data.decathlon import DATASET

    for place in version.metadata.get("folders", []):
        if (Path(place) / DATASET).is_file():
            return Path(place)
    return None
