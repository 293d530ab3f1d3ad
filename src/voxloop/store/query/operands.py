"""What a database must be able to do for the query language, whatever its own language is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import sqlalchemy as sa

from voxloop.store.query.tree import Step

SQL = sa.ColumnElement[Any]
# `json` is a list or a dict as it was written: equal texts are equal values.
Kind = Literal["number", "text", "boolean", "json"]
KINDS: tuple[Kind, ...] = ("number", "text", "boolean", "json")


class Operand(Protocol):
    """One side of a comparison: for each kind that it may be, a SQL expression that is NULL where it is not of that kind."""

    @property
    def kinds(self) -> Sequence[Kind]: ...
    def of(self, kind: Kind) -> SQL: ...
    def present(self) -> SQL: ...
    def truth(self) -> SQL: ...


class Document(Operand, Protocol):
    """A value inside of a JSON column, whose kind shows row by row."""

    def size(self) -> SQL: ...
    def any_item(self, fits: Callable[[Document], SQL]) -> SQL: ...
    def has_key(self, key: SQL) -> SQL: ...
    def is_list(self) -> SQL: ...


class Dialect(Protocol):
    """A database. Texts compare by code point, numbers are 64-bit floats, and what cannot be computed is NULL."""

    def document(self, column: SQL, steps: Sequence[Step]) -> Document: ...
    def ordered(self, text: SQL) -> SQL: ...
    def lower(self, text: SQL) -> SQL: ...
    def starts(self, text: SQL, part: SQL) -> SQL: ...
    def ends(self, text: SQL, part: SQL) -> SQL: ...
    def contains(self, text: SQL, part: SQL) -> SQL: ...
    def matches(self, text: SQL, pattern: str) -> SQL: ...
    def arithmetic(self, operator: str, left: SQL, right: SQL) -> SQL: ...


@dataclass(frozen=True, slots=True)
class Static:
    """An operand whose kind is known before any row is read."""

    kind: Kind
    sql: SQL

    @property
    def kinds(self) -> Sequence[Kind]:
        return (self.kind,)

    def of(self, kind: Kind) -> SQL:
        return self.sql if kind == self.kind else sa.null()

    def present(self) -> SQL:
        return self.sql.is_not(None)

    def truth(self) -> SQL:
        if self.kind == "boolean":
            return self.sql
        return self.sql != (0.0 if self.kind == "number" else "")


def certain(condition: SQL) -> SQL:
    """The condition, with false for NULL: what is missing is decided before any `not`."""
    return sa.func.coalesce(condition, sa.false(), type_=sa.Boolean())


def name(word: str) -> SQL:
    """A word of SQL's own, such as the name of a JSON type; never anything that a user wrote."""
    return sa.literal_column(f"'{word}'")
