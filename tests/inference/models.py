"""Tiny models whose answer is known, for tests of what happens around a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from voxloop.inference.model import Model
from voxloop.monai.output import Classes


class Threshold(torch.nn.Module):
    """Class 1 wherever the scan is above a value: a network that segments what it is shown, voxel by voxel."""

    def __init__(self, level: float = 0.5) -> None:
        super().__init__()
        self.level = level

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.full_like(image, self.level), image], dim=1)


def threshold_model(spacing_mm: tuple[float, float, float] | None = None, level: float = 0.5) -> Model:
    """Reads as the recipes do; resamples only where a spacing is given."""
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
        name="threshold",
        folder=Path(),
        output=Classes(("background", "bright")),
        network=Threshold(level),
        device=torch.device("cpu"),
        preprocess=Compose(steps),
        inferer=SlidingWindowInferer(roi_size=(8, 8, 8), sw_batch_size=4, overlap=0.25),
    )
