"""What went wrong, told to the page: a title, a sentence and the right status. A traceback stays in the terminal."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from voxloop.errors import VoxloopError
from voxloop.server.guard import App, Receive, Scope, Send
from voxloop.store.query import QueryError

log = logging.getLogger("voxloop.server")


def install(app: FastAPI) -> None:
    """Makes every error of an app a problem in words."""
    app.add_exception_handler(QueryError, _not_read)
    app.add_exception_handler(VoxloopError, _not_found)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    # A handler for all other errors would answer outside of every middleware, without the guard's headers.
    app.add_middleware(Failures)


class Failures:
    """Turns an error that nobody expected into an answer, and writes it down."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answered = False

        async def noting(message: MutableMapping[str, Any]) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception as error:
            if scope["type"] != "http" or answered:
                raise
            log.error("%s %s failed", scope["method"], scope["path"], exc_info=error)
            detail = f"{type(error).__name__} in {scope['path']}; the terminal of `voxloop serve` says more."
            await _problem(500, "The server failed", detail)(scope, receive, send)


def _problem(status: int, title: str, detail: str, position: int | None = None) -> Response:
    place = {} if position is None else {"position": position}
    return JSONResponse({"title": title, "detail": detail, **place}, status_code=status)


async def _not_read(request: Request, error: Exception) -> Response:
    assert isinstance(error, QueryError)
    # The place is told apart from the words: the page shows it in its own field.
    return _problem(422, "Query not understood", str(error).splitlines()[0], error.position)


async def _not_found(request: Request, error: Exception) -> Response:
    return _problem(404, "Not found", str(error))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _problem(error.status_code, HTTPStatus(error.status_code).phrase.capitalize(), str(error.detail))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    return _problem(422, "Not understood", f"{where}: {first['msg']}.")
