"""A case to be looked at: found among a version's cases, and the work that its pictures need."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from voxloop.data.pictures.palette import UNNAMED, colours_of
from voxloop.server.datasets.known import CaseFiles
from voxloop.server.datasets.room import Room
from voxloop.server.kept import Kept
from voxloop.server.models import datasets as models
from voxloop.store import Project

if TYPE_CHECKING:
    from voxloop.data.manifest import Manifest
    from voxloop.data.pictures.drawing import Look
    from voxloop.server.datasets.work import Case
    from voxloop.store import ArtifactVersion

# Pictures of another make have another name.
MAKE = 1
# Of the runs that used a version, so many are asked whether they logged the case.
ASKED = 20


@dataclass(frozen=True, slots=True)
class Seen:
    """A case that was found."""

    version: ArtifactVersion
    manifest: Manifest
    files: CaseFiles
    test: bool

    @property
    def is_ct(self) -> bool:
        from voxloop.data.check.case import CT

        return any(CT.search(name) for name in self.manifest.modality.values())


def find(room: Room, name: str, number: int | None, case: str, test: bool) -> Seen:
    """A case that the version lists, and whose files are there."""
    version = room.known.version(name, number)
    return Seen(version, room.known.manifest(version), room.known.case(version, case, test), test)


def description(room: Room, seen: Seen) -> tuple[Callable[..., dict[str, Any]], Case]:
    from voxloop.server.datasets import work

    return work.described, _case(room, seen)


def slice_file(
    room: Room, seen: Seen, plane: str, index: int, channel: int, look: str, window: tuple[float, float] | None
) -> tuple[Any, ...]:
    """Where a slice is kept, and how it is made."""
    from voxloop.server.datasets import work

    case = _case(room, seen)
    wanted = work.Slice(plane, index, channel, cast("Look", look), window)
    told = "own" if window is None else f"{window[0]:g}to{window[1]:g}"
    colours = colours_of(seen.manifest.labels, range(256))
    path = case.folder / f"{plane}-{index}-{channel}-{look}-{told}-{_mark(seen)}.png"
    return path, work.slice_of, case, wanted, colours


def tile_file(room: Room, seen: Seen, value: int | None) -> tuple[Any, ...]:
    """The same of a tile."""
    from voxloop.server.datasets import work

    case = _case(room, seen)
    colours = colours_of(seen.manifest.labels, range(256))
    path = case.folder / f"tile-{'all' if value is None else value}-{_mark(seen)}.png"
    return path, work.tile_of, case, value, colours


def _mark(seen: Seen) -> str:
    """What a picture depends on beside the files: which values have names, and whether the scan is a CT."""
    return hashlib.sha256(repr((MAKE, sorted(seen.manifest.labels), seen.is_ct)).encode()).hexdigest()[:8]


def _case(room: Room, seen: Seen) -> Case:
    from voxloop.server.datasets.work import Case

    folder = room.pictures.folder / f"{seen.files.key}{'-ct' if seen.is_ct else ''}"
    return Case(Path(seen.files.image), seen.files.label, folder, seen.is_ct)


def view(project: Project, kept: Kept, seen: Seen, about: dict[str, Any]) -> models.CaseView:
    """The answer: names and colours of classes, and where the case can be seen whole."""
    names = seen.manifest.labels
    colours = colours_of(names)
    channels = [seen.manifest.modality.get(number, f"channel {number}") for number in range(about["channels"])]
    return models.CaseView(
        id=seen.files.id,
        test=seen.test,
        key=seen.files.key,
        changed=seen.files.changed,
        shape=about["shape"],
        spacing_mm=about["spacing_mm"],
        orientation=about["orientation"],
        channels=channels,
        dtype=about["dtype"],
        is_ct=seen.is_ct,
        planes={name: models.ViewPlane(**plane) for name, plane in about["planes"].items()},
        classes=[
            models.ViewClass(
                value=one["value"],
                name=names.get(one["value"], f"label {one['value']}"),
                colour=list(colours.get(one["value"], UNNAMED)),
                voxels=one["voxels"],
                most=one["most"],
            )
            for one in about["classes"]
        ],
        most=about["most"],
        problem=about["problem"],
        window=models.ViewWindow(**about["window"]),
        viewer=kept.answer(
            ("viewer", seen.version.ref, seen.files.id), lambda: _viewer(project, seen.version, seen.files.id)
        ),
    )


def _viewer(project: Project, version: ArtifactVersion, case: str) -> models.ViewerPlace | None:
    """The newest run that used the version and logged a volume of the case."""
    runs = sorted((project.run(run) for run in project.users(version)), key=lambda run: -run.created)
    for run in runs[:ASKED]:
        if any(one.context.get("case") == case for one in project.media_of(run.id, "volume")):
            return models.ViewerPlace(run_id=run.id, run_name=run.name)
    return None
