"""What a query means, in plain Python: it judges one record at a time, and SQL must agree with it.

A number is a 64-bit float, None is missing, and every comparison with something missing is false before any `not`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

from voxloop.store.context import canonical
from voxloop.store.query.functions import FUNCTIONS
from voxloop.store.query.operands import Kind
from voxloop.store.query.parse import Order, Query
from voxloop.store.query.terms import ALL, Record, follow
from voxloop.store.query.tree import (
    Arithmetic,
    Both,
    Call,
    Comparison,
    Constant,
    Either,
    Items,
    Metric,
    Negative,
    Node,
    Not,
    Value,
    walk,
)

NOWHERE = Record({}, {}, {})


def fits(query: Query, record: Record) -> bool:
    """Whether a record is an answer to a query."""
    mentions = query.tree is not None and mentions_archived(query.tree)
    if record.run["archived"] and not mentions:
        return False
    if query.scope == "case" and record.row["context"].get("case") is None:
        return False
    return query.tree is None or truth(value(query.tree, record, query.now))


def arranged(records: Iterable[Record], order: Order) -> list[Record]:
    """Records as they are to be sorted: numbers before texts before true and false, and what is missing last."""
    found = sorted(records, key=lambda one: (-one.run["created"], one.run["id"], one.row.get("id", 0)))
    for key in reversed(order.keys):
        judged = [(value(key.node, record, order.now), record) for record in found]
        found = []
        for kind in ("number", "text", "boolean"):
            mine = [pair for pair in judged if kind_of(pair[0]) == kind]
            mine.sort(key=lambda pair: pair[0], reverse=key.descending)
            found += [record for _, record in mine]
        found += [record for one, record in judged if kind_of(one) in (None, "json")]
    return found


def mentions_archived(tree: Node) -> bool:
    return any(isinstance(node, Value) and node.term == "run.archived" for node in walk(tree))


def constant(node: Node) -> bool:
    """Whether a node means the same for every record."""
    return not any(isinstance(one, Value | Metric) for one in walk(node))


def value(node: Node, record: Record, now: float) -> Any:
    """The value of a node: a float, a text, a boolean, a list, a dict, or None for missing."""

    def inner(child: Node) -> Any:
        return value(child, record, now)

    match node:
        case Constant(one):
            return _plain(one)
        case Value(term, steps):
            return _plain(follow(ALL[term].judge(record), steps))
        case Metric(name, context, field):
            row = record.series.get((name, canonical(dict(context))))
            return None if row is None else _plain(row["size" if field == "count" else field])
        case Negative(operand):
            one = _number(inner(operand))
            return None if one is None else -one
        case Arithmetic(operator, left, right):
            return _arithmetic(operator, _number(inner(left)), _number(inner(right)))
        case Call():
            return _call(node, [inner(argument) for argument in node.arguments], now)
        case Not(operand):
            return not truth(inner(operand))
        case Both(operands):
            return all(truth(inner(operand)) for operand in operands)
        case Either(operands):
            return any(truth(inner(operand)) for operand in operands)
        case Comparison():
            return all(_compare(left, operator, right, record, now) for left, operator, right in node.pairs())
    raise AssertionError(f"{type(node).__name__} has no value of its own")


def truth(one: Any) -> bool:
    return bool(one)


def kind_of(one: Any) -> Kind | None:
    if one is None:
        return None
    if isinstance(one, bool):
        return "boolean"
    return "number" if isinstance(one, float) else "text" if isinstance(one, str) else "json"


def _plain(one: Any) -> Any:
    if isinstance(one, bool) or not isinstance(one, int | float):
        return list(one) if isinstance(one, tuple) else one
    try:
        return float(one)
    except OverflowError:
        return math.copysign(math.inf, one)


def _number(one: Any) -> float | None:
    return one if isinstance(one, float) else None


def _arithmetic(operator: str, left: float | None, right: float | None) -> float | None:
    if left is None or right is None or (operator == "/" and right == 0):
        return None
    ways = {"+": lambda: left + right, "-": lambda: left - right, "*": lambda: left * right, "/": lambda: left / right}
    result = ways[operator]()
    return None if math.isnan(result) else result


def _call(node: Call, arguments: list[Any], now: float) -> Any:
    function = FUNCTIONS[node.function]
    if function.name == "now":
        return now
    wanted = {
        "number": ("number",),
        "whole": ("number",),
        "text": ("text",),
        "literal": ("text",),
        "sized": ("text", "json"),
    }
    kinds = [
        (kind_of(argument), wanted[parameter])
        for argument, parameter in zip(arguments, function.parameters, strict=False)
    ]
    if any(kind not in allowed for kind, allowed in kinds):
        return False if function.returns == "boolean" else None
    return function.judge(*arguments)


def _compare(left: Node, operator: str, right: Node, record: Record, now: float) -> bool:
    """One comparison; `!=` and `not in` need both sides as much as the others do."""
    if operator in ("is", "is not") or (operator in ("==", "!=") and None in (_none(left), _none(right))):
        other = right if _none(left) is None else left
        missing = (None if _none(other) is None else value(other, record, now)) is None
        return missing == (operator in ("is", "=="))
    a: Any = left if isinstance(left, Items) else value(left, record, now)
    b: Any = right if isinstance(right, Items) else value(right, record, now)
    if operator == "in":
        return _member(a, b, record, now)
    if a is None or b is None:
        return False
    if operator == "not in":
        return not _member(a, b, record, now)
    if operator in ("==", "!="):
        return _equal(a, b, record, now) == (operator == "==")
    if kind_of(a) != kind_of(b) or kind_of(a) not in ("number", "text"):
        return False
    return bool({"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[operator])


def _none(node: Node) -> Any:
    """None for the constant None, and anything else for other nodes."""
    return None if isinstance(node, Constant) and node.value is None else node


def _equal(a: Any, b: Any, record: Record, now: float) -> bool:
    if isinstance(a, Items):
        a, b = b, a
    if isinstance(b, Items):
        return (
            isinstance(a, list)
            and len(a) == len(b.items)
            and all(_is_item(_plain(one), item, record, now) for one, item in zip(a, b.items, strict=True))
        )
    if a is None or b is None or kind_of(a) != kind_of(b):
        return False
    return json.dumps(a) == json.dumps(b) if kind_of(a) == "json" else bool(a == b)


def _is_item(one: Any, item: Node, record: Record, now: float) -> bool:
    if _none(item) is None:
        return one is None
    return _equal(one, item if isinstance(item, Items) else value(item, record, now), record, now)


def _member(a: Any, b: Any, record: Record, now: float) -> bool:
    if isinstance(b, Items):
        return any(_is_item(a, item, record, now) for item in b.items)
    if a is None:
        return False
    if isinstance(b, str):
        return isinstance(a, str) and a in b
    if isinstance(b, dict):
        return isinstance(a, str) and a in b
    return isinstance(b, list) and any(_equal(a, _plain(one), record, now) for one in b)
