"""A person's word on a bundle that did not come with voxloop, asked for by every command that would run one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from voxloop.bundles.trust import Program


def allowing(given: bool) -> Callable[[Program], None]:
    """Lets a bundle pass that a person trusts: by `--trust`, by an earlier word, or by an answer in the terminal."""
    from voxloop.bundles import trust as trusting

    def allow(program: Program) -> None:
        trusting.require(program, given=given, ask=ask if sys.stdin.isatty() else None)

    return allow


def ask(why: str) -> bool:
    print(why, file=sys.stderr)
    return typer.confirm("Do you trust whoever wrote it, and run it?", err=True)
