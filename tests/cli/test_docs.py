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


def test_the_reference_of_what_is_wrong_with_bundles_is_fresh() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "generate.py"))["bundle_findings"]()
    assert (ROOT / "docs" / "reference" / "bundle-findings.md").read_text() == made, (
        "docs/reference/bundle-findings.md is stale; run: make docs"
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


def test_the_examples_of_the_page_on_asking_run(tmp_path: Path) -> None:
    import re
    import subprocess
    import sys

    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "how-to" / "ask.md").read_text(), re.DOTALL)
    before = """
import voxloop as vx
with vx.Run(tags=["a"]) as run:
    run.log({"val/dice": 0.5}, context={"case": "spleen_12"})
"""
    done = subprocess.run(
        [sys.executable, "-c", f"{before}\n{code}\nprint(len(points), len(worst), values)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1", "1", "[0.5]"]
