"""`voxloop serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def serve(
    project: Annotated[Path | None, typer.Option(help="The project folder; by default the nearest .voxloop.")] = None,
    host: Annotated[str, typer.Option(help="Loopback by default; any other address needs a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The page's port.")] = 8765,
    token: Annotated[
        str | None,
        typer.Option(help="What a browser must know; made and printed where another host needs one."),
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the browser at the page.")] = True,
) -> None:
    """Serve the page and the API of a project."""
    from voxloop.server import serve as run_server

    run_server(project, host=host, port=port, token=token, open_browser=open_browser)
