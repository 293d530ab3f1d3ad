"""What a bundle's config and metadata say about the run: its name, its classes, its settings and their hash."""

from __future__ import annotations

import copy
import hashlib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voxloop.errors import VoxloopError
from voxloop.monai.output import Output, output_of

META = "_meta_"
OURS = "voxloop.monai."
# Where things lie on one machine is no setting of a training.
PLACES = ("_root", "_dir")


@dataclass(frozen=True)
class Bundle:
    """A bundle as MONAI's parser holds it, overrides included."""

    root: Path
    config: dict[str, Any]
    metadata: dict[str, Any]
    parser: Any = field(repr=False, compare=False)

    @classmethod
    def of(cls, parser: Any, root: Path) -> Bundle:
        whole = copy.deepcopy(dict(parser.get()))
        metadata = whole.pop(META, None) or {}
        # MONAI's switch for its own copy of the config; the tracking settings set it.
        whole.pop("save_execute_config", None)
        return cls(root.resolve(), _without(whole, _is_ours), metadata, parser)

    @property
    def name(self) -> str:
        """As artifacts and runs are named: `spleen-ct-segmentation`."""
        said = str(self.metadata.get("name") or self.root.name)
        return re.sub(r"[^a-z0-9]+", "-", said.lower()).strip("-") or "bundle"

    @property
    def classes(self) -> dict[int, str]:
        """Label numbers and names by the metadata; empty where it does not say.

        Channel 0 is the background where it is called so. Without one, the channels are regions that may overlap, and
        region `n` gets the label `n + 1`.
        """
        try:
            named = self.metadata["network_data_format"]["outputs"]["pred"]["channel_def"]
            channels = {int(number): str(name) for number, name in named.items()}
        except (KeyError, TypeError, ValueError, AttributeError):
            return {}
        background = channels.get(0, "").casefold().startswith("background")
        return {
            number if background else number + 1: name
            for number, name in sorted(channels.items())
            if not (background and number == 0)
        }

    @property
    def output(self) -> Output | None:
        """What a config with `class_names` and `regions`, as our recipes have them, says of its network's channels."""
        classes, regions = self.config.get("class_names"), self.config.get("regions")
        if not isinstance(classes, list) or not isinstance(regions, dict):
            return None
        try:
            return output_of([str(name) for name in classes], regions)
        except (VoxloopError, TypeError):
            # A foreign bundle may mean anything by these words.
            return None

    @property
    def config_hash(self) -> str:
        """The SHA-256 of the settings: equal for equal settings, wherever bundle, data and output lie.

        Top-level `*_dir` and `*_root` do not count, nor do TensorBoard's handlers; a path inside the bundle counts as
        relative to it.
        """
        counted = {key: value for key, value in self.config.items() if not key.endswith(PLACES)}
        text = json.dumps(_without(counted, _is_tensorboard), sort_keys=True, ensure_ascii=False, default=str)
        root = json.dumps(str(self.root), ensure_ascii=False)[1:-1]
        return hashlib.sha256(text.replace(root, ".").encode("utf-8", "replace")).hexdigest()

    def params(self) -> dict[str, Any]:
        """What a run keeps of its bundle."""
        about = {"name": self.name, "root": str(self.root), "version": self.metadata.get("version")}
        return {"bundle": about, "config": self.config, "config_hash": self.config_hash}

    def checkpoint_folders(self) -> set[Path]:
        """`ckpt_dir`, and wherever a CheckpointSaver of the config saves."""
        # The parser's own numbering: in `config` some handlers are left out.
        keys = [
            f"{key}::save_dir"
            for key, part in parts(self.parser.get())
            if str(part.get("_target_", "")).endswith("CheckpointSaver") and "save_dir" in part
        ]
        if "ckpt_dir" in self.config:
            keys.append("ckpt_dir")
        return {Path(str(self.parser.get_parsed_content(key))).resolve() for key in keys}


def being_built() -> Bundle | None:
    """The bundle whose config is making the caller, found up the call stack: MONAI hands a handler no parser."""
    loaded = sys.modules.get("monai.bundle")
    if loaded is None:
        return None
    parser: Any = None
    frame = sys._getframe(1)
    while frame is not None:
        owner = frame.f_locals.get("self")
        if parser is None and isinstance(owner, loaded.ConfigParser):
            parser = owner
        if parser is not None and isinstance(owner, loaded.ConfigWorkflow) and owner.parser is parser:
            folder = Path(owner.config_root_path).resolve()
            return Bundle.of(parser, folder.parent if folder.name == "configs" else folder)
        frame = frame.f_back  # type: ignore[assignment]
    return None if parser is None else Bundle.of(parser, Path.cwd())


def parts(config: Any, key: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every block of a config with its key, outermost first: `train::handlers::2` and what is there."""
    inside: Iterator[tuple[Any, Any]] = iter(())
    if isinstance(config, dict):
        yield key, config
        inside = iter(list(config.items()))
    elif isinstance(config, list):
        inside = iter(list(enumerate(config)))
    for name, value in inside:
        yield from parts(value, f"{key}::{name}" if key else str(name))


def _is_ours(part: Mapping[str, Any]) -> bool:
    return str(part.get("_target_", "")).startswith(OURS)


def _is_tensorboard(part: Mapping[str, Any]) -> bool:
    return str(part.get("_target_", "")).rsplit(".", 1)[-1].startswith("TensorBoard")


def _without(config: Any, unwanted: Any) -> Any:
    """The config without the blocks that are unwanted."""
    if isinstance(config, dict):
        return {
            key: _without(value, unwanted)
            for key, value in config.items()
            if not (isinstance(value, dict) and unwanted(value))
        }
    if isinstance(config, list):
        return [_without(value, unwanted) for value in config if not (isinstance(value, dict) and unwanted(value))]
    return config
