"""What a query says, as a tree of small nodes, and the tree as text again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

Step = str | int
Plain = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a query; where it stood in the text is no part of what it says."""

    position: int = field(default=0, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Constant(Node):
    value: Plain


@dataclass(frozen=True, slots=True)
class Items(Node):
    """A list or tuple, right of `in` or beside `==`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Value(Node):
    """A term, such as run.name, or a place inside of one: run.params.optimizer.lr."""

    term: str
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Metric(Node):
    """A summary of one of the run's series, told by its name and its whole context."""

    name: str
    context: tuple[tuple[str, Plain], ...]
    field: str


@dataclass(frozen=True, slots=True)
class Call(Node):
    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Negative(Node):
    operand: Node


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    """One or more comparisons in a chain: 1e-5 < run.params.lr < 1e-2."""

    first: Node
    rest: tuple[tuple[str, Node], ...]

    def pairs(self) -> Iterator[tuple[Node, str, Node]]:
        left = self.first
        for operator, right in self.rest:
            yield left, operator, right
            left = right


@dataclass(frozen=True, slots=True)
class Not(Node):
    operand: Node


@dataclass(frozen=True, slots=True)
class Both(Node):
    """Operands joined by `and`."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either(Node):
    """Operands joined by `or`."""

    operands: tuple[Node, ...]


def children(node: Node) -> tuple[Node, ...]:
    match node:
        case Items(items=inner) | Call(arguments=inner) | Both(operands=inner) | Either(operands=inner):
            return inner
        case Negative(operand=one) | Not(operand=one):
            return (one,)
        case Arithmetic(left=left, right=right):
            return left, right
        case Comparison(first=first, rest=rest):
            return first, *(right for _, right in rest)
    return ()


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in children(node):
        yield from walk(child)


# How tightly a node holds together; a looser one inside of a tighter one needs parentheses.
EITHER, BOTH, NOT, COMPARISON, SUM, PRODUCT, NEGATIVE, TIGHT = range(8)
IDENTIFIER = re.compile(r"[^\W\d]\w*")


def unparse(node: Node) -> str:
    """A text that reads as this tree again."""
    return _text(node, EITHER)


def _text(node: Node, least: int) -> str:
    text, strength = _plain(node)
    return text if strength >= least else f"({text})"


def _plain(node: Node) -> tuple[str, int]:
    def inner(child: Node, least: int) -> str:
        return _text(child, least)

    match node:
        case Constant(value):
            return quoted(value), TIGHT
        case Items(items):
            return f"[{', '.join(inner(item, EITHER) for item in items)}]", TIGHT
        case Value(term, steps):
            return term + "".join(step_text(step) for step in steps), TIGHT
        case Metric(name, context, of):
            place = ", ".join([quoted(name), *(f"{key}={quoted(value)}" for key, value in context)])
            return f"run.metrics[{place}].{of}", TIGHT
        case Call(function, arguments) if function.startswith("."):
            rest = ", ".join(inner(argument, EITHER) for argument in arguments[1:])
            return f"{inner(arguments[0], TIGHT)}{function}({rest})", TIGHT
        case Call(function, arguments):
            return f"{function}({', '.join(inner(argument, EITHER) for argument in arguments)})", TIGHT
        case Negative(operand):
            return f"-{inner(operand, NEGATIVE)}", NEGATIVE
        case Arithmetic(operator, left, right):
            own = SUM if operator in "+-" else PRODUCT
            return f"{inner(left, own)} {operator} {inner(right, own + 1)}", own
        case Comparison(first, rest):
            return " ".join([inner(first, SUM), *(f"{sign} {inner(right, SUM)}" for sign, right in rest)]), COMPARISON
        case Not(operand):
            return f"not {inner(operand, NOT)}", NOT
        case Both(operands):
            return " and ".join(inner(operand, NOT) for operand in operands), BOTH
        case Either(operands):
            return " or ".join(inner(operand, BOTH) for operand in operands), EITHER
    raise AssertionError(f"{type(node).__name__} is no part of a query")


def step_text(step: Step) -> str:
    """A step into a nested value as it is written in a query."""
    return f".{step}" if isinstance(step, str) and IDENTIFIER.fullmatch(step) else f"[{quoted(step)}]"


def quoted(value: Plain) -> str:
    """A value as it is written in a query."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
