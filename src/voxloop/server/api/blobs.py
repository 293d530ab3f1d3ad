"""Blobs, passed through as they are stored."""

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

from voxloop.errors import VoxloopError
from voxloop.server.api.opened import Opened

router = APIRouter(tags=["blobs"])
# A digest never names other content, so a browser need not ask again.
FOR_EVER = "private, max-age=31536000, immutable"


@router.get("/blobs/{digest}/{filename}", operation_id="getBlob", response_class=FileResponse)
def get_blob(digest: str, filename: str, project: Opened, request: Request) -> Response:
    """A blob's bytes. The file name only tells the reader the format."""
    path = project.blobs.path(digest)
    headers = {"cache-control": FOR_EVER, "etag": f'"{digest}"'}
    if digest in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if not path.is_file():
        raise VoxloopError(
            f"The blob {digest[:12]}… of {filename} is missing from the project; restore it from a backup."
        )
    # Not as a content encoding: a browser would unpack it on the way and hand over something that is no .nii.gz.
    kind = "application/gzip" if filename.endswith(".gz") else "application/octet-stream"
    return FileResponse(path, media_type=kind, headers=headers)
