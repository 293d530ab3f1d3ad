"""Weights as a file: read as tensors only, so that a file cannot run code."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from voxloop.errors import VoxloopError


def read_weights(path: Path, name: str) -> dict[str, Any]:
    """The state of a network, also where a checkpoint holds it under "model"."""
    loaded: dict[str, Any] = read_checkpoint(path, name)
    weights: dict[str, Any] = loaded.get("model", loaded)
    return weights


def read_checkpoint(path: Path, name: str) -> Any:
    """All that a file holds, if that is tensors and plain values."""
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        raise VoxloopError(
            f"{name}: models/{path.name} is refused, it is damaged or holds more than tensors ({type(error).__name__}); "
            "get the weights again from where they came."
        ) from error
