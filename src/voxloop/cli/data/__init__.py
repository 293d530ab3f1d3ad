"""`voxloop data`: getting data, checking it, dividing it, making it up."""

from __future__ import annotations

from typing import Any

import typer

from voxloop.cli.data import check, exporting, fetch, importing, phantom, showing, splitting

app = typer.Typer(help="Get, check, divide and make data.", no_args_is_help=True)


@app.callback()
def data() -> None:
    """Get, check, divide and make data."""


commands: dict[str, Any] = {
    "fetch": fetch.fetch,
    "import": importing.import_,
    "check": check.check,
    "show": showing.show,
    "split": splitting.split,
    "export": exporting.export,
    "phantom": phantom.phantom,
}
for name, command in commands.items():
    app.command(name)(command)
