"""Where a bundle is, and which of its configs are meant."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from voxloop import recipes
from voxloop.errors import VoxloopError

ENDINGS = (".json", ".yaml", ".yml")


def find(name: str) -> Path:
    """The folder of a bundle, by its path or as a recipe's name."""
    if name in recipes.names():
        return recipes.find(name)
    root = Path(name).absolute()
    for folder in (root, *root.parents[:2]):
        if _configs_of(folder):
            if folder == root:
                return root.resolve()
            raise VoxloopError(f'"{name}" is part of a bundle; name the bundle itself: {folder}.')
    if root.is_dir():
        raise VoxloopError(f"{root} is no bundle: it has no configs folder with metadata.json and a config beside it.")
    beside = [path.name for path in root.parent.iterdir() if _configs_of(path)] if root.parent.is_dir() else []
    near = difflib.get_close_matches(root.name, [*beside, *recipes.names()], n=1)
    hint = f'; did you mean "{near[0]}"?' if near else "; check the path."
    raise VoxloopError(f'No bundle is at "{name}"{hint}')


def _configs_of(root: Path) -> list[str]:
    """The config files of a bundle, none where it is no bundle."""
    folder = root / "configs"
    if not any((folder / f"metadata{ending}").is_file() for ending in ENDINGS):
        return []
    return sorted(path.name for path in folder.iterdir() if path.suffix in ENDINGS and path.stem != "metadata")


def config_files(root: Path, named: Sequence[str], processes: int = 1) -> tuple[Path, ...]:
    """The config files to merge, in order: those named, or train.json, with the bundle's overlay for several processes."""
    there = _configs_of(root)
    if named:
        return tuple(_config_file(root, one, there) for one in named)
    stems = {Path(name).stem: name for name in there}
    first = next((stems[stem] for stem in ("train", "evaluate", "inference") if stem in stems), None)
    if first is None:
        raise VoxloopError(f"{root.name} has no configs/train.json; name one with --config: {', '.join(there)}.")
    chosen = [first]
    if processes > 1:
        overlay = f"multi_gpu_{Path(first).stem}"
        if overlay not in stems:
            raise VoxloopError(
                f"{root.name} has no configs/{overlay}.json, so {processes} processes would each run alone; name the configs "
                "that join them with --config."
            )
        chosen.append(stems[overlay])
    return tuple(root / "configs" / name for name in chosen)


def inference_config(root: Path, name: str) -> Path:
    """The config by which a bundle predicts."""
    for ending in ENDINGS:
        if (path := root / "configs" / f"inference{ending}").is_file():
            return path
    raise VoxloopError(f"{name} has no configs/inference.json, so it cannot predict; is it a model bundle?")


def _config_file(root: Path, named: str, there: Sequence[str]) -> Path:
    for path in (root / "configs" / named, root / named, Path(named).absolute()):
        if path.is_file():
            return path
    near = difflib.get_close_matches(Path(named).name, there, n=1)
    hint = f'did you mean "{near[0]}"?' if near else f"it has: {', '.join(there)}."
    raise VoxloopError(f'{root.name} has no config "{named}"; {hint}')
