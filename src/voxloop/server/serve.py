"""Running the server: where it listens, and what it says when it can't."""

from __future__ import annotations

import errno
import json
import secrets
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from voxloop.errors import VoxloopError

if TYPE_CHECKING:
    from fastapi import FastAPI

EVERYWHERE = ("0.0.0.0", "::", "")


def serve(
    project: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 8765,
    token: str | None = None,
    open_browser: bool = False,
) -> None:
    """Serves a project until Ctrl-C. Any address but loopback needs a token; one is made where none is given."""
    from voxloop.server.guard import LOOPBACK
    from voxloop.store import open_project

    if token is not None and not token.strip():
        raise VoxloopError("The token is empty, so everyone would know it; give one that is not, or leave --token out.")
    if host not in LOOPBACK and token is None:
        token = secrets.token_urlsafe(24)
    with open_project(project) as opened, _listen(host, port) as listener:
        # Imported while the port is already held: what connects now waits for the first answer.
        from voxloop.server.app import create_app

        # On the network a machine has many names, and the token guards them all.
        app = create_app(opened, token, hosts=LOOPBACK if host in LOOPBACK else None)
        path = f"?token={quote(token)}" if token else ""
        number = listener.getsockname()[1]
        print(f"Voxloop shows {opened.root.parent} at {_url(host, number)}{path}\nPress Ctrl-C to stop.", flush=True)
        if open_browser:
            here = "127.0.0.1" if host in EVERYWHERE else host
            threading.Timer(0.8, _open, [f"{_url(here, number)}{path}"]).start()
        with suppress(KeyboardInterrupt):
            _run(app, listener)


def _run(app: FastAPI, listener: socket.socket) -> None:
    import uvicorn

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            # Streams of live events never end by themselves, and the server waits for every answer to end.
            app.state.feed.close()
            await super().shutdown(sockets)

    config = uvicorn.Config(
        app, log_level="warning", timeout_graceful_shutdown=2, lifespan="on", ws="none", server_header=False
    )
    Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    # Taken again at once after a stop, while old connections still linger.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OverflowError as error:
        listener.close()
        raise VoxloopError(f"There is no port {port}; choose one from 1 to 65535 with --port.") from error
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise VoxloopError(f"{_who_is_at(host, port)}, or choose another port with --port.") from error
        reason = (error.strerror or str(error)).lower()
        raise VoxloopError(
            f"Cannot listen on {host} port {port} ({reason}); choose another one with --host or --port."
        ) from error
    return listener


def _who_is_at(host: str, port: int) -> str:
    """Who has a port already, and the first way out."""
    from http.client import HTTPConnection, HTTPException

    here = "127.0.0.1" if host in EVERYWHERE else host
    connection = HTTPConnection(here, port, timeout=1.0)
    try:
        connection.request("GET", "/api/v1/project")
        root = Path(json.loads(connection.getresponse().read(10_000))["root"])
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return f"Port {port} on {host} is taken by another program; stop that"
    finally:
        connection.close()
    return f"Port {port} on {host} is taken by a voxloop that shows {root.parent}; open {_url(here, port)}"


def _url(host: str, port: int) -> str:
    name = socket.gethostname() if host in EVERYWHERE else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/"


def _open(address: str) -> None:
    import webbrowser

    webbrowser.open(address)
