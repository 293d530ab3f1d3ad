"""The app: the API, the page for everything else, errors in words, and the guard in front."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from voxloop import __version__
from voxloop.errors import VoxloopError
from voxloop.server.api import router
from voxloop.server.events import ChangeFeed
from voxloop.server.guard import LOOPBACK, Guard
from voxloop.server.models import Problem
from voxloop.store import Project

PAGE = Path(__file__).parent / "page"
NOT_BUILT = """<!doctype html><title>Voxloop</title>
<p>The page is not built here. Run <code>make web</code>, then reload.
<p>The API describes itself at <a href="/api/openapi.json">/api/openapi.json</a>.
"""
log = logging.getLogger("voxloop.server")


def create_app(
    project: Project | None, token: str | None = None, hosts: Collection[str] = LOOPBACK, page: Path = PAGE
) -> FastAPI:
    """An app over an opened project. Without one it only describes itself."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        assert project is not None, "an app without a project is not served"
        app.state.feed = ChangeFeed(project)
        watching = asyncio.create_task(app.state.feed.watch())
        yield
        app.state.feed.close()
        watching.cancel()

    app = FastAPI(
        title="Voxloop",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        responses={404: {"model": Problem}},
    )
    app.state.project = project
    app.include_router(router)
    app.add_exception_handler(VoxloopError, _not_found)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _failed)

    @app.get("/{path:path}", include_in_schema=False)
    def show_page(path: str) -> Response:
        if path.startswith("api/"):
            raise HTTPException(404, f"There is no /{path} here; /api/openapi.json describes what there is.")
        file = (page / path).resolve()
        if path and page.resolve() in file.parents and file.is_file():
            # Names in assets/ hold a digest of their content.
            cache = "private, max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
            return FileResponse(file, headers={"cache-control": cache})
        if not (page / "index.html").is_file():
            return HTMLResponse(NOT_BUILT, status_code=503)
        return FileResponse(page / "index.html", headers={"cache-control": "no-cache"})

    app.add_middleware(Guard, token=token, hosts=hosts)
    return app


def _problem(status: int, title: str, detail: str) -> JSONResponse:
    return JSONResponse({"title": title, "detail": detail}, status_code=status)


async def _not_found(request: Request, error: Exception) -> Response:
    return _problem(404, "Not found", str(error))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _problem(error.status_code, "Not found" if error.status_code == 404 else "Refused", str(error.detail))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    return _problem(422, "Not understood", f"{where}: {first['msg']}")


async def _failed(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _problem(
        500,
        "The server failed",
        f"{type(error).__name__} in {request.url.path}; the terminal of `voxloop serve` says more.",
    )
