"""Do the config's references, macros and expressions lead somewhere?"""

from __future__ import annotations

import ast
import builtins
import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from voxloop.bundles.checking.config import MISSING, Config
from voxloop.bundles.checking.finding import Finding, found, nearest, setting, shown_key
from voxloop.bundles.checking.reading import UnreadableError, read, require_bounded
from voxloop.bundles.checking.values import REFERENCE

# What MONAI's parser puts into every expression.
KNOWN_NAMES = {"monai", "torch", "np", "numpy", *dir(builtins)}
# What macros may copy in all; a macro of macros of macros would fill the memory.
MOST_COPIED = 20_000
STARTS = ("imports", "initialize", "run", "finalize")


def replaced_macros(content: dict[str, Any], root: Path, name: str) -> list[Finding]:
    """Replaces `%` macros and relative ids in place, as MONAI's parser does first of all; what leads nowhere becomes None."""
    return list(_Macros(content, root, name).all())


class _Macros:
    def __init__(self, content: dict[str, Any], root: Path, name: str) -> None:
        self._content, self._root, self._name = content, root, name
        self._left = MOST_COPIED

    def all(self) -> Iterator[Finding]:
        yield from self._inside(self._content, "")

    def _inside(self, block: Any, key: str) -> Iterator[Finding]:
        for name, value in list(block.items() if isinstance(block, dict) else enumerate(block)):
            at = f"{key}::{name}" if key else str(name)
            if isinstance(value, dict | list):
                yield from self._inside(value, at)
            elif isinstance(value, str):
                yield from self._text(block, name, at, value)

    def _text(self, block: Any, name: Any, key: str, value: str) -> Iterator[Finding]:
        from monai.bundle import ConfigParser

        try:
            said = ConfigParser.resolve_relative_ids(key, value)
        except ValueError:
            block[name] = None
            yield found(
                "reference_to_nothing",
                f"{setting(key, value)} goes up more levels than there are; take a # out.",
                self._name,
                key,
            )
            return
        block[name] = said
        if not said.startswith("%"):
            return
        path, inner = ConfigParser.split_path_id(said[1:])
        try:
            target = self._target(path, inner)
            self._left -= require_bounded(target, self._name) if target is not MISSING else 0
            if self._left < 0:
                raise UnreadableError(
                    f"{self._name} grows without end when its macros are replaced; look into it before you use it."
                )
        except UnreadableError as error:
            block[name] = None
            yield found("macro_to_nothing", f"{setting(key, value)}: {error}", self._name, key)
            return
        if target is MISSING:
            block[name] = None
            known = [one for one, _ in _keys(self._content)] if not path else []
            hint = nearest(inner, known) or "write it as %key or %file.json#key."
            where = f" in {path}" if path else " in the config"
            yield found(
                "macro_to_nothing", f"{setting(key, value)} copies a key that is not{where}; {hint}", self._name, key
            )
            return
        block[name] = copy.deepcopy(target)

    def _target(self, path: str, inner: str) -> Any:
        content: Any = self._content
        if path:
            file = Path(path) if Path(path).is_absolute() else self._root / path
            if not file.is_file():
                raise UnreadableError(
                    f"the file {path} is not there, counted from the bundle's folder; check its path."
                )
            content, findings = read(file)
            if content is None:
                raise UnreadableError(findings[-1].sentence)
        for step in inner.split("::") if inner else ():
            if isinstance(content, dict) and step in content:
                content = content[step]
            elif isinstance(content, list) and step.isdecimal() and int(step) < len(content):
                content = content[int(step)]
            else:
                return MISSING
        return content


def runnable(content: dict[str, Any]) -> list[str]:
    """The keys that run an engine: `run`, or what older bundles call `training` or `evaluating`."""

    def runs(key: str, value: Any) -> bool:
        steps = value if isinstance(value, list) else [value]
        return key not in ("imports", "initialize", "finalize") and any(
            isinstance(step, str) and step.startswith("$") and (".run(" in step or key == "run") for step in steps
        )

    return [key for key, value in content.items() if runs(key, value)]


def judge(config: Config) -> list[Finding]:
    """Run ids, references, circles, expressions."""
    starts = runnable(config.content)
    findings = []
    if not starts:
        near = nearest("run", [key for key in config.content if key not in STARTS])
        findings.append(
            found(
                "nothing_to_run",
                f"{config.name} has nothing to run; "
                + (near or 'add "run": ["$@train#trainer.run()"], or name another --config.'),
                config.name,
            )
        )
    reached = _reached(config, [key for key in (*STARTS, *starts) if key in config.content])
    findings += _dangling(config, reached)
    findings += _circles(config, reached)
    return findings + list(_expressions(config, reached))


