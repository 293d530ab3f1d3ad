"""Running the server: where it listens, and what it says when it can't."""

from __future__ import annotations

import secrets
import socket
import threading
from pathlib import Path

from voxloop.errors import VoxloopError


def serve(
    project: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 8765,
    token: str | None = None,
    open_browser: bool = False,
) -> None:
    """Serves a project until Ctrl-C. Any address but loopback needs a token; one is made where none is given."""
    import uvicorn

    from voxloop.server.app import create_app
    from voxloop.server.guard import LOOPBACK
    from voxloop.store import open_project

    if host not in LOOPBACK and token is None:
        token = secrets.token_urlsafe(24)
    with open_project(project) as opened, _listen(host, port) as listener:
        app = create_app(opened, token)
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{listener.getsockname()[1]}/"
        address = f"{url}?token={token}" if token else url
        print(f"Voxloop shows {opened.root.parent} at {address}\nPress Ctrl-C to stop.", flush=True)
        if open_browser:
            threading.Timer(0.8, _open, [address]).start()
        # Streams of live events never end by themselves.
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1, lifespan="on")
        uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = error.strerror if isinstance(error, OSError) else "no such port"
        raise VoxloopError(
            f"Cannot listen on {host} port {port} ({reason}); is a `voxloop serve` running already? Choose another one with --port."
        ) from error
    return listener


def _open(address: str) -> None:
    import webbrowser

    webbrowser.open(address)
