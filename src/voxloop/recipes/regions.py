"""Transforms of recipes whose network sees several channels and marks regions that overlap.

Each is MONAI's kind of transform, so that a config names it by its path and plain MONAI runs it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils import convert_to_dst_type

from voxloop.data.scans import as_labels
from voxloop.errors import VoxloopError
from voxloop.monai.output import Regions
from voxloop.recipes.datalist import classes_of

Sample = Mapping[Hashable, Any]
ORDER = "channel_order"


class TakeChannelsd(MapTransform):  # type: ignore[misc]
    """The channels that a recipe names, in its order, out of a scan that may hold them in another.

    A sample says the order under `channel_order`. One that does not, a scan that comes without a dataset, has the recipe's
    channels in the recipe's order.
    """

    def __init__(self, keys: KeysCollection, channel_names: Sequence[str]) -> None:
        super().__init__(keys)
        self.channel_names = tuple(channel_names)

    def __call__(self, data: Sample) -> dict[Hashable, Any]:
        sample = dict(data)
        said = sample.pop(ORDER, None)
        order = list(range(len(self.channel_names))) if said is None else [int(channel) for channel in said]
        for key in self.key_iterator(sample):
            image = sample[key]
            needed = len(order) if said is None else max(order) + 1
            if len(image) < needed or (said is None and len(image) != needed):
                raise VoxloopError(
                    f"{file_name(image, str(key))} has {len(image)} channels, and {needed} are needed ({', '.join(self.channel_names)}); "
                    "put them into one file in this order, or name the channels in dataset.json."
                )
            sample[key] = image if order == list(range(len(image))) else image[order]
        return sample


class ClassesOfLabelsd(MapTransform):  # type: ignore[misc]
    """A dataset's label values as a recipe's classes. MONAI's own transform would let a value pass that nobody named."""

    def __init__(self, keys: KeysCollection, label_values: Sequence[int], class_values: Sequence[int]) -> None:
        super().__init__(keys)
        self.meant = dict(zip(label_values, class_values, strict=True))

    def __call__(self, data: Sample) -> dict[Hashable, Any]:
        sample = dict(data)
        for key in self.key_iterator(sample):
            name = file_name(sample[key], str(key))
            classes = classes_of(as_labels(np.asarray(sample[key].cpu()), name), self.meant, name)
            sample[key] = convert_to_dst_type(classes, sample[key], dtype=np.uint8)[0]
        return sample


class RegionsOfLabelsd(MapTransform):  # type: ignore[misc]
    """One channel a region, 0.0 or 1.0 as losses take them, from a label map of classes."""

    def __init__(self, keys: KeysCollection, class_names: Sequence[str], regions: Mapping[str, Sequence[str]]) -> None:
        super().__init__(keys)
        self.output = Regions.of(class_names, regions)

    def __call__(self, data: Sample) -> dict[Hashable, Any]:
        sample = dict(data)
        for key in self.key_iterator(sample):
            regions = self.output.of_labels(np.asarray(sample[key][0].cpu()).astype(np.uint8))
            sample[key] = convert_to_dst_type(regions, sample[key], dtype=np.float32)[0]
        return sample


class LabelsOfRegionsd(MapTransform):  # type: ignore[misc]
    """A label map of classes, from one channel a region that is 0 or 1: the other way round."""

    def __init__(self, keys: KeysCollection, class_names: Sequence[str], regions: Mapping[str, Sequence[str]]) -> None:
        super().__init__(keys)
        self.output = Regions.of(class_names, regions)

    def __call__(self, data: Sample) -> dict[Hashable, Any]:
        sample = dict(data)
        for key in self.key_iterator(sample):
            labels = self.output.of_channels(np.asarray(sample[key].cpu()))[None]
            sample[key] = convert_to_dst_type(labels, sample[key], dtype=np.uint8)[0]
        return sample


def file_name(content: Any, otherwise: str) -> str:
    """What the file is called that an image or a label was read from."""
    return Path(str(getattr(content, "meta", {}).get("filename_or_obj", otherwise))).name
