"""A query's text as tokens, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from voxloop.store.query.errors import QueryError

LONGEST = 20_000
TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<number>(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<name>[^\W\d]\w*)
    |(?P<operator>\*\*|//|<<|>>|<=|>=|==|!=|&&|\|\||:=|[-+*/%<>=!&|^~()\[\]{},.:;@?$\#\\`])""",
    re.VERBOSE | re.DOTALL,
)
ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "/": "/", "\\": "\\", '"': '"', "'": "'"}


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a query; a text's `value` is what stands between its quotes."""

    kind: Literal["number", "text", "name", "operator", "end"]
    text: str
    start: int
    end: int
    value: str | int | float | None = None


def tokens(text: str) -> list[Token]:
    """The tokens of a query, and one that marks its end."""
    if len(text) > LONGEST:
        raise QueryError(f"it has {len(text)} characters, more than {LONGEST}", text, LONGEST, "ask in several queries")
    found, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise _stranger(text, at)
        kind, word = str(match.lastgroup), match.group()
        if kind == "number":
            found.append(Token("number", word, at, match.end(), _number(text, word, at, match.end())))
        elif kind == "text":
            found.append(Token("text", word, at, match.end(), _unquoted(text, word, at)))
        elif kind == "name":
            found.append(Token("name", word, at, match.end(), word))
        elif kind == "operator":
            found.append(Token("operator", word, at, match.end()))
        at = match.end()
    found.append(Token("end", "", len(text), len(text)))
    return found


def _stranger(text: str, at: int) -> QueryError:
    if text[at] in "\"'":
        return QueryError("this text has no end", text, at, f"close it with {text[at]}")
    return QueryError(f"the character {text[at]!a} means nothing here", text, at, "put texts in quotes")


def _number(text: str, word: str, at: int, end: int) -> int | float:
    if text[end : end + 1].isalnum() or word.endswith("_"):
        raise QueryError("a number runs into a name", text, end, "put texts in quotes")
    value: int | float
    try:
        value = float(word) if set(word) & set(".eE") else int(word)
        if abs(float(value)) == float("inf"):
            raise OverflowError
    except (OverflowError, ValueError):
        raise QueryError("this number is beyond 64 bits", text, at, "numbers reach to 1.7e308") from None
    return value


def _unquoted(text: str, word: str, at: int) -> str:
    def one(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) > 1:
            number = int(code[1:], 16)
            if number > 0x10FFFF:
                raise QueryError("this escape names no character", text, at + 1 + match.start())
            return chr(number)
        # As in Python, an unknown escape stands for itself: "C:\data".
        return ESCAPED.get(code, match[0])

    value = ESCAPE.sub(one, word[1:-1])
    # Two escapes may make one character, as in JSON; half of one is no text, and PostgreSQL holds no NUL.
    try:
        value = value.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise QueryError("this text has half a character", text, at, "write it as it is, without escapes") from None
    if "\0" in value:
        raise QueryError("this text has a NUL character", text, at, "no text in a project has one")
    return value
