"""Anything as searchable JSON: what a person puts into params is turned into plain values, and never refused."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import inspect
import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

DEPTH = 32
LONGEST_LIST = 10_000


def plain(value: Any, depth: int = 0) -> Any:
    """Numbers, texts, lists and dicts that say the same as `value`.

    >>> plain({"shape": (96, 96), "path": PurePath("a/b")})
    {'shape': [96, 96], 'path': 'a/b'}
    """
    try:
        return _plain(value, depth)
    except Exception as error:  # a foreign object's own code may fail in any way, and a run must not end for it
        return f"<{type(value).__qualname__}: {type(error).__name__}>"


def _plain(value: Any, depth: int) -> Any:
    if isinstance(value, enum.Enum):
        return plain(value.value, depth + 1)
    if value is None or isinstance(value, bool | str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, int):
        # JSON readers keep 64 bits; a larger number stays exact as text.
        return int(value) if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if depth >= DEPTH:
        return repr(value)[:200]
    if isinstance(value, Mapping):
        return {str(plain(key, depth + 1)): plain(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((plain(one, depth + 1) for one in value), key=repr)
    if isinstance(value, list | tuple):
        return [plain(one, depth + 1) for one in value[:LONGEST_LIST]]
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, bytes):
        return value.hex() if len(value) <= 64 else f"<{len(value)} bytes>"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name), depth + 1) for field in dataclasses.fields(value)}
    if isinstance(value, type) or inspect.isroutine(value):
        return f"{value.__module__}.{value.__qualname__}"
    return _foreign(value, depth)


def _foreign(value: Any, depth: int) -> Any:
    """Objects of libraries that are not imported here, told by how they look."""
    if hasattr(value, "item") and hasattr(value, "shape"):
        if getattr(value, "size", None) == 1 or math.prod(value.shape) == 1:
            return plain(value.item(), depth + 1)
        if math.prod(value.shape) <= 64:
            return plain(value.tolist(), depth + 1)
        return f"<{type(value).__name__} {'×'.join(map(str, value.shape))} {value.dtype}>"
    if hasattr(value, "param_groups"):
        groups = [{key: inner for key, inner in group.items() if key != "params"} for group in value.param_groups]
        return {
            "name": type(value).__name__,
            **(plain(groups[0], depth + 1) if len(groups) == 1 else {"groups": plain(groups, depth + 1)}),
        }
    if hasattr(value, "transforms") and callable(value):
        return {
            "name": type(value).__name__,
            "transforms": [plain(one, depth + 1) for one in value.transforms],
        }
    if hasattr(value, "named_parameters"):
        count = sum(int(parameter.numel()) for _, parameter in value.named_parameters())
        return {"name": type(value).__name__, "parameters": count, **_arguments(value, depth)}
    if callable(value):
        return {"name": type(value).__name__, **_arguments(value, depth)}
    if not any("__repr__" in vars(kind) for kind in type(value).__mro__[:-1]):
        return {"name": type(value).__qualname__, **_arguments(value, depth)}
    return str(value)


def _arguments(value: Any, depth: int) -> dict[str, Any]:
    """The constructor's arguments that an object kept under their own names, as most transforms and networks do."""
    found: dict[str, Any] = {}
    for name in inspect.signature(type(value).__init__).parameters:
        held = getattr(value, name, dataclasses.MISSING)
        if name != "self" and held is not dataclasses.MISSING and not inspect.ismethod(held) and held is not value:
            found[name] = plain(held, depth + 1)
    return found
