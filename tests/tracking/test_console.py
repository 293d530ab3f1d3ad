"""What a run prints is kept, and the terminal never notices."""

from __future__ import annotations

import contextlib
import functools
import gc
import io
import logging
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.tracking.children import run_script
from voxloop.tracking import console
from voxloop.tracking.console import Capture


class Heard:
    """A capture that is flushed by the test, and all that it handed over."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.capture = Capture(lambda _, text: self.pieces.append(text), interval_s=None)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@pytest.fixture
def terminal() -> io.StringIO:
    return io.StringIO()


def on_a_terminal(test: Callable[..., None]) -> Callable[..., None]:
    """Runs a test with `terminal` as its stdout; a fixture cannot, for pytest has streams of its own for each phase."""

    @functools.wraps(test)
    def run(terminal: io.StringIO, **fixtures: Any) -> None:
        with contextlib.redirect_stdout(terminal), contextlib.redirect_stderr(io.StringIO()):
            test(terminal=terminal, **fixtures)

    return run


@pytest.fixture
def heard() -> Iterator[Heard]:
    one = Heard()
    yield one
    one.capture.stop()


@on_a_terminal
def test_both_streams_are_kept_and_the_terminal_sees_them(terminal: io.StringIO, heard: Heard) -> None:
    with heard.capture:
        print("epoch 1")
        print("careful", file=sys.stderr)
        sys.stdout.writelines(["epoch 2\n"])
        heard.capture.flush()
        assert heard.text == "epoch 1\ncareful\nepoch 2\n"
    print("afterwards")
    assert terminal.getvalue() == "epoch 1\nepoch 2\nafterwards\n"
    assert heard.text == "epoch 1\ncareful\nepoch 2\n"


@on_a_terminal
def test_a_line_is_handed_over_once_it_is_whole(terminal: io.StringIO, heard: Heard) -> None:
    with heard.capture:
        print("10%\r50%", end="")
        heard.capture.flush()
        assert heard.pieces == []
        assert heard.capture.pending == "50%"
        print("\r100%")
        print("unfinished", end="")
    assert heard.text == "100%\nunfinished\n"


@on_a_terminal
def test_a_logger_that_holds_the_stream_already_is_heard(terminal: io.StringIO, heard: Heard) -> None:
    logger = logging.Logger("old")
    logger.addHandler(logging.StreamHandler(terminal))
    with heard.capture:
        logger.warning("lost in other trackers")
    assert heard.text == "lost in other trackers\n"


@on_a_terminal
def test_the_streams_are_as_they_were(terminal: io.StringIO) -> None:
    before = sys.stdout, sys.stderr, dict(vars(sys.stdout))
    first, second = Heard(), Heard()
    first.capture.start()
    second.capture.start()
    first.capture.stop()
    assert "write" in vars(sys.stdout)
    second.capture.stop()
    assert (sys.stdout, sys.stderr, dict(vars(sys.stdout))) == before
    assert console._ears == []


@on_a_terminal
def test_two_runs_hear_what_is_printed_while_they_are_open(terminal: io.StringIO) -> None:
    outer, inner = Heard(), Heard()
    with outer.capture:
        print("a")
        with inner.capture:
            print("b")
        print("c")
    assert outer.text == "a\nb\nc\n"
    assert inner.text == "b\n"
    assert terminal.getvalue() == "a\nb\nc\n"


@on_a_terminal
def test_who_replaced_the_stream_meanwhile_keeps_it(
    terminal: io.StringIO, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = io.StringIO()
    heard.capture.start()
    monkeypatch.setattr(sys, "stdout", other)
    heard.capture.stop()
    assert sys.stdout is other
    assert "write" not in vars(terminal)


@on_a_terminal
def test_who_built_upon_the_stream_meanwhile_keeps_that(terminal: io.StringIO, heard: Heard) -> None:
    loud: list[str] = []
    heard.capture.start()
    ours: Any = terminal.write

    def write(text: str) -> int:
        loud.append(text)
        return int(ours(text))

    terminal.write = write  # type: ignore[method-assign]
    heard.capture.stop()
    print("on")
    again = Heard()
    with again.capture:
        print("once")
    assert loud == ["on", "\n", "once", "\n"]
    assert terminal.getvalue() == "on\nonce\n"
    assert again.text == "once\n"
    terminal.write = ours  # type: ignore[method-assign]
    with again.capture:
        pass
    assert "write" not in vars(terminal)


@on_a_terminal
def test_what_goes_elsewhere_is_not_heard(terminal: io.StringIO, heard: Heard) -> None:
    with heard.capture, contextlib.redirect_stdout(io.StringIO()):
        print("into a file")
    assert heard.text == ""


@on_a_terminal
def test_print_does_not_fail_where_the_keeper_does(terminal: io.StringIO) -> None:
    kept: list[str] = []
    full = [True]

    def keep(_: float, text: str) -> None:
        if full[0]:
            raise OSError("no space left")
        kept.append(text)

    with Capture(keep, interval_s=None) as capture:
        print("one")
        capture.flush()
        print("two")
        capture.flush()
        full[0] = False
    assert kept == ["one\ntwo\n"]


@on_a_terminal
def test_a_keeper_that_prints_does_not_hear_itself_for_ever(terminal: io.StringIO) -> None:
    pieces: list[str] = []

    def keep(_: float, text: str) -> None:
        pieces.append(text)
        if len(pieces) < 3:
            print("kept")
            capture.flush()

    with Capture(keep, interval_s=None) as capture:
        print("one")
        capture.flush()
    assert pieces == ["one\n", "kept\n", "kept\n"]


@on_a_terminal
def test_memory_is_bounded_and_what_was_left_out_is_counted(
    terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "MOST_LINES", 1000)
    monkeypatch.setattr(console, "MOST_RAW", 500)
    heard = Heard()
    with heard.capture:
        for number in range(1000):
            print(f"line {number}")
        assert heard.capture._raw_size <= 500 + 10
    lines = heard.text.splitlines()
    assert lines[-1] == "line 999"
    assert len(heard.text) < 1100
    assert lines[0] == f"[{1000 - (len(lines) - 1)} lines were not kept]"


@on_a_terminal
def test_every_line_of_every_thread_arrives(terminal: io.StringIO) -> None:
    heard: list[str] = []
    with Capture(lambda _, text: heard.append(text), interval_s=0.01):
        threads = [
            threading.Thread(target=lambda who=who: [sys.stdout.write(f"{who} {n}\n") for n in range(500)])
            for who in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    lines = "".join(heard).splitlines()
    assert sorted(lines) == sorted(f"{who} {n}" for who in range(4) for n in range(500))
    assert [line for line in lines if line.startswith("2 ")] == [f"2 {n}" for n in range(500)]


@on_a_terminal
def test_a_capture_that_nobody_holds_is_gone(terminal: io.StringIO) -> None:
    capture = Capture(lambda *_: None)
    capture.start()
    reference = weakref.ref(capture)
    del capture
    gc.collect()
    assert reference() is None
    with Heard().capture:
        pass
    assert "write" not in vars(terminal)


def test_a_forked_child_prints_and_is_not_heard() -> None:
    said = run_script("""
import os, sys
from voxloop.tracking.console import Capture
heard = []
capture = Capture(lambda _, text: heard.append(text), interval_s=0.05)
capture.start()
print("parent", flush=True)
child = os.fork()
if child == 0:
    print("child", flush=True)
    capture.flush()
    capture.stop()
    assert "write" not in vars(sys.stdout) and not heard, heard
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
capture.stop()
print(heard)
""")
    assert said.splitlines() == ["parent", "child", r"['parent\n']"]
