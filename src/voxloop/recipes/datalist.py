"""What a recipe's config asks of a dataset: its stored split, and classes and channels found by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.decathlon import Dataset, read_dataset, require_labels, split_cases
from voxloop.errors import VoxloopError
from voxloop.recipes.spelling import Spellings, explained, recognise

Labels = npt.NDArray[np.uint8]
# No recipe has so many classes.
UNNAMED = 255


def load(
    dataset_dir: str,
    class_names: Sequence[str],
    modality: str | None = None,
    channel_names: Sequence[str] | None = None,
    spellings: Spellings | None = None,
    split: str = "default",
) -> dict[str, Any]:
    """Training and validation pairs of a dataset, and which label value is which class.

    `label_values[i]` in a label file becomes class `class_values[i]` of the network. Every other label of the
    dataset counts as background, so that a recipe for the spleen can learn from a dataset of many organs. Where the recipe
    names its channels, each pair says in which order its scan's channels are to be taken.
    """
    dataset = read_dataset(Path(dataset_dir))
    require_labels(dataset, [], modality=modality)
    classes = class_values(dataset, class_names, spellings)
    order = _order_of_each(dataset, channel_names, spellings)
    parts = split_cases(Path(dataset_dir), split)
    return {
        **{part: [{**pair, **order} for pair in parts[part]] for part in ("training", "validation")},
        "label_values": list(classes),
        "class_values": list(classes.values()),
    }


def test_scans(  # no test, whatever its name
    dataset_dir: str,
    channel_names: Sequence[str] | None = None,  # noqa: PT028
    spellings: Spellings | None = None,  # noqa: PT028
) -> list[dict[str, Any]]:
    """The scans without labels that a dataset keeps for testing, as MONAI's dictionaries."""
    dataset = read_dataset(Path(dataset_dir))
    order = _order_of_each(dataset, channel_names, spellings)
    return [{"image": str(path), **order} for path in dataset.test]


def class_values(dataset: Dataset, class_names: Sequence[str], spellings: Spellings | None = None) -> dict[int, int]:
    """The class of each label value of a dataset, by name; refused where one of the classes is not among its labels."""
    meant = {value: recognise(dataset.labels[value], class_names, spellings) for value in sorted(dataset.labels)}
    for name in class_names[1:]:
        if name not in meant.values():
            has = ", ".join(dataset.labels.values())
            raise VoxloopError(
                f"{dataset.name} has no label {explained(name, spellings)}, it has: {has}; "
                "choose a recipe for these, other data, or the right names in dataset.json."
            )
    number = {name: index for index, name in enumerate(class_names)}
    return {value: 0 if name is None else number[name] for value, name in meant.items()}


def classes_of(values: Labels, meant: Mapping[int, int], name: str) -> Labels:
    """Label values as classes; refused where a file holds one that its dataset does not name."""
    table = np.full(256, UNNAMED, np.uint8)
    table[list(meant)] = list(meant.values())
    classes: Labels = table[values]
    if (classes == UNNAMED).any():
        value = int(values[classes == UNNAMED].min())
        raise VoxloopError(f'{name} holds the label {value}, which dataset.json does not name; add it under "labels".')
    return classes


def channel_order(dataset: Dataset, channel_names: Sequence[str], spellings: Spellings | None = None) -> list[int]:
    """Which channel of the dataset's files is the first, the second, ... of the recipe, by name."""
    order = []
    has = ", ".join(f"{channel}: {said}" for channel, said in sorted(dataset.modality.items()))
    for name in channel_names:
        found = [
            channel for channel, said in dataset.modality.items() if recognise(said, channel_names, spellings) == name
        ]
        if len(found) != 1:
            count = f"{len(found)} channels" if found else "no channel"
            raise VoxloopError(
                f"{dataset.name} has {count} {explained(name, spellings)}, its modality says: {has}; "
                "name the right one in dataset.json, or choose other data."
            )
        order += found
    return order


def _order_of_each(
    dataset: Dataset, channel_names: Sequence[str] | None, spellings: Spellings | None
) -> dict[str, list[int]]:
    return {"channel_order": channel_order(dataset, channel_names, spellings)} if channel_names else {}
