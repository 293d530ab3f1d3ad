"""`voxloop runs`: what was run, and what came of it. Without a command of its own, the words are a query."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from voxloop.cli.runs import comparing, editing, listing, moving, reporting, showing


class QueryFirst(TyperGroup):
    """A group whose first word may be a query: what is no command of it is asked of `list`."""

    def parse_args(self, context: Any, words: list[str]) -> list[str]:
        if not words or (words[0] not in self.commands and words[0] not in ("--help", "-h")):
            words = ["list", *words]
        return super().parse_args(context, words)


app = typer.Typer(
    cls=QueryFirst,
    help="List, compare and edit runs: `voxloop runs [QUERY]`, or one of the commands below.",
    no_args_is_help=False,
    epilog="Example: voxloop runs 'run.params.optimizer.lr < 1e-3' --sort '-run.metrics[\"val/dice\"].max'",
)
commands: dict[str, Any] = {
    "list": listing.list_runs,
    "show": showing.show,
    "console": showing.console_output,
    "report": reporting.report,
    "compare": comparing.compare,
    "tag": editing.tag,
    "note": editing.note,
    "rename": editing.rename,
    "archive": editing.archive,
    "restore": editing.restore,
    "delete": editing.delete,
    "export": moving.export_runs,
    "import": moving.import_runs,
    "terms": listing.terms,
}
for name, command in commands.items():
    app.command(name)(command)
