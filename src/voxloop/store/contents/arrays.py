"""Arrays and pixels as bytes, and back with every bit: what media are made of."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt


def packed(content: bytes) -> bytes:
    """Gzip for what has long runs of one value, such as a label map: faster than any other level, and smaller than most."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31, 9, zlib.Z_RLE)
    return packer.compress(content) + packer.flush()


def pack_array(array: npt.NDArray[Any]) -> bytes:
    """An array as gzipped `.npy`. No time stamp in it: equal content is one blob."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return gzip.compress(buffer.getbuffer(), 1, mtime=0)


def unpack_array(content: bytes) -> npt.NDArray[Any]:
    """What `pack_array` was given."""
    array: npt.NDArray[Any] = np.load(io.BytesIO(gzip.decompress(content)), allow_pickle=False)
    return array


def pack_png(pixels: npt.NDArray[Any]) -> bytes:
    """Pixels of 8 bits (grey, RGB, RGBA), 16 bits (grey) or true and false as PNG."""
    from PIL import Image

    pixels = np.ascontiguousarray(pixels)
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * 255
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def unpack_image(content: bytes, dtype: str | None = None) -> npt.NDArray[Any]:
    """The pixels of an image file; as numbers of `dtype` where what wrote it knew better than the file can say."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        pixels: npt.NDArray[Any] = np.asarray(plain_image(image))
    if dtype == "bool":
        return pixels > 0
    return pixels if dtype is None else pixels.astype(dtype)


def plain_image(image: Any) -> Any:
    """In a mode whose pixels mean themselves: no palette, no other colours than RGB."""
    if image.mode in ("1", "L", "RGB", "RGBA", "F", "I") or image.mode.startswith("I;16"):
        return image
    transparent = image.mode in ("LA", "PA", "La", "RGBa") or "transparency" in image.info
    return image.convert("RGBA" if transparent else "RGB")
