"""A bundle's own steps before and in its network, run as its author's engine would run them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxloop.errors import VoxloopError
from voxloop.inference.loading.guard import told

if TYPE_CHECKING:
    import torch


class Preparing:
    """A bundle's own preprocessing, for one file: its channels go in one by one, as its author's datalist has them."""

    def __init__(
        self, name: str, steps: Sequence[Any], key: str, inputs: int, inside: Callable[[], AbstractContextManager[None]]
    ) -> None:
        from monai.transforms import Compose

        self.name, self.key, self.inputs, self.inside = name, key, inputs, inside
        self.compose = Compose(list(steps))

    def __call__(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        path = Path(sample["image"])
        order = list(sample.get("channel_order") or range(self.inputs))
        with self.inside(), _files(path, order) as files, told(self.name, f"its preprocessing of {path.name}"):
            prepared = dict(self.compose({self.key: files}))
        image = prepared.get(self.key)
        if not hasattr(image, "affine"):
            raise VoxloopError(
                f"{self.name}: its preprocessing loses where the voxels of {path.name} are, so it cannot predict here."
            )
        prepared["image"] = image
        return prepared


class Inferring:
    """A bundle's own inferer, in the precision of its own run."""

    def __init__(self, name: str, inferer: Any, amp: bool, inside: Callable[[], AbstractContextManager[None]]) -> None:
        self.name, self.inferer, self.amp, self.inside = name, inferer, amp, inside

    def __call__(self, batch: torch.Tensor, network: Any, *more: Any, **options: Any) -> Any:
        import torch

        precision = torch.autocast("cuda") if self.amp else nullcontext()
        with self.inside(), precision, told(self.name, "its network"):
            found = self.inferer(batch, network, *more, **options)
        if isinstance(found, list | tuple):
            # Deep supervision: the first is the whole one.
            found = found[0]
        if not isinstance(found, torch.Tensor) or found.ndim != 5:
            raise VoxloopError(f"{self.name} gives no volume ({type(found).__name__}), so it segments nothing here.")
        return found


@contextmanager
def _files(path: Path, order: Sequence[int]) -> Iterator[str | list[str]]:
    """A file as it is, or each of its channels as a file: what loads several files stacks them, channels first."""
    if len(order) < 2:
        yield str(path)
        return
    import nibabel as nib

    source = nib.load(path)
    with tempfile.TemporaryDirectory(prefix="voxloop-channels-") as folder:
        names = []
        for number, channel in enumerate(order):
            header = source.header.copy()
            header.set_data_dtype(np.float32)
            header.set_slope_inter(1, 0)
            voxels = np.asarray(source.dataobj[..., channel], dtype=np.float32)
            target = Path(folder) / f"{number:02d}-{path.name.removesuffix('.gz')}"
            # Without an affine the header keeps both of its matrices.
            nib.save(nib.Nifti1Image(voxels, None, header), target)
            names.append(str(target))
        yield names
