"""The functions and the methods of texts: each as SQL and as plain Python, side by side."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from voxloop.store.query.operands import SQL, Dialect

# `sized` is a text, a list or a dict; `literal` and `whole` must stand in the query as they are.
Parameter = Literal["number", "text", "sized", "literal", "whole"]
LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


@dataclass(frozen=True, slots=True)
class Function:
    """A function; a name that begins with a dot is a method of the first parameter. One missing value makes it missing."""

    name: str
    parameters: tuple[Parameter, ...]
    returns: Literal["number", "text", "boolean"]
    help: str
    example: str
    sql: Callable[..., SQL]
    judge: Callable[..., Any]
    # How many parameters may be left out.
    optional: int = 0

    @property
    def usage(self) -> str:
        names = {"number": "number", "text": "text", "sized": "value", "literal": "text", "whole": "number"}
        words = [names[one] for one in self.parameters[1 if self.name.startswith(".") else 0 :]]
        if self.name == "datetime":
            return "datetime(year, month, day, hour, minute, second)"
        return f"{self.name}({', '.join(words)})"


def moment(*parts: float) -> float:
    """A local date and time as seconds since 1970."""
    return dt.datetime(*(int(part) for part in parts)).timestamp()  # type: ignore[arg-type]


def fits(text: str, pattern: str) -> bool:
    """Whether a text is of a pattern's form, where `*` is anything and `?` one character."""
    parts = (re.escape(part) for part in re.split(r"([*?])", pattern))
    return (
        re.fullmatch("".join({r"\*": ".*", r"\?": "."}.get(part, part) for part in parts), text, re.DOTALL) is not None
    )


def _span(name: str, seconds: float) -> Function:
    return Function(
        name,
        ("number",),
        "number",
        f"so many {name}, in seconds",
        f"run.duration > {name}(2)",
        lambda dialect, number: dialect.arithmetic("*", number, sa.literal(seconds, sa.Float())),
        lambda number: number * seconds,
    )


def _method(name: str, parameter: Parameter, help_: str, example: str, judge: Callable[..., Any]) -> Function:
    ways: dict[str, Callable[[Dialect], Callable[..., SQL]]] = {
        "startswith": lambda dialect: dialect.starts,
        "endswith": lambda dialect: dialect.ends,
        "contains": lambda dialect: dialect.contains,
        "matches": lambda dialect: dialect.matches,
    }
    sql = ways[name]
    return Function(
        f".{name}", ("text", parameter), "boolean", help_, example, lambda dialect, *texts: sql(dialect)(*texts), judge
    )


FUNCTIONS = {
    function.name: function
    for function in (
        Function(
            "len",
            ("sized",),
            "number",
            "the number of characters of a text, of items of a list, of keys of a dict",
            "len(run.tags) == 0",
            lambda dialect, size: size,
            lambda value: float(len(value)),
        ),
        Function(
            "abs",
            ("number",),
            "number",
            "a number without its sign",
            'abs(run.metrics["val/volume_error"].last) < 0.1',
            lambda dialect, number: sa.func.abs(number, type_=sa.Float()),
            abs,
        ),
        Function(
            "datetime",
            ("whole",) * 6,
            "number",
            "a local date, and time where one is given, in seconds since 1970",
            "run.created >= datetime(2025, 3, 1)",
            lambda dialect, *parts: sa.literal(moment(*parts), sa.Float()),
            moment,
            3,
        ),
        Function(
            "now",
            (),
            "number",
            "this moment, in seconds since 1970",
            "run.created > now() - hours(1)",
            lambda dialect: sa.null(),
            lambda: None,
        ),
        _span("days", 86400.0),
        _span("hours", 3600.0),
        _span("minutes", 60.0),
        _method(
            "startswith",
            "text",
            "whether a text begins so",
            'run.name.startswith("unet")',
            lambda a, b: a.startswith(b),
        ),
        _method("endswith", "text", "whether a text ends so", 'run.name.endswith("-v2")', lambda a, b: a.endswith(b)),
        _method("contains", "text", "whether a text has this in it", 'run.notes.contains("fold")', lambda a, b: b in a),
        _method(
            "matches",
            "literal",
            "whether the whole text is of this form: * is anything, ? is one character",
            'run.name.matches("unet-?-*")',
            fits,
        ),
        Function(
            ".lower",
            ("text",),
            "text",
            "the text with a to z for A to Z",
            'run.name.lower().startswith("unet")',
            lambda dialect, text: dialect.lower(text),
            lambda text: text.translate(LOWER),
        ),
    )
}
