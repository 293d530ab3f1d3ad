"""Bundles whose answer is known, written as files: what a person names on the command line."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import torch


class Levels(torch.nn.Module):
    """Marks what is above 0.5 and what is above 1.5: on a scan that is its own truth, both classes together, and the second."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.cat([image - 0.5, image - 1.5], dim=1)


class CtrlC:
    """A transform at whose turn somebody interrupts the program."""

    def __init__(self, before: int) -> None:
        self.left = before

    def __call__(self, sample: dict[str, Any]) -> dict[str, Any]:
        self.left -= 1
        if not self.left:
            signal.raise_signal(signal.SIGINT)
        return sample


def make_bundle(folder: Path, *before: dict[str, Any]) -> Path:
    """A bundle of two regions that is always right; `before` are transforms that come first."""
    for name in ("models", "configs"):
        (folder / name).mkdir(parents=True)
    torch.save({}, folder / "models" / "model.pt")
    config = {
        "device": "$torch.device('cpu')",
        "class_names": ["background", "spleen", "liver"],
        "regions": {"both": ["spleen", "liver"], "liver": ["liver"]},
        "network_def": {"_target_": f"{__name__}.Levels"},
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                *before,
                {"_target_": "LoadImaged", "keys": "image"},
                {"_target_": "EnsureChannelFirstd", "keys": "image"},
            ],
        },
        "inferer": {"_target_": "SimpleInferer"},
    }
    (folder / "configs" / "inference.json").write_text(json.dumps(config))
    return folder
