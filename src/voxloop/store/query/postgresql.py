"""The query language on PostgreSQL: JSON operators, and arithmetic that gives infinity where the database would give up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from voxloop.store.query.operands import KINDS, SQL, Document, Kind, name
from voxloop.store.query.tree import Step

GREATEST = 1.7976931348623157e308
# Logarithms of the greatest 64-bit float and of the smallest, from within.
HIGH, LOW = 709.7827, -745.12


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON value as PostgreSQL gives it."""

    json: SQL

    @property
    def kinds(self) -> Sequence[Kind]:
        return KINDS

    def of(self, kind: Kind) -> SQL:
        if kind == "json":
            return sa.case((self._type.in_([name("array"), name("object")]), sa.cast(self.json, sa.Text())))
        if kind == "text":
            return sa.case((self._is("string"), self._text))
        return sa.case((self._is(kind), sa.cast(self._text, sa.Float() if kind == "number" else sa.Boolean())))

    def present(self) -> SQL:
        return self._type != name("null")

    def truth(self) -> SQL:
        empty = [name(word) for word in ("[]", "{}", '""', "false", "null")]
        return sa.case(
            (self._is("number"), sa.cast(self._text, sa.Float()) != 0.0),
            else_=sa.cast(self.json, sa.Text()).not_in(empty),
        )

    def size(self) -> SQL:
        keys = sa.func.json_object_keys(sa.case((self._is("object"), self.json))).table_valued("key")
        count = sa.select(sa.cast(sa.func.count(), sa.Float())).select_from(keys).correlate_except(keys)
        return sa.case(
            (self._is("array"), sa.cast(sa.func.json_array_length(self.json), sa.Float())),
            (self._is("object"), count.scalar_subquery()),
            (self._is("string"), sa.cast(sa.func.length(self._text), sa.Float())),
        )

    def any_item(self, fits: Callable[[Document], SQL]) -> SQL:
        each = sa.func.json_array_elements(sa.case((self._is("array"), self.json))).table_valued("value")
        found: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(each).where(fits(Json(each.c.value)))
        return found.correlate_except(each).exists()

    def has_key(self, key: SQL) -> SQL:
        each = sa.func.json_object_keys(sa.case((self._is("object"), self.json))).table_valued("key").render_derived()
        found: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(each).where(each.c.key == key)
        return found.correlate_except(each).exists()

    def is_list(self) -> SQL:
        return self._is("array")

    @property
    def _type(self) -> SQL:
        return sa.func.json_typeof(self.json)

    @property
    def _text(self) -> SQL:
        return self.json.op("#>>", return_type=sa.Text())(sa.literal_column("'{}'"))

    def _is(self, kind: str) -> SQL:
        return self._type == name(kind)


def _step(json: SQL, step: Step) -> SQL:
    # A number finds nothing in an object and a text nothing in an array, as it should be.
    key: SQL = sa.literal(step, sa.Text()) if isinstance(step, str) else sa.literal(step, sa.Integer())
    return json.op("->", return_type=sa.types.NullType())(key)


class Postgresql:
    """PostgreSQL 13 and newer."""

    def document(self, column: SQL, steps: Sequence[Step]) -> Document:
        json: SQL = sa.type_coerce(sa.cast(column, sa.JSON()), sa.types.NullType())
        for step in steps:
            json = _step(json, step)
        return Json(json)

    def ordered(self, text: SQL) -> SQL:
        return sa.collate(text, "C")

    def lower(self, text: SQL) -> SQL:
        # Under this collation A to Z alone, as in SQLite.
        return sa.func.lower(sa.collate(text, "C"), type_=sa.Text())

    def starts(self, text: SQL, part: SQL) -> SQL:
        return sa.func.starts_with(text, part, type_=sa.Boolean())

    def ends(self, text: SQL, part: SQL) -> SQL:
        return sa.func.right(text, sa.func.length(part)) == part

    def contains(self, text: SQL, part: SQL) -> SQL:
        return sa.func.strpos(text, part) > 0

    def matches(self, text: SQL, pattern: str) -> SQL:
        for own in "\\%_":
            pattern = pattern.replace(own, "\\" + own)
        return text.like(sa.literal(pattern.replace("*", "%").replace("?", "_"), sa.Text()))

    def arithmetic(self, operator: str, left: SQL, right: SQL) -> SQL:
        """PostgreSQL ends a query at an overflow, an underflow or a division by zero; here it goes on as on SQLite.

        The operands become columns of a row, so that each is computed once however often it is looked at.
        """
        # Imported here: it brings every driver's dialect along, which most projects never need.
        from sqlalchemy.dialects.postgresql import array

        row = sa.func.unnest(array([left]), array([right])).table_valued("x", "y").render_derived()
        x, y = sa.column("x", sa.Float()), sa.column("y", sa.Float())
        chosen = sa.select(_careful(operator, x, y)).select_from(row).correlate_except(row)
        return chosen.scalar_subquery()


def _careful(operator: str, x: SQL, y: SQL) -> SQL:
    infinity, nan = sa.cast(name("Infinity"), sa.Float()), sa.cast(name("NaN"), sa.Float())
    most = sa.literal_column(repr(GREATEST), sa.Float())
    zero = sa.literal_column("0.0", sa.Float())

    def result(expression: SQL) -> SQL:
        return sa.func.nullif(expression, nan, type_=sa.Float())

    if operator in "+-":
        y = y if operator == "+" else -y
        return sa.case(
            (sa.and_(x > zero, x < infinity, y < infinity, y > most - x), infinity),
            (sa.and_(x < zero, x > -infinity, y > -infinity, y < -most - x), -infinity),
            else_=result(x + y),
        )
    sign = sa.func.sign(x) * sa.func.sign(y)
    size = sa.func.ln(sa.func.abs(x)) + (1 if operator == "*" else -1) * sa.func.ln(sa.func.abs(y))
    special = sa.or_(x == zero, sa.func.abs(x) == infinity, sa.func.abs(y) == infinity)
    whole = x * y if operator == "*" else x.op("/")(sa.func.nullif(y, zero))
    return sa.case(
        (sa.or_(special, y == zero), result(whole)),
        (size > HIGH, sign * infinity),
        (size < LOW, zero),
        else_=result(whole),
    )
