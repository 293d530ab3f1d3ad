"""What of a bundle is to run: found, and checked before anything of it is executed."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from voxloop.bundles import settings
from voxloop.errors import VoxloopError
from voxloop.inference.loading.guard import missing_package, needs, root_of

# A setting whose value is a place: a relative one is meant from where the person stands, not from inside the bundle.
PLACE = re.compile(r"(dir|path|file|root|folder)s?$")


@dataclass(frozen=True, slots=True)
class BundleJob:
    """What to run, as a person said it, and where that person stood: enough for another process to do it."""

    root: Path
    configs: tuple[Path, ...]
    run_id: str | None = None
    arguments: tuple[str, ...] = ()
    name: str | None = None
    here: Path = field(default_factory=Path.cwd)

    def as_text(self) -> str:
        return json.dumps(asdict(self), default=str)

    @classmethod
    def of_text(cls, text: str) -> BundleJob:
        said = json.loads(text)
        places = {"root": Path(said["root"]), "here": Path(said["here"])}
        lists = {"configs": tuple(Path(one) for one in said["configs"]), "arguments": tuple(said["arguments"])}
        return cls(**{**said, **places, **lists})


@dataclass(frozen=True, slots=True)
class Checked:
    """A job whose run_id is there and whose settings are ones that the bundle has."""

    config: Mapping[str, Any]
    run_id: str
    overrides: Mapping[str, Any]


def check(job: BundleJob) -> Checked:
    """Checks what can be known before anything of the bundle is executed: its run_id, and every key that is set."""
    files = " and ".join(path.name for path in job.configs)
    try:
        config = settings.read(job.configs)
    except Exception as error:  # MONAI and the parsers of JSON and YAML each have errors of their own
        if package := missing_package(root_of(error)):
            raise VoxloopError(needs(f"{job.root.name}, whose {files} is YAML,", package)) from error
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise VoxloopError(
            f"{job.root.name}: {files} cannot be read ({lines[0].rstrip('.')}); mend the file."
        ) from error
    known = [key for key, value in config.items() if _runs(key, value)]
    # Older bundles call the one thing that they do `training` or `evaluating`.
    run_id = job.run_id or (known[0] if len(known) == 1 and "run" not in config else "run")
    if run_id not in config:
        near = difflib.get_close_matches(run_id, known, n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"it has: {', '.join(known) or 'none'}."
        raise VoxloopError(f'{job.root.name}: {files} has no run_id "{run_id}"; {hint}')
    said = settings.overrides(job.arguments, config)
    overrides = {key: _from(job.here, key, value) for key, value in said.items()}
    place = config.get("bundle_root")
    if isinstance(place, str) and "bundle_root" not in overrides and not place.startswith(settings.MARKS):
        # Where the bundle lay on its author's machine.
        overrides |= {} if (job.root / place).is_dir() else {"bundle_root": str(job.root)}
    return Checked(config, run_id, overrides)


def _runs(key: str, value: Any) -> bool:
    """Whether a key of a config is something to run: one expression or a list of them."""
    steps = value if isinstance(value, list) else [value]
    return key not in ("imports", "initialize", "finalize") and any(
        isinstance(step, str)
        and ((step.startswith("$") and ".run(" in step) or (step.startswith("%") and key == "run"))
        for step in steps
    )


def _from(here: Path, key: str, value: Any) -> Any:
    """A place that is there where the person stands is meant, for the bundle runs in a folder of its own."""
    if (
        isinstance(value, str)
        and PLACE.search(key)
        and not value.startswith(settings.MARKS)
        and (here / value).exists()
    ):
        return str(here / value)
    return value
