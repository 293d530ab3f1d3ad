"""A trained model: a MONAI bundle with weights, its inference config resolved to the parts that prediction needs."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxloop.errors import VoxloopError
from voxloop.monai.output import Classes, Regions, output_of
from voxloop.recipes.spelling import Spellings

if TYPE_CHECKING:
    import torch

    from voxloop.store import Project


@dataclass(frozen=True, slots=True)
class Model:
    """Everything between a scan and a label map, on one device."""

    name: str
    folder: Path
    output: Classes | Regions
    network: torch.nn.Module
    device: torch.device
    preprocess: Callable[[dict[str, Any]], dict[str, Any]]
    inferer: Callable[..., Any]
    # How many channels its network takes, where the bundle says so; and what they are called.
    inputs: int | None = None
    channels: tuple[str, ...] = ()
    spellings: Spellings = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        """What the values of its label maps are called; 0 is the background."""
        return self.output.classes


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

    from voxloop.monai.quiet import quiet_readers

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
    with quiet_readers():
        preprocess = parser.get_parsed_content("preprocessing")
    network = parser.get_parsed_content("network" if "network" in parser.get() else "network_def")
    target = parser.get_parsed_content("device")
    network.load_state_dict(_weights(weights, name))
    network.to(target).eval()
    return Model(
        name=name,
        folder=folder,
        output=_output(parser, folder, name),
        network=network,
        device=target,
        preprocess=preprocess,
        inferer=parser.get_parsed_content("inferer"),
        inputs=_inputs(parser),
        channels=tuple(_said(parser, "channel_names") or ()),
        spellings=_said(parser, "spellings") or {},
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


def _output(parser: Any, folder: Path, name: str) -> Classes | Regions:
    """By the config's own `class_names` and `regions`, or by the channel definition of the bundle's metadata."""
    classes = _said(parser, "class_names")
    if classes is None:
        metadata = json.loads((folder / "configs" / "metadata.json").read_text())
        channels = metadata["network_data_format"]["outputs"]["pred"]["channel_def"]
        classes = [str(channels[key]) for key in sorted(channels, key=int)]
        if not classes[0].casefold().startswith("background"):
            raise VoxloopError(
                f"{name} has no background among its channels ({', '.join(classes)}), so they are regions that may overlap; "
                'say in configs/inference.json what each is made of, under "class_names" and "regions".'
            )
    return output_of(classes, _said(parser, "regions"))


def _inputs(parser: Any) -> int | None:
    network = parser.get().get("network_def")
    said = network.get("in_channels") if isinstance(network, dict) else None
    return said if isinstance(said, int) else None


def _said(parser: Any, key: str) -> Any:
    """What the config says under a key, or None."""
    return parser.get_parsed_content(key) if key in parser.get() else None
