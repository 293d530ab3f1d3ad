"""A query that cannot be understood: what is wrong, where, and what to write instead."""

from __future__ import annotations

from voxloop.errors import VoxloopError

# A long query is shown around the place alone.
AROUND = 70


class QueryError(VoxloopError):
    """One sentence, then the query with a caret below the place. Caught where the place is shown in another way."""

    def __init__(self, problem: str, text: str, position: int, hint: str = "") -> None:
        self.problem = problem
        self.text = text
        self.position = min(max(position, 0), len(text))
        self.hint = hint
        advice = f"; {hint}" if hint else ""
        super().__init__(f"Cannot read the query: {problem}{advice}.\n{shown(text, self.position)}")


def shown(text: str, position: int) -> str:
    """The line of the text that holds the place, and a caret below it."""
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    line = text[start : len(text) if end < 0 else end]
    column = position - start
    cut = max(0, column - AROUND)
    before, after = "…" if cut else "", "…" if len(line) > column + AROUND else ""
    # A control character would move the caret, or the terminal.
    window = "".join(one if one.isprintable() else " " for one in line[cut : column + AROUND])
    return f"{before}{window}{after}\n{' ' * (len(before) + column - cut)}^"
