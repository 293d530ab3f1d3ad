"""Candidates as a person names them: an artifact, a bundle, or a folder of label maps; found at once, loaded when their turn comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from voxloop.bundles.trust import Program
from voxloop.data.decathlon import Dataset
from voxloop.errors import VoxloopError
from voxloop.inference.evaluation.candidates import Candidate, Meaning, drawn, segmenting
from voxloop.inference.evaluation.label_folder import holds_label_maps, read_label_folder

if TYPE_CHECKING:
    from voxloop.store import Project


@dataclass(frozen=True, slots=True)
class Reference:
    """A candidate as it was named, found but not loaded."""

    said: str
    name: str
    # Where it is a folder of label maps.
    maps: Path | None = None
    artifact: bool = False

    def load(
        self,
        dataset: Dataset,
        project: Project | None,
        device: str | None,
        like: Meaning | None,
        trust: Callable[[Program], None] | None = None,
    ) -> Candidate:
        """The candidate for one dataset; label maps are read as the classes and regions of `like`, where there is one."""
        if self.maps is not None:
            return drawn(self.name, read_label_folder(self.maps, dataset), dataset, like)
        from voxloop.inference.model import load_model

        model = load_model(self.name if self.artifact else self.said, project, device, trust)
        return segmenting(model, dataset, self.name)


def find(said: Sequence[str], project: Project | None) -> list[Reference]:
    """Everything that was named, in its order; refused where one is nowhere or named twice, before another works for hours."""
    found = _told_apart([_find(one, project) for one in said])
    for name, times in Counter(one.name for one in found).items():
        if times > 1:
            raise VoxloopError(f"{name} is named twice; a comparison needs two that differ.")
    return found


def _find(said: str, project: Project | None) -> Reference:
    folder = Path(said)
    if not folder.exists():
        # No artifact has such a name.
        if project is None or len(folder.parts) > 1:
            raise VoxloopError(f"Nothing is at {said}; check the path, or name an artifact such as spleen-ct:best.")
        return Reference(said, project.artifact(said).ref, artifact=True)
    name = folder.resolve().name or said
    if folder.is_dir() and not any(folder.glob("configs")):
        if holds_label_maps(folder):
            return Reference(said, name, folder)
        if not any(folder.glob("*/configs")):
            raise VoxloopError(
                f"{folder} is no bundle, for it has no configs, and it holds no label map; name a model, or a folder of label maps."
            )
    return Reference(said, name)


def _told_apart(found: list[Reference]) -> list[Reference]:
    """Folders of one name bear their parents' as well, `anna/labels` and `ben/labels`."""
    times = Counter(one.name for one in found)
    return [
        replace(one, name=f"{Path(one.said).resolve().parent.name}/{one.name}")
        if times[one.name] > 1 and not one.artifact
        else one
        for one in found
    ]
