"""Random projects, and random queries that are likely to meet something in them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st

from voxloop.store import schema
from voxloop.store.context import canonical
from voxloop.store.query import Scope
from voxloop.store.query.functions import FUNCTIONS
from voxloop.store.query.terms import SUMMARIES, Record, follow, terms
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

KEYS = ["lr", "class", "a b", "x.y", 'q"t', "back\\slash", "é", "😀", "0", "", "[0]", "\n"]
WORDS = ["", "a", "A", "aB", "é", "😀b", "nan", "1", "[]", "100%_\\[x]", "unet-2", "it's", 'q"t', "true", "ﬀ\uffff"]
NUMBERS = [0, 1, 2, 3, -1, 0.5, 1e-3, 96, -0.0, 1e308, -1e308, 5e-324, 1.7976931348623157e308, 2**53 + 1]
NAMES = ["loss", "val/dice", 'odd "name"', "é"]
CONTEXTS: list[dict[str, Any]] = [
    {},
    {"case": "a"},
    {"case": "a", "class": "aB"},
    {"class": "é", "fold": 1},
    {"fold": 1.0, "case": 'q"t'},
    {"case": 3, "late": True},
    {"fold": -0.5, 'q"t': "a", "é": "a", "x.y": 2},
]
texts = st.sampled_from(WORDS) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
numbers = st.sampled_from(NUMBERS) | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-5, 5)
leaves = st.none() | st.booleans() | numbers | texts | st.sampled_from([2**63 - 1, -(2**63), 2**80, 10**30])
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | texts, inner, max_size=4),
    max_leaves=10,
)
documents = st.dictionaries(st.sampled_from(KEYS), values | leaves, min_size=2, max_size=8)
finite = st.none() | numbers.map(float)
times = st.sampled_from([0.0, 1.5, 1e9, 1_700_000_000.0])


@dataclass(frozen=True)
class Rows:
    """A project as plain rows."""

    runs: list[dict[str, Any]]
    series: list[dict[str, Any]]
    media: list[dict[str, Any]]

    def insert(self, connection: sa.Connection) -> None:
        for table, rows in ((schema.runs, self.runs), (schema.series, self.series), (schema.media, self.media)):
            plain = [{**row, "context": canonical(row["context"])} if "context" in row else row for row in rows]
            if plain:
                connection.execute(table.insert(), plain)

    def records(self, scope: Scope) -> list[Record]:
        runs = {run["id"]: run for run in self.runs}
        series: dict[str, dict[tuple[str, str], Any]] = {run_id: {} for run_id in runs}
        for row in self.series:
            series[row["run_id"]][row["name"], canonical(row["context"])] = row
        if scope == "run":
            return [Record(run, run, series[run["id"]]) for run in self.runs]
        rows = self.media if scope == "media" else self.series
        return [Record(runs[row["run_id"]], row, series[row["run_id"]]) for row in rows]


@st.composite
def projects(draw: st.DrawFn) -> Rows:
    rows = Rows([], [], [])
    for number in range(draw(st.integers(0, 6) | st.just(6))):
        run_id = f"{draw(st.sampled_from('aBc'))}{number}"
        rows.runs.append(
            {
                "id": run_id,
                "name": draw(texts),
                "experiment": draw(st.sampled_from(["spleen", "a", "é"])),
                "status": draw(st.sampled_from(["running", "finished"])),
                "created": draw(times),
                "ended": draw(st.none() | times),
                "heartbeat": draw(times),
                "params": draw(documents),
                "tags": draw(st.lists(texts, max_size=3)),
                "environment": draw(documents),
                "definitions": {},
                "notes": draw(texts),
                "archived": draw(st.sampled_from([False, False, True])),
                "parent": draw(st.none() | st.sampled_from(["a0", "B1"])),
            }
        )
        places = st.tuples(st.sampled_from(NAMES), st.sampled_from(CONTEXTS))
        for name, context in draw(st.lists(places, max_size=4, unique_by=lambda at: (at[0], canonical(at[1])))):
            summary = {key: draw(finite) for key in ("first", "last", "min", "max", "best")}
            size, last = draw(st.integers(0, 3)), draw(st.none() | st.integers(-3, 2**40))
            number = len(rows.series) + 1
            rows.series.append(
                {"id": number, "run_id": run_id, "name": name, "context": context}
                | {"size": size, "last_step": last, **summary}
            )
        for name, context in draw(st.lists(places, max_size=2)):
            rows.media.append(
                {"id": len(rows.media) + 1, "run_id": run_id, "name": name, "context": context}
                | {"step": draw(st.integers(-1, 3)), "epoch": draw(st.none() | st.integers(0, 2))}
                | {"time": draw(times), "kind": draw(st.sampled_from(["volume", "figure"])), "data": {}}
            )
    return rows


# Queries


def aimed(node: Node, rows: Rows, chance: random.Random) -> Node:
    """The same query, with many of its places and constants taken from the project, so that it finds something there."""
    documents = [run["params"] for run in rows.runs]
    paths = [path for document in documents for path in _paths(document)]
    texts = [run["name"] for run in rows.runs] + [one for run in rows.runs for one in run["tags"]]
    leaves = [follow(document, path) for document in documents for path in _paths(document)]

    def change(one: Node) -> Node:
        if isinstance(one, Value) and one.term == "run.params" and paths and chance.random() < 0.7:
            return Value("run.params", chance.choice(paths))
        if isinstance(one, Constant) and one.value is not None and chance.random() < 0.5:
            same = [leaf for leaf in [*texts, *leaves] if type(leaf) is type(one.value)]
            same = [leaf for leaf in same if not isinstance(leaf, int | float) or str(leaf)[0] != "-"]
            return Constant(chance.choice(same)) if same else one
        if isinstance(one, Call) and one.function in ("datetime", ".matches"):
            return one
        return _rebuilt(one, change)

    return change(node)


def _paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, one in inside for path in ((*here, key), *_paths(one, (*here, key)))]


def _rebuilt(node: Node, change: Callable[[Node], Node]) -> Node:
    match node:
        case Items(items):
            return Items(tuple(map(change, items)))
        case Call(function, arguments):
            return Call(function, tuple(map(change, arguments)))
        case Negative(operand) | Not(operand):
            return type(node)(change(operand))
        case Arithmetic(operator, left, right):
            return Arithmetic(operator, change(left), change(right))
        case Both(operands) | Either(operands):
            return type(node)(tuple(map(change, operands)))
        case Comparison(first, rest):
            return Comparison(change(first), tuple((sign, change(right)) for sign, right in rest))
    return node


@cache
def queries(scope: Scope) -> st.SearchStrategy[Node]:
    """Conditions of every form that the language has."""
    return _conditions(scope, 3)


@cache
def sort_keys(scope: Scope) -> st.SearchStrategy[Node]:
    return _dynamic(scope) | _numbers(scope, 1) | _texts(scope, 1) | _conditions(scope, 1)


steps = st.lists(st.sampled_from(KEYS) | st.sampled_from([0, 1, -1, -2]), max_size=3).map(tuple)


def _terms(scope: Scope, kind: str) -> list[Node]:
    return [Value(term.name) for term in terms(scope) if term.type == kind and not term.name.startswith("run.metrics")]


@cache
def _dynamic(scope: Scope) -> st.SearchStrategy[Node]:
    inside = [term.name for term in terms(scope) if term.type in ("any", "list")]
    common = st.sampled_from(["run.params", *inside])
    return st.builds(Value, common, steps) | st.builds(
        Value, st.just("run.params"), st.sampled_from(KEYS).map(lambda key: (key,))
    )


@cache
def _numbers(scope: Scope, depth: int) -> st.SearchStrategy[Node]:
    constants = numbers.filter(lambda one: one >= 0 and str(one)[0] != "-").map(Constant)
    contexts = [context for context in CONTEXTS if all(key.isidentifier() for key in context)]
    metrics = st.builds(
        Metric,
        st.sampled_from(NAMES),
        st.sampled_from(contexts).map(lambda context: tuple(sorted(context.items()))),
        st.sampled_from(list(SUMMARIES)),
    )
    simple: st.SearchStrategy[Node] = constants | metrics | st.sampled_from(_terms(scope, "number"))
    if depth == 0:
        return simple
    inner = _numbers(scope, depth - 1) | _dynamic(scope)
    sized = _texts(scope, depth - 1) | _dynamic(scope) | st.just(Value("run.tags"))
    return (
        simple
        | st.builds(Arithmetic, st.sampled_from("+-*/"), inner, inner)
        | st.builds(Negative, inner)
        | st.builds(Call, st.sampled_from(["abs", "days", "hours"]), st.tuples(inner))
        | st.builds(Call, st.just("len"), st.tuples(sized))
        | st.sampled_from([Call("now", ()), Call("datetime", tuple(Constant(part) for part in (2023, 11, 14, 3)))])
    )


@cache
def _texts(scope: Scope, depth: int) -> st.SearchStrategy[Node]:
    simple: st.SearchStrategy[Node] = texts.map(Constant) | st.sampled_from(_terms(scope, "text"))
    if depth == 0:
        return simple
    return simple | st.builds(Call, st.just(".lower"), st.tuples(_texts(scope, depth - 1) | _dynamic(scope)))


@cache
def _conditions(scope: Scope, depth: int) -> st.SearchStrategy[Node]:
    numeric = _numbers(scope, 1) | _dynamic(scope)
    textual = _texts(scope, 1) | _dynamic(scope)
    none = st.just(Constant(None))
    constants = (numbers.map(abs) | texts | st.booleans()).map(Constant)
    equal, order = st.sampled_from(["==", "!="]), st.sampled_from(["<", "<=", ">", ">="])
    member = st.sampled_from(["in", "not in"])
    listed = st.lists(constants | none | _dynamic(scope), max_size=3).map(tuple).map(Items)
    nested = st.lists(constants | none | listed, max_size=3).map(tuple).map(Items)
    parts = st.builds(
        Call,
        st.sampled_from([name for name in FUNCTIONS if name.startswith(".") and name not in (".lower", ".matches")]),
        st.tuples(textual, textual),
    )
    patterns = st.lists(st.sampled_from(["*", "?", *WORDS]), max_size=3).map("".join).map(Constant)
    simple: st.SearchStrategy[Node] = st.one_of(
        _dynamic(scope).filter(lambda node: node != Value("run.archived")),
        numeric.filter(lambda node: not isinstance(node, Constant)),
        st.sampled_from([Value("run.archived"), Constant(True), Constant(False)]),
        parts,
        st.builds(Call, st.just(".matches"), st.tuples(textual, patterns)),
        _chained(numeric, order | equal),
        _chained(textual, order | equal),
        _compared(_dynamic(scope), equal, constants | none | nested | _dynamic(scope)),
        _compared(numeric, equal | order, _dynamic(scope)),
        _compared(textual, member, listed.map(lambda items: _of_text(items))),
        _compared(_dynamic(scope), member, listed | nested | _dynamic(scope) | st.just(Value("run.tags"))),
        _compared(
            textual, member, st.just(Value("run.tags")) | _dynamic(scope) | st.sampled_from(_terms(scope, "text"))
        ),
        _compared(numeric | textual, st.sampled_from(["is", "is not"]), none),
    )
    if depth == 0:
        return simple
    inner = _conditions(scope, depth - 1)
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return (
        simple
        | st.builds(Not, inner)
        | st.builds(Both, several)
        | st.builds(Either, several)
        | _compared(simple.filter(_truth), equal, st.booleans().map(Constant))
    )


def _truth(node: Node) -> bool:
    return isinstance(node, Comparison | Not | Both | Either)


def _of_text(items: Items) -> Items:
    return Items(tuple(item for item in items.items if not isinstance(item, Constant) or isinstance(item.value, str)))


def _compared(
    left: st.SearchStrategy[Node], operators: st.SearchStrategy[str], right: st.SearchStrategy[Any]
) -> st.SearchStrategy[Node]:
    return st.builds(lambda a, sign, b: Comparison(a, ((sign, b),)), left, operators, right)


def _chained(side: st.SearchStrategy[Node], operators: st.SearchStrategy[str]) -> st.SearchStrategy[Node]:
    rest: st.SearchStrategy[Sequence[Any]] = st.lists(st.tuples(operators, side), min_size=1, max_size=2)
    return st.builds(lambda first, more: Comparison(first, tuple(more)), side, rest)
