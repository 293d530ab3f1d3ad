"""What a recipe's config asks of a dataset: its stored split, and class numbers found by the labels' names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from voxloop.data.decathlon import read_dataset, require_labels, split_cases


def load(dataset_dir: str, modality: str, class_names: Sequence[str], split: str = "default") -> dict[str, Any]:
    """Training and validation pairs of a dataset, and which label value is which class.

    `label_values[i]` in a label file becomes class `class_values[i]` of the network. Every other label of the
    dataset counts as background, so that a recipe for the spleen can learn from a dataset of many organs.
    """
    dataset = read_dataset(Path(dataset_dir))
    require_labels(dataset, class_names[1:], modality=modality)
    cases = split_cases(Path(dataset_dir), split)
    wanted = {name.casefold(): number for number, name in enumerate(class_names)}
    values = sorted(dataset.labels)
    return {
        "training": cases["training"],
        "validation": cases["validation"],
        "label_values": values,
        "class_values": [wanted.get(dataset.labels[value].casefold(), 0) for value in values],
    }


def test_scans(dataset_dir: str) -> list[dict[str, str]]:
    """The scans without labels that a dataset keeps for testing, as MONAI's dictionaries."""
    return [{"image": str(path)} for path in read_dataset(Path(dataset_dir)).test]
