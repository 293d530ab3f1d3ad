"""From text to tree: precedence climbing over tokens, with names looked up on the way, so that an error has its place."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable
from dataclasses import dataclass

from voxloop.store.query.check import bound, check, truth
from voxloop.store.query.errors import QueryError
from voxloop.store.query.functions import FUNCTIONS
from voxloop.store.query.terms import ALL, SCOPES, SUMMARIES, Scope, Term, terms
from voxloop.store.query.tokens import Token, tokens
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
    Plain,
    Step,
    Value,
)

# A query comes from anybody: what it may cost is bounded before it is compiled.
DEEPEST = 16
MOST_OPERATIONS = 24
MOST_ITEMS = 1000
MOST_STEPS = 12

COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
WORDS = {"and", "or", "not", "in", "is", "if", "else", "for", "lambda"}
CONSTANTS: dict[str, Plain] = {"True": True, "False": False, "None": None}
MEANT = {
    "=": "compare with ==",
    "&&": "write and",
    "&": "write and",
    "||": "write or",
    "|": "write or",
    "!": "write not",
    "~": "write not",
    "**": "there are no powers; 1e-3 is a number",
    "%": "there is no remainder",
    "//": "divide with /",
    ":": "there are no slices",
    ":=": "compare with ==",
    "{": "a context is written key=value",
    "if": "join conditions with and, or",
    "for": "there are no loops; x in run.tags asks a list",
    "lambda": "there are no functions of your own",
}
# What other trackers and habits call our terms.
ALIASES = {
    "hash": "run.id",
    "created_at": "run.created",
    "creation_time": "run.created",
    "start_time": "run.created",
    "finalized_at": "run.ended",
    "end_time": "run.ended",
    "description": "run.notes",
    "state": "run.status",
    "active": 'run.status == "running"',
    "hparams": "run.params",
    "config": "run.params",
    "summary": "run.metrics",
    "metric": "series",
    "images": "media",
    "group": "run.experiment",
}


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was understood. An empty text asks for everything; `now` is the moment that `now()` means."""

    scope: Scope
    text: str
    tree: Node | None
    now: float


@dataclass(frozen=True, slots=True)
class SortKey:
    node: Node
    descending: bool


@dataclass(frozen=True, slots=True)
class Order:
    """How rows are to be sorted; without a key, newest first."""

    scope: Scope
    text: str
    keys: tuple[SortKey, ...]
    now: float


def parse(text: str, scope: Scope, now: float | None = None) -> Query:
    """Reads a query, or says where it cannot.

    >>> parse("run.params.lr < 1e-3", "run").tree
    Comparison(position=14, first=Value(position=0, term='run.params', steps=('lr',)), rest=(('<', Constant(...)),))
    """
    parser = _Parser(text, scope)
    tree = None
    if parser.token.kind != "end":
        tree = parser.whole()
        truth(tree, text)
    parser.end("and, or or the end")
    return Query(scope, text, tree, time.time() if now is None else now)


def parse_order(text: str | None, scope: Scope, now: float | None = None) -> Order:
    """Reads sort keys: expressions separated by commas, each with a minus before it for descending."""
    parser = _Parser(text or "", scope)
    keys: list[SortKey] = []
    while parser.token.kind != "end":
        if keys:
            parser.expect(",", "a comma or the end")
        parser.allow(len(keys) < DEEPEST, "so many keys", f"sort by {DEEPEST} at most")
        descending = parser.take("-")
        keys.append(SortKey(parser.whole(), descending))
    return Order(scope, text or "", tuple(keys), time.time() if now is None else now)


