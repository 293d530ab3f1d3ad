"""What cannot be meant is refused with its place and a way out; nothing that is typed breaks anything else."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.query.test_agreement import holding
from tests.store.query.test_language import ROWS, asked
from voxloop.errors import VoxloopError
from voxloop.store.query import SCOPES, Query, QueryError, Scope, parse, parse_order, select_ids, where

# The query, what stands at the caret, and what the sentence says.
REFUSED = [
    ("run.params.lr << 1e-3", "<<", "expected a comparison, like < or <="),
    ("run.parms.lr < 1", "parms", "did you mean run.params"),
    ("run.lr < 1", "lr", "a param is asked for as run.params.lr"),
    ("lr < 1", "lr", "a param is run.params.lr"),
    ("run.hash == 'a'", "hash", "here it is called run.id"),
    ("runs.name == 'a'", "runs", "did you mean run"),
    ("series.last > 1", "series", "a query for run asks run"),
    ("metric.last > 1", "metric", "the name metric is unknown"),
    ("run", "run", "run alone says nothing"),
    ("run.name = 'a'", "=", "compare with =="),
    ("run.archived && run.params.a", "&&", "write and"),
    ("run.archived AND run.params.a", "AND", "write and"),
    ("!run.archived", "!", "write not"),
    ("run.params.lr ** 2 < 1", "**", "there are no powers"),
    ("run.params.lr % 2 == 0", "%", "there is no remainder"),
    ("lambda: 1", "lambda", "no functions of your own"),
    ("[x for x in run.tags]", "x", "the name x is unknown"),
    ("run.params.a is 3", "3", "write == for others"),
    ("run.params.a == true", "true", "write True"),
    ("run.created > '2025-03-01'", "'", "write a time as datetime(2025, 3, 1)"),
    ("run.created > datetime(2025, 13, 1)", "datetime", "month must be in 1..12"),
    ("run.created > datetime(2025)", "datetime", "as in run.created >= datetime(2025, 3, 1)"),
    ("run.name == 3", "3", "a text stands in quotes"),
    ("run.duration > '3'", "'", "a number stands without quotes"),
    ("run.tags == 'a'", "'", 'write "a" in run.tags'),
    ("run.archived < True", "run", "has no order"),
    ("run.name + 'a' == 'ba'", "run", "arithmetic needs a number, and this is a text"),
    ("run.name.foo", "foo", "run.name is a text"),
    ("run.name.startwith('a')", "startwith", "did you mean .startswith"),
    ("run.name.matches(run.id)", "run", "matches needs a text in quotes"),
    ("length(run.name) > 3", "length", "did you mean len()"),
    ("run.metrics.loss.last < 1", "loss", "a series is named in brackets"),
    ("run.metrics['loss'] < 1", "<", "expected one of .first, .last"),
    ("run.metrics['loss'].maximum < 1", "maximum", "did you mean .max"),
    ("run.metrics['loss', {'a': 1}].max < 1", "{", "expected a context as key=value"),
    ("run.name in 'a", "'", "this text has no end"),
    ("run.name == 'a' 'b'", "'b", "expected a comparison, and, or"),
    ("(run.archived", "", "expected"),
    ("run.params.lr <", "", "the query ends here"),
    ("1e999 < run.params.a", "1", "beyond 64 bits"),
    ("3lr < 1", "lr", "a number runs into a name"),
    ("'unet'", "'", "a plain value is no condition"),
    ("[1] == [1]", "==", "two lists are compared here"),
    (r"run.name == '\ud800'", "'", "half a character"),
    ("run.name == '\0'", "'", "NUL"),
    ("run.name € 1", "€", "means nothing here"),
    ("__import__('os').system('true')", "__import__", "there is no function __import__"),
    ("run.__class__.__mro__", "__class__", "run has no __class__"),
]


@pytest.mark.parametrize(("text", "place", "says"), REFUSED)
def test_a_refusal_names_the_place_and_a_way_out(text: str, place: str, says: str) -> None:
    with pytest.raises(QueryError) as refusal:
        parse(text, "run")
    sentence, line, caret = str(refusal.value).split("\n")
    assert says in sentence
    assert sentence.endswith(".")
    assert line[caret.index("^") :].startswith(place)
    assert isinstance(refusal.value, VoxloopError)


def test_a_refused_sort_names_the_place_too() -> None:
    with pytest.raises(QueryError, match="write a minus before") as refusal:
        parse_order("run.name, run.created desc", "run")
    assert refusal.value.position == len("run.name, run.created ")


def test_a_long_query_is_shown_around_the_place() -> None:
    text = 'run.name == "x" or\n' + " " * 500 + "run.nam == 1" + " " * 500
    with pytest.raises(QueryError) as refusal:
        parse(text, "run")
    _, line, caret = str(refusal.value).split("\n")
    assert len(line) < 200
    assert line[caret.index("^") :].startswith("nam")


HOSTILE = [
    "(" * 5000 + "1" + ")" * 5000,
    "not " * 5000 + "run.archived",
    "-" * 10_000 + "1 < 2",
    "run.params" + ".a" * 5000,
    "run.params" + '["é"]' * 2000,
    "1" + " + run.params.a" * 1300 + " > 1",
    "run.name" + ".lower()" * 2000 + ' == "a"',
    "1 < run.params.a" * 1 + " < 2" * 3000,
    "run.params.a in [" + "run.params.b, " * 1300 + "]",
    "run.params.a == [" + "1, " * 6000 + "]",
    " or ".join(["run.params.a"] * 1300),
    " and ".join([f"({' or '.join(['run.params.a == run.params.b'] * 20)})"] * 25),
    "[" * 5000,
    "x" * 1_000_000,
    "1" * 19_000 + " < 2",
    "abs(" * 3000 + "1",
    "((run.params.a == run.params.b) == (run.params.a == run.params.b)) == (True == True)",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_would_cost_too_much_is_refused(text: str) -> None:
    with pytest.raises(QueryError):
        parse(text, "run")


LARGEST = [
    "(" * 15 + "run.archived" + ")" * 15,
    "not " * 15 + "run.archived",
    "run.params" + '["é"]' * 12 + " == 1",
    "run.params" + ".a" * 12 + " == 1",
    "1" + " + run.params.a" * 22 + " > 1",
    "1" + " * (run.params.a" * 14 + ")" * 14 + " > 1",
    "run.name" + ".lower()" * 22 + ' == "a"',
    " or ".join(["run.params.a == run.params.b"] * 75),
    " and ".join(["not (run.params.a != run.params.b)"] * 75),
    "run.params.a in [" + "run.params.b, " * 16 + "]",
    "run.id in [" + '"0123456789", ' * 1000 + "]",
    "run.params.a == " + "[" * 14 + "1" + "]" * 14,
    "run.params.a == [" + "1, " * 60 + "]",
    "(" + " < ".join(["run.params.a"] * 17) + ") == (" + " < ".join(["run.params.a"] * 17) + ")",
]


@pytest.mark.parametrize("text", LARGEST)
def test_what_is_not_refused_is_answered(engine: sa.Engine, text: str) -> None:
    def below(frames: int) -> None:
        """A server's own calls stand on the stack too."""
        if frames:
            below(frames - 1)
        else:
            connection.execute(select_ids(parse(text, "run"), connection, None)).all()

    with holding(engine, ROWS) as connection:
        below(200)


