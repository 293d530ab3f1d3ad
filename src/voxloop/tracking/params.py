"""Anything as searchable JSON: what a person puts into params is turned into plain values, and never refused."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import functools
import inspect
import math
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import PurePath
from typing import Any

DEPTH = 32
MOST_VALUES = 1_000_000
LONGEST_REPR = 10_000
# Where an object lies in memory is not a setting: equal settings are to be equal texts.
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class Params(MutableMapping[str, Any]):
    """A run's params: a nested dict whose every change is kept at once. Values come back as plain JSON, as stored."""

    def __init__(self, values: dict[str, Any], keep: Callable[..., None], path: tuple[str, ...] = ()) -> None:
        """`keep(path, value)` is told each change, and `keep(path)` each removal."""
        self._values = values
        self._keep = keep
        self._path = path

    def __getitem__(self, key: str) -> Any:
        value = self._values[key]
        return Params(value, self._keep, (*self._path, key)) if isinstance(value, dict) else value

    def __setitem__(self, key: str, value: Any) -> None:
        key, value = text(key), plain(value)
        self._values[key] = value
        self._keep([*self._path, key], value)

    def __delitem__(self, key: str) -> None:
        del self._values[key]
        self._keep([*self._path, key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)


def plain(value: Any) -> Any:
    """Numbers, texts, lists and dicts that say the same as `value`.

    >>> plain({"shape": (96, 96), "path": PurePath("a/b")})
    {'shape': [96, 96], 'path': 'a/b'}
    """
    return _Coercion().plain(value, 0)


def text(value: object) -> str:
    """A text that every database can hold: without lone surrogates, and a zero byte becomes `\ufffd`."""
    return encodable(value).replace("\0", "\ufffd")


def encodable(value: object) -> str:
    """A text that every file can hold: a lone surrogate, as from a file name in another encoding, becomes `?`."""
    return str(value).encode("utf-8", "replace").decode()


class _Coercion:
    """One value being turned into JSON: how much is written, and inside of what we are."""

    def __init__(self) -> None:
        self.left = MOST_VALUES
        self.inside: set[int] = set()

    def plain(self, value: Any, depth: int) -> Any:
        self.left -= 1
        if id(value) in self.inside:
            return f"<{type(value).__qualname__} inside itself>"
        try:
            if value is None or (isinstance(value, bool | int | float | str) and not isinstance(value, enum.Enum)):
                return _scalar(value)
            if depth >= DEPTH or self.left < 0:
                return _described(value)[:200]
            self.inside.add(id(value))
            try:
                return self._composed(value, depth + 1)
            finally:
                self.inside.discard(id(value))
        except Exception as error:  # a foreign object's own code may fail in any way, and a run must not end for it
            return f"<{type(value).__qualname__}: {type(error).__name__}>"

    def _composed(self, value: Any, depth: int) -> Any:
        if isinstance(value, enum.Enum):
            # A number behind a name says nothing; a text is what people write.
            return text(value.value) if isinstance(value.value, str) else text(value.name or value)
        if isinstance(value, Mapping):
            return self._mapping(value.items(), depth)
        if isinstance(value, tuple) and hasattr(value, "_asdict"):
            return self._mapping(value._asdict().items(), depth)
        if isinstance(value, bytes | bytearray | memoryview):
            return bytes(value).hex() if len(value) <= 64 else f"<{len(value)} bytes>"
        if isinstance(value, range):
            return repr(value)
        if isinstance(value, AbstractSet):
            return sorted(self._list(value, depth), key=repr)
        if isinstance(value, Sequence | deque):
            return self._list(value, depth)
        if isinstance(value, dt.datetime | dt.date | dt.time):
            return value.isoformat()
        if isinstance(value, dt.timedelta):
            return value.total_seconds()
        if isinstance(value, PurePath):
            return text(value)
        if isinstance(value, functools.partial):
            return {
                "name": self.plain(value.func, depth),
                **({"args": self._list(value.args, depth)} if value.args else {}),
                **self._mapping(value.keywords.items(), depth),
            }
        if isinstance(value, type) or inspect.isroutine(value):
            return f"{value.__module__}.{value.__qualname__}"
        if dataclasses.is_dataclass(value):
            return self._mapping(
                ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value)), depth
            )
        return self._foreign(value, depth)

    def _foreign(self, value: Any, depth: int) -> Any:
        """Objects of libraries that are not imported here, told by how they look."""
        kind: Any = type(value)
        name = kind.__name__
        if hasattr(value, "item") and hasattr(value, "shape"):
            if len(value.shape) == 0:
                return self.plain(value.item(), depth)
            if math.prod(value.shape) <= 64:
                return self.plain(value.tolist(), depth)
            return f"<{name} {'×'.join(map(str, value.shape))} {value.dtype}>"
        if hasattr(value, "param_groups"):
            groups = [{key: held for key, held in group.items() if key != "params"} for group in value.param_groups]
            if len(groups) == 1:
                return {"name": name, **self._mapping(groups[0].items(), depth)}
            return {"name": name, "groups": self._list(groups, depth)}
        if hasattr(value, "transforms") and callable(value):
            return {"name": name, "transforms": self._list(value.transforms, depth)}
        if hasattr(value, "named_parameters"):
            count = sum(int(parameter.numel()) for _, parameter in value.named_parameters())
            return {"name": name, "parameters": count, **self._arguments(value, depth)}
        if callable(value) or kind.__repr__ is object.__repr__:
            return {"name": name, **self._arguments(value, depth)}
        return _described(value)

    def _arguments(self, value: Any, depth: int) -> dict[str, Any]:
        """The constructor's arguments that an object kept under their own names, as most transforms and networks do."""
        found: dict[str, Any] = {}
        for name in inspect.signature(type(value).__init__).parameters:
            held = getattr(value, name, dataclasses.MISSING)
            if name != "self" and held is not dataclasses.MISSING and not inspect.ismethod(held):
                found[name] = self.plain(held, depth)
        return found

    def _mapping(self, items: Any, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in items:
            if self.left < 0:
                found["…"] = f"more than {MOST_VALUES} values"
                break
            found[text(key if isinstance(key, str) else self.plain(key, depth))] = self.plain(value, depth)
        return found

    def _list(self, items: Any, depth: int) -> list[Any]:
        found: list[Any] = []
        for value in items:
            if self.left < 0:
                found.append("…")
                break
            found.append(self.plain(value, depth))
        return found


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    # JSON readers keep 64 bits; a larger number stays exact as text, and one of thousands of digits as hexadecimal.
    if -(2**63) <= value < 2**63:
        return int(value)
    return str(int(value)) if value.bit_length() < 10_000 else hex(value)


def _described(value: Any) -> str:
    return ADDRESS.sub("", text(str(value)))[:LONGEST_REPR]
