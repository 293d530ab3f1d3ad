"""Which values of an image are seen: the window from black to white through which any numbers become 8 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def shown(pixels: npt.NDArray[Any], window: tuple[float, float]) -> npt.NDArray[np.uint8]:
    """The 8 bits that a person sees through a window; what is not a number is black, and opacity is not windowed."""
    low, high = window
    colours = pixels[..., :3] if pixels.ndim == 3 else pixels
    with np.errstate(invalid="ignore", over="ignore"):
        # Halved, for the distance between the largest floats is none.
        share = (colours.astype(np.float64) / 2 - low / 2) / (high / 2 - low / 2)
    seen = np.rint(np.clip(np.nan_to_num(share, nan=0.0, posinf=1.0, neginf=0.0), 0, 1) * 255).astype(np.uint8)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        opacity = pixels[..., 3:]
        scale = np.iinfo(opacity.dtype).max if opacity.dtype.kind in "iu" else 1
        alpha = np.clip(np.nan_to_num(opacity.astype(np.float64) / scale, nan=1.0), 0, 1)
        seen = np.concatenate([seen, np.rint(alpha * 255).astype(np.uint8)], axis=2)
    return seen


def own_window(pixels: npt.NDArray[Any]) -> tuple[float, float]:
    """The window to show an image through where none was given. Only what is seen depends on it: values are kept."""
    colours = pixels[..., :3] if pixels.ndim == 3 else pixels
    if colours.dtype == np.uint8:
        return 0.0, 255.0
    finite = colours[np.isfinite(colours)].astype(np.float64)
    if finite.size == 0:
        return 0.0, 1.0
    if pixels.ndim == 3 and finite.min() >= 0 and finite.max() <= 1:
        return 0.0, 1.0
    # One hot pixel would make all others black.
    low, high = (float(edge) for edge in np.percentile(finite, (0.5, 99.5), method="nearest"))
    if low == high:
        low, high = float(finite.min()), float(finite.max())
    return (low, high) if low < high else (low, float(np.nextafter(low + 1, np.inf)))
