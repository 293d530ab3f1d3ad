"""Numbers that JSON has no word for."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, TypeAlias

# JSON has no infinity, and the distance of what was never found is one.
Number: TypeAlias = float | Literal["Infinity", "-Infinity"]


def number(value: float | None) -> Number | None:
    """As it is written in JSON."""
    if value is None or math.isfinite(value):
        return value
    return "Infinity" if value > 0 else "-Infinity"


def numbers(values: Iterable[float | None]) -> list[Number | None]:
    return [number(value) for value in values]
