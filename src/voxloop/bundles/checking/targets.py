"""What a `_target_` names and which arguments that takes: looked up, never called. A bundle's own scripts are parsed, not imported."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from voxloop.bundles.checking.values import UNKNOWN

# Libraries whose import is theirs to answer for. Anything else that a config names is only asked for, not imported.
TRUSTED = ("monai", "torch", "ignite", "numpy", "voxloop")
State = Literal["known", "nowhere", "not installed", "not looked into"]


@dataclass(frozen=True, slots=True)
class Target:
    """`takes` are the arguments by name, True where one has a default; None where that cannot be told. `open` takes any."""

    path: str
    state: State
    takes: dict[str, bool] | None = None
    open: bool = False
    defaults: dict[str, Any] = field(default_factory=dict)
    near: Sequence[str] = ()
    found: Any = None

    def default(self, name: str) -> Any:
        return self.defaults.get(name, UNKNOWN)


class Targets:
    """The targets of one bundle, remembered."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, Target] = {}

    def find(self, said: str) -> Target:
        if said not in self._known:
            self._known[said] = self._find(said)
        return self._known[said]

    def _find(self, said: str) -> Target:
        if said.startswith(("$", "@", "%")):
            return Target(said, "not looked into")
        if "." not in said:
            module = short_names().get(said)
            if module is None:
                return Target(said, "nowhere", near=tuple(short_names()))
            return _imported(f"{module}.{said}")
        top = said.partition(".")[0]
        if self.is_own(top):
            return self._own(said)
        if top in TRUSTED:
            return _imported(said)
        if not installed(top):
            return Target(said, "not installed")
        return Target(said, "not looked into")

    def is_own(self, top: str) -> bool:
        """Whether a package is the bundle's, as `scripts` is."""
        return (self.root / top).is_dir() or (self.root / f"{top}.py").is_file()

    def _own(self, said: str) -> Target:
        steps = said.split(".")
        for cut in range(len(steps) - 1, 0, -1):
            for path in (
                self.root.joinpath(*steps[:cut], "__init__.py"),
                self.root.joinpath(*steps[:cut]).with_suffix(".py"),
            ):
                tree = parsed(path)
                if tree is not None and cut == len(steps) - 1:
                    return _in_tree(said, tree, steps[-1])
                if tree is not None:
                    return Target(said, "not looked into")
        return Target(said, "nowhere")


@cache
def short_names() -> dict[str, str]:
    """MONAI's own table: which module a name without dots is taken from."""
    import monai.bundle  # noqa: F401  loads all of MONAI, which its locator then looks through
    from monai.bundle.config_item import ComponentLocator

    locator = ComponentLocator()
    locator.get_component_module_name("UNet")
    table = locator._components_table or {}
    return {name: modules[0] for name, modules in table.items()}


def installed(top: str) -> bool:
    """Whether a package is there, found without importing it."""
    if top in sys.modules:
        return True
    try:
        return importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        return False


@cache
def _imported(path: str) -> Target:
    steps = path.split(".")
    if any(step.startswith("__") or not step.isidentifier() for step in steps):
        return Target(path, "nowhere")
    found: Any = importlib.import_module(steps[0])
    so_far = steps[0]
    for step in steps[1:]:
        so_far = f"{so_far}.{step}"
        if hasattr(found, step):
            found = getattr(found, step)
            continue
        try:
            # A submodule that its package does not import itself.
            found = importlib.import_module(so_far) if inspect.ismodule(found) else None
        except ImportError:
            found = None
        if found is None:
            owner = so_far.rpartition(".")[0]
            beside = [name for name in dir(sys.modules.get(owner, object)) if not name.startswith("_")]
            return Target(path, "nowhere", near=tuple(f"{owner}.{name}" for name in beside))
    return _with_signature(path, found)


def _with_signature(path: str, found: Any) -> Target:
    if not callable(found):
        return Target(path, "known", found=found)
    try:
        parameters = list(inspect.signature(found).parameters.values())
    except (TypeError, ValueError):
        return Target(path, "known", found=found)
    kinds = inspect.Parameter
    named = [one for one in parameters if one.kind in (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY)]
    return Target(
        path,
        "known",
        {one.name: one.default is not kinds.empty for one in named},
        any(one.kind == kinds.VAR_KEYWORD for one in parameters),
        {one.name: _plain(one.default) for one in named if one.default is not kinds.empty},
        found=found,
    )


def _plain(default: Any) -> Any:
    """A default as a config would say it: the text of an enumeration."""
    value = getattr(default, "value", default)
    return list(value) if isinstance(value, tuple) else value


def parsed(path: Path) -> ast.Module | None:
    """A Python file's syntax, nothing of it run; None where there is none or it has none."""
    try:
        if not path.is_file() or path.stat().st_size > (4 << 20):
            return None
        return ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _in_tree(said: str, tree: ast.Module, name: str) -> Target:
    defined: dict[str, ast.AST] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            defined.setdefault(node.name, node)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for one in node.names:
                if one.name == "*":
                    return Target(said, "not looked into")
                defined.setdefault(one.asname or one.name.partition(".")[0], node)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    defined.setdefault(target.id, node)
    made = defined.get(name)
    owner = said.rpartition(".")[0]
    if made is None:
        return Target(said, "nowhere", near=tuple(f"{owner}.{one}" for one in defined))
    function: ast.AST | None = made
    if isinstance(made, ast.ClassDef):
        function = next((one for one in made.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"), None)
        if made.decorator_list:
            function = None
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) or function.decorator_list:
        return Target(said, "not looked into")
    arguments = function.args
    positional = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
    takes = dict.fromkeys(positional, False)
    takes |= dict.fromkeys(positional[len(positional) - len(arguments.defaults) :], True)
    takes |= {
        one.arg: default is not None for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    }
    if isinstance(made, ast.ClassDef) and positional:
        del takes[positional[0]]
    return Target(said, "known", takes, arguments.kwarg is not None)
