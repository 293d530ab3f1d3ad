"""How commands speak: words for a person on the terminal, JSON on stdout for a program."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console


def console(as_json: bool = False) -> Console:
    """Where a person reads. With `--json`, stdout belongs to the program, so words go to stderr."""
    from rich.console import Console

    return Console(stderr=as_json, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=str))
