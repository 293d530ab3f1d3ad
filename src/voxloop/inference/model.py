"""A trained model: a MONAI bundle with weights, its inference config resolved to the parts that prediction needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from voxloop.bundles import finding
from voxloop.bundles.trust import Program, require
from voxloop.data.geometry import Geometry
from voxloop.data.grid import labels_on_grid
from voxloop.errors import VoxloopError
from voxloop.monai.output import Output
from voxloop.recipes.spelling import Spellings

if TYPE_CHECKING:
    import torch

    from voxloop.store import Project

Labels = npt.NDArray[np.uint8]
Finish = Callable[["torch.Tensor", Mapping[str, Any], Geometry], Labels]


class NamedOutput(Output, Protocol):
    """What a network's channels mean, and what each value of a label map is called."""

    @property
    def classes(self) -> tuple[str, ...]:
        """By value; 0 is the background."""

    def of_logits(self, logits: torch.Tensor) -> Labels:
        """The label map of one scan's logits, [channel, i, j, k]."""


@dataclass(frozen=True, slots=True)
class Model:
    """Everything between a scan and a label map, on one device."""

    name: str
    folder: Path
    output: NamedOutput
    network: torch.nn.Module
    device: torch.device
    preprocess: Callable[[dict[str, Any]], dict[str, Any]]
    inferer: Callable[..., Any]
    # How many channels its network takes, where the bundle says so; and what they are called.
    inputs: int | None = None
    channels: tuple[str, ...] = ()
    spellings: Spellings = field(default_factory=dict)
    # What the bundle itself does after its network; without it the argmax is carried back to the scan's grid.
    finish: Finish | None = None
    # What a person should know of its label maps, each a sentence. Predicting may add to it.
    notes: list[str] = field(default_factory=list)

    @property
    def classes(self) -> tuple[str, ...]:
        """What the values of its label maps are called; 0 is the background."""
        return self.output.classes

    def labels_of(self, logits: torch.Tensor, prepared: Mapping[str, Any], geometry: Geometry) -> Labels:
        """From the logits of one prepared scan, [channel, i, j, k], to labels on the scan's own grid."""
        if self.finish is not None:
            return self.finish(logits, prepared, geometry)
        affine = np.asarray(prepared["image"].affine, dtype=np.float64)
        return labels_on_grid(self.output.of_logits(logits), affine, geometry)


def locate(reference: str, project: Project | None) -> tuple[str, Path]:
    """The folder of a model given as a bundle folder, or as an artifact such as `spleen-ct:best`."""
    folder = Path(reference)
    if (folder / "configs").is_dir():
        return folder.resolve().name, folder.resolve()
    if project is None:
        raise VoxloopError(f'No bundle folder is at "{reference}", and no project is here to look it up in.')
    version = project.artifact(reference)
    return version.ref, project.materialise(version)


def load_model(
    reference: str,
    project: Project | None = None,
    device: str | None = None,
    trust: Callable[[Program], None] | None = None,
) -> Model:
    """Loads a model ready to predict. Weights are read as tensors only, so a file cannot run code.

    A bundle that did not come with voxloop is a program: `trust` raises where it may not run, before anything of it is
    executed. By default that is every one to which nobody has said yes as it stands.
    """
    name, folder = locate(reference, project)
    config = finding.inference_config(folder, name)
    (trust or require)(Program.of(folder, name=name))

    from voxloop.inference.loading import foreign, ours, reading

    parser = reading.read(config, folder, name)
    return (ours if ours.is_one(parser.get()) else foreign).load(parser, folder, name, device)
