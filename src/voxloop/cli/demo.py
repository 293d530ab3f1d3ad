"""`voxloop demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from voxloop.cli.console import console, print_json


def demo(
    out: Annotated[Path, typer.Option(help="The folder that the demo fills.")] = Path("voxloop-demo"),
    serve: Annotated[bool, typer.Option(help="Open the page at the end.")] = True,
    port: Annotated[int, typer.Option(help="The page's port.")] = 8765,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the browser at the page.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON (with --no-serve).")] = False,
) -> None:
    """The whole loop on synthetic scans, in minutes, on a CPU: make, train, track, evaluate, look.

    Run it again and it goes on where it was: finished steps are kept.
    """
    from voxloop.demo import run_demo

    words = console(as_json)
    result = run_demo(out, words)
    if as_json:
        print_json(result.as_dict())
    if not serve or as_json:
        return
    from voxloop.server import serve as serve_page

    serve_page(result.project, port=port, open_browser=open_browser)
