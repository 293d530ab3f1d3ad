"""What a bundle that was fetched says of itself: version, licence, how much code it holds. Read as text and data "
"only."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from voxloop.errors import VoxloopError

MOST_BYTES = 8 << 20
LICENCES = {
    "apache license": "Apache License 2.0",
    "mit license": "MIT",
    "creative commons attribution-noncommercial": "Creative Commons, not for commercial use",
    "gnu general public license": "GPL",
    "bsd 3-clause": "BSD 3-Clause",
    "nvidia": "a licence of NVIDIA's",
}


def metadata(root: Path) -> dict[str, Any]:
    """configs/metadata.json; a folder without one is no bundle."""
    for path in sorted((root / "configs").glob("metadata.*")):
        if path.suffix == ".json" and path.is_file() and path.stat().st_size <= MOST_BYTES:
            try:
                said = json.loads(path.read_text(encoding="utf-8"))
            except (ValueError, RecursionError) as error:
                raise VoxloopError(
                    f"The bundle's metadata.json cannot be read ({type(error).__name__}); get it elsewhere."
                ) from error
            if isinstance(said, dict):
                return said
        if path.suffix in (".yaml", ".yml"):
            return {}
    raise VoxloopError("What came holds no configs/metadata.json, so it is no bundle; nothing of it was kept.")


def licence(root: Path) -> str:
    """The bundle's licence by its own file, and that its data have another where they do."""
    files = [
        path
        for path in sorted(root.glob("LICEN[CS]E*")) + sorted((root / "docs").glob("licen[cs]e*"))
        if path.is_file()
    ]
    said = "none that it names"
    if files:
        text = files[0].read_text(encoding="utf-8", errors="replace")[:4000]
        known = next((name for words, name in LICENCES.items() if words in " ".join(text.casefold().split())), None)
        first = next((line.strip() for line in text.splitlines() if line.strip()), "")
        said = f"{known or _line(first) or 'unnamed'} ({files[0].relative_to(root)})"
    data = [path for path in sorted((root / "docs").glob("data_licen[cs]e*")) if path.is_file()]
    return f"{said}; the data that it learned from have their own ({data[0].relative_to(root)})" if data else said


def code(root: Path) -> tuple[int, int]:
    """How many config files and Python files a bundle has, all of which are code."""
    configs = [path for path in (root / "configs").rglob("*") if path.suffix in (".json", ".yaml", ".yml")]
    return len(configs), len(list(root.rglob("*.py")))


def _line(text: str) -> str:
    return re.sub(r"[^\x20-\x7e\u00a0-\uffff]", " ", text)[:80]
