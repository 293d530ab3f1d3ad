"""Writing a trained model as a bundle of its own: the recipe's configs with the settings that were really used."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voxloop.bundles.trust import Program, vouch

# What belongs to one file or one machine, and is not carried over.
OWN = {
    "imports",
    "initialize",
    "run",
    "training",
    "evaluating",
    "finalize",
    "bundle_root",
    "ckpt_dir",
    "output_dir",
    "dataset_dir",
    "device",
}


def write(recipe: Path, target: Path, weights: Path, used: Mapping[str, Any], dice: float | None) -> Path:
    """A bundle in `target` that predicts as the training validated.

    Settings that training and inference share, such as the spacing and the network, are carried over by key; what the
    user set on the way (`network_def#dropout`) has been merged into `used` under its own key.
    """
    if target.exists():
        shutil.rmtree(target)
    shutil.copytree(recipe, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    configs = target / "configs"
    for name in ("train.json", "inference.json"):
        path = configs / name
        if path.is_file():
            config = json.loads(path.read_text())
            _write_json(path, _with(config, used))
    metadata = json.loads((configs / "metadata.json").read_text())
    if dice is not None:
        metadata["eval_metrics"] = {"mean_dice": round(dice, 4)}
    _write_json(configs / "metadata.json", metadata)
    (target / "models").mkdir(exist_ok=True)
    shutil.copyfile(weights, target / "models" / "model.pt")
    vouch(Program.of(target), Program.of(recipe))
    return target


def _with(config: dict[str, Any], used: Mapping[str, Any]) -> dict[str, Any]:
    """`config` with the used value of every key that it has; `a#b` patches below a key."""
    patched = {key: used[key] if key in used and key not in OWN else value for key, value in config.items()}
    for key, value in used.items():
        first, _, rest = key.partition("#")
        if rest and first in patched:
            _patch(patched[first], rest.split("#"), value)
    return patched


def _patch(place: Any, steps: list[str], value: Any) -> None:
    for step in steps[:-1]:
        place = place[int(step)] if isinstance(place, list) else place.get(step)
        if place is None:
            return
    if isinstance(place, list):
        place[int(steps[-1])] = value
    elif isinstance(place, dict):
        place[steps[-1]] = value


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=4, ensure_ascii=False) + "\n")
