"""What is left of printed text when a terminal has shown it."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxloop.tracking.terminal import LONGEST_LINE, Screen

PRINTED: dict[str, tuple[str, list[str]]] = {
    "lines": ("a\nb\n", ["a", "b"]),
    "lines of Windows": ("a\r\nb\r\n", ["a", "b"]),
    "an unfinished line": ("a\nb", ["a", "b"]),
    "an empty line": ("a\n\nb\n", ["a", "", "b"]),
    "a progress bar": ("\r10%\r50%\r100%\n", ["100%"]),
    "a shorter state leaves the end of the longer one": ("long text\rab\n", ["abng text"]),
    "… unless it is erased": ("long text\r\x1b[Kab\n", ["ab"]),
    "erased as a whole": ("long text\x1b[2K\rab\n", ["ab"]),
    "erased up to here": ("long\x1b[1Kx\n", ["    x"]),
    "backspace": ("1/2\b\b\b2/2\n", ["2/2"]),
    "two bars, as tqdm draws them": ("a 0\n\rb 0\x1b[A\ra 1\n\rb 1\x1b[A\ra 2\n\n", ["a 2", "b 1"]),
    "a live display, as rich draws it": ("x 0\ny 0\r\x1b[2K\x1b[1A\x1b[2Kx 1\ny 1\n", ["x 1", "y 1"]),
    "erased to the end": ("a\nb\nc\x1b[2A\r\x1b[Jd\n", ["d"]),
    "columns": ("\x1b[5Gx\x1b[3Dy\x1b[2Cz\n", ["  y xz"]),
    "colours stay": ("\x1b[31mred\x1b[0m\n", ["\x1b[31mred\x1b[0m"]),
    "a colour goes no further than its line": ("\x1b[1;32ma\nb\x1b[m\n", ["\x1b[1;32ma\x1b[0m", "\x1b[1;32mb\x1b[0m"]),
    "a colour that is drawn over": ("\x1b[31mred\x1b[0m\rblu\n", ["blu"]),
    "colours by number": ("\x1b[38;5;208ma\x1b[48;2;1;2;3mb\x1b[39mc\x1b[0m\n",
                          ["\x1b[38;5;208ma\x1b[0;38;5;208;48;2;1;2;3mb\x1b[0;48;2;1;2;3mc\x1b[0m"]),
    "a hidden cursor, a title, a link": ("\x1b[?25l\x1b]0;title\x07\x1b]8;;http://a\x1b\\link\x1b]8;;\x1b\\\x1b[?25h\n", ["link"]),
    "a bell": ("done\a\n", ["done"]),
    "a huge number": ("\x1b[99999999999999999999A\x1b[99999Bx\n", ["x"]),
    "up from the first line": ("\x1b[3Ax\n", ["x"]),
}  # fmt: skip


def lines_of(*pieces: str) -> list[str]:
    screen = Screen()
    for piece in pieces:
        screen.feed(piece)
    return screen.take(everything=True)


@pytest.mark.parametrize("name", PRINTED)
def test_a_line_is_what_was_seen_last(name: str) -> None:
    text, lines = PRINTED[name]
    assert lines_of(text) == lines


@pytest.mark.parametrize("name", PRINTED)
def test_it_does_not_matter_where_the_pieces_end(name: str) -> None:
    text, lines = PRINTED[name]
    assert lines_of(*text) == lines


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1)))
def test_plain_lines_come_through(lines: list[str]) -> None:
    assert lines_of("".join(f"{line}\n" for line in lines)) == lines


@given(st.text(st.sampled_from("ab\r\n\b\x1b[]0123;?mABCDEFGJKhl\x07\\ ")))
def test_no_text_breaks_it(text: str) -> None:
    lines = lines_of(text)
    assert all("\n" not in line and "\r" not in line for line in lines)


def test_a_line_has_an_end() -> None:
    assert lines_of("x" * 10 * LONGEST_LINE + "\n") == ["x" * LONGEST_LINE]


def test_lines_that_may_change_yet_are_waited_for() -> None:
    screen = Screen()
    screen.feed("before\nx 0\ny 0\r\x1b[1Ax 1\n")
    assert screen.take() == ["before"]
    screen.feed("y 1\r\x1b[1Ax 2\ny 2\n")
    assert screen.take() == ["x 2"]
    assert screen.take(everything=True) == ["y 2"]


def test_a_display_of_rich_leaves_its_last_picture() -> None:
    from rich.console import Console
    from rich.progress import Progress

    out = io.StringIO()
    with Progress(console=Console(file=out, force_terminal=True, width=60), auto_refresh=False) as progress:
        tasks = [progress.add_task(name, total=5) for name in ("train", "val")]
        for _ in range(5):
            for task in tasks:
                progress.advance(task)
                progress.refresh()
    found = [line for line in lines_of(out.getvalue()) if line]
    assert len(found) == 2
    assert [line.split()[0] for line in found] == ["train", "val"]
    assert all("100%" in line for line in found)
