"""Whether all code in a bundle came with voxloop: a model that was trained here runs without being asked about.

Where a model lies proves nothing. A run's row says what its writer wanted, an archive that is brought in has rows and versions
of its own, and any script can save any folder as a model. So a bundle is judged by what it holds: every expression, class and
path in it has to stand in one of the recipes; numbers, and the names of classes and channels, may be others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from voxloop import recipes
from voxloop.bundles.settings import MARKS

# What people name in their own words, and nothing evaluates.
NAMES = ("class_names", "regions", "channel_names", "spellings", "modality")
METADATA = "metadata.json"
MOST_BYTES = 4 << 20


def is_familiar(root: Path, code: Iterable[Path]) -> bool:
    """Whether a bundle's files of code say nothing that one of the recipes does not say."""
    files = list(code)
    return any(_is_of(recipes.FOLDER / name, root, files) for name in recipes.names())


def _is_of(recipe: Path, root: Path, code: list[Path]) -> bool:
    theirs = {path.name: path for path in (recipe / "configs").iterdir()}
    known: set[str] = set()
    for path in theirs.values():
        if path.suffix == ".json":
            known.update(_texts(json.loads(path.read_text(encoding="utf-8"))))
    for path in code:
        if path == root / "models" / "model.ts" and (root / "models" / "model.pt").is_file():
            # A network as TorchScript, exported beside the weights that are used.
            continue
        if path.name.startswith("."):
            # What a file manager leaves; no text of a recipe names it.
            continue
        same = theirs.get(path.name)
        if path.parent != root / "configs" or same is None:
            return False
        if path.suffix != ".json":
            # logging.conf is code as well: logging evaluates its arguments.
            if path.read_bytes() != same.read_bytes():
                return False
            continue
        try:
            if path.stat().st_size > MOST_BYTES:
                return False
            config = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return False
        if not _says_only(config, known, free=path.name == METADATA):
            return False
    return True


def _says_only(config: Any, known: set[str], free: bool = False) -> bool:
    """Whether each text is known, or is a mere name where names are free."""
    if isinstance(config, dict):
        return all(
            (isinstance(value, dict | list) or key != "_target_" or value in known)
            and _says_only(value, known, free or key in NAMES)
            for key, value in config.items()
        )
    if isinstance(config, list):
        return all(_says_only(value, known, free) for value in config)
    return not isinstance(config, str) or config in known or (free and not config.startswith(MARKS))


def _texts(config: Any) -> list[str]:
    if isinstance(config, dict):
        return [text for value in config.values() for text in _texts(value)]
    if isinstance(config, list):
        return [text for value in config for text in _texts(value)]
    return [config] if isinstance(config, str) else []
