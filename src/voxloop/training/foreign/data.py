"""Whether a bundle's numbers and a dataset's mean the same, by the names that both give them; told before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from voxloop.data.decathlon import Dataset, read_dataset
from voxloop.errors import VoxloopError
from voxloop.inference.loading.meaning import channels_of, known_spellings, spellings_of
from voxloop.monai.bundle import Bundle, parts
from voxloop.recipes.datalist import channel_order
from voxloop.recipes.spelling import recognise
from voxloop.training.foreign.job import PLACE

# What MONAI's transform takes BraTS's numbers for, in the words of our recipe.
BRATS_CLASSES = {1: "non-enhancing tumour", 2: "edema"}
ENHANCING = "enhancing tumour"
FROM_BRATS = ("ConvertToMultiChannelBasedOnBratsClassesd", "ConvertToMultiChannelBasedOnBratsClasses", "BratsRegionsd")


def doubts(bundle: Bundle) -> list[str]:
    """Each way in which the bundle would take one thing for another, as a sentence; none where nothing can be compared."""
    return [sentence for dataset in _datasets(bundle.config) for sentence in _about(bundle, dataset)]


def _datasets(config: Mapping[str, Any]) -> Iterator[Dataset]:
    """The datasets in Decathlon's layout that a config names as places."""
    for key, value in config.items():
        if isinstance(value, str) and PLACE.search(key) and (Path(value) / "dataset.json").is_file():
            try:
                yield read_dataset(Path(value))
            except VoxloopError:
                # A bundle may well read what we refuse.
                continue


def _about(bundle: Bundle, dataset: Dataset) -> Iterator[str]:
    yield from _channels(bundle, dataset)
    brats = next((part for _, part in parts(bundle.config) if _target(part) in FROM_BRATS), None)
    if brats is not None:
        yield from _brats_labels(bundle, dataset, brats)
    else:
        yield from _labels(bundle, dataset)


def _channels(bundle: Bundle, dataset: Dataset) -> Iterator[str]:
    _, names = channels_of(bundle.metadata)
    if not names:
        return
    try:
        order = channel_order(dataset, names, spellings_of(names))
    except VoxloopError:
        return
    if order != list(range(len(names))):
        here = ", ".join(said for _, said in sorted(dataset.modality.items()))
        yield (
            f"{bundle.name} takes the channels {', '.join(names)} in this order, and the files of {dataset.name} hold {here}: it would "
            'take one for another. Give it files of one channel each, in its order; "voxloop predict" and "evaluate" do that by themselves.'
        )


def _brats_labels(bundle: Bundle, dataset: Dataset, part: Mapping[str, Any]) -> Iterator[str]:
    enhancing = part.get("et_label", 4)
    wanted = {**BRATS_CLASSES, enhancing if isinstance(enhancing, int) else 4: ENHANCING}
    spellings = known_spellings()
    meant = {value: recognise(said, list(wanted.values()), spellings) for value, said in dataset.labels.items()}
    if all(name is None for name in meant.values()) or all(meant.get(value) == name for value, name in wanted.items()):
        return
    takes = ", ".join(f"{value} for {name}" for value, name in wanted.items())
    empty = [name for value, name in wanted.items() if value not in dataset.labels]
    yield (
        f"{bundle.name} takes {takes} (BraTS's numbers), and in {dataset.name} {_said(dataset)}: it would learn one for another"
        + (f", and find {empty[0]} nowhere" if empty else "")
        + ". Renumber the labels first."
    )


def _labels(bundle: Bundle, dataset: Dataset) -> Iterator[str]:
    """Where a class of the bundle stands under another number in the dataset."""
    names = list(bundle.classes.values())
    spellings = spellings_of(names)
    meant = {value: recognise(said, names, spellings) for value, said in dataset.labels.items()}
    moved = [
        f"{bundle.classes[number]} is {number} for it and {value} there"
        for number in bundle.classes
        for value, name in meant.items()
        if name == bundle.classes[number] and value != number
    ]
    if moved:
        yield f"{bundle.name} and {dataset.name} number their classes otherwise: {', '.join(moved)}. Renumber the labels first."


def _said(dataset: Dataset) -> str:
    return ", ".join(f"{value} is {said}" for value, said in sorted(dataset.labels.items()) if value)


def _target(part: Mapping[str, Any]) -> str:
    return str(part.get("_target_", "")).rpartition(".")[2]
