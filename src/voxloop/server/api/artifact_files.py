"""The files of an artifact version: one of them, its beginning, or all as a zip."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, Response, StreamingResponse

from voxloop.errors import VoxloopError
from voxloop.server.api.opened import Opened
from voxloop.server.artifact_details import attachment
from voxloop.server.models import artifacts as models
from voxloop.store import ArtifactVersion, Project
from voxloop.store.artifacts import packing, previews
from voxloop.store.artifacts import versions as stored

router = APIRouter(tags=["artifacts"])
FilePath = Annotated[str, Query(description="The file's path in the version.", alias="path")]


@router.get("/artifacts/versions/{ref}/file", operation_id="getArtifactFile", response_class=FileResponse)
def get_artifact_file(ref: str, path: FilePath, project: Opened) -> Response:
    """One file, to be saved under its own name."""
    version = _version(project, ref)
    blob = project.blobs.path(previews.file_of(version, path)["digest"])
    if not blob.is_file():
        raise VoxloopError(
            f'{version.ref}: the blob of {path} is missing; "voxloop doctor" says what else is; bring {project.blobs.folder} back from a backup.'
        )
    # Never shown in a window of its own: what it holds is nobody's page.
    headers = {"content-disposition": attachment(path), "cache-control": "no-store"}
    return FileResponse(blob, media_type="application/octet-stream", headers=headers)


@router.get("/artifacts/versions/{ref}/preview", operation_id="previewArtifactFile")
def preview_artifact_file(ref: str, path: FilePath, project: Opened) -> models.FilePreview:
    """What a file begins with, if it is one that a person can read."""
    found = previews.preview(_version(project, ref), path, project.blobs)
    return models.FilePreview(
        what=found.what, text=found.text, rows=[list(row) for row in found.rows], whole=found.whole
    )


@router.get("/artifacts/versions/{ref}/zip", operation_id="getArtifactZip", response_class=StreamingResponse)
def get_artifact_zip(ref: str, project: Opened) -> StreamingResponse:
    """All files as a zip, sent while it is made. Every byte is checked; a damaged file breaks it off."""
    version = _version(project, ref)
    packing.require_whole(version, project.blobs)
    headers = {
        "content-disposition": attachment(f"{version.name}-v{version.version}.zip"),
        "cache-control": "no-store",
    }
    return StreamingResponse(packing.packed(version, project.blobs), media_type="application/zip", headers=headers)


def _version(project: Project, ref: str) -> ArtifactVersion:
    with project.reading() as connection:
        return stored.one(connection, ref)
