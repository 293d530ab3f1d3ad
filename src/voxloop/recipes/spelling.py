"""Names as datasets write them, recognised as the names that a recipe uses. No number is ever taken for a name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

# What else a dataset may call a recipe's class or channel: {"edema": ["peritumoral edema", "ED"]}.
Spellings = Mapping[str, Sequence[str]]


def recognise(said: str, names: Sequence[str], spellings: Spellings | None = None) -> str | None:
    """Which of a recipe's names a dataset means.

    Case, spaces, punctuation and British or American spelling do not matter. Beyond that only whole names count that the
    recipe lists: by its letters, "non-enhancing" contains "enhancing".

    >>> recognise("Non-Enhancing Tumor", ["enhancing tumour", "non-enhancing tumour"])
    'non-enhancing tumour'
    >>> recognise("T1ce", ["T1w", "T1gd"], {"T1gd": ["T1c", "T1ce"]})
    'T1gd'
    """
    heard = _forms(said)
    for name in names:
        if any(_plain(known) in heard for known in (name, *(spellings or {}).get(name, ()))):
            return name
    return None


def explained(name: str, spellings: Spellings | None = None) -> str:
    """A name with what else it may be called, for a sentence: `"edema" (or ED, peritumoral edema)`."""
    others = (spellings or {}).get(name, ())
    return f'"{name}"' + (f" (or {', '.join(others[:4])})" if others else "")


def _forms(said: str) -> set[str]:
    """A name, and where it has an addition in brackets, both halves: "edema (ED)" is edema and is ED."""
    forms = {_plain(said)}
    bracketed = re.fullmatch(r"([^()]*)\(([^()]*)\)\s*", said)
    if bracketed:
        forms |= {_plain(half) for half in bracketed.groups()}
    return forms - {""}


def _plain(name: str) -> str:
    letters = re.sub(r"[\W_]+", "", name.casefold())
    return letters.replace("tumour", "tumor").replace("oedema", "edema")
