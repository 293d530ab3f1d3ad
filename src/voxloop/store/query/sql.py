"""A query as SQL: conditions and sort keys over the tables of its scope. Whatever a user wrote is a bound parameter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from voxloop.errors import VoxloopError
from voxloop.store import schema
from voxloop.store.context import canonical
from voxloop.store.query import judge
from voxloop.store.query.check import kinds
from voxloop.store.query.functions import FUNCTIONS
from voxloop.store.query.operands import SQL, Dialect, Document, Kind, Operand, Static, certain
from voxloop.store.query.parse import Order, Query, parse_order
from voxloop.store.query.postgresql import Postgresql
from voxloop.store.query.sqlite import Sqlite
from voxloop.store.query.terms import ALL, Scope, summary
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
)

DIALECTS: dict[str, Dialect] = {"sqlite": Sqlite(), "postgresql": Postgresql()}
Bind = str | sa.Engine | sa.Connection


def base(scope: Scope) -> sa.FromClause:
    """The tables that `where` and `order` speak of: one row for each answer."""
    if scope == "run":
        return schema.runs
    table = schema.media if scope == "media" else schema.series
    return table.join(schema.runs, table.c.run_id == schema.runs.c.id)


def where(query: Query, bind: Bind) -> sa.ColumnElement[bool]:
    """The condition that a query puts on the rows of `base(query.scope)`. Archived runs are left out unless asked for."""
    dialect = _dialect(bind)
    conditions: list[SQL] = []
    if query.tree is not None:
        conditions.append(_Compiler(dialect, query.now).condition(query.tree))
    if query.tree is None or not judge.mentions_archived(query.tree):
        conditions.append(sa.not_(schema.runs.c.archived))
    if query.scope == "case":
        conditions.append(dialect.document(schema.series.c.context, ["case"]).present())
    return sa.and_(sa.true(), *conditions)


def order(text: str | Order | None, scope: Scope, bind: Bind) -> list[SQL]:
    """Sort keys as SQL: what is missing comes last, and what is equal newest first."""
    asked = text if isinstance(text, Order) else parse_order(text, scope)
    compiler = _Compiler(_dialect(bind), asked.now)
    found: list[SQL] = []
    for key in asked.keys:
        nullable = not (isinstance(key.node, Value) and not ALL[key.node.term].nullable)
        for column in compiler.columns(key.node):
            directed = column.desc() if key.descending else column.asc()
            found.append(directed.nulls_last() if nullable else directed)
    dialect = compiler.dialect
    found += [schema.runs.c.created.desc(), dialect.ordered(schema.runs.c.id)]
    if scope != "run":
        found.append((schema.media if scope == "media" else schema.series).c.id)
    return found


def select_ids(
    query: Query, bind: Bind, sort: str | Order | None = None, limit: int | None = None, offset: int = 0
) -> sa.Select[Any]:
    """The ids of the answers, in order: what is wide is read for a page of them alone, in a second query."""
    table = {"run": schema.runs, "media": schema.media}.get(query.scope, schema.series)
    found = sa.select(table.c.id).select_from(base(query.scope)).where(where(query, bind))
    found = found.order_by(*order(sort, query.scope, bind))
    return found.limit(limit).offset(offset or None)


def _dialect(bind: Bind) -> Dialect:
    name = bind if isinstance(bind, str) else bind.dialect.name
    if name not in DIALECTS:
        raise VoxloopError(f"A project cannot be asked on {name}; keep it in {' or '.join(DIALECTS)}.")
    return DIALECTS[name]


class _Compiler:
    """Compiles one tree. A condition may come out NULL, which counts as false; `certain` makes it so before a `not`."""

    def __init__(self, dialect: Dialect, now: float) -> None:
        self.dialect = dialect
        self.now = now

    def condition(self, node: Node) -> SQL:
        if judge.constant(node):
            return sa.true() if judge.truth(judge.value(node, judge.NOWHERE, self.now)) else sa.false()
        match node:
            case Not(operand):
                return sa.not_(certain(self.condition(operand)))
            case Both(operands):
                return sa.and_(*(self.condition(operand) for operand in operands))
            case Either(operands):
                return sa.or_(*(self.condition(operand) for operand in operands))
            case Comparison():
                return sa.and_(*(self.compare(*pair) for pair in node.pairs()))
        return self.operand(node).truth()

    def operand(self, node: Node) -> Operand:
        if isinstance(node, Value):
            term = ALL[node.term]
            if term.steps is not None:
                return self.document(node)
            return Static(kinds(node)[0], term.sql())
        (kind,) = kinds(node)
        if judge.constant(node):
            return _literal(kind, judge.value(node, judge.NOWHERE, self.now))
        match node:
            case Metric():
                return Static("number", _metric(node))
            case Negative(operand):
                return Static("number", -self.of(operand, "number"))
            case Arithmetic(operator, left, right):
                sides = (self.of(left, "number"), self.of(right, "number"))
                return Static("number", self.dialect.arithmetic(operator, *sides))
            case Call():
                return Static(kind, self.call(node))
        return Static("boolean", certain(self.condition(node)))

    def document(self, node: Value) -> Document:
        term = ALL[node.term]
        return self.dialect.document(term.column, (*(term.steps or ()), *node.steps))

    def of(self, node: Node, kind: Kind) -> SQL:
        return self.operand(node).of(kind)

    def columns(self, node: Node) -> list[SQL]:
        """What a sort key sorts by: one column for each kind that it may be of."""
        operand = self.operand(node) if kinds(node) else _literal("number", None)
        return [
            self.dialect.ordered(operand.of(kind)) if kind == "text" else operand.of(kind)
            for kind in operand.kinds
            if kind != "json"
        ]

    def call(self, node: Call) -> SQL:
        function = FUNCTIONS[node.function]
        arguments: list[Any] = []
        for parameter, argument in zip(function.parameters, node.arguments, strict=False):
            if parameter == "literal":
                assert isinstance(argument, Constant), "the check lets nothing else through"
                arguments.append(argument.value)
            elif parameter == "sized":
                arguments.append(self.size(argument))
            else:
                arguments.append(self.of(argument, "number" if parameter == "number" else "text"))
        found = function.sql(self.dialect, *arguments)
        return certain(found) if function.returns == "boolean" else found

    def size(self, node: Node) -> SQL:
        operand = self.operand(node)
        if isinstance(operand, Static):
            return sa.cast(sa.func.length(operand.of("text")), sa.Float())
        assert isinstance(node, Value), "only a value of a row is a document"
        return self.document(node).size()

    # Comparisons

    def compare(self, left: Node, operator: str, right: Node) -> SQL:
        if operator in ("is", "is not") or (operator in ("==", "!=") and (_none(left) or _none(right))):
            present = self.present(right if _none(left) else left)
            return present if operator in ("is not", "!=") else sa.not_(certain(present))
        if operator == "in":
            return self.member(left, right)
        if operator == "not in":
            member = sa.not_(certain(self.member(left, right)))
            return sa.and_(self.present(left), self.present(right), member)
        if operator == "==":
            return self.equal(left, right)
        if operator == "!=":
            equal = sa.not_(certain(self.equal(left, right)))
            return sa.and_(self.present(left), self.present(right), equal)
        return self.ordered(self.operand(left), operator, self.operand(right))

    def present(self, node: Node) -> SQL:
        if _none(node):
            return sa.false()
        return sa.true() if isinstance(node, Items) else self.operand(node).present()

    def ordered(self, left: Operand, operator: str, right: Operand) -> SQL:
        ways: dict[str, Callable[[SQL, SQL], SQL]] = {
            "<": lambda a, b: a < b,
            "<=": lambda a, b: a <= b,
            ">": lambda a, b: a > b,
            ">=": lambda a, b: a >= b,
        }
        found = []
        for kind in _shared(left, right):
            if kind == "number":
                found.append(ways[operator](left.of(kind), right.of(kind)))
            elif kind == "text":
                found.append(ways[operator](self.dialect.ordered(left.of(kind)), right.of(kind)))
        return sa.or_(sa.false(), *found)

    def equal(self, left: Node, right: Node) -> SQL:
        if isinstance(left, Items):
            left, right = right, left
        if isinstance(right, Items):
            assert isinstance(left, Value), "the check lets nothing else be a list"
            return self.equal_list(left, right)
        return _same(self.operand(left), self.operand(right))

    def equal_list(self, found: Value, wanted: Items) -> SQL:
        document = self.document(found)
        items = (self.is_item(replace(found, steps=(*found.steps, at)), item) for at, item in enumerate(wanted.items))
        return sa.and_(document.is_list(), document.size() == float(len(wanted.items)), *items)

    def is_item(self, found: Node, wanted: Node) -> SQL:
        if _none(wanted):
            return sa.not_(certain(self.present(found)))
        return self.equal(found, wanted)

    def member(self, left: Node, right: Node) -> SQL:
        if isinstance(right, Items):
            return self.one_of(left, right.items)
        one, where = self.operand(left), self.operand(right)
        found: list[SQL] = []
        if "text" in kinds(right) and "text" in one.kinds:
            found.append(self.dialect.contains(where.of("text"), one.of("text")))
        if isinstance(right, Value) and ALL[right.term].steps is not None:
            document = self.document(right)
            found.append(document.any_item(lambda item: _same(item, one)))
            if "text" in one.kinds and "text" in kinds(right):
                found.append(document.has_key(one.of("text")))
        return sa.or_(sa.false(), *found)

    def one_of(self, left: Node, items: Sequence[Node]) -> SQL:
        """Constants of one kind become one IN, so that a thousand ids are one look-up."""
        constants: dict[Kind, list[Any]] = {}
        found: list[SQL] = []
        for item in items:
            if isinstance(item, Constant) and item.value is not None:
                (kind,) = kinds(item)
                constants.setdefault(kind, []).append(judge.value(item, judge.NOWHERE, self.now))
            else:
                found.append(self.is_item(left, item))
        one = self.operand(left)
        for kind, values in constants.items():
            if kind in one.kinds:
                found.append(one.of(kind).in_([_literal(kind, value).sql for value in values]))
        return sa.or_(sa.false(), *found)


def _none(node: Node) -> bool:
    return isinstance(node, Constant) and node.value is None


def _shared(left: Operand, right: Operand) -> list[Kind]:
    return [kind for kind in left.kinds if kind in right.kinds]


def _same(left: Operand, right: Operand) -> SQL:
    return sa.or_(sa.false(), *(left.of(kind) == right.of(kind) for kind in _shared(left, right)))


def _literal(kind: Kind, value: Any) -> Static:
    types: dict[Kind, Any] = {"number": sa.Float(), "text": sa.Text(), "boolean": sa.Boolean(), "json": sa.Text()}
    return Static(kind, sa.cast(sa.null(), types[kind]) if value is None else sa.literal(value, types[kind]))


def _metric(node: Metric) -> SQL:
    """One look-up in the index of series by run, name and context, for the rows that are still in question."""
    series = schema.series.alias()
    context = canonical(dict(node.context))
    column = series.c[summary(node.field).name]
    value = column if isinstance(column.type, sa.Float) else sa.cast(column, sa.Float())
    here = (series.c.run_id == schema.runs.c.id, series.c.name == node.name, series.c.context == context)
    return sa.select(value).where(*here).correlate_except(series).scalar_subquery()
