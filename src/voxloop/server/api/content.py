"""What a medium holds as the API tells it: small things themselves, of large ones where they are to be had."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from voxloop.errors import VoxloopError
from voxloop.server.models import media as models
from voxloop.server.models.volumes import LabelClass
from voxloop.store import MediaRecord
from voxloop.store.blobs import Blobs
from voxloop.store.contents import content_of
from voxloop.store.contents.presence import fault_of

BASE = "/api/v1"
HEAD = 4096


def record(blobs: Blobs, one: MediaRecord) -> models.MediaRecord:
    """One logged object with what it holds."""
    told = content(blobs, one.kind, one.data)
    if told.volume is not None:
        told.volume.slice = f"{BASE}/media/{one.id}/slice"
        told.volume.case = str(one.context.get("case", one.name))
    return models.MediaRecord(
        **dict(told),
        id=one.id,
        run_id=one.run_id,
        name=one.name,
        context=one.context,
        step=one.step,
        epoch=one.epoch,
        time=one.time,
    )


def content(blobs: Blobs, kind: str, data: dict[str, Any]) -> models.Content:
    """What the data of a kind hold. What is missing or damaged has a sentence instead."""
    told = models.Content(kind=kind, caption=data.get("caption"), fault=fault_of(blobs, data))
    if kind not in SHAPED:
        told.fault = f'Media of the kind "{kind}" are unknown here; upgrade Voxloop.'
        return told
    try:
        SHAPED[kind](told, blobs, data)
    except (KeyError, TypeError, ValueError, AttributeError, VoxloopError) as error:
        told.fault = told.fault or (
            f"This {kind} is damaged ({type(error).__name__}: {' '.join(str(error).split())[:100]}); "
            "restore the project from a backup."
        )
    return told


def _picture(told: models.Content, blobs: Blobs, data: dict[str, Any]) -> None:
    preview, image = data["preview"], data["image"]
    told.picture = models.Picture(
        url=_pictured(preview),
        small=_pictured(preview, "small"),
        values=f"{BASE}/pictures/{image['digest']}/values",
        original=_blob(image),
        width=data["width"],
        height=data["height"],
        dtype=data["dtype"],
        window=data["window"],
        layers=[
            models.PictureLayer(
                name=layer["name"],
                url=f"{_pictured(layer)}&labels=1",
                small=f"{_pictured(layer, 'small')}&labels=1",
            )
            for layer in data["layers"]
        ],
        classes=_classes(data),
        boxes=[models.PictureBox(**box) for box in data["boxes"]],
    )


def _figure(told: models.Content, blobs: Blobs, data: dict[str, Any]) -> None:
    named = data["figure"]
    drawn = data["library"] != "plotly"
    told.figure = models.Figure(
        library=data["library"],
        url=_pictured(named) if drawn else _blob(named),
        download=_blob(named),
        bytes=named["bytes"],
        preview=_pictured(data["preview"]) if "preview" in data else None,
    )


def _distribution(told: models.Content, blobs: Blobs, data: dict[str, Any]) -> None:
    held = content_of(blobs, "distribution", data)
    told.distribution = models.Distribution(
        counts=held.counts.tolist(),
        edges=held.edges.tolist(),
        **{key: data[key] for key in ("count", "nan", "inf", "min", "max", "mean", "std")},
    )


def _words(told: models.Content, blobs: Blobs, data: dict[str, Any]) -> None:
    file = data.get("file")
    head = data.get("text", "")
    if file is not None and told.fault is None:
        with blobs.path(file["digest"]).open("rb") as text:
            head = text.read(HEAD).decode("utf-8", "ignore")
    told.words = models.Words(
        format=data["format"],
        length=data["length"],
        head=head,
        url=None if file is None else f"{BASE}/texts/{file['digest']}",
        download=None if file is None else _blob(file),
    )


def _table(told: models.Content, blobs: Blobs, data: dict[str, Any]) -> None:
    told.table = models.Table(
        url=f"{BASE}/tables/{data['table']['digest']}",
        rows=data["rows"],
        columns=[models.TableColumn(**column) for column in data["columns"]],
    )


def _sound(told: models.Content, blobs: Blobs, data: dict[str, Any]) -> None:
    channels = {None: "", 1: "mono", 2: "stereo"}.get(data["channels"], f"{data['channels']} channels")
    rate = f"{data['rate']:,} Hz" if data["rate"] else ""
    told.clip = _clip(data["audio"], data["duration_s"], [rate, channels])


def _video(told: models.Content, blobs: Blobs, data: dict[str, Any]) -> None:
    size = f"{data['width']}×{data['height']}" if data.get("width") else ""
    frames = f"{data['frames']} frames" if data["frames"] else ""
    told.clip = _clip(data["video"], data.get("duration_s"), [size, frames])


def _clip(named: dict[str, Any], duration_s: float | None, notes: list[str]) -> models.Clip:
    moving = named["filename"].lower().endswith((".png", ".gif", ".webp", ".apng"))
    return models.Clip(
        url=_pictured(named) if moving else f"{BASE}/clips/{named['digest']}",
        download=_blob(named),
        bytes=named["bytes"],
        duration_s=duration_s,
        note=", ".join(note for note in notes if note),
        still=_pictured(named, "still") if moving else None,
        moving=moving,
    )


def _volume(told: models.Content, blobs: Blobs, data: dict[str, Any]) -> None:
    geometry = data["geometry"]
    told.volume = models.VolumeHead(
        slice="",
        case="",
        shape=geometry["shape"],
        spacing_mm=geometry["spacing_mm"],
        orientation=geometry["orientation"],
        layers=[layer["name"] for layer in data["layers"]],
        classes=_classes(data),
    )


def _classes(data: dict[str, Any]) -> list[LabelClass]:
    return [LabelClass(value=int(value), name=name) for value, name in data["classes"].items()]


def _pictured(named: dict[str, Any], size: str = "full") -> str:
    return f"{BASE}/pictures/{named['digest']}?size={size}"


def _blob(named: dict[str, Any]) -> str:
    return f"{BASE}/blobs/{named['digest']}/{quote(named['filename'], safe='')}"


SHAPED: dict[str, Callable[[models.Content, Blobs, dict[str, Any]], None]] = {
    "image": _picture,
    "figure": _figure,
    "distribution": _distribution,
    "text": _words,
    "table": _table,
    "audio": _sound,
    "video": _video,
    "volume": _volume,
}
