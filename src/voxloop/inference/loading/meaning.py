"""What a foreign bundle's channels mean, by the names in its metadata. Numbers of its own are never taken for ours."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxloop import recipes
from voxloop.errors import VoxloopError
from voxloop.monai.output import Classes, Guessed, Part, Regions, output_of
from voxloop.recipes.spelling import Spellings, recognise

if TYPE_CHECKING:
    import torch

Labels = npt.NDArray[np.uint8]
BACKGROUND = ("background", "bg", "everything else", "other", "others", "rest", "none", "unlabelled", "unlabeled")
# How BraTS bundles call what the recipe for brain tumours calls in full.
REGIONS: Spellings = {
    "tumour core": ("TC", "core", "tumor core region"),
    "whole tumour": ("WT", "whole", "complete tumour", "whole tumor region"),
    "enhancing tumour": (
        "ET",
        "enhancing",
        "enhancing core",
        "GD-enhancing tumour",
        "active tumour",
        "enhancing tumor core",
    ),
}
# One byte a voxel.
MOST = 255


@dataclass(frozen=True, slots=True)
class Painted:
    """Regions of which nobody says what they are made of: one label each, the larger ones painted first."""

    classes: tuple[str, ...]

    @property
    def names(self) -> dict[int, str]:
        return dict(enumerate(self.classes[1:], start=1))

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(Part(name, (number,)) for number, name in self.names.items())

    def of_logits(self, logits: torch.Tensor) -> Labels:
        """A sigmoid is above one half where its logit is above zero."""
        return self.of_channels((logits > 0).cpu().numpy())

    def of_channels(self, channels: npt.NDArray[Any]) -> Labels:
        return Guessed(self.names).of_channels(channels)


Output = Classes | Regions | Painted


@dataclass(frozen=True, slots=True)
class Meaning:
    """An output, and what has to be said of it."""

    output: Output
    spellings: Spellings
    notes: tuple[str, ...] = ()


def meaning_of(metadata: Mapping[str, Any], exclusive: bool, name: str) -> Meaning:
    """By `channel_def`. `exclusive` says that the bundle's own postprocessing takes the strongest channel."""
    said = output_format(metadata)
    kind = str(said.get("type", "image"))
    if kind != "image":
        raise VoxloopError(
            f'{name} gives "{kind}" and no image, so it segments nothing; run it with "voxloop bundle run".'
        )
    names, notes = _channel_names(said, name), []
    if not names:
        count = _whole(said.get("num_channels")) or 2
        names = (
            ["background", *(f"label {number}" for number in range(1, count))]
            if exclusive or count == 1
            else [f"label {number}" for number in range(1, count + 1)]
        )
        notes.append(f"{name} does not say what its channels are called, so they are numbered.")
    if len(names) > MOST + (_is_background(names[0]) or exclusive):
        raise VoxloopError(f"{name} names {len(names)} classes, and a label map of one byte a voxel holds {MOST}.")
    if _is_background(names[0]) or (exclusive and len(names) > 1):
        if not _is_background(names[0]):
            notes.append(f'{name} calls its first channel "{names[0]}"; it is written as background, 0.')
        return Meaning(Classes((*names,)), spellings_of(names), tuple(notes))
    if len(names) == 1:
        return Meaning(Classes(("background", *names)), spellings_of(names), tuple(notes))
    known = _known_regions(names)
    if known is not None:
        return Meaning(known, spellings_of(known.classes), tuple(notes))
    listed = ", ".join(names)
    notes.append(
        f"{name} has no background among its channels ({listed}), so they may overlap, and nobody says what each is made of: they are "
        "written as labels that exclude each other, the larger ones first."
    )
    return Meaning(Painted(("background", *names)), spellings_of(names), tuple(notes))


def channels_of(metadata: Mapping[str, Any]) -> tuple[int | None, tuple[str, ...]]:
    """How many channels the network is given, and what they are called where there are several with names of their own."""
    try:
        said = metadata["network_data_format"]["inputs"]["image"]
        count = _whole(said.get("num_channels"))
        named = said.get("channel_def") or {}
        names = tuple(str(named[key]) for key in sorted(named, key=int))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None, ()
    return count, names if len(names) == count and len(set(names)) == count and len(names) > 1 else ()


def spellings_of(names: Iterable[str]) -> Spellings:
    """What else datasets call these classes or channels, by the recipes' own spellings: T1c is T1gd and T1ce."""
    known = known_spellings()
    groups = {one: (one, *others) for one, others in known.items()}
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        group = recognise(name, list(groups), known)
        if group is not None:
            found[name] = tuple(other for other in groups[group] if other != name)
    return found


def known_spellings() -> Spellings:
    """By the words of our own recipes."""
    spellings: Spellings = _brain()["spellings"]
    return spellings


def output_format(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the metadata say of the network's output; empty where they do not."""
    try:
        outputs = metadata["network_data_format"]["outputs"]
        said = outputs.get("pred") or next(iter(outputs.values()))
    except (KeyError, TypeError, AttributeError, StopIteration):
        return {}
    return said if isinstance(said, Mapping) else {}


def _channel_names(said: Mapping[str, Any], name: str) -> list[str]:
    named = said.get("channel_def")
    if not isinstance(named, Mapping) or not named:
        return []
    try:
        numbered = sorted((int(key), str(value)) for key, value in named.items())
    except ValueError:
        return []
    if [number for number, _ in numbered] != list(range(len(numbered))):
        raise VoxloopError(
            f"{name} numbers its channels {', '.join(str(number) for number, _ in numbered)} in metadata.json; number them from 0 "
            "without a gap."
        )
    return [value for _, value in numbered]


def _is_background(name: str) -> bool:
    plain = name.strip().casefold()
    return plain.startswith("background") or plain in BACKGROUND


def _known_regions(names: Sequence[str]) -> Regions | None:
    """The regions of brain tumours, in this bundle's order, as the recipe makes them of its classes."""
    config = _brain()
    meant = [recognise(name, list(REGIONS), REGIONS) for name in names]
    if None in meant or len(set(meant)) < len(meant):
        return None
    try:
        output = output_of(config["class_names"], {region: config["regions"][region] for region in meant if region})
    except VoxloopError:
        # Without its smaller regions, one alone cannot be told from what it is made of.
        return None
    assert isinstance(output, Regions)
    return output


def _brain() -> dict[str, Any]:
    config: dict[str, Any] = json.loads((recipes.FOLDER / "brain_tumour" / "configs" / "inference.json").read_text())
    return config


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
