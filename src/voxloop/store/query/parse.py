"""From text to tree: precedence climbing over tokens, with names looked up on the way, so that an error has its place."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from voxloop.store.query.check import bound, check, truth
from voxloop.store.query.functions import FUNCTIONS
from voxloop.store.query.names import CONSTANTS, WORDS, Names, methods_hint
from voxloop.store.query.terms import Scope
from voxloop.store.query.tree import (
    Arithmetic,
    Both,
    Call,
    Comparison,
    Constant,
    Either,
    Items,
    Negative,
    Node,
    Not,
    children,
)

# A query comes from anybody: what it may cost is bounded before it is compiled.
DEEPEST = 16
TALLEST = 24
MOST_ITEMS = 1000

COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


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
    parser.end("a comparison, and, or, or the end of the query")
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


class _Parser(Names):
    """Expressions, from the loosest to the tightest."""

    def __init__(self, text: str, scope: Scope) -> None:
        super().__init__(text, scope)
        self.depth = 0
        self.depths: dict[int, int] = {}

    def end(self, expected: str) -> None:
        if self.token.kind != "end":
            if self.ahead("<<", ">>"):
                expected = "a comparison, like < or <="
            self.fail(f"expected {expected}")

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
        return found[0] if len(found) == 1 else self.built(node(tuple(found), position=start))

    def negated(self) -> Node:
        starts = self.signs("not")
        node = self.comparison()
        for start in reversed(starts):
            node = self.built(Not(node, position=start))
        return node

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
        return self.built(Comparison(first, tuple(rest), position=start)) if rest else first

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
            node = self.built(Arithmetic(token.text, node, inner(), position=token.start))
        return node

    def built(self, node: Node) -> Node:
        """The node, if the tree below it is not too tall to be compiled."""
        height = 1 + max((self.depths.get(id(child), 0) for child in children(node)), default=0)
        self.allow(height <= TALLEST, "so many operations on each other", f"{TALLEST} at most")
        self.depths[id(node)] = height
        return node

    def signs(self, word: str) -> list[int]:
        """The places of a word that is said again and again."""
        starts = [self.token.start]
        while self.take(word):
            starts.append(self.token.start)
            self.allow(len(starts) <= DEEPEST, f"so many {word}", "two are as good as none")
        return starts[:-1]

    def signed(self) -> Node:
        starts = self.signs("-")
        node = self.methods(self.primary())
        for start in reversed(starts):
            node = self.built(Negative(node, position=start))
        return node

    def methods(self, node: Node) -> Node:
        while self.ahead(".") and self.tokens[self.at + 1].kind == "name":
            if self.tokens[self.at + 2].text != "(":
                self.at += 1
                self.fail(f"there is nothing called {self.token.text} in this", methods_hint(self.token.text))
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
        what = "the query ends here" if token.kind == "end" else f"{token.text} stands here"
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
        return self.built(Items(tuple(found), position=start))

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
                f"{token.text} alone says nothing", f"say what you ask of it, as in {self.sample(token.text)}", token
            )
        return self.term(token)

    def call(self, name: str, target: Node | None) -> Node:
        token = self.token
        self.at += 1
        function = FUNCTIONS.get(name)
        if function is None or token.text in ("", "("):
            hint = methods_hint(token.text) if target is not None else self.functions(token.text)
            self.fail(f"there is no {'method' if target is not None else 'function'} {token.text}", hint, token)
        self.expect("(")
        arguments = [] if target is None else [target]
        while not self.take(")"):
            if len(arguments) > (target is not None):
                self.expect(",", "a comma or )")
            arguments.append(self.either())
            self.allow(len(arguments) <= DEEPEST, "so many arguments", f"as in {FUNCTIONS[name].example}")
        return self.built(Call(name, tuple(arguments), position=token.start))
