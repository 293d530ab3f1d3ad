"""A column of several runs in a few figures: of numbers their mean and spread, of anything else the most frequent values."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

# How many different values are named.
NAMED = 3
LARGEST = 2**1000


@dataclass(frozen=True, slots=True)
class Summary:
    """A column of a group: of numbers, the figures; of anything else, how many different values and the most frequent ones."""

    count: int
    mean: float | None = None
    # The sample's, so nothing for a single run.
    deviation: float | None = None
    median: float | None = None
    low: float | None = None
    high: float | None = None
    distinct: int | None = None
    values: tuple[Any, ...] = ()


def _number(value: Any) -> bool:
    # Larger whole numbers than any float are told as they are.
    return isinstance(value, float) or (type(value) is int and abs(value) <= LARGEST)


def summed(cells: Iterable[Any]) -> Summary | None:
    """What is known of these cells; nothing of cells that are all empty."""
    values = [value for value in cells if value is not None]
    if not values:
        return None
    if not all(_number(value) for value in values):
        return _told(values)
    numbers = sorted(float(value) for value in values if math.isfinite(value))
    count = len(numbers)
    if not count:
        return _told(values)
    low, high, half = numbers[0], numbers[-1], count // 2
    # Divided before they are added, and never squared: the largest numbers that there are have a mean, too.
    mean = min(max(math.fsum(one / count for one in numbers), low), high)
    spread = math.hypot(*(one - mean for one in numbers)) / math.sqrt(max(1, count - 1))
    median = numbers[half] if count % 2 else numbers[half - 1] / 2 + numbers[half] / 2
    return Summary(count, mean, spread if count > 1 and math.isfinite(spread) else None, median, low, high)


def _told(values: list[Any]) -> Summary:
    often: dict[str, list[Any]] = {}
    for value in values:
        often.setdefault(key_of([value]), []).append(value)
    most = sorted(often.values(), key=len, reverse=True)[:NAMED]
    return Summary(len(values), distinct=len(often), values=tuple(same[0] for same in most))


def _plain(value: Any) -> Any:
    """A value as it is told apart from others: 1 and 1.0 are one, 1 and True are two."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return [_plain(one) for one in value] if isinstance(value, list) else value


def key_of(values: Iterable[Any]) -> str:
    """Several values as one text, the same for equal values."""
    # An address joins the keys of several groups by this sign.
    text = json.dumps([_plain(value) for value in values], ensure_ascii=False, sort_keys=True)
    return text[1:-1].replace("~", "\\u007e")
