"""A bundle as our recipes write them: its config names its classes, and its argmax is carried back to the scan's grid."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voxloop.errors import VoxloopError
from voxloop.inference.loading.weights import load_state
from voxloop.inference.model import Model
from voxloop.monai.output import output_of
from voxloop.monai.quiet import quiet_readers

NEEDED = ("network_def", "preprocessing", "inferer", "device")


def is_one(config: Mapping[str, Any]) -> bool:
    """Whether a config is of our recipes' kind: a list of classes with the background first, by which training goes as well."""
    named = config.get("class_names")
    return isinstance(named, list) and len(named) > 1 and str(named[0]).casefold().startswith("background")


def load(parser: Any, folder: Path, name: str, device: str | None) -> Model:
    """The parts that prediction needs, built from a config that was read and not yet parsed."""
    weights = folder / "models" / "model.pt"
    if not weights.is_file():
        raise VoxloopError(f'{name} has no models/model.pt; train it first ("voxloop train").')
    missing = [key for key in NEEDED if key not in parser.get()]
    if missing:
        raise VoxloopError(f'{name}: configs/inference.json has no "{missing[0]}", which prediction needs.')
    parser["bundle_root"] = str(folder)
    if device is not None:
        parser["device"] = f"$torch.device('{device}')"
    parser.parse()
    with quiet_readers():
        preprocess = parser.get_parsed_content("preprocessing")
    network = parser.get_parsed_content("network" if "network" in parser.get() else "network_def")
    target = parser.get_parsed_content("device")
    load_state(network, weights, name)
    network.to(target).eval()
    return Model(
        name=name,
        folder=folder,
        output=output_of(_said(parser, "class_names"), _said(parser, "regions")),
        network=network,
        device=target,
        preprocess=preprocess,
        inferer=parser.get_parsed_content("inferer"),
        inputs=_inputs(parser),
        channels=tuple(_said(parser, "channel_names") or ()),
        spellings=_said(parser, "spellings") or {},
    )


def _inputs(parser: Any) -> int | None:
    network = parser.get().get("network_def")
    said = network.get("in_channels") if isinstance(network, dict) else None
    return said if isinstance(said, int) else None


def _said(parser: Any, key: str) -> Any:
    """What the config says under a key, or None."""
    return parser.get_parsed_content(key) if key in parser.get() else None
