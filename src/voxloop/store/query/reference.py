"""The reference page of the language, from its terms and functions."""

from __future__ import annotations

from collections.abc import Iterable

from voxloop.store.query.functions import FUNCTIONS
from voxloop.store.query.terms import CASE_TERMS, MEDIA_TERMS, METRIC_TERMS, RUN_TERMS, SERIES_TERMS, Term

INTRODUCTION = """# Query language

Made from the language's own terms by `make docs`.

A query is one expression that looks like Python. It is the same on the command line, in Python, over HTTP and in the page; it is
turned into SQL and never evaluated.

```
run.params.optimizer.lr < 1e-3 and run.metrics["val/dice"].max > 0.9
"baseline" in run.tags and run.created > now() - days(7)
not run.metrics["val/dice"].max > 0.8
series.name == "val/dice" and series.context.case == "spleen_12"
```

## Rules

- **Values** are numbers (64-bit floats), texts, True and False, lists, dicts, or missing (None). True is not 1, and `"1"` is not 1.
- **What is missing makes a comparison false**, whichever it is, before any `not`: `run.params.seed != 7` finds runs with another seed,
  `not run.params.seed == 7` those without a seed too. `is None` finds what is missing, and so does `== None`. A key that no run has,
  a null, and a number that cannot be computed, such as one divided by zero, are all missing.
- **Different kinds** are never equal and have no order. Where that is known from the query alone, as in `run.name == 3`, it is an error.
- **Operators**, from the loosest to the tightest: `or`, `and`, `not`; `<` `<=` `>` `>=` `==` `!=` `in` `not in` `is None` `is not None`,
  which may be chained: `1e-5 < run.params.lr < 1e-2`; `+` `-`; `*` `/`; minus.
- **A value by itself** is true as in Python: `run.params.amp` unless it is missing, False, 0, or empty.
- **`in`** asks a list (`"a" in run.tags`, `run.name in ["a", "b"]`), a text (`"net" in run.name`) or the keys of a dict. `!=` and `not in`
  need both sides to be there.
- **Lists** are equal when they are as long and each item is equal: `run.params.roi_size == [96, 96, 96]`.
- **Keys** of params, environments and contexts are written with dots, odd ones in brackets, items of lists with their number, from the
  end with a minus: `run.params["odd key"].sizes[-1]`. A key that no run has is no error, for the runs to come may have it; a name that
  the language does not know is one.
- **A metric** is told by its name and its whole context: `run.metrics["val/dice"].max` is of the series without a context,
  `run.metrics["val/dice", case="spleen_12", class="spleen"].max` of the one with exactly this.
- **Times** are seconds since 1970; `datetime(2025, 3, 1)` and `now() - hours(2)` are such numbers, in the machine's own time zone.
- **Texts** are in single or double quotes, are ordered by code point, and `.lower()` changes A to Z alone, the same on every database.
- **Archived runs** are left out of every answer, unless the query says `run.archived`: `run.archived or True` finds all.

## Sorting

One or more expressions, separated by commas, each with a minus before it for descending: `-run.metrics["val/dice"].max, run.name`.
What is missing comes last either way; numbers come before texts and those before True and False; what is equal, or not sorted at
all, is newest first.
"""


def page() -> str:
    lines = [INTRODUCTION]
    for title, found in (
        ("Runs: `run.`, in every query", RUN_TERMS),
        ("Metrics of runs: `run.metrics`, in every query", METRIC_TERMS),
        ("Series: `series.`", SERIES_TERMS),
        ("Media: `media.`", MEDIA_TERMS),
        ("Cases: `case.`, the series whose context has a case", CASE_TERMS),
    ):
        lines += [f"## {title}", "", *_table(found), ""]
    lines += ["## Functions and methods", "", "| | | example |", "|---|---|---|"]
    lines += [f"| `{one.usage}` | {one.help} | `{one.example}` |" for one in FUNCTIONS.values()]
    return "\n".join(lines) + "\n"


def _table(terms: Iterable[Term]) -> list[str]:
    rows = [f"| `{term.usage}` | {term.type} | {term.help} | `{term.example}` |" for term in terms]
    return ["| | kind | | example |", "|---|---|---|---|", *rows]
