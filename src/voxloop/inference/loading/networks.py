"""A bundle's network with its weights: built by its config, or as TorchScript."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxloop.errors import VoxloopError
from voxloop.inference.loading.places import required
from voxloop.inference.loading.weights import load_state, load_torchscript
from voxloop.monai.bundle import parts

if TYPE_CHECKING:
    import torch

WEIGHTS = "model.pt"
TORCHSCRIPT = "model.ts"


def network_of(parser: Any, folder: Path, name: str, device: torch.device) -> torch.nn.Module:
    """Ready to answer, on its device."""
    import torch

    loader = _checkpoint_loader(parser)
    weights = _weights_path(parser, folder, loader)
    script = folder / "models" / TORCHSCRIPT
    if weights is None and script.is_file():
        return load_torchscript(script, name, device).eval()
    network = required(parser, "network", name)
    if not isinstance(network, torch.nn.Module):
        raise VoxloopError(f"{name}: its network is {type(network).__name__}, no network of PyTorch.")
    if isinstance(network, torch.jit.ScriptModule):
        # Its own config loads it, weights and all.
        return network.to(device).eval()
    if weights is None:
        raise VoxloopError(
            f"{name} has no models/{WEIGHTS} and no models/{TORCHSCRIPT}; get its weights (its large_files.yml says from where), or train "
            'it with "voxloop bundle run".'
        )
    block = parser.get(loader) if loader else {}
    names = list(block.get("load_dict") or {"model": None})
    strict = block.get("strict", True) is not False and block.get("strict_shape", True) is not False
    load_state(network, weights, name, str(names[0]), strict)
    return network.to(device).eval()


def _checkpoint_loader(parser: Any) -> str | None:
    """Where the config loads its weights."""
    found = [
        key
        for key, part in parts(parser.get())
        if str(part.get("_target_", "")).rpartition(".")[2] == "CheckpointLoader" and "load_path" in part
    ]
    return found[0] if found else None


def _weights_path(parser: Any, folder: Path, loader: str | None) -> Path | None:
    """The file that the bundle's own run loads, where it is there; else the usual one."""
    if loader is not None:
        said = folder / str(parser.get_parsed_content(f"{loader}::load_path"))
        if said.is_file():
            return said
    usual = folder / "models" / WEIGHTS
    return usual if usual.is_file() else None
