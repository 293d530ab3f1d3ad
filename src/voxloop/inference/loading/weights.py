"""Weights, read as tensors only: a file cannot run code, and one that does not fit its network is told by its first key."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxloop.bundles.weights import read_checkpoint
from voxloop.errors import VoxloopError

if TYPE_CHECKING:
    import torch

# Under which a checkpoint keeps the network, beside whatever else it keeps.
NETWORK_KEYS = ("model", "state_dict", "model_state_dict", "network", "net")
# What wrappers put before each key: several processes, torch.compile.
WRAPPERS = ("module.", "_orig_mod.")


def load_state(network: torch.nn.Module, path: Path, name: str, key: str = "model", strict: bool = True) -> None:
    """Loads a checkpoint's weights into a network."""
    state = _unwrapped(state_of(path, name, key))
    wanted = network.state_dict()
    if strict:
        _require_fit(state, wanted, f"{name}: models/{path.name}")
    else:
        # As the bundle asks of its own loader: what fits is taken.
        state = {at: value for at, value in state.items() if at in wanted and wanted[at].shape == value.shape}
    network.load_state_dict(state, strict=strict)


def state_of(path: Path, name: str, key: str = "model") -> Mapping[str, Any]:
    """A checkpoint's tensors by name: a plain state dict, or one under a key."""
    import torch

    if _is_torchscript(path):
        raise VoxloopError(
            f"{name}: models/{path.name} is a TorchScript archive, a program and no weights; call it models/model.ts, and it is "
            "asked about and run as one."
        )
    loaded = read_checkpoint(path, name)
    for at in (key, *NETWORK_KEYS):
        if isinstance(loaded, Mapping) and isinstance(loaded.get(at), Mapping):
            loaded = loaded[at]
            break
    if not isinstance(loaded, Mapping) or not all(isinstance(value, torch.Tensor) for value in loaded.values()):
        raise VoxloopError(
            f"{name}: models/{path.name} holds no weights of a network, only {_kinds(loaded)}; get the right file."
        )
    return loaded


def load_torchscript(path: Path, name: str, device: torch.device) -> torch.nn.Module:
    """A network as TorchScript. It is a program, so whoever calls this has asked for trust."""
    import torch

    if not _is_torchscript(path):
        raise VoxloopError(f"{name}: models/{path.name} is no TorchScript archive; get it again from where it came.")
    try:
        network: torch.nn.Module = torch.jit.load(str(path), map_location=device)
    except (RuntimeError, ValueError, OSError) as error:
        raise VoxloopError(
            f"{name}: models/{path.name} cannot be read as TorchScript ({str(error).strip().splitlines()[0][:120]}); get it again "
            "from where it came."
        ) from error
    return network


def _is_torchscript(path: Path) -> bool:
    """Whether a file is a zip with code in it, as TorchScript is; its pickles are read by torch's own reader of plain types."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return False
    tops = {name.partition("/")[0] for name in names}
    return any(f"{top}/constants.pkl" in names and any(n.startswith(f"{top}/code/") for n in names) for top in tops)


def _unwrapped(state: Mapping[str, Any]) -> dict[str, Any]:
    unwrapped = dict(state)
    for prefix in (*WRAPPERS, *WRAPPERS):
        if unwrapped and all(key.startswith(prefix) for key in unwrapped):
            unwrapped = {key.removeprefix(prefix): value for key, value in unwrapped.items()}
    return unwrapped


def _require_fit(state: Mapping[str, Any], wanted: Mapping[str, Any], what: str) -> None:
    for key, tensor in wanted.items():
        if key not in state:
            raise VoxloopError(
                f'{what} does not fit the network of its config: "{key}", {_shape(tensor)}, is not among its {len(state)} keys'
                f"{_near(key, state)}; get the weights that belong to this version of the bundle."
            )
        if state[key].shape != tensor.shape:
            raise VoxloopError(
                f'{what} does not fit the network of its config: "{key}" is {_shape(state[key])} in the file and {_shape(tensor)} in '
                "the network; get the weights that belong to this version of the bundle."
            )
    beyond = next((key for key in state if key not in wanted), None)
    if beyond is not None:
        raise VoxloopError(
            f'{what} does not fit the network of its config: it holds "{beyond}", {_shape(state[beyond])}, which the network has not; '
            "get the weights that belong to this version of the bundle."
        )


def _near(key: str, state: Mapping[str, Any]) -> str:
    first = next((other for other in state if other.endswith(key) or key.endswith(other)), None)
    return f', though "{first}" is' if first else ""


def _shape(tensor: Any) -> str:
    return str(list(tensor.shape))


def _kinds(loaded: Any) -> str:
    if not isinstance(loaded, Mapping):
        return f"one {type(loaded).__name__}"
    return ", ".join(f'"{key}" ({type(value).__name__})' for key, value in list(loaded.items())[:4]) or "nothing"
