"""The app: the API, the page for everything else, errors in words, and the guard in front."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import FastAPI

from voxloop import __version__
from voxloop.server import page_files, problems
from voxloop.server.api import router
from voxloop.server.datasets.room import Room
from voxloop.server.events import ChangeFeed
from voxloop.server.guard import LOOPBACK, Guard
from voxloop.server.kept import Kept
from voxloop.server.models.answer import Problem
from voxloop.store import Project


def create_app(
    project: Project | None,
    token: str | None = None,
    hosts: Collection[str] | None = LOOPBACK,
    folder: Path = page_files.FOLDER,
) -> FastAPI:
    """An app over an opened project. Without one it only describes itself."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        assert project is not None, "an app without a project is not served"
        app.state.feed = ChangeFeed(project)
        app.state.kept = Kept(project)
        app.state.datasets = Room(project, app.state.kept)
        watching = asyncio.create_task(app.state.feed.watch())
        yield
        app.state.feed.close()
        app.state.datasets.close()
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching

    app = FastAPI(
        title="Voxloop",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        responses={404: {"model": Problem}, 422: {"model": Problem}},
    )
    app.state.project = project
    app.include_router(router)
    app.include_router(page_files.routes(folder))
    problems.install(app)
    # The last one added is asked first.
    app.add_middleware(Guard, token=token, hosts=hosts)
    return app
