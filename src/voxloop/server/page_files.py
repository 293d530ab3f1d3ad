"""The page: its files as they were built, and its first file for every address that it makes up itself."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException

FOLDER = Path(__file__).parent / "page"
NOT_BUILT = """<!doctype html><title>Voxloop</title>
<p>The page is not built here. Run <code>make web</code>, then reload.
<p>The API describes itself at <a href="/api/openapi.json">/api/openapi.json</a>.
"""
# Names in assets/ hold a digest of their content; all other names get new content with a new version.
FOR_EVER = {"cache-control": "private, max-age=31536000, immutable"}
ASK_AGAIN = {"cache-control": "no-cache"}


def routes(folder: Path) -> APIRouter:
    """Everything that is not the API."""
    router = APIRouter(include_in_schema=False)

    @router.api_route("/{path:path}", methods=["GET", "HEAD"])
    def show_page(path: str) -> Response:
        if path == "api" or path.startswith("api/"):
            raise HTTPException(404, f"There is no /{path} here; /api/openapi.json describes what there is.")
        of_assets = path.startswith("assets/")
        file = _inside(folder, path)
        if file is not None:
            return FileResponse(file, headers=FOR_EVER if of_assets else ASK_AGAIN)
        if of_assets:
            # Asked for by a page that was loaded before the newest build: no script must get HTML for an answer.
            raise HTTPException(404, f"There is no /{path}; reload the page, which has a newer version.")
        if not (folder / "index.html").is_file():
            return HTMLResponse(NOT_BUILT, status_code=503)
        return FileResponse(folder / "index.html", headers=ASK_AGAIN)

    return router


def _inside(folder: Path, path: str) -> Path | None:
    """The file of that name, if it is one of the page's."""
    try:
        file = (folder / path).resolve()
        return file if folder.resolve() in file.parents and file.is_file() else None
    except (OSError, ValueError):
        # A name that no file can have: too long, or with a zero byte.
        return None
