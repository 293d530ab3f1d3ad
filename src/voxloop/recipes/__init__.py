"""Recipes: MONAI bundles that ship with voxloop, one folder each, and the few functions that their configs call.

A recipe is data: configs that also run under plain `python -m monai.bundle run`. How voxloop runs one is `training`.
"""

from __future__ import annotations

import difflib
from pathlib import Path

from voxloop.errors import VoxloopError

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """The recipes that ship: `['brain_tumour', 'spleen_ct']`."""
    return sorted(path.parent.parent.name for path in FOLDER.glob("*/configs/metadata.json"))


def find(name: str) -> Path:
    """The bundle folder of a recipe, by its name or as a path to any bundle of one's own."""
    if name in names():
        return FOLDER / name
    folder = Path(name)
    if (folder / "configs" / "metadata.json").is_file():
        return folder.resolve()
    near = difflib.get_close_matches(name, names(), n=1)
    hint = f'; did you mean "{near[0]}"?' if near else f"; the recipes are: {', '.join(names())}."
    raise VoxloopError(f'No recipe is called "{name}", and no bundle folder is there{hint}')
