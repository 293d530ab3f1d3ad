"""An image as it is logged: every value is kept, and what a browser shows is only a preview of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from voxloop.errors import VoxloopError
from voxloop.store.contents.arrays import pack_array, pack_png, unpack_image
from voxloop.store.contents.windows import own_window, shown
from voxloop.tracking.media.boxes import Box, boxes_within
from voxloop.tracking.media.labels import class_names, label_map
from voxloop.tracking.media.pixels import described, is_pil, pixels_of, unpacked, window_of
from voxloop.tracking.media.protocol import Known, register
from voxloop.tracking.media.snapshot import File, kept, opened, sides
from voxloop.tracking.params import text

if TYPE_CHECKING:
    from voxloop.store.blobs import Blobs

SHOWN_BY_BROWSERS = ("PNG", "JPEG", "GIF", "WEBP")


@register
class Image:
    """A picture with label maps and boxes over it.

        vx.Image(slice_, layers={"truth": mask}, classes={1: "spleen"}, window={"level": 40, "width": 400})

    Takes numpy, torch, PIL or a path; H×W, H×W×3, H×W×4, or the colours first as in torch. Any numbers are kept as they are,
    NaN too; `window` says which of them are shown from black to white. A file is kept byte for byte. Boxes are
    `(left, top, right, bottom)` in pixels, or `vx.Box`.
    """

    kind: ClassVar[str] = "image"

    def __init__(
        self,
        data: str | Path | Any,
        layers: Mapping[str, Any] | None = None,
        classes: Mapping[int, str] | None = None,
        boxes: Iterable[Box | Mapping[str, Any] | tuple[float, float, float, float]] = (),
        window: tuple[float, float] | Mapping[str, float] | None = None,
        caption: str | None = None,
    ) -> None:
        self.file: File | None = None
        self.pixels: npt.NDArray[Any] | None = None
        self._format = ""
        if isinstance(data, str | Path):
            self.file = opened(data, "an image")
            self._format, (self.width, self.height), self.mode = described(self.file.read(), self.file.path.name)
        else:
            self.pixels = pixels_of(data, "An image")
            self.height, self.width = self.pixels.shape[:2]
            self.mode = str(self.pixels.dtype)
        self.window = None if window is None else window_of(window)
        self.classes = class_names(classes)
        self.boxes = boxes_within(boxes, self.width, self.height)
        self.layers = {text(name): self._layer(text(name), layer) for name, layer in (layers or {}).items()}
        self.caption = None if caption is None else text(caption)

    @property
    def nbytes(self) -> int:
        held = self.file.nbytes if self.file is not None else self.pixels.nbytes if self.pixels is not None else 0
        return held + sum(layer.nbytes for layer in self.layers.values())

    def __repr__(self) -> str:
        return f"Image({self.width}×{self.height}, {self.mode}{''.join(f', {name}' for name in self.layers)})"

    def store(self, blobs: Blobs, known: Known | None = None) -> dict[str, Any]:
        """Puts values, preview and layers into the blob store and answers with what names them."""
        known = {} if known is None else known
        if self.file is not None:
            image = self.file.store(blobs, known)
            pixels = None
            if self._format not in SHOWN_BY_BROWSERS or self.window is not None:
                pixels = unpack_image(self.file.read())
            dtype, channels = None, None
        else:
            assert self.pixels is not None, "an image is of a file or of pixels"
            pixels = self.pixels
            image = _exact(pixels, blobs)
            dtype, channels = str(pixels.dtype), 1 if pixels.ndim == 2 else pixels.shape[2]
            if pixels.dtype in (np.uint8, np.bool_) and self.window is None:
                pixels = None
        window = self.window
        preview = image
        if pixels is not None:
            window = window or own_window(pixels)
            preview = kept(pack_png(shown(pixels, window)), "preview.png", blobs)
        return {
            "image": image,
            "preview": preview,
            "width": self.width,
            "height": self.height,
            "dtype": dtype,
            "channels": channels,
            "window": list(window) if window else None,
            "layers": [
                {"name": name, **kept(pack_png(layer), "layer.png", blobs)} for name, layer in self.layers.items()
            ],
            "classes": {str(number): name for number, name in self.classes.items()},
            "boxes": self.boxes,
            "caption": self.caption,
        }

    def _layer(self, name: str, given: Any) -> npt.NDArray[np.uint8]:
        if isinstance(given, str | Path):
            given = unpacked(opened(given, "a layer"))
        if is_pil(given) and given.mode == "P":
            # The colours of a palette are for the eye; its numbers are the labels.
            given = np.asarray(given)
        labels = label_map(name, pixels_of(given, f'The layer "{name}"'))
        if labels.shape != (self.height, self.width):
            raise VoxloopError(
                f'The layer "{name}" is {sides(labels.shape)}, and the image is {self.height}×{self.width} '
                "(rows × columns); bring it onto the image's pixels."
            )
        return labels


def _exact(pixels: npt.NDArray[Any], blobs: Blobs) -> dict[str, Any]:
    """Every value: as PNG where PNG holds it, for browsers; otherwise as the array."""
    if pixels.dtype in (np.uint8, np.bool_) or (pixels.dtype == np.uint16 and pixels.ndim == 2):
        return kept(pack_png(pixels), "image.png", blobs)
    return kept(pack_array(pixels), "image.npy.gz", blobs)
