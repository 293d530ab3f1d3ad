"""What can be told of a query before any row is read: comparisons that could never be true are errors, not empty answers."""

from __future__ import annotations

from voxloop.store.query.errors import QueryError
from voxloop.store.query.functions import FUNCTIONS, Function, moment
from voxloop.store.query.operands import KINDS, Kind
from voxloop.store.query.terms import ALL
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
    children,
    quoted,
    unparse,
    walk,
)

LONGEST_LIST = 64
# What stands on a side of a comparison is compiled more than once: this keeps the SQL from growing without bound.
MOST_CONDITIONS = 150
MOST_COMPUTED = 16
TIMES = ("run.created", "run.ended", "media.time")
SPOKEN = {"number": "a number", "text": "a text", "boolean": "true or false", "json": "a list"}


def bound(tree: Node, text: str) -> None:
    """Refuses what would become too much SQL."""
    left = MOST_CONDITIONS
    for node in walk(tree):
        if isinstance(node, Both | Either):
            left -= len(node.operands)
        elif isinstance(node, Comparison):
            left -= len(node.rest)
            if any(isinstance(one, Comparison) for side in children(node) for two in _comparisons(side) for one in two):
                hint = "join them with and, or, not"
                raise QueryError("there may not be so many comparisons inside of each other", text, node.position, hint)
        elif isinstance(node, Items):
            computed = sum(not isinstance(item, Constant) for item in node.items)
            left -= computed
            if computed > MOST_COMPUTED:
                hint = f"{MOST_COMPUTED} at most"
                raise QueryError("there may not be so many computed items in a list", text, node.position, hint)
        if left < 0:
            hint = 'ask with in: run.id in ["a", "b"]'
            raise QueryError("there may not be so many conditions", text, node.position, hint)


def _comparisons(node: Node) -> list[list[Node]]:
    """For each comparison inside of a node, what it has inside."""
    return [
        [two for child in children(one) for two in walk(child)] for one in walk(node) if isinstance(one, Comparison)
    ]


def kinds(node: Node) -> tuple[Kind, ...]:
    """The kinds that a node's value may be of; none for None."""
    match node:
        case Constant(value):
            if value is None:
                return ()
            return ("boolean",) if isinstance(value, bool) else ("text",) if isinstance(value, str) else ("number",)
        case Items():
            return ("json",)
        case Value(term, steps):
            of = ALL[term].type
            if of == "any" or steps:
                return KINDS
            return ("json",) if of == "list" else (of,)
        case Call(function):
            return (FUNCTIONS[function].returns,)
        case Metric() | Negative() | Arithmetic():
            return ("number",)
    return ("boolean",)


def check(node: Node, text: str) -> None:
    """Refuses what could never be true, or means nothing."""
    if isinstance(node, Items):
        raise QueryError("a list cannot stand alone", text, node.position, "it stands right of in, == or !=")
    match node:
        case Comparison():
            for side in children(node):
                for item in side.items if isinstance(side, Items) else (side,):
                    _inside(item, text)
            for left, operator, right in node.pairs():
                _comparison(left, operator, right, node.position, text)
            return
        case Arithmetic() | Negative():
            for operand in children(node):
                _needs("number", operand, "arithmetic", text)
        case Call():
            _call(node, FUNCTIONS[node.function], text)
        case Not() | Both() | Either():
            for operand in children(node):
                truth(operand, text)
    for child in children(node):
        check(child, text)


def _inside(item: Node, text: str) -> None:
    if isinstance(item, Items):
        for one in item.items:
            _inside(one, text)
    else:
        check(item, text)


def truth(node: Node, text: str) -> None:
    """Refuses a condition that is the same for every row."""
    if isinstance(node, Constant) and not isinstance(node.value, bool):
        hint = 'compare something with it, like run.name.contains("unet")'
        raise QueryError("a plain value is no condition", text, node.position, hint)


