"""Histograms where the values lie: on the GPU for a tensor there, so that only the counts come over."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

PIECE = 1 << 20
EXACT = 1 << 24


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Counts in equal bins from `low` to `high`, and what is known of the values; NaN and Inf are only counted."""

    counts: npt.NDArray[np.int64]
    low: float
    high: float
    count: int
    nan: int
    inf: int
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None


def of_array(values: npt.NDArray[Any], bins: int) -> Histogram:
    """The histogram of an array of numbers."""
    flat = values.reshape(-1)
    if flat.dtype == np.bool_:
        flat = flat.astype(np.uint8)
    nan = inf = 0
    kept = flat
    # Least and most tell whether anything is not finite, in one pass instead of three.
    if not (math.isfinite(flat.min()) and math.isfinite(flat.max())):
        nan, inf = int(np.isnan(flat).sum()), int(np.isinf(flat).sum())
        kept = flat[np.isfinite(flat)]
    if not kept.size:
        return Histogram(np.zeros(bins, np.int64), 0.0, 1.0, flat.size, nan, inf)
    least, most = float(kept.min()), float(kept.max())
    low, high = _apart(least, most)
    counts = np.zeros(bins, np.int64)
    # A distance that overflows is taken at half its size; so is every value then.
    scale = 0.5 if math.isinf(high - low) else 1.0
    for start in range(0, kept.size, PIECE):
        piece = kept[start : start + PIECE].astype(np.float64)
        place = (piece * scale - low * scale) / (high * scale - low * scale) * bins
        counts += np.bincount(np.clip(place.astype(np.int64), 0, bins - 1), minlength=bins)
    with np.errstate(over="ignore", invalid="ignore"):
        mean, std = float(kept.mean(dtype=np.float64)), float(kept.std(dtype=np.float64))
    return Histogram(counts, low, high, flat.size, nan, inf, least, most, _finite(mean), _finite(std))


def of_tensor(values: Any, bins: int) -> Histogram:
    """The histogram of a torch tensor, by the torch that made it: nobody has a tensor without having imported it."""
    torch = sys.modules["torch"]
    with torch.no_grad():
        flat = values.detach().reshape(-1)
        if flat.is_complex():
            raise TypeError("complex numbers have no order")
        if not flat.is_floating_point():
            # Apple's GPUs know no doubles.
            flat = flat.to(torch.float32 if flat.device.type == "mps" else torch.float64)
        elif flat.element_size() < 4:
            flat = flat.float()
        count = good = int(flat.numel())
        nan = inf = 0
        kept, told = flat, _told(torch, flat)
        # Least and most tell whether anything is not finite, in one pass instead of three.
        if not (math.isfinite(told[0]) and math.isfinite(told[1])):
            finite = torch.isfinite(flat)
            nan, good = (int(one) for one in torch.stack([torch.isnan(flat).sum(), finite.sum()]).tolist())
            inf = count - nan - good
            if not good:
                return Histogram(np.zeros(bins, np.int64), 0.0, 1.0, count, nan, inf)
            kept = flat[finite]
            told = _told(torch, kept)
        least, most, middle, spread = told
        low, high = _apart(least, most)
        counts = _counted(torch, kept, bins, low, high)
    if int(counts.sum()) != good:
        # Edges that the device's numbers cannot tell apart, or whose distance overflows.
        return replace(of_array(kept.cpu().numpy(), bins), count=count, nan=nan, inf=inf)
    return Histogram(counts, low, high, count, nan, inf, least, most, _finite(middle), _finite(spread))


def _told(torch: Any, flat: Any) -> list[float]:
    """Least, most, mean and deviation, in one copy from the device."""
    variance, mean = torch.var_mean(flat, correction=0)
    told: list[float] = torch.stack([*torch.aminmax(flat), mean, variance.sqrt()]).tolist()
    return told


def _counted(torch: Any, kept: Any, bins: int, low: float, high: float) -> npt.NDArray[np.int64]:
    counts = np.zeros(bins, np.int64)
    try:
        # histc counts in the type of its input, and 32-bit floats count no further than 2^24.
        for piece in torch.split(kept, EXACT):
            counts += torch.histc(piece, bins, low, high).to(torch.int64).cpu().numpy()
    except RuntimeError:
        return np.zeros(bins, np.int64)
    return counts


def _apart(low: float, high: float) -> tuple[float, float]:
    """Edges around values that are all the same."""
    if low < high:
        return low, high
    pad = max(0.5, abs(low) * 1e-3)
    return max(low - pad, -sys.float_info.max), min(high + pad, sys.float_info.max)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
