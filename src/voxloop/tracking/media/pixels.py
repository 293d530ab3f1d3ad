"""Pixels of any library, in the one order that files have: rows, columns, colours."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.errors import VoxloopError
from voxloop.tracking.media.snapshot import File, copied, is_tensor, sides

COLOURS = (1, 3, 4)


def is_pil(value: object) -> bool:
    return any(cls.__module__ == "PIL.Image" for cls in type(value).__mro__)


def pixels_of(value: Any, what: str) -> npt.NDArray[Any]:
    """A copy of an image: H×W, H×W×3 or H×W×4."""
    if is_pil(value):
        from voxloop.store.contents.arrays import plain_image

        return np.array(plain_image(value))
    return rows_first(copied(value, what), is_tensor(value), what)


def rows_first(array: npt.NDArray[Any], tensor: bool, what: str) -> npt.NDArray[Any]:
    """The same pixels with their colours last. Where both ends could be colours, a tensor has them first, an array last."""
    shape = array.shape
    if 0 in shape or array.ndim not in (2, 3):
        raise VoxloopError(
            f"{what} has the shape {sides(shape)}; it is H×W, H×W×3, H×W×4, or 3×H×W with its colours first."
        )
    if array.ndim == 2:
        return array
    first, last = shape[0] in COLOURS, shape[2] in COLOURS
    if not first and not last:
        raise VoxloopError(
            f"{what} has the shape {sides(shape)}; no axis is one of 1, 3 or 4 colours, so give one plane."
        )
    if first and (tensor or not last):
        array = np.moveaxis(array, 0, -1)
    return array[..., 0] if array.shape[2] == 1 else array


def window_of(given: Any) -> tuple[float, float]:
    """`(low, high)`, or `{"level": 40, "width": 400}` as radiologists say it."""
    try:
        if isinstance(given, dict):
            level, width = float(given["level"]), float(given["width"])
            low, high = level - width / 2, level + width / 2
        else:
            low, high = (float(edge) for edge in given)
    except (TypeError, ValueError, KeyError) as error:
        raise VoxloopError(
            f'window={given!r:.80} is none; it is (low, high), or {{"level": 40, "width": 400}}.'
        ) from error
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise VoxloopError(f"The window from {low:g} to {high:g} shows nothing; low is less than high.")
    return low, high


def described(content: bytes, name: str) -> tuple[str, tuple[int, int], str]:
    """The format, width and height, and mode of an image file, from its header."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content)) as image:
            return str(image.format), image.size, image.mode
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise VoxloopError(f"{name} is no readable image; PNG, JPEG, GIF, WebP and TIFF are.") from error


def unpacked(file: File) -> Any:
    """The PIL image in a file, with its pixels read."""
    from PIL import Image

    described(file.read(), file.path.name)
    try:
        image = Image.open(io.BytesIO(file.read()))
        image.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise VoxloopError(f"{file.path.name} is cut off or damaged; copy or make it again.") from error
    return image
