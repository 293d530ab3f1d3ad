"""What browsers show and play, with a type that is told by the content and never by its name."""

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

from voxloop.errors import VoxloopError
from voxloop.server.api.opened import Opened
from voxloop.server.models import media as models
from voxloop.store import Project
from voxloop.store.contents import pictures
from voxloop.store.contents.arrays import pack_png
from voxloop.store.contents.pictures import Size
from voxloop.store.contents.slices import Slice
from voxloop.store.contents.windows import own_window

router = APIRouter(tags=["media"])
FOR_EVER = {"cache-control": "private, max-age=31536000, immutable"}
# Opened on its own, a drawing that somebody logged is a document: one without scripts, forms or an origin.
SEALED = {**FOR_EVER, "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}


@router.get("/pictures/{digest}", operation_id="getPicture", response_class=Response)
def get_picture(digest: str, project: Opened, request: Request, size: Size = "full", labels: bool = False) -> Response:
    """A blob as a picture: passed through where browsers show it as it is, else made once; `small` is for a tile."""
    found, kind = pictures.picture(project.blobs, project.cache, digest, size, labels)
    if isinstance(found, Path):
        return FileResponse(found, media_type=kind, headers=SEALED)
    return Response(found, media_type=kind, headers=SEALED)


@router.get("/pictures/{digest}/values", operation_id="getPictureValues", response_class=Response)
def get_picture_values(digest: str, project: Opened) -> Response:
    """The numbers of an image, row by row: bytes, or little-endian 32-bit floats. The header X-Shape says which and how many."""
    found = pictures.values(project.blobs.get(digest))
    low, high = own_window(found)
    shape = [*found.shape, 1] if found.ndim == 2 else list(found.shape)
    headers = {
        **FOR_EVER,
        "x-shape": ",".join(map(str, [*shape, "uint8" if found.itemsize == 1 else "float32"])),
        "x-window": f"{low!r},{high!r}",
    }
    return Response(found.tobytes(), media_type="application/octet-stream", headers=headers)


@router.get("/clips/{digest}", operation_id="getClip", response_class=FileResponse)
def get_clip(digest: str, project: Opened) -> Response:
    """A sound or a video to be played, in the parts that the player asks for."""
    path = project.blobs.path(digest)
    try:
        with path.open("rb") as file:
            kind = clip_type(file.read(64))
    except OSError as error:
        raise VoxloopError(f"The blob {digest[:12]}… is missing from the project; restore it from a backup.") from error
    return FileResponse(path, media_type=kind, headers=SEALED)


def clip_type(head: bytes) -> str:
    """The type of a sound or a video, told by its first bytes."""
    if head[:4] == b"RIFF" and head[8:12] in (b"WAVE", b"AVI "):
        return "audio/wav" if head[8:12] == b"WAVE" else "video/x-msvideo"
    if head[:4] == b"OggS":
        return "audio/ogg"
    if head[:4] == b"fLaC":
        return "audio/flac"
    if head[:3] == b"ID3" or (head[:1] == b"\xff" and head[1:2] in (b"\xfb", b"\xf3", b"\xf2")):
        return "audio/mpeg"
    if head[4:8] == b"ftyp":
        return "audio/mp4" if head[8:11] == b"M4A" else "video/mp4"
    return "video/webm" if head[:4] == b"\x1aE\xdf\xa3" else "application/octet-stream"


def kept_slice(project: Project, data: dict[str, Any], cut: Callable[..., Slice]) -> models.Slice:
    """A slice as pictures, made once for each volume: by what it is made of, for a scan is the same at every step."""
    told = json.dumps([data["image"], data["layers"], data["geometry"]], sort_keys=True)
    path = (
        project.cache
        / pictures.PICTURES
        / f"{data['image']['digest']}-{hashlib.sha256(told.encode()).hexdigest()}.json"
    )
    try:
        return models.Slice.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        pass  # not made yet, or by an older version
    found = cut(project.blobs, data)
    made = models.Slice(
        index=found.index,
        count=found.count,
        width=found.image.shape[1],
        height=found.image.shape[0],
        window=list(found.window),
        url=_inline(pack_png(found.image)),
        layers=[models.SliceLayer(name=name, url=_inline(pack_png(layer))) for name, layer in found.layers.items()],
    )
    pictures.keep(path, made.model_dump_json().encode())
    return made


def _inline(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
