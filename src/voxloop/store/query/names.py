"""The names in a query: looked up while it is read, so that an unknown one is told with its place and what is near."""

from __future__ import annotations

import difflib

from voxloop.store.query.errors import QueryError
from voxloop.store.query.functions import FUNCTIONS
from voxloop.store.query.terms import SCOPES, SUMMARIES, Scope, Term, terms
from voxloop.store.query.tokens import Token, tokens
from voxloop.store.query.tree import Metric, Node, Plain, Step, Value

MOST_STEPS = 12
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
    "AND": "write and",
    "OR": "write or",
    "NOT": "write not",
    "desc": "write a minus before what is to be sorted downwards",
    "asc": "leave it out",
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


class Names:
    """A place in a query's tokens, and what is read of names from there."""

    def __init__(self, text: str, scope: Scope) -> None:
        if scope not in SCOPES:
            raise QueryError(f"there is no scope {scope!r}", text, 0, f"choose one of {', '.join(SCOPES)}")
        self.text = text
        self.scope = scope
        self.tokens = tokens(text)
        self.at = 0
        self.terms = {term.name: term for term in terms(scope)}
        self.entities = sorted({name.split(".")[0] for name in self.terms})

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
            hint = f"did you mean {near}"
        elif ALIASES.get(token.text, "") in self.entities:
            hint = f"here it is called {ALIASES[token.text]}"
        else:
            hint = f"a param is run.params.{token.text}, and a text stands in quotes"
        self.fail(f"the name {token.text} is unknown", hint, token)

    def nearest(self, word: str, known: list[str]) -> str:
        return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=0.6)), "")

    def term(self, entity: Token) -> Node:
        self.expect(".")
        token = self.token
        if token.kind != "name":
            self.fail(f"expected a name after {entity.text}.", f"as in {self.sample(entity.text)}")
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
            self.at += self.ahead(".")
            self.fail(what, methods_hint(self.token.text) if term.type == "text" else "compare it as it is")
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
            self.fail("a series is named in brackets", f"write {example}")
        self.expect("[", f"the series' name in brackets, like {example}")
        name = self.token
        if name.kind != "text":
            self.fail("expected the series' name in quotes", f"write {example}")
        self.at += 1
        context: dict[str, Plain] = {}
        while not self.take("]"):
            self.expect(",", "a comma or ]")
            key = self.token
            if key.kind != "name" or key.text in context:
                self.fail("expected a context as key=value", 'write run.metrics["val/dice", case="spleen_12"].max')
            self.at += 1
            self.expect("=")
            context[key.text] = self.context_value()
        if not (self.take(".") and self.token.text in SUMMARIES):
            near = self.nearest(self.token.text, list(SUMMARIES))
            hint = f"did you mean .{near}" if near else f"write {example}"
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

    def functions(self, word: str) -> str:
        plain = [name for name in FUNCTIONS if not name.startswith(".")]
        near = self.nearest(word, plain)
        return f"did you mean {near}()" if near else f"there are {', '.join(plain)}"


def methods_hint(word: str) -> str:
    known = [name[1:] for name in FUNCTIONS if name.startswith(".")]
    near = next(iter(difflib.get_close_matches(word, known, n=1, cutoff=0.6)), "")
    return f"did you mean .{near}(...)" if near else f"a text has {', '.join(f'.{name}()' for name in known)}"


def article(term: Term) -> str:
    return {"number": "a number", "text": "a text", "boolean": "true or false"}.get(term.type, "a value")
