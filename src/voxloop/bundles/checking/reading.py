"""A config file as plain data: size, depth and number of parts bounded, mistakes of writing told with their line."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voxloop.bundles.checking.finding import Finding, found, setting

MOST_BYTES = 32 << 20
# YAML can say the same branch twice, of twice the same branch, and so on; macros can, too.
MOST_PARTS = 300_000
MOST_DEPTH = 60


class UnreadableError(Exception):
    """A file that is no config, with the sentence that says why."""


def read(path: Path) -> tuple[Any, list[Finding]]:
    """The content of a JSON or YAML file, None where it cannot be read, and what is wrong with how it is written."""
    findings: list[Finding] = []
    try:
        content = _parse(path, findings)
        require_bounded(content, path.name)
    except UnreadableError as error:
        return None, [found("unreadable", str(error), path.name)]
    except OSError as error:
        why = error.strerror or str(error)
        return None, [found("unreadable", f"{path.name} cannot be read ({why}); check its rights.", path.name)]
    return content, findings


def require_bounded(content: Any, name: str) -> int:
    """The number of parts of a config; UnreadableError where it is too deep or too large for one, without walking all of it."""
    parts, stack = 0, [(content, 0)]
    while stack:
        value, depth = stack.pop()
        parts += 1
        if parts > MOST_PARTS or depth > MOST_DEPTH:
            raise UnreadableError(f"{name} has more parts than any config needs; look into it before you use it.")
        inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        stack += [(one, depth + 1) for one in inside]
    return parts


def _parse(path: Path, findings: list[Finding]) -> Any:
    if not path.is_file():
        raise UnreadableError(f"{path.name} is no plain file; put one there.")
    if path.stat().st_size > MOST_BYTES:
        raise UnreadableError(f"{path.name} is larger than any config; look into it before you use it.")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"{path.name} is no UTF-8 text (byte {error.start}); save it as UTF-8.") from error
    try:
        if path.suffix == ".json":
            return json.loads(text, object_pairs_hook=lambda pairs: _block(pairs, path.name, findings))
        return _yaml(text, path.name, findings)
    except json.JSONDecodeError as error:
        raise UnreadableError(
            f"{path.name} is not valid JSON at line {error.lineno}, column {error.colno} ({error.msg.lower()}); "
            "mend it there."
        ) from error
    except (RecursionError, ValueError) as error:
        raise UnreadableError(
            f"{path.name} is nested too deeply or damaged ({type(error).__name__}); mend it."
        ) from error


def _block(pairs: list[tuple[str, Any]], name: str, findings: list[Finding]) -> dict[str, Any]:
    block: dict[str, Any] = {}
    for key, value in pairs:
        if key in block:
            findings.append(_twice(name, key, block[key], value))
        block[key] = value
    return block


def _twice(name: str, key: str, first: Any, second: Any) -> Finding:
    return found(
        "duplicate_key",
        f"{name} has the key twice in one block, {setting(key, first)} and {setting(key, second)}, and only the "
        "last one counts; "
        "take one out.",
        name,
        key,
    )


def _yaml(text: str, name: str, findings: list[Finding]) -> Any:
    try:
        yaml = importlib.import_module("yaml")
    except ImportError as error:
        raise UnreadableError(
            f"{name} is YAML, which takes the package PyYAML to read; run: pip install pyyaml"
        ) from error

    class Loader(yaml.SafeLoader):  # type: ignore[misc, name-defined, unused-ignore]
        """PyYAML's safe loader, which would let the last of two equal keys win without a word."""

        def construct_mapping(self, node: Any, deep: bool = False) -> Mapping[Any, Any]:
            seen: dict[str, Any] = {}
            for key_node, value_node in node.value:
                key = key_node.value if isinstance(key_node.value, str) else None
                if key is not None and key in seen and key != "<<":
                    findings.append(_twice(name, key, seen[key], getattr(value_node, "value", "...")))
                if key is not None:
                    seen[key] = value_node.value if isinstance(value_node.value, str) else "..."
            made: Mapping[Any, Any] = super().construct_mapping(node, deep=deep)
            return made

    try:
        return yaml.load(text, Loader)  # a SafeLoader: data only
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        why = getattr(error, "problem", None) or type(error).__name__
        raise UnreadableError(f"{name} is not valid YAML{where} ({why}); mend it there.") from error
