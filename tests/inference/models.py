"""Tiny models whose answer is known, for tests of what happens around a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from voxloop.inference.model import Model
from voxloop.monai.output import Classes, Regions

Spacing = tuple[float, float, float]
ORGANS = Classes(("background", "liver", "spleen"))
TUMOUR = Regions.of(("background", "edema", "core"), {"whole": ["edema", "core"], "inner": ["core"]})


class Threshold(torch.nn.Module):
    """Class 1 wherever the scan is above a value: a network that segments what it is shown, voxel by voxel."""

    def __init__(self, level: float = 0.5) -> None:
        super().__init__()
        self.level = level

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.full_like(image, self.level), image], dim=1)


def threshold_model(spacing_mm: Spacing | None = None, level: float = 0.5) -> Model:
    """Class 1 is what is bright; resampled only where a spacing is given."""
    return model_of(Threshold(level), Classes(("background", "bright")), spacing_mm, name="threshold")


def looking_around(channels: int, seed: int = 0, *, alike_both_ways: bool = False) -> torch.nn.Module:
    """A convolution, which sees each voxel's neighbours; with weights that are their own mirror image where it is asked for."""
    network = torch.nn.Conv3d(1, channels, 3, padding=1)
    chance = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weights in network.parameters():
            weights.copy_(torch.randn(weights.shape, generator=chance))
        if alike_both_ways:
            mirrored = network.weight
            for axis in (2, 3, 4):
                mirrored = (mirrored + mirrored.flip(axis)) / 2
            network.weight.copy_(mirrored)
    return network


def model_of(
    network: torch.nn.Module,
    output: Classes | Regions,
    spacing_mm: Spacing | None = None,
    *,
    name: str = "model",
    inferer: Callable[..., Any] | None = None,
    inputs: int | None = None,
) -> Model:
    """Reads as the recipes do, and looks through small windows."""
    from monai.inferers import SlidingWindowInferer
    from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged, Orientationd, Spacingd

    steps: list[Any] = [
        LoadImaged("image", reader="NibabelReader"),
        EnsureChannelFirstd("image"),
        Orientationd("image", axcodes="RAS", labels=(("L", "R"), ("P", "A"), ("I", "S"))),
    ]
    if spacing_mm is not None:
        steps.append(Spacingd("image", pixdim=spacing_mm, mode="nearest"))
    return Model(
        name=name,
        folder=Path("no-bundle"),
        output=output,
        network=network,
        device=torch.device("cpu"),
        preprocess=Compose(steps),
        inferer=inferer or SlidingWindowInferer(roi_size=(8, 8, 8), sw_batch_size=4, overlap=0.25),
        inputs=inputs,
    )
