"""Weights as a file: read as tensors only, so that a file cannot run code."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from voxloop.errors import VoxloopError


def read_weights(path: Path, name: str) -> dict[str, Any]:
    """The state of a network, also where a checkpoint holds it under "model"."""
    import torch

    try:
        loaded: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise VoxloopError(
            f"{name}: models/model.pt is refused, it is damaged or holds more than tensors ({type(error).__name__}); "
            "get the weights again from where they came."
        ) from error
    weights: dict[str, Any] = loaded.get("model", loaded)
    return weights
