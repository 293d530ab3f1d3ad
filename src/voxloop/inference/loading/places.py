"""Where a bundle's config keeps the parts of its inference run, whatever it calls them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from voxloop.bundles.settings import MARKS
from voxloop.errors import VoxloopError

# Where the parts of an inference run are: in its evaluator first, for that is what runs, then under the ids of MONAI's own
# `InferProperties`, then under those of bundles that keep a `validate` block.
PLACES = {
    "preprocessing": ("dataset::transform", "preprocessing", "validate::dataset::transform", "validate::preprocessing"),
    "network": ("evaluator::network", "network", "network_def", "net", "validate::evaluator::network"),
    "inferer": ("evaluator::inferer", "inferer", "validate::evaluator::inferer", "validate::inferer"),
    "postprocessing": ("evaluator::postprocessing", "postprocessing", "validate::evaluator::postprocessing"),
    "device": ("evaluator::device", "device", "validate::evaluator::device"),
    "amp": ("evaluator::amp", "amp", "validate::evaluator::amp"),
}


def built(parser: Any, what: str) -> Any:
    """A part as the config makes it, or None where it has none."""
    place = place_of(parser.get(), what)
    return None if place is None else parser.get_parsed_content(place)


def required(parser: Any, what: str, name: str) -> Any:
    """A part without which nothing can be predicted."""
    part = built(parser, what)
    if part is None:
        raise VoxloopError(
            f"{name}: its inference config has no {what} under {', '.join(PLACES[what][:3])}, which prediction needs."
        )
    return part


def place_of(config: Any, what: str) -> str | None:
    """The key of a part, as MONAI's parser writes it."""
    return next((place for place in PLACES[what] if _at(config, place) is not None), None)


def _at(config: Any, key: str) -> Any:
    for step in key.split("::"):
        config = config.get(step) if isinstance(config, dict) else None
    return config


def at_home(parser: Any, folder: Path) -> None:
    """The bundle's root is where it lies, and so are files that its config names from there."""
    parser["bundle_root"] = str(folder)
    for key, value in list(parser.get().items()):
        if (
            key != "bundle_root"
            and isinstance(value, str)
            and value
            and not value.startswith(MARKS)
            and "/" in value
            and not Path(value).is_absolute()
            and (folder / value).exists()
        ):
            parser[key] = str(folder / value)


def image_key(steps: Sequence[Any]) -> str:
    """Under which name the first step wants the scan's file."""
    keys = getattr(steps[0], "keys", None) if steps else None
    return str(keys[0]) if isinstance(keys, tuple) and keys else "image"


def inputs_of(config: Any) -> int | None:
    """How many channels the network is given, where that is a plain number."""
    for place in ("network_def", "network", "net"):
        block = config.get(place)
        said = block.get("in_channels") if isinstance(block, dict) else None
        if isinstance(said, int) and not isinstance(said, bool):
            return said
    return None