def _keys(content: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Keys of blocks; of lists only the first level, for suggestions."""
    if isinstance(content, dict):
        for name, value in content.items():
            at = f"{key}::{name}" if key else str(name)
            yield at, value
            yield from _keys(value, at)


def references_of(value: Any) -> set[str]:
    """The ids that a text refers to, by MONAI's rule: all of them in an expression, else only where the text is nothing but one."""
    if not isinstance(value, str):
        return set()
    said = value.replace("#", "::")
    ids = REFERENCE.findall(said)
    return {one for one in ids if said.startswith("$") or said == f"@{one}"}


def texts_below(value: Any) -> Iterator[str]:
    """Every text in a part of a config."""
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            stack += one.values()
        elif isinstance(one, list):
            stack += one


def _reached(config: Config, starts: list[str]) -> set[str]:
    """The keys that are made when the config runs; what else stands in it, MONAI never looks at."""
    reached, stack = set(), list(starts)
    while stack:
        key = stack.pop()
        if key in reached:
            continue
        reached.add(key)
        value = config.at(key)
        for text in texts_below(value if value is not MISSING else None):
            stack += references_of(text) - reached
    return reached


def _is_reached(key: str, reached: set[str]) -> bool:
    steps = key.split("::")
    return any("::".join(steps[:cut]) in reached for cut in range(1, len(steps) + 1))


def _dangling(config: Config, reached: set[str]) -> Iterator[Finding]:
    known = [key for key, _ in config.blocks()]
    by_last: dict[str, str] = {}
    for key in known:
        by_last.setdefault(key.rsplit("::", 1)[-1], key)
    for key, text in config.texts():
        for one in sorted(references_of(text)):
            if config.at(one) is not MISSING:
                continue
            used = _is_reached(key, reached)
            last = one.rsplit("::", 1)[-1]
            hint = nearest(one, known) or (
                f'did you mean "{shown_key(by_last[last])}"?' if last in by_last else "add it."
            )
            unused = "" if used else " (nothing that runs uses it)"
            yield found(
                "reference_to_nothing",
                f'{setting(key, text)} refers to "{shown_key(one)}", which is not in the config{unused}; {hint}',
                config.name,
                key,
                None if used else "warning",
            )


def _circles(config: Config, reached: set[str]) -> Iterator[Finding]:
    """The first way round of each circle, found as MONAI's resolver would: depth first, from what runs."""
    from monai.bundle.reference_resolver import ReferenceResolver

    def needs(key: str) -> list[str]:
        value = config.at(key)
        refs = ReferenceResolver.find_refs_in_config(config=value, id=key) if value is not MISSING else {}
        return [str(one).replace("#", "::") for one in refs]

    done: set[str] = set()
    for start in sorted(reached):
        path: list[str] = []
        stack: list[tuple[str, Iterator[str]]] = []

        def enter(key: str, path: list[str] = path, stack: list[tuple[str, Iterator[str]]] = stack) -> None:
            path.append(key)
            stack.append((key, iter(needs(key))))

        if start not in done:
            enter(start)
        while stack:
            key, left = stack[-1]
            following = next(left, None)
            if following is None:
                done.add(key)
                path.pop()
                stack.pop()
            elif following in path:
                circle = [*path[path.index(following) :], following]
                way = " -> ".join(shown_key(one) for one in circle)
                done.update(circle)
                yield found(
                    "circular_reference",
                    f"{shown_key(following)} needs itself ({way}); give one of them outside of the circle, as in "
                    f'"initialize": ["$@saver.attach(@train#trainer)"].',
                    config.name,
                    following,
                )
            elif following not in done and len(path) < 500:
                enter(following)


def _expressions(config: Config, reached: set[str]) -> Iterator[Finding]:
    imported = set()
    trees: list[tuple[str, str, ast.Module]] = []
    for key, text in config.texts():
        if not text.startswith("$"):
            continue
        used = _is_reached(key, reached)
        try:
            tree = ast.parse(REFERENCE.sub("_reference_", text[1:]).strip())
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            why = error.msg if isinstance(error, SyntaxError) else type(error).__name__
            yield found(
                "broken_expression",
                f"{setting(key, text)} is not valid Python ({why}); mend the expression.",
                config.name,
                key,
                None if used else "warning",
            )
            continue
        trees.append((key, text, tree))
        first = tree.body[0] if tree.body else None
        if isinstance(first, ast.Import | ast.ImportFrom):
            # MONAI takes the first name of an import only.
            imported.add((first.names[0].asname or first.names[0].name).partition(".")[0])
    for key, text, tree in trees:
        if not _is_reached(key, reached):
            continue
        for name in sorted(_free_names(tree) - imported - KNOWN_NAMES):
            hint = nearest(name, [*imported, "monai", "torch", "numpy"])
            yield found(
                "undefined_name",
                f'{setting(key, text)} uses "{name}", which nothing imports; '
                f"{hint or f'add {chr(34)}$import {name}{chr(34)} to imports.'}",
                config.name,
                key,
            )


def _free_names(tree: ast.Module) -> set[str]:
    used: set[str] = set()
    own = {"_reference_"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else own).add(node.id)
        elif isinstance(node, ast.arg):
            own.add(node.arg)
        elif isinstance(node, ast.alias):
            own.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            own.add(node.name)
    return used - own
