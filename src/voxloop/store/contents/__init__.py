"""What was logged, read back: each kind of media as the arrays, columns, texts or bytes that it was made of."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxloop.errors import VoxloopError
from voxloop.store.contents import columns, crops
from voxloop.store.contents.arrays import unpack_array, unpack_image
from voxloop.store.contents.sound import unpack_wav
from voxloop.store.records import MediaRecord

if TYPE_CHECKING:
    import pandas as pd

    from voxloop.store.blobs import Blobs

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class VolumeContents:
    """Voxels with their affine to RAS millimetres, and label maps on the same grid. Channels, where there are several, are the last axis."""

    image: Array
    affine: npt.NDArray[np.float64]
    layers: dict[str, npt.NDArray[np.uint8]]
    classes: dict[int, str]
    # What they are called, where that is known.
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ImageContents:
    """Pixels as they were logged, and label maps over them."""

    pixels: Array
    layers: dict[str, npt.NDArray[np.uint8]]
    classes: dict[int, str]


@dataclass(frozen=True, slots=True, eq=False)
class DistributionContents:
    """n counts, and the n + 1 edges of their bins."""

    counts: npt.NDArray[np.int64]
    edges: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class AudioContents:
    """Samples × channels, and samples per second."""

    samples: Array
    rate: int


def contents(blobs: Blobs, record: MediaRecord) -> Any:
    """What a record holds.

    A volume, an image, a distribution or a WAV is an object of this module, a figure plotly's JSON as a dict or matplotlib's
    SVG as bytes, a text a str, a table a dict of columns, a video frames × rows × columns (× colours) where it is lossless;
    any other file is its bytes.
    """
    return content_of(blobs, record.kind, record.data)


def content_of(blobs: Blobs, kind: str, data: dict[str, Any]) -> Any:
    """What the data of a kind hold; for a medium in a table's cell, whose `kind` and `data` these are."""
    if kind not in READERS:
        raise VoxloopError(
            f'Media of the kind "{kind}" are unknown here, but {", ".join(READERS)} are; upgrade Voxloop.'
        )
    try:
        return READERS[kind](blobs, data)
    except (KeyError, TypeError, ValueError, EOFError, OSError) as error:
        raise VoxloopError(
            f"A logged {kind} is damaged ({type(error).__name__}: {' '.join(str(error).split())[:100]}); restore the project from a backup."
        ) from error


def frame(blobs: Blobs, record: MediaRecord) -> pd.DataFrame:
    """A logged table as a data frame; whole numbers stay whole beside missing ones."""
    import pandas as pd

    if record.kind != "table":
        raise VoxloopError(f'"{record.name}" is a {record.kind} and no table; read it with contents().')
    found = {}
    for name, column in columns.unpack(blob(blobs, record.data["table"])).items():
        values: Any = column.values
        if column.missing is not None and column.type in ("integer", "boolean"):
            values = pd.array(column.plain(), dtype="Int64" if column.type == "integer" else "boolean")
        elif not isinstance(values, np.ndarray) or column.missing is not None:
            values = pd.Series(column.plain(), dtype=object)
        found[name] = values
    return pd.DataFrame(found)


def blob(blobs: Blobs, named: dict[str, Any]) -> bytes:
    """The bytes that media name: of the project, or of a file that they refer to, if it is still the same."""
    if "reference" not in named:
        return blobs.get(named["digest"])
    path = Path(named["reference"])
    try:
        content = path.read_bytes()
    except OSError as error:
        raise VoxloopError(
            f"{path} is only referred to, and cannot be read ({error.strerror or error}); put it back in its place."
        ) from error
    if hashlib.sha256(content).hexdigest() != named["digest"]:
        raise VoxloopError(f"{path} is only referred to, and has changed since it was logged; put the old one back.")
    return content


