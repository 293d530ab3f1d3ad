"""Volumes: which there are, and one with its layers at a step."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from voxloop.errors import VoxloopError
from voxloop.server.api.opened import LARGEST, Opened
from voxloop.server.models import volumes as models
from voxloop.store import MediaRecord, Project
from voxloop.store.contents import blob

router = APIRouter(tags=["volumes"])


@router.get("/runs/{run_id}/volumes", operation_id="listVolumes")
def list_volumes(run_id: str, project: Opened) -> list[models.CaseVolumes]:
    """The cases of a run that can be looked at, with their steps; of several names the one that was logged last comes first."""
    epochs: dict[tuple[str, str], dict[int, int | None]] = {}
    newest: dict[tuple[str, str], int] = {}
    for one in project.media_of(project.run(run_id).id, kind="volume"):
        key = (case_of(one), one.name)
        epochs.setdefault(key, {})[one.step] = one.epoch
        newest[key] = max(one.id, newest.get(key, 0))
    return [
        models.CaseVolumes(case=case, name=name, steps=sorted(found), epochs=[found[step] for step in sorted(found)])
        for (case, name), found in sorted(epochs.items(), key=lambda one: (one[0][0], -newest[one[0]]))
    ]


@router.get("/runs/{run_id}/volumes/{case:path}", operation_id="getVolume")
def get_volume(
    run_id: str,
    case: str,
    project: Opened,
    step: Annotated[int | None, Query(ge=-LARGEST, le=LARGEST)] = None,
    name: str | None = None,
) -> models.CaseVolume:
    """A scan with its layers at a step, or at the last one. The scan's address stays the same from step to step.

    A case that was logged under several names is shown under the one that was logged last, or under `name`.
    """
    run = project.run(run_id)
    mine = [one for one in project.media_of(run.id, "volume", name) if case_of(one) == case]
    if not mine:
        under = f' under the name "{name}"' if name is not None else ""
        raise VoxloopError(
            f'Run {run.name} has no volume of a case "{case}"{under}; open its cases to see which it has.'
        )
    shown = max(mine, key=lambda one: one.id).name
    mine = [one for one in mine if one.name == shown]
    steps = sorted({one.step for one in mine})
    wanted = steps[-1] if step is None else step
    here = [one for one in mine if one.step == wanted]
    if not here:
        raise VoxloopError(f'The case "{case}" was not kept at step {wanted}, but at {", ".join(map(str, steps))}.')
    volume = here[-1]
    classes = [models.LabelClass(value=int(value), name=name) for value, name in volume.data["classes"].items()]
    return models.CaseVolume(
        case=case,
        name=volume.name,
        step=wanted,
        steps=steps,
        geometry=models.Geometry(**volume.data["geometry"]),
        image=_link(volume, "image", volume.data["image"]),
        layers=[
            models.LabelLayer(
                name=layer["name"],
                start=layer.get("start"),
                classes=classes,
                **_link(volume, f"layer-{at}", layer).model_dump(),
            )
            for at, layer in enumerate(volume.data["layers"])
        ],
        channels=volume.data.get("channels", []),
        dice=_dice(project, run.id, volume.name, case, wanted),
    )


def case_of(volume: MediaRecord) -> str:
    """The case that a volume shows; one that was logged without is known by its name."""
    return str(volume.context.get("case", volume.name))


@router.get("/media/{media_id}/{part}/{filename}", operation_id="getReferenced", response_class=Response)
def get_referenced(
    media_id: Annotated[int, Path(ge=0, le=LARGEST)], part: str, filename: str, project: Opened
) -> Response:
    """A file that a volume only refers to, as long as it is what was logged: image, layer-0, layer-1, and so on."""
    volume = project.medium(media_id)
    parts = {f"layer-{at}": layer for at, layer in enumerate(volume.data.get("layers", []))}
    named = {**parts, "image": volume.data.get("image")}.get(part)
    if not isinstance(named, dict) or "reference" not in named:
        raise VoxloopError(f'"{part}" of {volume.name} is no file that is referred to; open the volume from its case.')
    return Response(blob(project.blobs, named), media_type="application/octet-stream")


def _link(volume: MediaRecord, part: str, named: dict[str, Any]) -> models.BlobLink:
    filename = quote(named["filename"], safe="")
    where = f"media/{volume.id}/{part}" if "reference" in named else f"blobs/{named['digest']}"
    return models.BlobLink(url=f"/api/v1/{where}/{filename}", bytes=named["bytes"])


def _dice(project: Project, run_id: str, name: str, case: str, step: int) -> dict[str, float] | None:
    """The Dice of each class at a step: `val/scan` is judged by `val/dice`."""
    subset = name.rpartition("/")[0]
    found = {}
    for series in project.series_of(run_id, f"{subset}/dice" if subset else "dice"):
        if str(series.context.get("case")) == case:
            points = project.points(series.id, first_step=step, last_step=step)
            if len(points) and points.values[-1] == points.values[-1]:
                found[str(series.context.get("class", ""))] = float(points.values[-1])
    return found or None
