"""A trained model: a MONAI bundle with weights, its inference config resolved to the parts that prediction needs."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxloop.errors import VoxloopError

if TYPE_CHECKING:
    import torch

    from voxloop.store import Project


@dataclass(frozen=True, slots=True)
class Model:
    """Everything between a scan and class logits, on one device."""

    name: str
    folder: Path
    classes: tuple[str, ...]
    network: torch.nn.Module
    device: torch.device
    preprocess: Callable[[dict[str, Any]], dict[str, Any]]
    inferer: Callable[..., Any]


def locate(reference: str, project: Project | None) -> tuple[str, Path]:
    """The folder of a model given as a bundle folder, or as an artifact such as `spleen-ct:best`."""
    folder = Path(reference)
    if (folder / "configs").is_dir():
        return folder.resolve().name, folder.resolve()
    if project is None:
        raise VoxloopError(f'No bundle folder is at "{reference}", and no project is here to look it up in.')
    version = project.artifact(reference)
    return version.ref, project.materialise(version)


def load_model(reference: str, project: Project | None = None, device: str | None = None) -> Model:
    """Loads a model ready to predict. Weights are read as tensors only, so a file cannot run code."""
    from monai.bundle import ConfigParser

    name, folder = locate(reference, project)
    config = folder / "configs" / "inference.json"
    weights = folder / "models" / "model.pt"
    if not config.is_file():
        raise VoxloopError(f"{name} has no configs/inference.json, so it cannot predict; is it a model bundle?")
    if not weights.is_file():
        raise VoxloopError(f'{name} has no models/model.pt; train it first ("voxloop train").')
    parser = ConfigParser()
    parser.read_config(str(config))
    parser["bundle_root"] = str(folder)
    if device is not None:
        parser["device"] = f"$torch.device('{device}')"
    missing = [key for key in ("network_def", "preprocessing", "inferer", "device") if key not in parser.get()]
    if missing:
        raise VoxloopError(f'{name}: configs/inference.json has no "{missing[0]}", which prediction needs.')
    parser.parse()
    network = parser.get_parsed_content("network" if "network" in parser.get() else "network_def")
    target = parser.get_parsed_content("device")
    network.load_state_dict(_weights(weights, name))
    network.to(target).eval()
    return Model(
        name=name,
        folder=folder,
        classes=tuple(_classes(parser, folder)),
        network=network,
        device=target,
        preprocess=parser.get_parsed_content("preprocessing"),
        inferer=parser.get_parsed_content("inferer"),
    )


def _weights(path: Path, name: str) -> dict[str, Any]:
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


def _classes(parser: Any, folder: Path) -> list[str]:
    """Class names by channel: the config's own list, or the channel definition of the bundle's metadata."""
    import json

    if "class_names" in parser.get():
        return list(parser.get_parsed_content("class_names"))
    metadata = json.loads((folder / "configs" / "metadata.json").read_text())
    channels = metadata["network_data_format"]["outputs"]["pred"]["channel_def"]
    return [str(channels[key]) for key in sorted(channels, key=int)]
