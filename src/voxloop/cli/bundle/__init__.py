"""`voxloop bundle`: MONAI bundles of anybody: fetched, checked, and run as they are."""

from __future__ import annotations

import typer

from voxloop.cli.bundle.checking import check
from voxloop.cli.bundle.fetching import fetch
from voxloop.cli.bundle.running import run, tracking

app = typer.Typer(help="Fetch, check and run any MONAI bundle.", no_args_is_help=True)
app.command()(fetch)
app.command()(check)
app.command()(run)
app.command()(tracking)
