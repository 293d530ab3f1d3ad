"""What may stand next in a query that is being typed: terms, functions and operators, and what the project is known to hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from voxloop.store.query.functions import FUNCTIONS
from voxloop.store.query.names import WORDS
from voxloop.store.query.terms import SUMMARIES, Scope, Term, terms
from voxloop.store.query.tokens import TOKEN
from voxloop.store.query.tree import IDENTIFIER, Plain, Step, quoted

MOST = 50
OPERATORS = {
    "and": "both are true",
    "or": "one of them is true",
    "==": "equal",
    "!=": "present and different",
    "<": "less",
    "<=": "less or equal",
    ">": "more",
    ">=": "more or equal",
    "in": "one of a list, or a part of a text",
    "not in": "none of a list",
    "is None": "missing",
    "is not None": "present",
}
STATUSES = ("running", "finished", "failed", "interrupted", "crashed")
MEDIA_KINDS = ("volume", "image", "figure", "distribution", "text", "table")
# A value is to stand behind these.
OPERAND = {"and", "or", "not", "in", "is", "(", "[", ",", "=", "+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!="}


@dataclass(frozen=True, slots=True)
class Known:
    """What a project holds, as far as one wants to offer it."""

    params: tuple[tuple[Step, ...], ...] = ()
    environment: tuple[tuple[Step, ...], ...] = ()
    metrics: tuple[str, ...] = ()
    context: Mapping[str, tuple[Plain, ...]] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    experiments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Completion:
    """A text that may replace what stands from `start` to `end`."""

    text: str
    kind: Literal["term", "param", "metric", "context", "value", "function", "operator"]
    help: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    kind: str
    start: int


@dataclass(frozen=True, slots=True)
class _Offer:
    text: str
    kind: Literal["term", "param", "metric", "context", "value", "function", "operator"]
    help: str = ""
    # What the typed letters are held against; the text itself where empty.
    found_by: str = ""


def complete(text: str, position: int, scope: Scope, known: Known) -> list[Completion]:
    """What may replace the word before `position`, the likeliest first."""
    position = min(max(position, 0), len(text))
    words = list(_words(text[:position]))
    typed, start, end = "", position, position
    if words and words[-1].kind == "open":
        word = words.pop()
        typed, start = word.text[1:], word.start
        end += text[position : position + 1] == word.text[0]
        offers = _texts(words, scope, known)
    else:
        if words and words[-1].kind == "name" and words[-1].start + len(words[-1].text) == position:
            word = words.pop()
            typed, start = word.text, word.start
            end += len(IDENTIFIER.match(text[start:])[0]) - len(typed)  # type: ignore[index]
        offers = _names(words, scope, known)
    return [Completion(offer.text, offer.kind, offer.help, start, end) for offer in _fitting(offers, typed)][:MOST]


def _words(text: str) -> Iterator[_Word]:
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None and text[at] in "\"'":
            yield _Word(text[at:], "open", at)
            return
        if match is not None and match.lastgroup != "space":
            yield _Word(match.group(), str(match.lastgroup), at)
        at = match.end() if match is not None else at + 1


def _fitting(offers: Iterable[_Offer], typed: str) -> list[_Offer]:
    """Those that begin as typed, then those that hold it anywhere; each once."""
    typed = typed.lower()
    keys = {offer: (offer.found_by or offer.text).strip("\"'").lower() for offer in offers}
    begun = [offer for offer, key in keys.items() if key.startswith(typed)]
    return begun + [offer for offer, key in keys.items() if typed and typed in key and not key.startswith(typed)]


# While a name is typed


def _names(words: list[_Word], scope: Scope, known: Known) -> Iterator[_Offer]:
    last = words[-1].text if words else "("
    if last == ".":
        yield from _members(_chain(words[:-1]), scope, known)
    elif last in (",", "[") and _metric_name(words) is not None:
        if last == ",":
            yield from (
                _Offer(f"{key}=", "context", "a key of the context") for key in known.context if _plain_key(key)
            )
        else:
            yield from (_Offer(quoted(name), "metric", "a series") for name in known.metrics)
    elif last == "[" and (chain := _chain(words[:-1])):
        yield from (_Offer(quoted(step), "param") for step in _next_steps(chain, known))
    elif last in OPERAND:
        yield from _operands(words, scope, known)
    else:
        yield from (_Offer(word, "operator", text) for word, text in OPERATORS.items())


def _operands(words: list[_Word], scope: Scope, known: Known) -> Iterator[_Offer]:
    if words and words[-1].text in ("==", "!=", "[", ",", "in", "="):
        yield from _values(words, known)
    for entity in dict.fromkeys(term.name.split(".")[0] for term in terms(scope)):
        yield _Offer(f"{entity}.", "term", f"what is known of the {entity}")
    for term in terms(scope):
        if not term.name.startswith("run.metrics."):
            short = term.name.split(".")[1]
            yield _Offer(f"{term.name}." if term.shown else term.name, "term", term.help, f"{short} {term.name}")
    for path in known.params:
        yield _Offer(_path("run.params", path), "param", "a param", str(path[-1]) if path else "")
    for name in known.metrics:
        yield _Offer(f"run.metrics[{quoted(name)}].", "metric", "a series", name)
    for function in FUNCTIONS.values():
        if not function.name.startswith("."):
            yield _Offer(f"{function.name}(", "function", function.help)
    yield _Offer("not ", "operator", "the opposite")


def _members(chain: list[Step], scope: Scope, known: Known) -> Iterator[_Offer]:
    """What may stand behind a dot."""
    own = [term for term in terms(scope) if term.name.split(".")[0] == (chain[0] if chain else None)]
    if len(chain) == 1:
        for term in own:
            if not term.name.startswith("run.metrics."):
                yield _Offer(term.name.split(".")[1], "term", term.help)
        if chain == ["run"]:
            yield _Offer('metrics["', "term", "a series of the run, by its name")
        return
    here = _term(chain, own)
    if chain[:2] == ["run", "metrics"]:
        if len(chain) > 2:
            yield from (_Offer(name, "term", text) for name, text in SUMMARIES.items())
        return
    if here is None:
        return
    if here.steps is not None:
        yield from (
            _Offer(step, "param") for step in _next_steps(chain, known) if isinstance(step, str) and _plain_key(step)
        )
    if here.type in ("text", "any"):
        for function in FUNCTIONS.values():
            if function.name.startswith("."):
                yield _Offer(f"{function.name[1:]}(", "function", function.help)


def _next_steps(chain: list[Step], known: Known) -> list[Step]:
    """The keys that are known at a place, as run.params.optimizer."""
    if chain[1:2] == ["context"]:
        return list(known.context) if len(chain) == 2 else []
    paths = {"params": known.params, "environment": known.environment}.get(str(chain[1] if len(chain) > 1 else ""), ())
    inside = tuple(chain[2:])
    return list(
        dict.fromkeys(path[len(inside)] for path in paths if len(path) > len(inside) and path[: len(inside)] == inside)
    )


# While a text is typed


def _texts(words: list[_Word], scope: Scope, known: Known) -> Iterator[_Offer]:
    last = words[-1].text if words else "("
    if last == "[" and _metric_name(words) is not None:
        yield from (_Offer(quoted(name), "metric", "a series") for name in known.metrics)
    elif last == "[" and (chain := _chain(words[:-1])):
        yield from (_Offer(quoted(step), "param") for step in _next_steps(chain, known) if isinstance(step, str))
    elif last in ("==", "!=", "[", ",", "in", "="):
        yield from (offer for offer in _values(words, known) if offer.text.startswith('"'))
    elif last in OPERAND:
        yield from (_Offer(f"{quoted(tag)} in run.tags", "value", "a tag", tag) for tag in known.tags)


def _values(words: list[_Word], known: Known) -> Iterator[_Offer]:
    """What the term on the other side is known to be."""
    if words[-1].text == "=" and len(words) > 1:
        yield from (_Offer(quoted(one), "value", words[-2].text) for one in known.context.get(words[-2].text, ()))
        return
    while words and words[-1].text not in ("==", "!=", "in"):
        if words[-1].text not in ("[", ",", "(") and words[-1].kind not in ("text", "number"):
            return
        words = words[:-1]
    words = words[:-1]
    chain = _chain(words[:-1] if words and words[-1].text == "not" else words)
    values: dict[tuple[Step, ...], tuple[Plain, ...]] = {
        ("run", "experiment"): known.experiments,
        ("run", "status"): STATUSES,
        ("media", "kind"): MEDIA_KINDS,
        ("series", "name"): known.metrics,
        ("case", "metric"): known.metrics,
        ("case", "id"): known.context.get("case", ()),
        ("case", "class"): known.context.get("class", ()),
        **{(entity, "context", key): found for key, found in known.context.items() for entity in ("series", "media")},
    }
    yield from (_Offer(quoted(one), "value", ".".join(map(str, chain))) for one in values.get(tuple(chain), ()))


# Words read backwards


def _chain(words: list[_Word]) -> list[Step]:
    """The names and keys that end here: run.params["a"] gives run, params, a. Empty where there is none."""
    found: list[Step] = []
    while words:
        word = words[-1]
        if word.text == "]":
            start = max((at for at, one in enumerate(words) if one.text == "["), default=0)
            if len(words) - start < 3:
                return []
            key = words[start + 1]
            found.insert(0, int(key.text) if key.text.isdecimal() else re.sub(r"^['\"]|['\"]$", "", key.text))
            words = words[:start]
        elif word.kind == "name":
            found.insert(0, word.text)
            if len(words) < 2 or words[-2].text != ".":
                return [] if word.text in WORDS else found
            words = words[:-2]
        else:
            return []
    return []


def _metric_name(words: list[_Word]) -> str | None:
    """The brackets of run.metrics[ that stand open here: the name in them, or an empty one."""
    start = max((at for at, one in enumerate(words) if one.text == "["), default=-1)
    if start < 0 or any(one.text == "]" for one in words[start:]) or _chain(words[:start]) != ["run", "metrics"]:
        return None
    return words[start + 1].text if len(words) > start + 1 else ""


def _term(chain: list[Step], own: list[Term]) -> Term | None:
    return next((term for term in own if term.name.split(".")[1] == chain[1]), None)


def _plain_key(key: str) -> bool:
    return IDENTIFIER.fullmatch(key) is not None


def _path(root: str, path: Iterable[Step]) -> str:
    steps = (f".{step}" if isinstance(step, str) and _plain_key(step) else f"[{quoted(step)}]" for step in path)
    return root + "".join(steps)
