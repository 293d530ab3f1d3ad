"""The query language on SQLite: JSON functions tell a value and its type apart, and both read a document once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from voxloop.store.query.operands import KINDS, SQL, Document, Kind, name
from voxloop.store.query.tree import Step

# SQLite compares other keys with the escapes of the stored text, and differently in every version.
SIMPLE = re.compile(r"[ !#-\[\]-~]+")
TYPES: dict[Kind, tuple[str, ...]] = {
    "number": ("integer", "real"),
    "text": ("text",),
    "boolean": ("true", "false"),
    "json": ("array", "object"),
}


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON value as SQLite gives it: its type, and itself as a number, a text or a JSON text."""

    type: SQL
    value: SQL

    @property
    def kinds(self) -> Sequence[Kind]:
        return KINDS

    def of(self, kind: Kind) -> SQL:
        types: dict[Kind, sa.types.TypeEngine[Any]] = {"number": sa.Float(), "boolean": sa.Boolean()}
        value = sa.cast(self.value, sa.Float()) if kind == "number" else self.value
        return sa.case((self._is(kind), sa.type_coerce(value, types.get(kind, sa.Text()))))

    def present(self) -> SQL:
        return self.type != name("null")

    def truth(self) -> SQL:
        return sa.case(
            (self._is("json"), self.value.not_in([name("[]"), name("{}")])),
            (self._is("text"), self.value != name("")),
            else_=self.value != sa.literal_column("0"),
        )

    def size(self) -> SQL:
        keys = sa.func.json_each(sa.case((self.type == name("object"), self.value))).table_valued("key")
        count = sa.select(sa.cast(sa.func.count(), sa.Float())).select_from(keys).correlate_except(keys)
        return sa.case(
            (self.type == name("array"), sa.cast(sa.func.json_array_length(self.value), sa.Float())),
            (self.type == name("object"), count.scalar_subquery()),
            (self.type == name("text"), sa.cast(sa.func.length(self.value), sa.Float())),
        )

    def any_item(self, fits: Callable[[Document], SQL]) -> SQL:
        each = sa.func.json_each(sa.case((self.type == name("array"), self.value))).table_valued("type", "value")
        found: sa.Select[Any] = (
            sa.select(sa.literal_column("1")).select_from(each).where(fits(Json(each.c.type, each.c.value)))
        )
        return found.correlate_except(each).exists()

    def has_key(self, key: SQL) -> SQL:
        each = sa.func.json_each(sa.case((self.type == name("object"), self.value))).table_valued("key")
        found: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(each).where(each.c.key == key)
        return found.correlate_except(each).exists()

    def is_list(self) -> SQL:
        return self.type == name("array")

    def _is(self, kind: Kind) -> SQL:
        return self.type.in_([name(word) for word in TYPES[kind]])


def _inside(document: SQL, steps: Sequence[Step]) -> Json:
    """A place in a document: by a path as far as one can tell it, by a search among the keys where none can."""
    tables: list[sa.TableValuedAlias] = []
    found: list[SQL] = []
    path: list[Step] = []
    for step in steps:
        if isinstance(step, int) or SIMPLE.fullmatch(step):
            path.append(step)
            continue
        each = sa.func.json_each(document, _path(path)).table_valued("key", "type", "value")
        tables.append(each)
        found.append(each.c.key == sa.literal(step, sa.Text()))
        document = sa.case((each.c.type.in_([name("array"), name("object")]), each.c.value))
        path = []

    def value(column: SQL) -> SQL:
        if not tables:
            return column
        joined: sa.FromClause = tables[0]
        for table in tables[1:]:
            joined = joined.join(table, sa.true())
        asked = sa.select(column).select_from(joined).where(*found).limit(1)
        return asked.correlate_except(*tables).scalar_subquery()

    if tables and not path:
        return Json(value(tables[-1].c.type), value(tables[-1].c.value))
    return Json(value(sa.func.json_type(document, _path(path))), value(sa.func.json_extract(document, _path(path))))


def _path(steps: Sequence[Step]) -> SQL:
    return sa.literal("$" + "".join(_label(step) for step in steps), sa.Text())


def _label(step: Step) -> str:
    if isinstance(step, str):
        return f'."{step}"'
    return f"[{step}]" if step >= 0 else f"[#{step}]"


class Sqlite:
    """SQLite 3.38 and newer."""

    def document(self, column: SQL, steps: Sequence[Step]) -> Document:
        return _inside(sa.type_coerce(column, sa.Text()), steps)

    def ordered(self, text: SQL) -> SQL:
        return text

    def lower(self, text: SQL) -> SQL:
        return sa.func.lower(text, type_=sa.Text())

    def starts(self, text: SQL, part: SQL) -> SQL:
        return sa.func.substr(text, 1, sa.func.length(part)) == part

    def ends(self, text: SQL, part: SQL) -> SQL:
        long, short = sa.func.length(text), sa.func.length(part)
        return sa.and_(long >= short, sa.func.substr(text, long - short + 1) == part)

    def contains(self, text: SQL, part: SQL) -> SQL:
        return sa.func.instr(text, part) > 0

    def matches(self, text: SQL, pattern: str) -> SQL:
        return text.op("GLOB", is_comparison=True)(sa.literal(pattern.replace("[", "[[]"), sa.Text()))

    def arithmetic(self, operator: str, left: SQL, right: SQL) -> SQL:
        # Infinity is a number here too, and NaN is NULL.
        return sa.type_coerce(left.op(operator)(right), sa.Float()).self_group()
