"""Image files as browsers show them: passed through where they can, made once as PNG where they cannot."""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from voxloop.errors import VoxloopError
from voxloop.store.contents.arrays import pack_png, plain_image, unpack_array
from voxloop.store.contents.presence import require_sound
from voxloop.store.contents.windows import own_window, shown

if TYPE_CHECKING:
    from voxloop.store.blobs import Blobs

# The folder in a project's cache; each name begins with the digest of what its picture was made of, and goes with it.
PICTURES = "pictures"
# `still` is small, and never moves; the others are passed through where a browser shows the file as it is.
Size = Literal["small", "still", "full"]
SMALL_SIDE = 480
HEAD = 2048
# A page asks for values to point at; more than this are no picture that one points at.
MOST_VALUES = 1 << 25
GZIP = b"\x1f\x8b"


def type_of(head: bytes) -> str | None:
    """The type of what browsers show as a picture, told by its first bytes: no name is believed."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    text = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if text.startswith((b"<svg", b"<?xml", b"<!")) and b"<svg" in head:
        return "image/svg+xml"
    return None


def picture(blobs: Blobs, cache: Path, digest: str, size: Size, labels: bool) -> tuple[Path | bytes, str]:
    """A blob as a picture, as the file that holds it or as bytes, and its type. Labels keep their numbers when they shrink."""
    path = require_sound(blobs, digest)
    with path.open("rb") as file:
        head = file.read(HEAD)
    kind = type_of(head)
    if kind == "image/svg+xml":
        return path, kind
    if kind is not None and size != "still" and not _is_deep(head) and (size == "full" or not _is_large(path)):
        return path, kind
    made = cache / PICTURES / f"{digest}-{size}{'-labels' * labels}.png"
    if made.is_file():
        return made, "image/png"
    content = _png(path.read_bytes(), size, labels)
    return keep(made, content), "image/png"


def values(content: bytes) -> npt.NDArray[Any]:
    """The numbers of an image to point at: rows × columns (× colours), of 8 bits or as 32-bit floats."""
    pixels = _pixels(content)
    if pixels.size > MOST_VALUES:
        raise VoxloopError(f"An image of {pixels.size:,} values is too large to point at; download it instead.")
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8)
    return pixels if pixels.dtype == np.uint8 else pixels.astype("<f4")


def _png(content: bytes, size: Size, labels: bool) -> bytes:
    from PIL import Image

    pixels = _pixels(content)
    if pixels.dtype not in (np.uint8, np.bool_):
        pixels = shown(pixels, own_window(pixels))
    elif pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * np.uint8(1 if labels else 255)
    if size == "full" or max(pixels.shape[:2]) <= SMALL_SIDE:
        return pack_png(pixels)
    image = Image.fromarray(np.ascontiguousarray(pixels))
    image.thumbnail((SMALL_SIDE, SMALL_SIDE), Image.Resampling.NEAREST if labels else Image.Resampling.BOX)
    return pack_png(np.asarray(image))


def _pixels(content: bytes) -> npt.NDArray[Any]:
    from PIL import Image

    try:
        if content[:2] == GZIP:
            return unpack_array(content)
        with Image.open(io.BytesIO(content)) as image:
            return np.asarray(plain_image(image))
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise VoxloopError(
            f'This image is damaged ({" ".join(str(error).split())[:100]}); "voxloop doctor" says what else is.'
        ) from error


def _is_deep(head: bytes) -> bool:
    """Whether a PNG has 16 bits, of which browsers show the upper eight: a scan of 0 to 4095 would be black."""
    return head.startswith(b"\x89PNG") and head[24:25] == b"\x10"


def _is_large(path: Path) -> bool:
    from PIL import Image

    try:
        with Image.open(path) as image:
            return max(image.size) > SMALL_SIDE
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        # Damaged: the browser says so.
        return False


def keep(path: Path, content: bytes) -> Path | bytes:
    """Keeps what was made; a cache that cannot be written is none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(partial).replace(path)
    except OSError:
        return content
    return path
