"""Whether a bundle may run: it is a program, so one that did not come with voxloop needs a person's word, once."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from voxloop import recipes
from voxloop.bundles.familiar import is_familiar
from voxloop.bundles.reading import Reading, read
from voxloop.errors import VoxloopError

# What Python imports, and a network as TorchScript, which is a program of its own.
CODE = (".py", ".pyc", ".pyw", ".so", ".pyd", ".dll", ".dylib", ".ts")


@dataclass(frozen=True, slots=True)
class Program:
    """What of a bundle is code: its configs, for they hold Python expressions, and every file in it that Python could run."""

    root: Path
    files: tuple[Path, ...]
    name: str

    @classmethod
    def of(cls, root: Path, configs: Iterable[Path] = (), name: str | None = None) -> Program:
        found = {path for path in _files_in(root) if _is_code(root, path)}
        return cls(root, tuple(sorted({*found, *configs})), name or root.name)

    @property
    def digest(self) -> str:
        """Changes when any of the code does; weights, data and results do not count."""
        parts = [f"{os.path.relpath(path, self.root)}\0{_digest_of(path)}" for path in self.files]
        return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()

    @property
    def came_with_voxloop(self) -> bool:
        """A recipe, or a bundle that holds nothing but a recipe's code, as a model does that was trained here."""
        return recipes.FOLDER in self.root.parents or is_familiar(self.root, self.files)

    @property
    def reading(self) -> Reading:
        """What it would do, told without running it."""
        return read(self.root, self.files)

    @property
    def why(self) -> str:
        """What a person should know who is asked to trust it."""
        return (
            f"{self.name} did not come with voxloop, and a bundle is a program that runs with your rights: it can read, change "
            f"and send whatever you can. {self.reading.sentences}"
        )


def _files_in(root: Path) -> Iterator[Path]:
    """Every file below a folder. A link to a folder is followed once: what lies behind it can be imported as well."""
    seen: set[str] = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        yield from (Path(folder) / name for name in files)


def _is_code(root: Path, path: Path) -> bool:
    if path.parent.name == "__pycache__" and path.suffix == ".pyc":
        # Python's own copies of what stands beside it; they are not read when a bundle runs here.
        return False
    return path.suffix in CODE or root / "configs" in path.parents


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require(program: Program, given: bool = False, ask: Callable[[str], bool] | None = None) -> None:
    """Passes where the bundle came with voxloop, was trusted as it stands now, or is trusted here; raises otherwise."""
    if is_trusted(program):
        return
    if not given and ask is None:
        raise VoxloopError(
            f"{program.name} did not come with voxloop, and a bundle is a program that runs with your rights; look into "
            f"{program.root}, then give the same command with --trust."
        )
    if not given and ask is not None and not ask(program.why):
        raise VoxloopError(f"{program.name} is not trusted, so it was not run; nothing of it was executed.")
    _remember(program)


def is_trusted(program: Program) -> bool:
    """Whether it came with voxloop, or was trusted as it stands now."""
    return program.came_with_voxloop or program.digest in _trusted()


def vouch(made: Program, source: Program) -> None:
    """Remembers a bundle that voxloop itself made of a trusted one, in words that no recipe has.

    A setting of a training may put a text of the person's own into it, and an export says the same without voxloop's functions.
    """
    if is_trusted(source) and not is_trusted(made):
        _remember(made)


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


def _remember(program: Program) -> None:
    place, trusted = store(), _trusted()
    trusted[program.digest] = {"bundle": str(program.root), "time": time.time()}
    partial = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(trusted, indent=2) + "\n", encoding="utf-8")
        partial.replace(place)
    except OSError:
        # A home that cannot be written to is asked again next time.
        partial.unlink(missing_ok=True)