PIECES = [
    "run",
    "series",
    "case",
    ".",
    "params",
    "metrics",
    "name",
    "tags",
    "[",
    "]",
    "(",
    ")",
    '"a"',
    "'",
    ",",
    "=",
    "==",
]
PIECES += [
    "<",
    "in",
    "not",
    "is",
    "None",
    "and",
    "or",
    "-",
    "+",
    "1",
    "1e-3",
    "len",
    "datetime",
    "now",
    "lower",
    " ",
    "é",
    "\n",
]


@settings(deadline=None, max_examples=300)
@given(
    text=st.text() | st.lists(st.sampled_from(PIECES)).map("".join) | st.lists(st.sampled_from(PIECES)).map(" ".join),
    scope=st.sampled_from(SCOPES),
)
def test_any_text_is_a_query_or_refused_with_a_place_in_it(text: str, scope: Scope) -> None:
    for read in (parse, parse_order):
        refusal = None
        try:
            read(text, scope)
        except QueryError as error:
            refusal = error
        assert refusal is None or 0 <= refusal.position <= len(text)
        assert refusal is None or str(refusal).count("\n") == 2


INJECTIONS = ["' OR 1=1 --", '"; DROP TABLE runs; --', "%(x)s", ":name", "?", "$1", "'::json", "\\", "*/ /*", "{0}"]


@pytest.mark.parametrize("words", INJECTIONS)
def test_what_a_user_writes_is_never_a_part_of_the_statement(engine: sa.Engine, words: str) -> None:
    from voxloop.store.query.tree import quoted

    text = quoted(words)
    wanted = [
        f"run.name == {text}",
        f"run.params[{text}] == {text}",
        f"run.params.a[{text}].b in [{text}, {text}]",
        f"run.metrics[{text}, case={text}].last > 0",
        f"run.name.matches({text}) or run.name.startswith({text}) or {text} in run.tags",
        f"run.params == [{text}, [{text}]]",
    ]
    for one in wanted:
        assert asked(engine, "run", one, one) == []
        with engine.connect() as connection:
            statement = str(select_ids(parse(one, "run"), connection, one).compile(connection))
        assert "DROP" not in statement
        assert "OR 1=1" not in statement


def test_another_database_is_refused_in_a_sentence() -> None:
    query: Query = parse("run.archived", "run")
    with pytest.raises(VoxloopError, match="cannot be asked on mysql"):
        where(query, "mysql")
