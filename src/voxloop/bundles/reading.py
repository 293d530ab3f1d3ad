"""What one bundle would do if it ran, told from its own files without running any of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxloop.bundles import powers
from voxloop.bundles.powers import POWERS, Deed

# What a bundle may be expected to be made of.
EXPECTED = ("monai", "torch", "ignite", "numpy", "voxloop")
# Under these keys MONAI takes a dotted text for a class.
CLASS_KEYS = ("reader", "writer")
SAID = 3
GRAVE = ("opens network connections", "starts programs", "deletes or moves files")
# No person writes more into one file; what a machine wrote is not understood here either.
MOST_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found: enough for a sentence, and whole for a program that asks."""

    expressions: int
    classes: tuple[str, ...]
    imports: tuple[str, ...]
    scripts: tuple[str, ...]
    lines: int
    deeds: tuple[Deed, ...]
    # Code that no person reads: compiled, or in a form that was not understood.
    unread: tuple[str, ...]

    @property
    def sentences(self) -> str:
        """In the terminal: short, the gravest first."""
        said = [f"Its configs hold {_count(self.expressions, 'Python expression')}{self._classes()}"]
        if self.scripts:
            said.append(
                f"it has {_count(len(self.scripts), 'Python file')} of {_count(self.lines, 'line')}"
                + (f", which import {_some(self.imports, 8)}" if self.imports else "")
            )
        told = f"{'; '.join(said)}."
        done = [f"{power} ({_some(places, SAID)})" for power, places in self._by_power().items()]
        if done:
            told += f" It {'; '.join(done)}."
        if not any(deed.power in GRAVE for deed in self.deeds):
            told += " Nothing was found that opens a network connection, starts a program or deletes a file, which proves nothing."
        if self.unread:
            told += f" What {_some(self.unread, SAID)} would do cannot be read here."
        return told

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "expressions": self.expressions,
            "classes": list(self.classes),
            "imports": list(self.imports),
            "scripts": list(self.scripts),
            "lines": self.lines,
            "deeds": [{"power": deed.power, "what": deed.what, "where": deed.where} for deed in self.deeds],
            "unread": list(self.unread),
        }

    def _classes(self) -> str:
        if not self.classes:
            return ""
        kinds = "class" if len(self.classes) == 1 else "classes"
        return f" and name {len(self.classes)} {kinds} outside MONAI and PyTorch ({_some(self.classes, SAID)})"

    def _by_power(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for power in POWERS:
            for deed in self.deeds:
                if deed.power == power:
                    found.setdefault(power, []).append(f"{deed.what} in {deed.where}")
        return found


def read(root: Path, files: Iterable[Path]) -> Reading:
    """Reads a bundle's files of code."""
    expressions, classes, imports, scripts, lines = 0, set[str](), set[str](), [], 0
    deeds: list[Deed] = []
    unread: list[str] = []
    for path in files:
        name = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
        try:
            if path.stat().st_size > MOST_BYTES:
                unread.append(name)
            elif path.suffix == ".py":
                source = path.read_text(encoding="utf-8")
                text = powers.of_script(source, name)
                scripts.append(name)
                lines += len(source.splitlines())
                imports |= text.imports
                deeds += text.deeds
            elif path.suffix in (".json", ".yaml", ".yml"):
                found = _of_config(_loaded(path), name)
                expressions += found.expressions
                classes |= set(found.classes)
                deeds += found.deeds
                unread += found.unread
            elif path.suffix not in (".conf", ".txt", ".md"):
                unread.append(name)
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            unread.append(name)
    own = {Path(script).parts[0].removesuffix(".py") for script in scripts}
    return Reading(
        expressions,
        tuple(sorted(classes)),
        tuple(sorted(imports - own)),
        tuple(scripts),
        lines,
        tuple(sorted(set(deeds))),
        tuple(unread),
    )


def _of_config(config: Any, name: str) -> Reading:
    texts = list(_texts(config))
    known: dict[str, str] = {}
    for _, text in texts:
        if text.startswith("$") and ("import " in text):
            try:
                known |= powers.imported_by(text)
            except (SyntaxError, ValueError):
                continue
    classes: set[str] = set()
    deeds: list[Deed] = []
    unread: list[str] = []
    expressions = 0
    for key, text in texts:
        where = f"{name}: {key}"
        if text.startswith("$"):
            expressions += 1
            try:
                deeds += powers.of_expression(text, where, known).deeds
            except (SyntaxError, ValueError, RecursionError):
                unread.append(f"the expression at {key} in {name}")
        elif key.rpartition("::")[2] == "_target_" or (key.rpartition("::")[2] in CLASS_KEYS and "." in text):
            # A name without a dot is one of MONAI's own, or a builtin.
            if "." in text and text.partition(".")[0] not in EXPECTED:
                classes.add(text)
            deeds += powers.of_target(text, where)
    return Reading(expressions, tuple(classes), (), (), 0, tuple(deeds), tuple(unread))


def _texts(config: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(config, dict):
        for name, value in config.items():
            yield from _texts(value, f"{key}::{name}" if key else str(name))
    elif isinstance(config, list):
        for number, value in enumerate(config):
            yield from _texts(value, f"{key}::{number}" if key else str(number))
    elif isinstance(config, str):
        yield key, config


def _loaded(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return json.loads(text)
    try:
        import yaml  # type: ignore[import-untyped]  # only the bundles that are written in it need it
    except ImportError as error:
        raise ValueError(f"{path.name} needs PyYAML") from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"{path.name} is no YAML") from error


def _some(names: Iterable[str], most: int) -> str:
    listed = list(dict.fromkeys(names))
    more = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {more} more" if more > 0 else "")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