def _volume(blobs: Blobs, data: dict[str, Any]) -> VolumeContents:
    return VolumeContents(
        _voxels(blob(blobs, data["image"])),
        np.array(data["geometry"]["affine"], np.float64),
        {layer["name"]: _labels(blobs, layer, data["geometry"]["shape"]) for layer in data["layers"]},
        _classes(data),
        tuple(data.get("channels", ())),
    )


def _labels(blobs: Blobs, layer: dict[str, Any], shape: list[int]) -> npt.NDArray[np.uint8]:
    labels = _voxels(blob(blobs, layer)).astype(np.uint8)
    return crops.whole(labels, layer["start"], shape) if "start" in layer else labels


def _voxels(content: bytes) -> Array:
    import nibabel as nib

    plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    two = int.from_bytes(plain[:4], "little") == 540 or int.from_bytes(plain[:4], "big") == 540
    voxels: Array = np.asanyarray((nib.Nifti2Image if two else nib.Nifti1Image).from_bytes(plain).dataobj)
    return voxels[..., 0] if voxels.ndim == 4 and voxels.shape[3] == 1 else voxels


def _image(blobs: Blobs, data: dict[str, Any]) -> ImageContents:
    content = blob(blobs, data["image"])
    exact = data["image"]["filename"].endswith(".npy.gz") and data["dtype"] is not None
    pixels = unpack_array(content) if exact else unpack_image(content, data["dtype"])
    layers = {layer["name"]: unpack_image(blob(blobs, layer), "uint8") for layer in data["layers"]}
    return ImageContents(pixels, layers, _classes(data))


def _figure(blobs: Blobs, data: dict[str, Any]) -> dict[str, Any] | bytes:
    content = blob(blobs, data["figure"])
    if data["library"] != "plotly":
        return content
    figure: dict[str, Any] = json.loads(content)
    return figure


def _distribution(blobs: Blobs, data: dict[str, Any]) -> DistributionContents:
    counts = np.array(data["counts"], np.int64)
    if data["edges"] is not None:
        return DistributionContents(counts, np.array(data["edges"], np.float64))
    share = np.arange(len(counts) + 1) / len(counts)
    # From both ends, for their distance may overflow.
    return DistributionContents(counts, data["low"] * (1 - share) + data["high"] * share)


def _text(blobs: Blobs, data: dict[str, Any]) -> str:
    return str(data["text"]) if "text" in data else blob(blobs, data["file"]).decode()


def _table(blobs: Blobs, data: dict[str, Any]) -> dict[str, Any]:
    """Arrays where every cell holds a number or a truth, lists otherwise."""
    found = columns.unpack(blob(blobs, data["table"]))
    return {
        name: column.values if isinstance(column.values, np.ndarray) and column.missing is None else column.plain()
        for name, column in found.items()
    }


def _audio(blobs: Blobs, data: dict[str, Any]) -> AudioContents | bytes:
    content = blob(blobs, data["audio"])
    try:
        return AudioContents(*unpack_wav(content))
    except ValueError:
        return content


def _video(blobs: Blobs, data: dict[str, Any]) -> Array | bytes:
    content = blob(blobs, data["video"])
    if data["frames"] is None or not data["video"]["filename"].endswith(".png"):
        return content
    from PIL import Image, ImageSequence

    frames: list[Array] = []
    with Image.open(_buffer(content)) as image:
        for one in ImageSequence.Iterator(image):
            # Frames that did not change are one that is shown longer.
            shown = max(1, round(float(one.info.get("duration", 0)) * data["fps"] / 1000))
            frames += [np.asarray(one)] * shown
    # An image that never moves is a plain PNG, without a duration.
    frames += frames[-1:] * (data["frames"] - len(frames))
    return np.stack(frames[: data["frames"]])


def _buffer(content: bytes) -> Any:
    import io

    return io.BytesIO(content)


def _classes(data: dict[str, Any]) -> dict[int, str]:
    return {int(number): name for number, name in data["classes"].items()}


READERS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "volume": _volume,
    "image": _image,
    "figure": _figure,
    "distribution": _distribution,
    "text": _text,
    "table": _table,
    "audio": _audio,
    "video": _video,
}
