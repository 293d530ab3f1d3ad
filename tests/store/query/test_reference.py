"""The reference page is made from the language, and what it shows can be asked."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from voxloop.store.query import FUNCTIONS, SCOPES, parse, terms

ROOT = Path(__file__).parent.parent.parent.parent
PAGE = ROOT / "docs" / "reference" / "query.md"


def test_the_query_reference_is_fresh() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "generate.py"))["query_language"]()
    assert PAGE.read_text() == made, "docs/reference/query.md is stale; run: make docs"


def test_the_examples_on_the_page_can_be_asked() -> None:
    (block,) = re.findall(r"```\n(.*?)```", PAGE.read_text(), re.DOTALL)
    for line in block.splitlines():
        parse(line, "series")


def test_every_term_and_function_says_what_it_is_and_can_be_asked() -> None:
    for scope in SCOPES:
        for term in terms(scope):
            assert term.help
            parse(term.example, scope)
    for function in FUNCTIONS.values():
        assert function.help
        parse(function.example, "run")
