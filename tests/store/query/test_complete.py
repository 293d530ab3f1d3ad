"""What is offered while a query is typed, and that taking an offer leads to a query."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.query.test_refusals import PIECES
from voxloop.store.query import SCOPES, Known, Scope, complete, parse

KNOWN = Known(
    params=(("optimizer", "lr"), ("optimizer", "name"), ("roi size",), ("seed",)),
    environment=(("git", "commit"),),
    metrics=("train/loss", "val/dice"),
    context={"case": ("spleen_2", "spleen_12"), "class": ("spleen",), "fold": (1, 2)},
    tags=("baseline", "long run"),
    experiments=("spleen", "brain"),
)
# The query with | at the cursor, its scope, and some of what is offered.
OFFERED: list[tuple[str, Scope, list[str]]] = [
    ("|", "run", ["run.", "run.name", "run.params.optimizer.lr", "datetime("]),
    ("ru|", "series", ["run."]),
    ("|", "series", ["series.", "series.last"]),
    ("lr|", "run", ["run.params.optimizer.lr"]),
    ("dice|", "run", ['run.metrics["val/dice"].']),
    ("run.|", "run", ["name", "params", 'metrics["']),
    ("run.par|ms", "run", ["params", "parent"]),
    ("run.params.|", "run", ["optimizer", "seed"]),
    ("run.params.optimizer.l| < 1", "run", ["lr", "lower("]),
    ('run.params["|', "run", ['"optimizer"', '"roi size"']),
    ('run.params["optimizer"].|', "run", ["lr", "name"]),
    ("run.environment.git.|", "run", ["commit"]),
    ('run.metrics["va|', "run", ['"val/dice"']),
    ('run.metrics["val/dice", |', "run", ["case=", "class="]),
    ('run.metrics["val/dice", case="|', "run", ['"spleen_2"', '"spleen_12"']),
    ('run.metrics["val/dice", fold=|', "run", ["1", "2"]),
    ('run.metrics["val/dice"].|', "run", ["last", "max", "best"]),
    ('run.metrics["val/dice", case="spleen_2"].l|', "run", ["last", "last_step"]),
    ('run.experiment == "|', "run", ['"spleen"', '"brain"']),
    ('run.experiment in ["spleen", "b|"]', "run", ['"brain"']),
    ("run.status == |", "run", ['"running"', '"crashed"']),
    ("series.context.|", "series", ["case", "class"]),
    ('series.context.case == "|', "series", ['"spleen_2"']),
    ('case.id not in ["|', "case", ['"spleen_12"']),
    ('media.kind == "v|', "media", ['"volume"']),
    ("run.name.|", "run", ["startswith(", "lower("]),
    ("run.name |", "run", ["==", "in", "is None"]),
    ('"ba|', "run", ['"baseline" in run.tags']),
    ("not |", "run", ["run.archived"]),
    ("run.created > da|", "run", ["datetime(", "days("][1:]),
]


@pytest.mark.parametrize(("typed", "scope", "offered"), OFFERED)
def test_what_is_offered(typed: str, scope: Scope, offered: list[str]) -> None:
    at = typed.index("|")
    found = complete(typed.replace("|", ""), at, scope, KNOWN)
    assert set(offered) <= {one.text for one in found}


# Offers that are taken one after the other, until there is a whole query.
TAKEN: list[tuple[str, str, str]] = [
    ("lr|", "run.params.optimizer.lr", "run.params.optimizer.lr"),
    ("run.params.optimi| < 1", "optimizer", "run.params.optimizer < 1"),
    ("run.na|x == 'a'", "name", "run.name == 'a'"),
    ('run.metrics["va|"].max > 1', '"val/dice"', 'run.metrics["val/dice"].max > 1'),
    ('"lo|"', '"long run" in run.tags', '"long run" in run.tags'),
    ("run.experiment == 'sp|'", '"spleen"', 'run.experiment == "spleen"'),
    ("run.archived an| run.params.seed", "and", "run.archived and run.params.seed"),
]


@pytest.mark.parametrize(("typed", "taken", "whole"), TAKEN)
def test_an_offer_replaces_the_word_at_the_cursor(typed: str, taken: str, whole: str) -> None:
    text = typed.replace("|", "")
    offers = {one.text: one for one in complete(text, typed.index("|"), "run", KNOWN)}
    one = offers[taken]
    assert text[: one.start] + one.text + text[one.end :] == whole
    parse(whole, "run")


@given(
    text=st.text() | st.lists(st.sampled_from(PIECES)).map("".join),
    at=st.integers(-2, 60),
    scope=st.sampled_from(SCOPES),
)
def test_completion_takes_any_text(text: str, at: int, scope: Scope) -> None:
    for one in complete(text, at, scope, KNOWN):
        assert 0 <= one.start <= one.end <= len(text)
