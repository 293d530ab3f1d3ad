"""Writes the reference pages that come from the code: `make docs`. A test fails when they are stale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

DOCS = Path(__file__).parent


def command_line() -> str:
    """docs/reference/cli.md, from the commands' own help."""
    from voxloop.cli.main import app

    root = typer.main.get_command(app)
    lines = ["# Command line", "", "Made from the commands' own help by `make docs`.", ""]
    for path, command in _walk(root, "voxloop"):
        context = command.make_context(path, [], resilient_parsing=True)
        lines += [f"## `{path}`", "", (command.help or "").strip(), ""]
        rows = [row for parameter in command.params if (row := _row(parameter, context)) is not None]
        if rows:
            lines += ["| | |", "|---|---|", *[f"| `{name}` | {text} |" for name, text in rows], ""]
    return "\n".join(line.rstrip() for line in lines).rstrip() + "\n"


def _walk(command: Any, path: str) -> list[tuple[str, Any]]:
    found = [(path, command)]
    for name, inner in getattr(command, "commands", {}).items():
        found += _walk(inner, f"{path} {name}")
    return found


def _row(parameter: Any, context: Any) -> tuple[str, str] | None:
    record = parameter.get_help_record(context)
    if record is None or parameter.name == "help":
        return None
    name, text = record
    return name.replace("|", "\\|"), " ".join(text.replace("|", "\\|").split())


def query_language() -> str:
    """docs/reference/query.md, from the terms and functions of the language."""
    from voxloop.store.query.reference import page

    return page()


def findings() -> str:
    """docs/reference/findings.md, from the catalogue of the check."""
    from voxloop.data.check.reference import page

    return page()


def bundle_findings() -> str:
    """docs/reference/bundle-findings.md, from the catalogue of the check of bundles."""
    from voxloop.bundles.checking.reference import reference

    return reference()


def main() -> None:
    (DOCS / "reference" / "cli.md").write_text(command_line())
    (DOCS / "reference" / "query.md").write_text(query_language())
    (DOCS / "reference" / "findings.md").write_text(findings())
    (DOCS / "reference" / "bundle-findings.md").write_text(bundle_findings())


if __name__ == "__main__":
    main()
