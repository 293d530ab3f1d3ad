"""Moving pictures as they are logged."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from voxloop.errors import VoxloopError
from voxloop.tracking.media.pixels import is_pil, pixels_of, rows_first
from voxloop.tracking.media.protocol import Known, register
from voxloop.tracking.media.snapshot import File, copied, is_tensor, kept, opened, sides
from voxloop.tracking.params import text

if TYPE_CHECKING:
    from voxloop.store.blobs import Blobs


@register
class Video:
    """Frames at a speed, or a file, which is kept byte for byte.

        vx.Video(frames, fps=10)

    Frames are T×H×W, T×H×W×3 or T×3×H×W, or a list of images: 8 bits, or floats from 0 to 1. With PyAV or imageio-ffmpeg they
    become an MP4; without them, or with `lossless=True`, an animated PNG that keeps every value.
    """

    kind: ClassVar[str] = "video"

    def __init__(
        self,
        frames: str | Path | Any,
        fps: float | None = None,
        caption: str | None = None,
        lossless: bool = False,
    ) -> None:
        self.caption = None if caption is None else text(caption)
        self.fps = fps
        self.lossless = lossless
        self.file: File | None = None
        self.frames: npt.NDArray[np.uint8] | None = None
        if isinstance(frames, str | Path):
            self.file = opened(frames, "a video")
            if fps is None:
                return
        if isinstance(fps, bool) or not isinstance(fps, int | float) or not (math.isfinite(fps) and 0 < fps <= 1000):
            raise VoxloopError(f"fps={fps!r} is none; give the frames per second, such as fps=10.")
        if self.file is None:
            self.frames = _bytes_of(_stacked(frames))

    @property
    def nbytes(self) -> int:
        return self.file.nbytes if self.file is not None else 0 if self.frames is None else self.frames.nbytes

    def __repr__(self) -> str:
        if self.frames is None:
            return f"Video({self.file.path.name if self.file else ''})"
        return f"Video({len(self.frames)} frames of {self.frames.shape[2]}×{self.frames.shape[1]}, {self.fps:g}/s)"

    def store(self, blobs: Blobs, known: Known | None = None) -> dict[str, Any]:
        """Puts the video into the blob store and answers with what names it."""
        if self.frames is None:
            assert self.file is not None, "a video is of a file or of frames"
            video = self.file.store(blobs, {} if known is None else known)
            return {"video": video, "fps": self.fps, "frames": None, "caption": self.caption}
        fps = self.fps or 1.0
        content = None if self.lossless else _mp4(self.frames, fps)
        filename = "video.png" if content is None else "video.mp4"
        video = kept(_animated_png(self.frames, fps) if content is None else content, filename, blobs)
        count, height, width = self.frames.shape[:3]
        return {
            "video": video,
            "fps": fps,
            "frames": count,
            "width": width,
            "height": height,
            "duration_s": count / fps,
            "caption": self.caption,
        }


def _stacked(frames: Any) -> npt.NDArray[Any]:
    if isinstance(frames, Sequence):
        each = [pixels_of(frame, f"Frame {number}") for number, frame in enumerate(frames)]
        if not each:
            raise VoxloopError("A video has frames, and this list is empty; log it once there are some.")
        odd = next((number for number, one in enumerate(each) if one.shape != each[0].shape), None)
        if odd is not None:
            raise VoxloopError(
                f"Frame {odd} is {sides(each[odd].shape)} and the first is {sides(each[0].shape)}; all are of one size."
            )
        return np.stack(each)
    if is_pil(frames):
        raise VoxloopError("This is one image; a video is a list of them, or log it with vx.Image.")
    array = copied(frames, "A video")
    if array.ndim not in (3, 4) or 0 in array.shape:
        raise VoxloopError(f"A video has the shape {sides(array.shape)}; it is T×H×W, T×H×W×3 or T×3×H×W.")
    # The order of the axes is told by the first frame, and is that of all.
    first = rows_first(array[0], is_tensor(frames), "A frame")
    if array.ndim == 4 and first.ndim == 3 and first.shape != array.shape[1:]:
        return np.ascontiguousarray(np.moveaxis(array, 1, -1))
    return array.reshape(len(array), *first.shape)


def _bytes_of(frames: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    if frames.dtype == np.uint8:
        return frames
    if frames.dtype == np.bool_:
        return frames.astype(np.uint8) * np.uint8(255)
    if frames.dtype.kind == "f" and frames.min() >= 0 and frames.max() <= 1:
        return np.rint(frames.astype(np.float64) * 255).astype(np.uint8)
    raise VoxloopError(
        f"A video shows 8 bits or floats from 0 to 1, and these frames are {frames.dtype} "
        f"from {frames.min()} to {frames.max()}; scale them as they are to be seen."
    )


def _animated_png(frames: npt.NDArray[np.uint8], fps: float) -> bytes:
    from PIL import Image

    first, *others = (Image.fromarray(frame) for frame in frames)
    buffer = io.BytesIO()
    first.save(buffer, "PNG", save_all=True, append_images=others, duration=1000 / fps, loop=0, default_image=False)
    return buffer.getvalue()


def _mp4(frames: npt.NDArray[np.uint8], fps: float) -> bytes | None:
    """H.264, if something here can write it."""
    plugin = next((name for module, name in (("av", "pyav"), ("imageio_ffmpeg", "FFMPEG")) if find_spec(module)), None)
    if plugin is None or not find_spec("imageio"):
        return None
    import imageio.v3 as iio

    colours = np.repeat(frames[..., None], 3, axis=-1) if frames.ndim == 3 else frames[..., :3]
    # The codec halves the colours' resolution, so both sides are even.
    pad = [(0, 0), (0, frames.shape[1] % 2), (0, frames.shape[2] % 2), (0, 0)]
    told: dict[str, Any] = {"codec": "libx264", "fps": fps}
    if plugin == "FFMPEG":
        told["macro_block_size"] = 1
    try:
        encoded = iio.imwrite("<bytes>", np.pad(colours, pad, mode="edge"), extension=".mp4", plugin=plugin, **told)
    except Exception:  # a build without this codec, among others: the other way is always there
        return None
    return bytes(encoded) if encoded else None
