"""Whether a bundle may run: it is a program, so one that did not come with voxloop needs a person's word, once."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from voxloop import recipes
from voxloop.errors import VoxloopError


@dataclass(frozen=True, slots=True)
class Program:
    """What of a bundle is code: its configs, for they hold Python expressions, and every Python file in it."""

    root: Path
    files: tuple[Path, ...]

    @classmethod
    def of(cls, root: Path, configs: Iterable[Path] = ()) -> Program:
        inside = [path for path in (root / "configs").rglob("*") if path.is_file()]
        scripts = [path for path in root.rglob("*.py") if path.is_file()]
        return cls(root, tuple(sorted({*inside, *scripts, *configs})))

    @property
    def digest(self) -> str:
        """Changes when any of the code does; weights, data and results do not count."""
        parts = [
            f"{os.path.relpath(path, self.root)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}"
            for path in self.files
        ]
        return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()

    @property
    def why(self) -> str:
        scripts = sum(path.suffix == ".py" for path in self.files)
        own = f" and {scripts} Python file{'s' if scripts > 1 else ''}" if scripts else ""
        return (
            f"{self.root.name} did not come with voxloop. A bundle is a program: its "
            f"{len(self.files) - scripts} config files hold Python expressions{own}, and all of it runs with your rights; it "
            "can read, change and send whatever you can."
        )


def require(program: Program, given: bool = False, ask: Callable[[str], bool] | None = None) -> None:
    """Passes where the bundle came with voxloop, was trusted as it stands now, or is trusted here; raises otherwise."""
    if recipes.FOLDER in program.root.parents:
        return
    trusted = _trusted()
    if program.digest in trusted:
        return
    if not given and ask is None:
        raise VoxloopError(
            f"{program.root.name} did not come with voxloop, and a bundle is a program that runs with your rights; look into "
            f"{program.root}, then run it with --trust."
        )
    if not given and ask is not None and not ask(program.why):
        raise VoxloopError(f"{program.root.name} is not trusted, so it was not run; nothing of it was executed.")
    _remember(trusted, program)


def store() -> Path:
    """Where trust is remembered, for all projects of a person."""
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "voxloop" / "trusted-bundles.json"


def _trusted() -> dict[str, dict[str, object]]:
    try:
        said = json.loads(store().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # Nothing is trusted where nothing readable says so.
        return {}
    return said if isinstance(said, dict) else {}


def _remember(trusted: dict[str, dict[str, object]], program: Program) -> None:
    place = store()
    trusted[program.digest] = {"bundle": str(program.root), "time": time.time()}
    partial = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(trusted, indent=2) + "\n", encoding="utf-8")
        partial.replace(place)
    except OSError:
        # A home that cannot be written to is asked again next time.
        partial.unlink(missing_ok=True)
