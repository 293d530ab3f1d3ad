"""From a network's output to labels on the scan's own grid, through the bundle's own postprocessing, to the voxel what it would write.

Its steps run as they are, its inversion and its argmax among them. What it would save is kept in memory in place of a file.
Only a step of foreign code that gives other numbers to the same voxels is left out, and said: it would take the names away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxloop.data.geometry import Geometry
from voxloop.data.grid import labels_on_grid
from voxloop.errors import VoxloopError
from voxloop.inference.loading.guard import told
from voxloop.inference.loading.meaning import Output
from voxloop.monai.output import Classes

if TYPE_CHECKING:
    import torch

Labels = npt.NDArray[np.uint8]
# MONAI's own steps keep what a number means, but for these.
RENUMBERING = (
    "Lambda",
    "RandLambda",
    "MapLabelValue",
    "LabelToMask",
    "ConvertToMultiChannelBasedOnBratsClasses",
    "MapClassesToIndices",
)
# Within this share of a voxel two grids are one.
SAME_GRID = 1e-3


@dataclass
class Finishing:
    """The last steps of one bundle."""

    name: str
    output: Output
    steps: Sequence[Callable[[Any], Any]]
    image_key: str
    inside: Callable[[], AbstractContextManager[None]]
    notes: list[str]
    _kept: list[tuple[npt.NDArray[Any], npt.NDArray[np.float64]]] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        for step in self.steps:
            for saver in _savers(step):
                _keep_in_memory(saver, self._kept)

    def __call__(self, logits: torch.Tensor, prepared: Mapping[str, Any], geometry: Geometry) -> Labels:
        """Labels on the scan's grid."""
        if not self.steps:
            affine = np.asarray(prepared[self.image_key].affine, dtype=np.float64)
            return labels_on_grid(self.output.of_logits(logits), affine, geometry)
        array, affine, original = self._channels(logits, prepared)
        labels = self._labels(array)
        if labels.shape == geometry.shape and np.allclose(affine, original, atol=SAME_GRID):
            # The bundle is back on the file's own voxels, however a header that says two things is read.
            return labels
        self._say(
            f"{self.name} leaves its label maps on its network's grid; they are carried to the scan's, voxel by voxel."
        )
        return labels_on_grid(labels, affine, geometry)

    def _channels(
        self, logits: torch.Tensor, prepared: Mapping[str, Any]
    ) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """What the bundle would write, channel first, with its affine; and the affine of the file that was read."""
        import torch
        from monai.data import MetaTensor

        image = prepared[self.image_key]
        original = np.asarray(image.meta.get("original_affine", image.affine), dtype=np.float64)
        self._kept.clear()
        with self.inside(), torch.inference_mode():
            pred = MetaTensor(logits).copy_meta_from(image, copy_attr=False)
            data = {**prepared, "pred": pred}
            for step in self.steps:
                with told(self.name, f"{_name(step)} of its postprocessing"):
                    after = step(data)
                if _is_foreign(step) and (why := self._renumbers(step, data, after)):
                    self._say(f"{self.name}: {_name(step)} of its postprocessing is left out, it {why}.")
                    continue
                data = after
            if self._kept:
                array, affine = self._kept[-1]
                return array, affine, original
            pred = data["pred"]
            lies = getattr(pred, "affine", None)
            array = np.asarray(pred.detach().cpu()) if isinstance(pred, torch.Tensor) else np.asarray(pred)
        return array, original if lies is None else np.asarray(lies.cpu(), dtype=np.float64), original

    def _labels(self, array: npt.NDArray[Any]) -> Labels:
        if array.ndim != 4:
            raise VoxloopError(f"{self.name} gives {array.ndim - 1} axes in space, and a label map has three.")
        if len(array) == 1 and len(self.output.parts) > 1 and not isinstance(self.output, Classes):
            raise VoxloopError(
                f"{self.name} gives one channel for {len(self.output.parts)} regions "
                f"({', '.join(part.name for part in self.output.parts)}), and nobody says which number means which."
            )
        labels = self.output.of_channels(array)
        highest = int(labels.max(initial=0))
        if highest >= len(self.output.classes):
            raise VoxloopError(
                f"{self.name} gives the value {highest}, and its metadata name 0 to {len(self.output.classes) - 1}; put the missing "
                "names into channel_def."
            )
        return labels

    def _renumbers(self, step: Callable[[Any], Any], before: Mapping[str, Any], after: Any) -> str | None:
        """Why what a step did is no change of voxels: it merged regions, or it gave classes other numbers."""
        for key in getattr(step, "keys", None) or ("pred",):
            was, now = before.get(key), after.get(key) if isinstance(after, Mapping) else None
            if was is None or now is None or was is now or tuple(was.shape[1:]) != tuple(now.shape[1:]):
                continue
            if len(was) == len(self.output.parts) > 1 and len(now) == 1 and not isinstance(self.output, Classes):
                names = ", ".join(f"{number} {name}" for number, name in self.output.names.items())
                return f"makes numbers of its own of the regions, where the label map here has {names}"
            if len(was) == len(now) == 1 and (moved := _moved(was, now)):
                pairs = ", ".join(f"{old} to {new}" for old, new in moved)
                return f"gives other numbers to the same voxels ({pairs}), and the names belong to the first"
        return None

    def _say(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


def flattened(chain: Any) -> list[Callable[[Any], Any]]:
    """The steps of a Compose, of a list, or of one transform; none of None."""
    from monai.transforms import Compose

    if chain is None:
        return []
    if isinstance(chain, list | tuple):
        return [step for one in chain for step in flattened(one)]
    # A subclass that draws one of its steps stays whole.
    return flattened(list(chain.transforms)) if type(chain) is Compose else [chain]


def takes_strongest(steps: Sequence[Any]) -> bool:
    """Whether channels exclude each other by what is done with them: a softmax, or an argmax."""
    return any(
        _any(getattr(step, "softmax", None)) or _any(getattr(step, "argmax", None))
        for step in steps
        if type(step).__name__.startswith(("Activations", "AsDiscrete"))
    )


def _any(said: Any) -> bool:
    return any(bool(one) for one in said) if isinstance(said, list | tuple) else bool(said)


def _moved(was: Any, now: Any) -> list[tuple[int, int]]:
    """The values that became others everywhere at once; none where voxels were taken, given or judged one by one."""
    old, new = (np.asarray(one.cpu() if hasattr(one, "cpu") else one).ravel() for one in (was, now))
    if any(array.dtype.kind == "f" and not np.array_equal(array, np.rint(array)) for array in (old, new)):
        return []
    pairs = np.unique(np.stack([old.astype(np.int64), new.astype(np.int64)]), axis=1).T.tolist()
    if len({first for first, _ in pairs}) < len(pairs):
        return []
    return [(first, second) for first, second in pairs if first and second and first != second]


def _is_foreign(step: Any) -> bool:
    kind = type(step)
    own = kind.__name__.removesuffix("d").removesuffix("Dict").removesuffix("D")
    return not kind.__module__.startswith(("monai.transforms", "voxloop.")) or own in RENUMBERING


def _name(step: Any) -> str:
    kind = type(step)
    return kind.__name__ if kind.__module__.startswith("monai.") else f"{kind.__module__}.{kind.__qualname__}"


def _savers(step: Any) -> Iterator[Any]:
    from monai.transforms import SaveImage

    for one in (step, getattr(step, "saver", None)):
        if isinstance(one, SaveImage):
            yield one


def _keep_in_memory(saver: Any, kept: list[tuple[npt.NDArray[Any], npt.NDArray[np.float64]]]) -> None:
    """Lets a SaveImage do all that it does to the voxels, resampling included, and write no file."""
    from monai.data import NibabelWriter

    class Kept(NibabelWriter):
        def write(self, filename: Any, verbose: bool = False, **options: Any) -> None:
            made = self.create_backend_obj(self.data_obj, affine=self.affine, dtype=self.output_dtype)
            array = np.asarray(made.dataobj)
            array = array[(...,) + (None,) * (3 - array.ndim)] if array.ndim < 3 else array
            channels = array[None] if array.ndim == 3 else np.moveaxis(array.reshape(*array.shape[:3], -1), -1, 0)
            kept.append((channels, np.asarray(made.affine, dtype=np.float64)))

    class Nowhere:
        def filename(self, **said: Any) -> str:
            return "kept in memory"

    saver.writers, saver.folder_layout = (Kept,), Nowhere()
