"""A bundle's own Python files, imported while its code runs and put away afterwards: all bundles call their package `scripts`."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, FileFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

# What is loaded already stays, whatever a bundle calls its folders.
SHARED = {*sys.stdlib_module_names, "monai", "torch", "numpy", "scipy", "nibabel", "ignite", "voxloop"}
# Modules belong to the process: one bundle at a time.
_turn = threading.RLock()


class _AsWritten(SourceFileLoader):
    """Compiles the source that can be read: a cached .pyc that came with it need not say the same."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


@dataclass
class OwnModules:
    """What a bundle imports from its own folder: there inside `entered`, in nobody's way outside of it."""

    root: Path
    _kept: dict[str, ModuleType] = field(default_factory=dict, repr=False)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Puts the folder first on the path, and away again with all that was imported from it."""
        with _turn:
            names = self._names()
            hidden = {
                name: module
                for name, module in list(sys.modules.items())
                if name.partition(".")[0] in names and not self._has(module)
            }
            for name in hidden:
                del sys.modules[name]
            sys.modules.update(self._kept)
            remove = on_path(self.root)
            try:
                yield
            finally:
                remove()
                for name, module in list(sys.modules.items()):
                    if name.partition(".")[0] in names and self._has(module):
                        self._kept[name] = sys.modules.pop(name)
                sys.modules.update(hidden)

    def _names(self) -> set[str]:
        """What could be imported from the folder's top."""
        inside = [*self.root.iterdir()] if self.root.is_dir() else []
        return {
            path.name if path.is_dir() else path.stem for path in inside if path.is_dir() or path.suffix == ".py"
        } - SHARED

    def _has(self, module: ModuleType) -> bool:
        # Not by getattr: modules that load themselves lazily answer to any name.
        said = vars(module)
        path = said.get("__path__")
        places = [said.get("__file__"), *(path if isinstance(path, Iterable) else ())]
        return any(isinstance(place, str) and Path(place).is_relative_to(self.root) for place in places)


def on_path(root: Path) -> Callable[[], None]:
    """Lets this process import from a bundle's folder, from source only; answers with what takes that back."""
    place = str(root)

    def hook(path: str) -> FileFinder:
        if not Path(path).is_relative_to(root):
            raise ImportError(path)
        return FileFinder(path, (_AsWritten, [".py"]), (ExtensionFileLoader, EXTENSION_SUFFIXES))

    def forget() -> None:
        for path in [path for path in sys.path_importer_cache if path == place or path.startswith(place + os.sep)]:
            del sys.path_importer_cache[path]

    forget()
    sys.path_hooks.insert(0, hook)
    sys.path.insert(0, place)
    importlib.invalidate_caches()

    def remove() -> None:
        sys.path_hooks.remove(hook)
        if place in sys.path:
            sys.path.remove(place)
        forget()

    return remove
