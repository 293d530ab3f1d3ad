"""What a model's artifact holds, read for an export; and what of it goes on, with nothing of the machine that wrote it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxloop.bundles.exporting.plain import Config
from voxloop.errors import VoxloopError

WEIGHTS = "models/model.pt"
NEEDED = ("configs/inference.json", "configs/metadata.json", WEIGHTS)
# Beside what is written anew. The rest of a recipe's folder may be anything, results on patients too.
KEPT = ("LICENSE", "configs/logging.conf")
# A text that is a path, or that quotes one within an expression: of a Unix, of Windows, of a share.
PATH = re.compile(r"""^(?:~?/|[A-Za-z]:[\\/]|\\\\|file://)|(?<!\+ )['"](?:~?/|[A-Za-z]:[\\/]|\\\\)[^'"/\\]+[/\\]""")
HIDDEN = "(a path of the machine that trained it)"


@dataclass(frozen=True, slots=True)
class Content:
    """The parts of a bundle that an export is made of."""

    folder: Path
    inference: Config
    metadata: Config
    train: Config | None

    @classmethod
    def read(cls, folder: Path, name: str) -> Content:
        for file in NEEDED:
            if not (folder / file).is_file():
                raise VoxloopError(
                    f"{name} has no {file}, so it is no bundle that can predict; copy its files with --to files."
                )
        train = _json(folder, "configs/train.json", name) if (folder / "configs" / "train.json").is_file() else None
        content = cls(
            folder,
            _json(folder, "configs/inference.json", name),
            _json(folder, "configs/metadata.json", name),
            None if train is None else without_paths(train),
        )
        for file, config in (("inference", content.inference), ("metadata", content.metadata)):
            if hidden := next((one for one in _texts(config) if PATH.search(one)), None):
                raise VoxloopError(
                    f'{name}: configs/{file}.json holds the path "{hidden}", which is there on one machine only; '
                    "train it without that setting, or copy it with --to files."
                )
        return content

    def kept(self) -> dict[str, bytes]:
        """Files that go on as they are: the licence, the logging, and Python of the bundle's own."""
        files = [self.folder / one for one in KEPT if (self.folder / one).is_file()]
        files += sorted((self.folder / "scripts").rglob("*.py"))
        return {file.relative_to(self.folder).as_posix(): file.read_bytes() for file in files}


def without_paths(config: Any) -> Any:
    """A config as a record: where it names a place on a machine, it says that there was one."""
    if isinstance(config, dict):
        return {key: without_paths(value) for key, value in config.items()}
    if isinstance(config, list):
        return [without_paths(value) for value in config]
    return HIDDEN if isinstance(config, str) and PATH.search(config) else config


def _json(folder: Path, file: str, name: str) -> Config:
    try:
        content = json.loads((folder / file).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise VoxloopError(
            f"{name}: {file} is not valid JSON ({error}); mend it, or copy it with --to files."
        ) from error
    if not isinstance(content, dict):
        raise VoxloopError(f"{name}: {file} holds no settings; mend it, or copy it with --to files.")
    return content


def _texts(config: Any) -> list[str]:
    if isinstance(config, dict):
        return [one for value in config.values() for one in _texts(value)]
    if isinstance(config, list):
        return [one for value in config for one in _texts(value)]
    return [config] if isinstance(config, str) else []
