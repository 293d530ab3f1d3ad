"""A bundle's merged config, to be looked into: keys, references followed, components with what they are given. Nothing is run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from voxloop.bundles.checking.targets import Target, Targets
from voxloop.bundles.checking.values import UNKNOWN, evaluate

MISSING: Any = object()
OWN = ("_target_", "_disabled_", "_requires_", "_desc_", "_mode_")
MOST_HOPS = 40


@dataclass(frozen=True)
class Config:
    """`name` says which files were merged, `content` is what came out, macros and relative ids replaced, keys joined by `::`."""

    name: str
    root: Path
    content: dict[str, Any]
    targets: Targets = field(repr=False)

    def at(self, key: str) -> Any:
        """What stands at a key, as written; MISSING where there is nothing."""
        place: Any = self.content
        for step in key.split("::") if key else ():
            if isinstance(place, dict) and step in place:
                place = place[step]
            elif isinstance(place, list) and step.isdecimal() and int(step) < len(place):
                place = place[int(step)]
            else:
                return MISSING
        return place

    def value(self, said: Any, hops: int = 0) -> Any:
        """What a value comes to: references followed, plain expressions worked out, disabled components left out of lists."""
        if hops > MOST_HOPS:
            return UNKNOWN
        if isinstance(said, str) and said.startswith("@"):
            target = self.at(said[1:].replace("#", "::"))
            return UNKNOWN if target is MISSING else self.value(target, hops + 1)
        if isinstance(said, str) and said.startswith("$"):
            return evaluate(said[1:], lambda key: self.value(f"@{key}", hops + 1))
        if isinstance(said, list):
            return [self.value(one, hops + 1) for one in said if not self.is_left_out(one)]
        if isinstance(said, dict) and "_target_" not in said:
            return {key: self.value(one, hops + 1) for key, one in said.items()}
        return said

    def key_of(self, said: Any, otherwise: str = "") -> str:
        """The key where a value really stands: that of the last reference, or where it was written."""
        for _ in range(MOST_HOPS):
            if not (isinstance(said, str) and said.startswith("@")):
                break
            otherwise = said[1:].replace("#", "::")
            said = self.at(otherwise)
        return otherwise

    def part(self, said: Any, key: str) -> Part | None:
        """The component that a value is or refers to."""
        block = self.value(said)
        if isinstance(block, dict) and isinstance(block.get("_target_"), str):
            return Part(self, self.key_of(said, key), block)
        return None

    def blocks(self) -> Iterator[tuple[str, Any]]:
        """Everything in the config with its key, outermost first."""
        stack: list[tuple[str, Any]] = [("", self.content)]
        while stack:
            key, value = stack.pop()
            if key:
                yield key, value
            inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
            stack += reversed([(f"{key}::{name}" if key else str(name), one) for name, one in inside])

    @cached_property
    def places(self) -> dict[int, str]:
        """Where each component stands, also one that an expression took out of another list."""
        return {id(value): key for key, value in self.blocks() if isinstance(value, dict)}

    def texts(self) -> Iterator[tuple[str, str]]:
        return ((key, value) for key, value in self.blocks() if isinstance(value, str))

    def parts(self) -> Iterator[Part]:
        """Every component that is made when all of the config is."""
        for key, value in self.blocks():
            if isinstance(value, dict) and isinstance(value.get("_target_"), str) and not self.is_left_out(value):
                yield Part(self, key, value)

    def is_left_out(self, said: Any) -> bool:
        """Whether a component is disabled for certain, by a word or by a setting."""
        if not isinstance(said, dict) or "_target_" not in said:
            return False
        flag = self.value(said.get("_disabled_", False))
        return flag.strip().lower() == "true" if isinstance(flag, str) else flag is not UNKNOWN and bool(flag)


@dataclass(frozen=True)
class Part:
    """A component of a config: what it makes, and what of its arguments can be told."""

    config: Config
    key: str
    block: dict[str, Any]

    @property
    def target(self) -> Target:
        return self.config.targets.find(str(self.block["_target_"]))

    @property
    def name(self) -> str:
        """`Spacingd`, without the path to it."""
        return str(self.block["_target_"]).rsplit(".", 1)[-1]

    @property
    def given(self) -> dict[str, Any]:
        return {key: value for key, value in self.block.items() if key not in OWN}

    def key_to(self, argument: str) -> str:
        return f"{self.key}::{argument}"

    def arg(self, name: str, default: Any = MISSING) -> Any:
        """The value of an argument: what was given, or what it is by default; UNKNOWN where neither can be told."""
        if name in self.block:
            return self.config.value(self.block[name])
        if default is not MISSING:
            return default
        return self.target.default(name)

    def part(self, name: str) -> Part | None:
        return self.config.part(self.block[name], self.key_to(name)) if name in self.block else None

    def parts(self, name: str) -> list[Part]:
        """The components in a list that an argument is or refers to, in order; none where it cannot be told."""
        return self.config_parts(self.block.get(name), self.key_to(name))

    def config_parts(self, said: Any, key: str) -> list[Part]:
        listed = self.config.value(said)
        if not isinstance(listed, list):
            return []
        place = self.config.key_of(said, key)
        return [
            Part(self.config, self.config.places.get(id(one), f"{place}::{number}"), one)
            for number, one in enumerate(listed)
            if isinstance(one, dict) and isinstance(one.get("_target_"), str)
        ]
