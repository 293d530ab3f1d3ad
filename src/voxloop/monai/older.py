"""What older MONAI did, for bundles that were written for it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.transforms import ConvertToMultiChannelBasedOnBratsClassesd


class BratsRegionsd(ConvertToMultiChannelBasedOnBratsClassesd):
    """The same regions as 0.0 and 1.0, which every loss takes, in place of true and false."""

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        sample = super().__call__(data)
        for key in self.key_iterator(sample):
            sample[key] = sample[key].to(torch.float32)
        return dict(sample)