class _Parser:
    def __init__(self, text: str, scope: Scope) -> None:
        if scope not in SCOPES:
            raise QueryError(f"there is no scope {scope!r}", text, 0, f"choose one of {', '.join(SCOPES)}")
        self.text = text
        self.scope = scope
        self.tokens = tokens(text)
        self.at = 0
        self.depth = 0
        self.operations = 0
        self.terms = {term.name: term for term in terms(scope)}
        self.entities = sorted({name.split(".")[0] for name in self.terms})

    # Tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def ahead(self, *words: str) -> bool:
        return self.token.kind in ("operator", "name") and self.token.text in words

    def take(self, *words: str) -> bool:
        found = self.ahead(*words)
        self.at += found
        return found

    def expect(self, word: str, expected: str = "") -> None:
        if not self.take(word):
            self.fail(f"expected {expected or word}")

    def fail(self, problem: str, hint: str = "", token: Token | None = None) -> None:
        """Refuses, with what is likely to be meant by the word that stands here."""
        token = token or self.token
        raise QueryError(problem, self.text, token.start, hint or MEANT.get(token.text, "") * (token.kind != "text"))

    def allow(self, condition: bool, what: str, hint: str, token: Token | None = None) -> None:
        if not condition:
            self.fail(f"there may not be {what}", hint, token)

    def end(self, expected: str) -> None:
        if self.token.kind != "end":
            if self.ahead("<<", ">>", "=", "&&", "||", "!", ":="):
                expected = "a comparison, like < or <="
            self.fail(f"expected {expected}")

    # Expressions, from the loosest to the tightest

    def whole(self) -> Node:
        node = self.either()
        bound(node, self.text)
        check(node, self.text)
        return node

    def either(self) -> Node:
        self.depth += 1
        self.allow(self.depth <= DEEPEST, "so many brackets inside of each other", "split the query")
        node = self.joined("or", self.both, Either)
        self.depth -= 1
        return node

    def both(self) -> Node:
        return self.joined("and", self.negated, Both)

    def joined(self, word: str, inner: Callable[[], Node], node: type[Both] | type[Either]) -> Node:
        start = self.token.start
        found = [inner()]
        while self.take(word):
            found.append(inner())
        return found[0] if len(found) == 1 else node(tuple(found), position=start)

    def negated(self) -> Node:
        start = self.token.start
        if not self.take("not"):
            return self.comparison()
        self.operation()
        return Not(self.negated(), position=start)

    def comparison(self) -> Node:
        first = self.sum()
        start = self.token.start
        rest: list[tuple[str, Node]] = []
        while (operator := self.comparator()) is not None:
            self.allow(len(rest) < DEEPEST, "so many comparisons in a chain", "join them with and")
            if operator in ("is None", "is not None"):
                rest.append((operator.removesuffix(" None"), Constant(None, position=self.token.start)))
            else:
                rest.append((operator, self.sum()))
        return Comparison(first, tuple(rest), position=start) if rest else first

    def comparator(self) -> str | None:
        if self.ahead(*COMPARISONS):
            self.at += 1
            return self.tokens[self.at - 1].text
        if self.take("in"):
            return "in"
        if self.ahead("not") and self.tokens[self.at + 1].text == "in":
            self.at += 2
            return "not in"
        if self.take("is"):
            negative = self.take("not")
            if not self.take("None"):
                self.fail("expected None", "is compares with None alone; write == for others")
            return "is not None" if negative else "is None"
        return None

    def sum(self) -> Node:
        return self.chain(("+", "-"), self.product)

    def product(self) -> Node:
        return self.chain(("*", "/"), self.signed)

    def chain(self, operators: tuple[str, ...], inner: Callable[[], Node]) -> Node:
        node = inner()
        while self.ahead(*operators):
            token = self.token
            self.at += 1
            self.operation()
            node = Arithmetic(token.text, node, inner(), position=token.start)
        return node

    def operation(self) -> None:
        self.operations += 1
        self.allow(self.operations <= MOST_OPERATIONS, "so many operations", f"a query has {MOST_OPERATIONS} at most")

    def signed(self) -> Node:
        start = self.token.start
        if not self.take("-"):
            return self.methods(self.primary())
        self.operation()
        return Negative(self.signed(), position=start)

    def methods(self, node: Node) -> Node:
        while self.ahead(".") and self.tokens[self.at + 1].kind == "name":
            if self.tokens[self.at + 2].text != "(":
                self.at += 1
                self.fail(f"there is nothing called {self.token.text} in this", _methods(self.token.text))
            self.at += 1
            node = self.call(f".{self.token.text}", node)
        if self.ahead(".", "[", "("):
            self.fail(f"nothing can follow with {self.token.text} here")
        return node

    def primary(self) -> Node:
        token = self.token
        if token.kind in ("number", "text"):
            self.at += 1
            return Constant(token.value, position=token.start)
        if self.take("("):
            first = None if self.ahead(")") else self.either()
            if first is not None and self.take(")"):
                return first
            return self.items(")", token.start, first)
        if self.take("["):
            return self.items("]", token.start, None)
        if token.kind == "name" and token.text not in WORDS:
            return self.named()
        what = "the end of the query stands here" if token.kind == "end" else f"{token.text} stands here"
        self.fail(f"expected a value, but {what}")
        raise AssertionError("fail raises")

    def items(self, close: str, start: int, first: Node | None) -> Node:
        found = [] if first is None else [first]
        while not self.take(close):
            if found:
                self.expect(",", f"a comma or {close}")
                if self.take(close):
                    break
            self.allow(len(found) < MOST_ITEMS, "so many items", f"a list has {MOST_ITEMS} at most")
            found.append(self.either())
        return Items(tuple(found), position=start)

    # Names

    def named(self) -> Node:
        token = self.token
        self.at += 1
        if token.text in CONSTANTS:
            return Constant(CONSTANTS[token.text], position=token.start)
        if self.ahead("("):
            self.at -= 1
            return self.call(token.text, None)
        if token.text not in self.entities:
            self.unknown(token)
        if not self.ahead("."):
            self.fail(
                f"{token.text} alone says nothing", f"choose what you ask of it, like {self.sample(token.text)}", token
            )
        return self.term(token)

    def sample(self, entity: str) -> str:
        return next(name for name in self.terms if name.startswith(f"{entity}."))

    def unknown(self, token: Token) -> None:
        near = self.nearest(token.text, [*self.entities, *(name for name in FUNCTIONS if not name.startswith("."))])
        others = [scope for scope in SCOPES if scope == token.text]
        if token.text in ("true", "false", "null", "none"):
            hint = f"write {token.text.replace('null', 'none').capitalize()}"
        elif token.text.lower() in WORDS:
            hint = f"write {token.text.lower()}"
        elif others:
            hint = f"a query for {self.scope} asks {' and '.join(self.entities)}"
        elif near:
            hint = f"did you mean {near}?".rstrip("?")
        elif ALIASES.get(token.text, "") in self.entities:
            hint = f"here it is called {ALIASES[token.text]}"
        else:
            hint = f"is it run.params.{token.text}, or a text that wants quotes"
        self.fail(f"the name {token.text} is unknown", hint, token)

    def nearest(self, word: str, known: list[str]) -> str:
        return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=0.6)), "")

    def term(self, entity: Token) -> Node:
        self.expect(".")
        token = self.token
        if token.kind != "name":
            self.fail(f"expected a name after {entity.text}.", f"like {self.sample(entity.text)}")
        self.at += 1
        name = f"{entity.text}.{token.text}"
        if name == "run.metrics":
            return self.metric(entity)
        term = self.terms.get(name)
        if term is None:
            self.no_term(entity, token)
        term = self.terms[name]
        steps = () if term.steps is None else self.steps()
        node = Value(name, steps, position=entity.start)
        if self.ahead(".", "[") and term.steps is None and not self.method_ahead():
            what = f"{name} is {article(term)}, and has nothing inside"
            self.fail(what, _methods(self.tokens[self.at + 1].text) if term.type == "text" else "compare it as it is")
        return node

    def no_term(self, entity: Token, token: Token) -> None:
        known = {name.split(".")[1]: name for name in self.terms if name.startswith(f"{entity.text}.")}
        near = self.nearest(token.text, list(known))
        alias = ALIASES.get(token.text, "")
        if near:
            hint = f"did you mean {entity.text}.{near}"
        elif alias.startswith("run."):
            hint = f"here it is called {alias}"
        elif entity.text == "run":
            hint = f"a param is asked for as run.params.{token.text}"
        else:
            hint = f"{entity.text} has {', '.join(known)}"
        self.fail(f"{entity.text} has no {token.text}", hint, token)

    def method_ahead(self) -> bool:
        here = self.tokens[self.at : self.at + 3]
        return len(here) == 3 and here[0].text == "." and here[1].kind == "name" and here[2].text == "("

    def steps(self) -> tuple[Step, ...]:
        found: list[Step] = []
        while self.ahead(".", "[") and not self.method_ahead():
            self.allow(len(found) < MOST_STEPS, "so many steps into a value", "ask for something less deep")
            if self.take("."):
                if self.token.kind != "name":
                    self.fail("expected a key", 'an odd key stands in brackets: ["odd key"]')
                found.append(self.token.text)
                self.at += 1
                continue
            self.at += 1
            negative = self.take("-")
            key = self.token.value
            if self.token.kind == "text" and isinstance(key, str) and not negative:
                found.append(key)
            elif isinstance(key, int) and key < 2**31:
                found.append(-key if negative else key)
            else:
                self.fail("expected a key in quotes, or the number of an item")
            self.at += 1
            self.expect("]")
        return tuple(found)

    def metric(self, entity: Token) -> Node:
        example = 'run.metrics["val/dice"].max'
        if self.take("."):
            self.fail("a series is named in brackets", f"like {example}")
        self.expect("[", f"the series' name in brackets, like {example}")
        name = self.token
        if name.kind != "text":
            self.fail("expected the series' name in quotes", f"like {example}")
        self.at += 1
        context: dict[str, Plain] = {}
        while not self.take("]"):
            self.expect(",", "a comma or ]")
            key = self.token
            if key.kind != "name" or key.text in context:
                self.fail("expected a context as key=value", 'like run.metrics["val/dice", case="spleen_12"].max')
            self.at += 1
            self.expect("=")
            context[key.text] = self.context_value()
        if not (self.take(".") and self.token.text in SUMMARIES):
            near = self.nearest(self.token.text, list(SUMMARIES))
            hint = f"did you mean .{near}" if near else f"like {example}"
            self.fail(f"expected one of {', '.join(f'.{field}' for field in SUMMARIES)}", hint)
        field = self.token.text
        self.at += 1
        return Metric(str(name.value), tuple(sorted(context.items())), field, position=entity.start)

    def context_value(self) -> Plain:
        negative = self.take("-")
        token = self.token
        self.at += 1
        if token.kind == "number" and isinstance(token.value, int | float):
            return -token.value if negative else token.value
        if token.kind == "text" and not negative:
            return token.value
        if token.text in ("True", "False") and not negative:
            return CONSTANTS[token.text]
        self.fail("expected a text in quotes, a number, True or False", "", token)
        raise AssertionError("fail raises")

    def call(self, name: str, target: Node | None) -> Node:
        token = self.token
        self.at += 1
        function = FUNCTIONS.get(name)
        if function is None or token.text in ("", "("):
            hint = _methods(token.text) if target is not None else self.functions(token.text)
            self.fail(f"there is no {'method' if target is not None else 'function'} {token.text}", hint, token)
        self.operation()
        self.expect("(")
        arguments = [] if target is None else [target]
        while not self.take(")"):
            if len(arguments) > (target is not None):
                self.expect(",", "a comma or )")
            arguments.append(self.either())
            self.allow(len(arguments) <= DEEPEST, "so many arguments", f"as in {FUNCTIONS[name].example}")
        return Call(name, tuple(arguments), position=token.start)

    def functions(self, word: str) -> str:
        plain = [name for name in FUNCTIONS if not name.startswith(".")]
        near = self.nearest(word, plain)
        return f"did you mean {near}()" if near else f"there are {', '.join(plain)}"


def _methods(word: str) -> str:
    known = [name[1:] for name in FUNCTIONS if name.startswith(".")]
    near = next(iter(difflib.get_close_matches(word, known, n=1, cutoff=0.6)), "")
    return f"did you mean .{near}(...)" if near else f"a text has {', '.join(f'.{name}()' for name in known)}"


def article(term: Term) -> str:
    return {"number": "a number", "text": "a text", "boolean": "true or false"}.get(term.type, "a value")


__all__ = ["ALL", "Order", "Query", "SortKey", "parse", "parse_order"]
