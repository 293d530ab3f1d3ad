"""An inference config with its metadata, read and not yet parsed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from voxloop.errors import VoxloopError
from voxloop.inference.loading.guard import needs, quiet_author, root_of


def read(config: Path, folder: Path, name: str) -> Any:
    """MONAI's parser, as its own workflow would fill it."""
    from monai.bundle import ConfigParser

    metadata = sorted(
        path for path in (folder / "configs").glob("metadata.*") if path.suffix in (".json", ".yaml", ".yml")
    )
    if importlib.util.find_spec("yaml") is None and any(path.suffix != ".json" for path in (config, *metadata[:1])):
        raise VoxloopError(needs(f"{name}, whose configs are YAML,", "yaml"))
    parser = ConfigParser()
    try:
        with quiet_author():
            parser.read_config(str(config))
            if metadata:
                parser.read_meta(str(metadata[0]))
    except Exception as error:  # MONAI and the parsers of JSON and YAML each have errors of their own
        cause = root_of(error)
        line = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
        raise VoxloopError(
            f"{name}: {config.name} and its metadata cannot be read ({line.rstrip('.')}); mend the file."
        ) from error
    if not isinstance(parser.get(), dict):
        raise VoxloopError(f"{name}: {config.name} holds no settings by name; is it an inference config?")
    return parser
