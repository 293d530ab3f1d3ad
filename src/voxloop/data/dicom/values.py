"""Single values out of a header that may hold anything: the value, or nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any


def text(item: Any, keyword: str) -> str:
    """A value as text; several are joined as DICOM writes them, with backslashes."""
    value = _value(item, keyword)
    if value is None:
        return ""
    if isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue":
        return "\\".join(str(one) for one in value)
    return str(value).strip()


def numbers(item: Any, keyword: str, count: int) -> tuple[float, ...] | None:
    """Exactly so many finite numbers, or None."""
    value = _value(item, keyword)
    try:
        read = tuple(float(one) for one in (value if hasattr(value, "__iter__") else (value,)))
    except (TypeError, ValueError, OverflowError):
        return None
    return read if len(read) == count and all(math.isfinite(one) for one in read) else None


def number(item: Any, keyword: str) -> float | None:
    read = numbers(item, keyword, 1)
    return read[0] if read else None


def whole(item: Any, keyword: str, otherwise: int = 0) -> int:
    read = number(item, keyword)
    return otherwise if read is None else int(read)


def items(item: Any, keyword: str) -> Sequence[Any]:
    """The items of a sequence; none where it is missing or no sequence."""
    value = _value(item, keyword)
    return value if type(value).__name__ == "Sequence" else ()


def first(item: Any, keyword: str) -> Any:
    """The first item of a sequence, or None."""
    found = items(item, keyword)
    return found[0] if len(found) else None


def all_items(item: Any, *keywords: str) -> Iterator[Any]:
    """The items of a sequence in the items of a sequence, and so on."""
    for one in items(item, keywords[0]):
        if len(keywords) == 1:
            yield one
        else:
            yield from all_items(one, *keywords[1:])


def _value(item: Any, keyword: str) -> Any:
    """What pydicom makes of an element. It converts lazily, and a conversion may fail in any way."""
    if item is None:
        return None
    try:
        return item.get(keyword)
    except Exception:
        return None
