"""The table of cases, without a server or a database."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voxloop.server.table import of_cases
from voxloop.store.goals import Goal
from voxloop.store.results.cases import CaseEpochs

Logged = tuple[tuple[str, str], list[tuple[int, float]]]


def logged(context: dict[str, Any], by_step: list[tuple[int, float]]) -> Logged:
    """What a run logged of a class of a case, step by step; of two values at one step the later counts."""
    return (str(context["case"]), str(context.get("class", ""))), by_step


def table(*series: Logged, goal: Goal = "max", with_volume: tuple[str, ...] = ()) -> Any:
    steps = sorted({step for _, by_step in series for step, _ in by_step})
    values = [
        [value if (value := dict(by_step).get(step)) is not None and not np.isnan(value) else None for step in steps]
        for _, by_step in series
    ]
    rows = [key for key, _ in series]
    told = CaseEpochs(steps, [None] * len(steps), rows, values)
    return of_cases(told, goal, [case in with_volume for case, _ in rows])


def test_the_worst_last_value_comes_first() -> None:
    made = table(
        logged({"case": "a", "class": "spleen"}, [(1, 0.9), (2, 0.8)]),
        logged({"case": "b", "class": "spleen"}, [(1, 0.1), (2, 0.7)]),
    )
    assert [row.case for row in made.rows] == ["b", "a"]
    assert [(row.last, row.best, row.worst) for row in made.rows] == [(0.7, 0.7, 0.1), (0.8, 0.9, 0.8)]


def test_of_a_distance_the_largest_is_the_worst() -> None:
    made = table(
        logged({"case": "a"}, [(1, 3.0), (2, 2.0)]),
        logged({"case": "b"}, [(1, 3.0), (2, 9.0)]),
        goal="min",
    )
    assert [(row.case, row.best, row.worst) for row in made.rows] == [("b", 3.0, 9.0), ("a", 2.0, 3.0)]


def test_one_constant_series_does_not_turn_the_table_around() -> None:
    made = table(logged({"case": "a"}, [(1, 0.5)]), logged({"case": "b"}, [(1, 0.2)]))
    assert [row.case for row in made.rows] == ["b", "a"]


def test_a_step_that_a_case_lacks_is_empty_and_the_last_number_counts() -> None:
    made = table(
        logged({"case": "a"}, [(1, 0.5), (3, float("nan"))]),
        logged({"case": "b"}, [(2, 0.6), (3, 0.7)]),
    )
    assert made.steps == (1, 2, 3)
    assert made.rows[0].values == (0.5, None, None)
    assert made.rows[0].last == 0.5
    assert made.rows[1].values == (None, 0.6, 0.7)


def test_a_case_without_any_number_comes_last() -> None:
    made = table(logged({"case": "a"}, [(1, float("nan"))]), logged({"case": "b"}, [(1, 0.9)]))
    assert [row.case for row in made.rows] == ["b", "a"]
    assert (made.rows[1].last, made.rows[1].best, made.rows[1].worst) == (None, None, None)


def test_what_was_never_found_is_worse_than_any_distance() -> None:
    made = table(
        logged({"case": "far"}, [(1, 90.0)]),
        logged({"case": "lost"}, [(1, 3.0), (2, float("inf"))]),
        logged({"case": "absent"}, [(1, float("nan"))]),
        goal="min",
    )
    assert [row.case for row in made.rows] == ["lost", "far", "absent"]
    assert (made.rows[0].best, made.rows[0].worst) == (3.0, float("inf"))


def test_only_cases_with_a_volume_say_so() -> None:
    made = table(logged({"case": "a"}, [(1, 0.5)]), logged({"case": "b"}, [(1, 0.6)]), with_volume=("b",))
    assert [row.has_volume for row in made.rows] == [False, True]


def test_nothing_makes_an_empty_table() -> None:
    made = table()
    assert (made.steps, made.rows) == ((), ())


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 5), st.floats(allow_nan=True, allow_infinity=True)), max_size=6), max_size=5
    )
)
def test_the_table_is_a_rectangle_in_order(columns: list[list[tuple[int, float]]]) -> None:
    made = table(*(logged({"case": f"c{nth}"}, points) for nth, points in enumerate(columns)))
    assert len(made.rows) == len(columns)
    assert all(len(row.values) == len(made.steps) for row in made.rows)
    assert list(made.steps) == sorted(set(made.steps))
    last = [row.last for row in made.rows]
    numbers = [value for value in last if value is not None]
    assert last[: len(numbers)] == sorted(numbers)