def _comparison(left: Node, operator: str, right: Node, position: int, text: str) -> None:
    if operator in ("is", "is not"):
        if isinstance(left, Items):
            raise QueryError("a list that you write is never None", text, left.position)
    elif operator in ("in", "not in"):
        _membership(left, right, text)
    elif operator in ("==", "!="):
        _equality(left, right, position, text)
    else:
        for side in (left, right):
            if not set(kinds(side)) & {"number", "text"}:
                what = "None" if not kinds(side) else SPOKEN[kinds(side)[0]]
                raise QueryError(f"{what} has no order", text, side.position, "compare it with == or !=")
        _equality(left, right, position, text)


def _equality(left: Node, right: Node, position: int, text: str) -> None:
    if isinstance(left, Items) and isinstance(right, Items):
        raise QueryError("two lists are compared here, but none of a run", text, position)
    for side, other in ((left, right), (right, left)):
        if isinstance(side, Items):
            if not kinds(other):
                raise QueryError("a list that you write is never None", text, side.position)
            if sum(1 for _ in walk(side)) > LONGEST_LIST:
                raise QueryError(f"this list is longer than {LONGEST_LIST}", text, side.position, "compare its len()")
    if kinds(left) and kinds(right) and not set(kinds(left)) & set(kinds(right)):
        a, b = (SPOKEN[kinds(side)[0]] for side in (left, right))
        raise QueryError(f"{a} is compared with {b}, which is never true", text, right.position, _way_out(left, right))


def _way_out(left: Node, right: Node) -> str:
    for side, other in ((left, right), (right, left)):
        if isinstance(side, Value) and side.term in TIMES and kinds(other) == ("text",):
            return "write a time as datetime(2025, 3, 1)"
    for side, other in ((left, right), (right, left)):
        if isinstance(side, Constant) and kinds(other) == ("json",):
            return f"write {quoted(side.value)} in {unparse(other)}"
    for side in (left, right):
        if isinstance(side, Constant) and isinstance(side.value, str):
            return "a number stands without quotes"
        if isinstance(side, Constant) and not isinstance(side.value, bool):
            return "a text stands in quotes"
    return ""


def _membership(left: Node, right: Node, text: str) -> None:
    if isinstance(left, Items) or not kinds(left):
        raise QueryError("only a single value can be in a list", text, left.position, "join several with and, or")
    if isinstance(right, Items):
        for item in right.items:
            if kinds(item):
                _equality(left, item, item.position, text)
    elif not set(kinds(right)) & {"text", "json"}:
        raise QueryError("nothing can be in this", text, right.position, 'in asks a list or a text: "a" in run.tags')
    elif kinds(right) == ("text",) and "text" not in kinds(left):
        raise QueryError("only a text can be in a text", text, left.position)


def _needs(kind: Kind, node: Node, what: str, text: str) -> None:
    if kind not in kinds(node):
        found = SPOKEN[kinds(node)[0]] if kinds(node) else "None"
        raise QueryError(f"{what} needs {SPOKEN[kind]}, and this is {found}", text, node.position)


def _call(node: Call, function: Function, text: str) -> None:
    most = len(function.parameters)
    if not most - function.optional <= len(node.arguments) <= most:
        hint = f"write {function.usage}, as in {function.example}"
        raise QueryError(f"{function.name.strip('.')} is given too many or too few values", text, node.position, hint)
    for parameter, argument in zip(function.parameters, node.arguments, strict=False):
        if parameter == "sized":
            if not set(kinds(argument)) & {"text", "json"} or isinstance(argument, Items):
                raise QueryError("this has no length", text, argument.position, f"as in {function.example}")
        elif parameter in ("literal", "whole"):
            wanted: type = str if parameter == "literal" else int
            if not isinstance(argument, Constant) or type(argument.value) is not wanted:
                what = "a text in quotes" if parameter == "literal" else "a whole number"
                raise QueryError(f"{function.name.strip('.')} needs {what} here", text, argument.position)
        else:
            _needs("number" if parameter == "number" else "text", argument, function.name.strip("."), text)
    if function.name == "datetime":
        try:
            moment(*(argument.value for argument in node.arguments if isinstance(argument, Constant)))  # type: ignore[arg-type]
        except (ValueError, OverflowError, OSError) as error:
            raise QueryError(f"there is no such date ({error})", text, node.position) from None
