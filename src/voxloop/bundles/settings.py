"""A recipe's settings: presets merged, `key=value` overrides checked against what the recipe really has."""

from __future__ import annotations

import copy
import difflib
import inspect
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from voxloop.errors import VoxloopError

PLAIN = (bool, int, float, str, type(None))
POSITIVE = ("epochs", "val_interval", "learning_rate", "batch_size", "crops_per_scan", "spacing_mm", "roi_size")
MARKS = ("$", "@", "%")


def config_files(recipe: Path, preset: str) -> list[Path]:
    """The files of a recipe under a preset, in merging order. `full` is the recipe as it stands."""
    base = recipe / "configs" / "train.json"
    if not base.is_file():
        raise VoxloopError(f"{recipe.name} has no configs/train.json, so it cannot be trained.")
    if preset == "full":
        return [base]
    overlay = recipe / "configs" / f"{preset}.json"
    if not overlay.is_file():
        fixed = {"train", "evaluate", "inference", "metadata", "multi_gpu_train", "multi_gpu_evaluate"}
        known = [
            "full",
            *sorted(path.stem for path in overlay.parent.glob("*.json") if path.stem not in fixed),
        ]
        raise VoxloopError(f'{recipe.name} has no preset "{preset}"; it has: {", ".join(known)}.')
    return [base, overlay]


def read(files: Sequence[Path]) -> dict[str, Any]:
    """The merged, unresolved config."""
    from monai.bundle import ConfigParser

    parser = ConfigParser()
    parser.read_config([str(file) for file in files])
    merged: dict[str, Any] = parser.get()
    return merged


def overrides(arguments: Sequence[str], config: Mapping[str, Any]) -> dict[str, Any]:
    """`["learning_rate=1e-3", "network_def#dropout=0.1"]` as checked values by key, MONAI's own syntax.

    >>> overrides(["epochs=3"], {"epochs": 800})
    {'epochs': 3}
    """
    found: dict[str, Any] = {}
    for argument in arguments:
        key, equals, text = argument.partition("=")
        key = key.strip().lstrip("-").replace("::", "#")
        if not equals or not key:
            raise VoxloopError(f'"{argument}" is not a setting; write it as key=value, such as epochs=20.')
        value = _value(text.strip())
        _check(key, value, config)
        found[key] = value
    return found


def applied(config: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The config as it is with `overrides`, those below a key too; the one that was given stays as it is."""
    from monai.bundle import ConfigParser

    parser = ConfigParser(copy.deepcopy(dict(config)))
    parser.update(dict(changes))
    changed: dict[str, Any] = parser.get()
    return changed


def require_sense(config: Mapping[str, Any]) -> None:
    """Refuses numbers under which nothing would be trained, or nothing validated."""
    for key in POSITIVE:
        value = config.get(key)
        numbers = value if isinstance(value, list) else [value]
        if any(isinstance(number, int | float) and number <= 0 for number in numbers):
            raise VoxloopError(f"{key}={json.dumps(value)}: it has to be above 0.")
    epochs, interval = config.get("epochs"), config.get("val_interval")
    if isinstance(epochs, int) and isinstance(interval, int) and interval > epochs:
        raise VoxloopError(
            f"val_interval={interval} is more than epochs={epochs}, so that nothing would be validated; set val_interval=1."
        )


def _value(text: str) -> Any:
    words = {"True": True, "False": False, "None": None}
    if text in words:
        return words[text]
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _check(key: str, value: Any, config: Mapping[str, Any]) -> None:
    """Refuses a key that the recipe does not have and a value of another kind than the one it replaces."""
    place: Any = config
    steps = key.split("#")
    for depth, step in enumerate(steps):
        if isinstance(place, list) and step.isdigit() and int(step) < len(place):
            place = place[int(step)]
        elif isinstance(place, dict) and step in place:
            place = place[step]
        else:
            last = depth == len(steps) - 1
            if last and isinstance(place, dict) and step in arguments_of(place):
                return
            raise VoxloopError(_unknown(key, value, step, steps[:depth], place, config))
    if _kind(place) != _kind(value) and not _is_expression(place) and not _is_expression(value) and place is not None:
        raise VoxloopError(
            f"{key}={json.dumps(value)}: {key} is {_kind(place)} ({json.dumps(place)}), not {_kind(value)}."
        )
    if isinstance(place, list) and isinstance(value, list) and _numbers(place) and not _numbers(value):
        raise VoxloopError(f"{key}={json.dumps(value)}: {key} is a list of numbers, such as {json.dumps(place)}.")


def _unknown(key: str, value: Any, step: str, parents: list[str], place: Any, config: Mapping[str, Any]) -> str:
    said = f"{key}={json.dumps(value)}"
    owner = "#".join(parents)
    known: list[str] = []
    if isinstance(place, dict):
        known = [name for name in place if not name.startswith("_")] + sorted(arguments_of(place))
    near = difflib.get_close_matches(step, known, n=1, cutoff=0.5)
    if near:
        return f'{said}: the recipe has no setting "{key}"; did you mean "{"#".join([*parents, near[0]])}"?'
    # The right name may lie one level down, as `lr` does under `optimizer`.
    deeper = [path for path in _paths(config) if path.rsplit("#", 1)[-1] == step or step in path.rsplit("#", 1)[-1]]
    if deeper:
        return f'{said}: the recipe has no setting "{key}"; did you mean "{min(deeper, key=len)}"?'
    where = f'"{owner}"' if owner else "the recipe"
    some = ", ".join(name for name in known if not isinstance(place, dict) or not isinstance(place.get(name), dict))
    return f'{said}: {where} has no setting "{step}"; it has: {some or "none"}.'


def _paths(config: Any, prefix: str = "") -> list[str]:
    if not isinstance(config, dict):
        return []
    found = []
    for key, value in config.items():
        if key.startswith("_"):
            continue
        found += [f"{prefix}{key}", *_paths(value, f"{prefix}{key}#")]
    return found


def arguments_of(component: Mapping[str, Any]) -> set[str]:
    """The arguments that the class or function behind a config's `_target_` takes."""
    from monai.bundle.config_item import ComponentLocator
    from monai.utils import optional_import

    target = component.get("_target_")
    if not isinstance(target, str):
        return set()
    module = ComponentLocator().get_component_module_name(target)
    if isinstance(module, list):
        module = module[0] if module else None
    path = f"{module}.{target}" if isinstance(module, str) else target
    owner, _, name = path.rpartition(".")
    found, there = optional_import(owner, name=name) if owner else (None, False)
    if not there:
        return set()
    try:
        assert callable(found)
        return {name for name in inspect.signature(found).parameters if name not in ("self", "args", "kwargs")}
    except (TypeError, ValueError):
        return set()


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, list):
        return "a list"
    return "a block of settings" if isinstance(value, dict) else "empty"


def _is_expression(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(MARKS)


def _numbers(values: list[Any]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def searchable(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config as params: plain references such as `@learning_rate` replaced by the value they stand for."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [plain(inner) for inner in value]
        if isinstance(value, str) and value.startswith("@"):
            target = config.get(value[1:], value)
            return plain(target) if target != value and not isinstance(target, dict) else value
        return value

    machinery = ("_meta_", "imports", "initialize", "run", "training")
    return {key: plain(value) for key, value in config.items() if key not in machinery}
