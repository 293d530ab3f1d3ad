"""One grammar, two meanings: SQLite, PostgreSQL and plain Python give the same rows in the same order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, event, given, note, settings
from hypothesis import strategies as st

from tests.store.query.projects import Rows, aimed, projects, queries, sort_keys
from voxloop.store.query import SCOPES, QueryError, Scope, parse, parse_order, select_ids
from voxloop.store.query.judge import arranged, fits
from voxloop.store.query.tree import Node, unparse

NOW = 1_700_000_000.0


@contextmanager
def holding(engine: sa.Engine, rows: Rows) -> Iterator[sa.Connection]:
    """The database with a project in it, which leaves no trace."""
    with engine.connect() as connection:
        rows.insert(connection)
        yield connection
        connection.rollback()


@settings(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))
@given(data=st.data(), rows=projects(), scope=st.sampled_from(SCOPES))
def test_databases_and_plain_python_agree(engine: sa.Engine, data: st.DataObject, rows: Rows, scope: Scope) -> None:
    chance = random.Random(data.draw(st.integers(0, 2**32)))
    trees = [aimed(tree, rows, chance) for tree in data.draw(st.lists(queries(scope), min_size=6, max_size=12))]
    keys = data.draw(st.lists(st.tuples(st.sampled_from(["", "-"]), sort_keys(scope)), max_size=2))
    sort = ", ".join(f"{sign}({unparse(aimed(key, rows, chance))})" for sign, key in keys)
    with holding(engine, rows) as connection:
        for tree in trees:
            text = unparse(tree)
            note(f"{scope}: {text}  sorted by {sort}")
            try:
                query, order = parse(text, scope, NOW), parse_order(sort, scope, NOW)
            except QueryError as error:
                note(str(error))
                continue  # it can be told before any row is read that this makes no sense
            expected = arranged([record for record in rows.records(scope) if fits(query, record)], order)
            found = connection.execute(select_ids(query, connection, order)).scalars().all()
            assert list(found) == [record.row["id"] for record in expected]


@pytest.mark.parametrize("scope", SCOPES)
@given(data=st.data())
@settings(deadline=None)
def test_a_tree_as_text_is_the_same_tree(scope: Scope, data: st.DataObject) -> None:
    tree: Node = data.draw(queries(scope))
    try:
        query = parse(unparse(tree), scope)
    except QueryError as error:
        event(error.problem)
    else:
        assert query.tree == tree
