"""Printed text as a terminal shows it: a progress bar leaves its last state, a display that is drawn over its last picture."""

from __future__ import annotations

import re

# Escape sequences, and the characters that move. What is cut off at the end of a piece is waited for.
TOKENS = re.compile(
    r"\x1b\[([0-9;:?<=>]*)([ -/]*[@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][0-9A-B]|\x1b[=>78cDEHMNOZ]|[\r\n\b\a\v\f\0]"
)
UNFINISHED = re.compile(r"\x1b(?:\[[0-9;:?<=>]*[ -/]*|\][^\x07\x1b]*\x1b?|[()]?)?\Z")
LONGEST_LINE = 20_000
LONGEST_ESCAPE = 4096
# How far a number moves the cursor to the right.
WIDEST = 1000
# A display of more lines than this is no progress bar.
TALLEST = 200
# What switches off which of the attributes 1 to 9.
OFF = {22: (1, 2), 23: (3,), 24: (4,), 25: (5, 6), 27: (7,), 28: (8,), 29: (9,)}
Style = tuple[str, str, frozenset[int]]
PLAIN: Style = ("", "", frozenset())


class Row:
    """One line: its characters, each with its style."""

    __slots__ = ("characters", "styles")

    def __init__(self) -> None:
        self.characters: list[str] = []
        self.styles: list[Style] = []

    def write(self, at: int, text: str, style: Style) -> None:
        text = text[: max(0, LONGEST_LINE - at)]
        if at > len(self.characters):
            self.write(len(self.characters), " " * (at - len(self.characters)), PLAIN)
        self.characters[at : at + len(text)] = text
        self.styles[at : at + len(text)] = [style] * len(text)

    def erase(self, start: int, end: int) -> None:
        if end >= len(self.characters):
            del self.characters[start:], self.styles[start:]
        else:
            self.write(start, " " * (end - start), PLAIN)

    def text(self) -> str:
        """The line with its colours, each switched off where it ends."""
        if not any(style is not PLAIN for style in self.styles):
            return "".join(self.characters)
        parts: list[str] = []
        now = PLAIN
        for character, style in zip(self.characters, self.styles, strict=True):
            if style != now:
                parts.append(_codes(style, now))
                now = style
            parts.append(character)
        return "".join(parts) + (_codes(PLAIN, now) if now != PLAIN else "")


class Screen:
    """The last lines of a terminal of any width. Lines that nobody will come back to are taken from it as they are."""

    def __init__(self) -> None:
        self.rows = [Row()]
        self.row = 0
        self.column = 0
        # How far up something has come back lately: as many lines may change yet.
        self.reach = 0
        self._style = PLAIN
        self._cut = ""

    def feed(self, text: str) -> None:
        """Prints a piece of text, which may end anywhere."""
        text = self._cut + text
        self._cut = ""
        if (cut := UNFINISHED.search(text, max(0, len(text) - LONGEST_ESCAPE))) is not None:
            self._cut, text = text[cut.start() :], text[: cut.start()]
        at = 0
        for token in TOKENS.finditer(text):
            self._print(text[at : token.start()])
            at = token.end()
            if token[2] is not None:
                self._obey(token[1], token[2])
            else:
                self._move(token[0])
        self._print(text[at:])

    def take(self, everything: bool = False) -> list[str]:
        """The lines that are done; with those that could change yet, and the unfinished last one, if that is all there is."""
        done = len(self.rows) if everything else max(0, min(len(self.rows) - 1 - self.reach, self.row))
        taken = [row.text() for row in self.rows[:done]]
        if everything and taken and not taken[-1]:
            taken.pop()
        del self.rows[:done]
        if not self.rows:
            self.rows.append(Row())
            self.column = 0
        self.row = max(0, self.row - done)
        return taken

    def pending(self) -> str:
        """The line that is being written."""
        return self.rows[self.row].text()

    def _print(self, text: str) -> None:
        if text:
            self.rows[self.row].write(self.column, text, self._style)
            self.column = min(self.column + len(text), LONGEST_LINE)

    def _move(self, character: str) -> None:
        if character in ("\n", "\v", "\f"):
            self.column = 0
            self.row += 1
            if self.row == len(self.rows):
                self.rows.append(Row())
        elif character == "\r":
            self.column = 0
        elif character == "\b":
            self.column = max(0, self.column - 1)

    def _obey(self, said: str, command: str) -> None:
        numbers = [int(part[:5]) if part.isdigit() else 0 for part in said.replace(":", ";").split(";")]
        # Without a number, one step; a hostile number moves no further than a display is tall.
        count = min(max(1, numbers[0]), TALLEST)
        if command == "m":
            self._style = _styled(self._style, numbers)
        elif command in ("A", "F"):
            self.reach = max(self.reach, count)
            self.row = max(0, self.row - count)
            self.column = 0 if command == "F" else self.column
        elif command in ("B", "E"):
            # A cursor stops at the bottom; only a new line makes room.
            self.row = min(self.row + count, len(self.rows) - 1)
            self.column = 0 if command == "E" else self.column
        elif command == "C":
            self.column = min(self.column + max(1, numbers[0]), max(self.column, WIDEST))
        elif command == "D":
            self.column = max(0, self.column - max(1, numbers[0]))
        elif command == "G":
            self.column = min(max(1, numbers[0]), WIDEST) - 1
        elif command == "K":
            start = 0 if numbers[0] in (1, 2) else self.column
            self.rows[self.row].erase(start, self.column + 1 if numbers[0] == 1 else LONGEST_LINE)
        elif command == "J" and numbers[0] == 0:
            self.rows[self.row].erase(self.column, LONGEST_LINE)
            del self.rows[self.row + 1 :]


def _styled(style: Style, numbers: list[int]) -> Style:
    """A style after a sequence of codes."""
    front, back, marks = style
    at = 0
    while at < len(numbers):
        code = numbers[at]
        taken = 1
        if code == 0:
            front, back, marks = PLAIN
        elif code in (38, 48):
            # A colour by number, 5;n, or by its red, green and blue, 2;r;g;b.
            taken = {5: 3, 2: 5}.get(numbers[at + 1] if at + 1 < len(numbers) else 0, len(numbers) - at)
            colour = ";".join(map(str, numbers[at : at + taken]))
            front, back = (colour, back) if code == 38 else (front, colour)
        elif 30 <= code <= 37 or 90 <= code <= 97 or code == 39:
            front = "" if code == 39 else str(code)
        elif 40 <= code <= 47 or 100 <= code <= 107 or code == 49:
            back = "" if code == 49 else str(code)
        elif code in OFF:
            marks -= set(OFF[code])
        elif 1 <= code <= 9:
            marks |= {code}
        at += taken
    found = (front, back, marks)
    return PLAIN if found == PLAIN else found


def _codes(style: Style, before: Style) -> str:
    front, back, marks = style
    codes = [*map(str, sorted(marks)), *filter(None, (front, back))]
    if before == PLAIN:
        return f"\x1b[{';'.join(codes)}m"
    return f"\x1b[{';'.join(['0', *codes])}m"
