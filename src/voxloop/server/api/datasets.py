"""Datasets: their versions and cases, what a check says of them, and pictures of their slices."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, Response

from voxloop.server.api.opened import LARGEST, Opened, Remembered
from voxloop.server.datasets import telling, viewing
from voxloop.server.datasets.pictures import CannotDrawError
from voxloop.server.datasets.room import Room
from voxloop.server.models import datasets as models
from voxloop.server.models.answer import Problem

router = APIRouter(tags=["datasets"])


def _room(request: Request) -> Room:
    room: Room = request.app.state.datasets
    return room


Shown = Annotated[Room, Depends(_room)]
Version = Annotated[int | None, Query(ge=0, le=LARGEST)]
CANNOT: dict[int | str, dict[str, Any]] = {422: {"model": Problem}}


@router.get("/datasets", operation_id="listDatasets")
def list_datasets(room: Shown, kept: Remembered) -> list[models.DatasetSummary]:
    """Every dataset by its newest version."""
    return [telling.summary(room.known, versions, versions[-1]) for versions in room.known.all().values()]


@router.get("/datasets/{name}", operation_id="getDataset")
def get_dataset(name: str, room: Shown, version: Version = None) -> models.Dataset:
    """One version of a dataset, or the newest, with what changed from version to version, its splits and who used it."""
    return telling.dataset(room.known, room.known.version(name, version))


@router.get("/datasets/{name}/cases", operation_id="listDatasetCases")
def list_dataset_cases(name: str, room: Shown, version: Version = None) -> models.DatasetCases:
    """All cases of a version with what the last check saw of each."""
    found = room.known.version(name, version)
    return telling.cases(room.known, found, room.report(found))


@router.get("/datasets/{name}/check", operation_id="getDatasetCheck")
def get_dataset_check(name: str, room: Shown, version: Version = None) -> models.DatasetCheck:
    """How far the check of a dataset is, and what the last one found."""
    return _check(room, name, version)


@router.get("/datasets/{name}/check/job", operation_id="getDatasetCheckJob")
def get_dataset_check_job(name: str, room: Shown, version: Version = None) -> models.CheckJob | None:
    """The check that is going on, of whichever dataset; nothing where there is none."""
    found = room.known.version(name, version)
    return telling.check(found, room.folder(found), room.checks, None, []).job


@router.post("/datasets/{name}/check", operation_id="startDatasetCheck")
def start_dataset_check(name: str, room: Shown, version: Version = None) -> models.DatasetCheck:
    """Begins to check a dataset's folder in the background; one check at a time."""
    found = room.known.version(name, version)
    folder = room.known.folder(found)
    room.checks.start(found.ref, folder, room.place(folder))
    return _check(room, name, version)


@router.delete("/datasets/{name}/check", operation_id="stopDatasetCheck")
def stop_dataset_check(name: str, room: Shown, version: Version = None) -> models.DatasetCheck:
    """Stops the check that is going on. What it has seen of cases is kept."""
    room.checks.stop()
    return _check(room, name, version)


def _check(room: Room, name: str, version: int | None) -> models.DatasetCheck:
    found = room.known.version(name, version)
    folder = room.folder(found)
    report = room.report(found)
    return telling.check(found, folder, room.checks, report, room.changed(folder, report))


@router.get("/datasets/{name}/view", operation_id="getCaseView", responses=CANNOT)
async def get_case_view(
    name: str, case: str, room: Shown, project: Opened, kept: Remembered, version: Version = None, test: bool = False
) -> models.CaseView:
    """What is needed to step through the slices of a case. The scan is read when it is asked for the first time."""
    seen = await run_in_threadpool(viewing.find, room, name, version, case, test)
    try:
        about = await room.pictures.run(*viewing.description(room, seen))
    except CannotDrawError as error:
        raise HTTPException(422, str(error)) from error
    return await run_in_threadpool(viewing.view, project, kept, seen, about)


@router.get("/datasets/{name}/slice", operation_id="getCaseSlice", response_class=FileResponse, responses=CANNOT)
async def get_case_slice(
    name: str,
    case: str,
    room: Shown,
    request: Request,
    plane: Annotated[str, Query(pattern="^(axial|coronal|sagittal)$")] = "axial",
    index: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
    channel: Annotated[int, Query(ge=0, le=999)] = 0,
    look: Annotated[str, Query(pattern="^(outline|fill|none)$")] = "outline",
    low: Annotated[float | None, Query(allow_inf_nan=False)] = None,
    high: Annotated[float | None, Query(allow_inf_nan=False)] = None,
    version: Version = None,
    test: bool = False,
) -> Response:
    """One slice as a PNG in its true proportions, with the label over it; drawn once."""
    seen = await run_in_threadpool(viewing.find, room, name, version, case, test)
    window = None if low is None or high is None else (low, high)
    made = viewing.slice_file(room, seen, plane, index, channel, look, window)
    return await _picture(room, request, seen.files.key, made)


@router.get("/datasets/{name}/tile", operation_id="getCaseTile", response_class=FileResponse, responses=CANNOT)
async def get_case_tile(
    name: str,
    case: str,
    room: Shown,
    request: Request,
    value: Annotated[int | None, Query(ge=0, le=255)] = None,
    version: Version = None,
    test: bool = False,
) -> Response:
    """The axial slice with the most label, or with the most of a class, as a small PNG; drawn once."""
    seen = await run_in_threadpool(viewing.find, room, name, version, case, test)
    return await _picture(room, request, seen.files.key, viewing.tile_file(room, seen, value))


async def _picture(room: Room, request: Request, key: str, made: tuple[Any, ...]) -> Response:
    tag = f'"{key}-{made[0].stem}"'
    # The address stays when the files change, so that it is asked again each time, which costs next to nothing.
    headers = {"cache-control": "private, no-cache", "etag": tag}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    try:
        path = await room.pictures.file(*made)
    except CannotDrawError as error:
        raise HTTPException(422, str(error)) from error
    return FileResponse(path, media_type="image/png", headers=headers)
