"""What a config's value comes to, as far as that can be said without running any of its code."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

REFERENCE = re.compile(r"@(\w*(?:::\w*)*)")
LONGEST = 10_000


class _Unknown:
    """A value that only running the bundle would tell."""

    def __repr__(self) -> str:
        return "unknown"

    def __bool__(self) -> bool:
        return False


UNKNOWN: Final = _Unknown()
Look = Callable[[str], Any]


class _CannotTellError(Exception):
    pass


def evaluate(expression: str, look: Look) -> Any:
    """The value of a `$` expression that is made of constants, references and arithmetic; else UNKNOWN.

    >>> evaluate("len(@names) + 1", {"names": ["background", "spleen"]}.get)
    3
    >>> evaluate("open('/etc/passwd')", {}.get)
    unknown
    """
    tree, names = parse(expression)
    try:
        if tree is None or len(tree.body) != 1 or not isinstance(tree.body[0], ast.Expr):
            return UNKNOWN
        return _Reader(names, look).of(tree.body[0].value)
    except (
        _CannotTellError,
        ValueError,
        RecursionError,
        MemoryError,
        ArithmeticError,
        TypeError,
        LookupError,
        AttributeError,
    ):
        return UNKNOWN


def parse(expression: str) -> tuple[ast.Module | None, dict[str, str]]:
    """An expression's syntax with each reference as a name of its own, and which name is which reference; None where it has none."""
    names: dict[str, str] = {}

    def named(match: re.Match[str]) -> str:
        name = f"_reference_{len(names)}"
        names[name] = match[1]
        return name

    if len(expression) > LONGEST:
        return None, {}
    try:
        return ast.parse(REFERENCE.sub(named, expression.replace("#", "::")).strip()), names
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None, {}


PLAIN_CALLS: Mapping[str, Callable[..., Any]] = {
    "len": len, "list": list, "tuple": list, "sum": sum, "min": min, "max": max, "int": int, "float": float, "str": str,
}  # fmt: skip
WORDS = {"True": True, "False": False, "None": None}


class _Reader:
    def __init__(self, names: Mapping[str, str], look: Look) -> None:
        self._names, self._look = names, look

    def of(self, node: ast.expr) -> Any:
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise _CannotTellError
        value = method(node)
        if value is UNKNOWN or (isinstance(value, str | list) and len(value) > LONGEST):
            raise _CannotTellError
        return value

    def _constant(self, node: ast.Constant) -> Any:
        return node.value

    def _name(self, node: ast.Name) -> Any:
        if node.id in self._names:
            return self._look(self._names[node.id])
        raise _CannotTellError

    def _list(self, node: ast.List) -> Any:
        return [self.of(one) for one in node.elts]

    _tuple = _list

    def _dict(self, node: ast.Dict) -> Any:
        if any(key is None for key in node.keys):
            raise _CannotTellError
        return {self.of(key): self.of(value) for key, value in zip(node.keys, node.values, strict=True) if key}

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        value = self.of(node.operand)
        if isinstance(node.op, ast.Not):
            return not value
        if isinstance(node.op, ast.USub):
            return -value
        raise _CannotTellError

    def _binop(self, node: ast.BinOp) -> Any:
        left, right = self.of(node.left), self.of(node.right)
        if isinstance(node.op, ast.Add):
            return left + right
        # `*` of a list, or a power, makes much out of little.
        if not (isinstance(left, int | float) and isinstance(right, int | float)):
            raise _CannotTellError
        signs: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
            ast.Sub: lambda a, b: a - b,
            ast.Mult: lambda a, b: a * b,
            ast.Div: lambda a, b: a / b,
            ast.FloorDiv: lambda a, b: a // b,
            ast.Mod: lambda a, b: a % b,
        }
        if type(node.op) not in signs:
            raise _CannotTellError
        return signs[type(node.op)](left, right)

    def _boolop(self, node: ast.BoolOp) -> Any:
        value: Any = None
        for one in node.values:
            value = self.of(one)
            if bool(value) != isinstance(node.op, ast.And):
                break
        return value

    def _ifexp(self, node: ast.IfExp) -> Any:
        return self.of(node.body if self.of(node.test) else node.orelse)

    def _subscript(self, node: ast.Subscript) -> Any:
        owner = self.of(node.value)
        if isinstance(node.slice, ast.Slice):
            ends = [
                None if end is None else self.of(end) for end in (node.slice.lower, node.slice.upper, node.slice.step)
            ]
            return owner[slice(*ends)]
        return owner[self.of(node.slice)]

    def _call(self, node: ast.Call) -> Any:
        if not isinstance(node.func, ast.Name) or node.func.id not in PLAIN_CALLS or node.keywords:
            raise _CannotTellError
        return PLAIN_CALLS[node.func.id](*(self.of(one) for one in node.args))
