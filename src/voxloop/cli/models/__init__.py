"""`voxloop models`: what runs made, by name and version."""

from __future__ import annotations

import typer

from voxloop.cli import retention
from voxloop.cli.models import exporting, listing, naming

app = typer.Typer(
    help="List artifacts, their aliases, lineage and files, and keep them from eating the disk.",
    invoke_without_command=True,
)
app.callback()(listing.models)
app.command()(listing.show)
app.command()(naming.alias)
app.command()(naming.unalias)
app.command()(naming.delete)
app.command()(listing.lineage)
app.command()(exporting.export)
for command in (retention.prune, retention.gc, retention.verify):
    app.command()(command)
