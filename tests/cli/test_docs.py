"""Nothing is written twice: what docs and API say is made from the code, and is fresh."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_the_command_line_reference_is_fresh() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "generate.py"))["command_line"]()
    assert (ROOT / "docs" / "reference" / "cli.md").read_text() == made, (
        "docs/reference/cli.md is stale; run: make docs"
    )


def test_every_link_in_the_docs_leads_somewhere() -> None:
    import re

    broken = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text()):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)} -> {target}")
    assert broken == []


def test_every_command_says_what_it_does() -> None:
    import typer

    from voxloop.cli.main import app

    def walk(command: object, path: str) -> list[str]:
        silent = [] if (getattr(command, "help", None) or "").strip() else [path]
        for name, inner in getattr(command, "commands", {}).items():
            silent += walk(inner, f"{path} {name}")
        return silent

    assert walk(typer.main.get_command(app), "voxloop") == []
