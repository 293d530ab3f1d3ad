"""Ctrl-C ends a command once, wherever it falls, with one sentence."""

from __future__ import annotations

import subprocess
import sys

import pytest

# What a command does, with an interrupt that falls where Python makes trouble of it.
COMMAND = """
import os, signal, sys, time
import typer
from voxloop.cli import main

class Half:
    def __init__(self, falls):
        if falls == "in the making":
            os.kill(os.getpid(), signal.SIGINT)
        self.whole = True

    def __del__(self):
        if os.environ["FALLS"] == "in the end":
            os.environ["FALLS"] = ""
            os.kill(os.getpid(), signal.SIGINT)
        assert self.whole

def work():
    Half(os.environ["FALLS"])
    time.sleep(20)

@main.app.command("work")
def command():
    try:
        work()
    except KeyboardInterrupt:
        print("voxloop: interrupted", file=sys.stderr)
        raise typer.Exit(130) from None
    print("nothing was heard")

sys.argv = ["voxloop", "work"]
main.main()
"""


@pytest.mark.parametrize("falls", ["in the making", "in the end"])
def test_an_interrupt_is_heard_wherever_it_falls_and_told_in_one_line(falls: str) -> None:
    done = subprocess.run([sys.executable, "-c", COMMAND], capture_output=True, text=True, env={"FALLS": falls})
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "voxloop: interrupted\n")


def test_what_goes_wrong_in_a_destructor_is_told_as_long_as_nobody_interrupted() -> None:
    failing = COMMAND.replace("self.whole = True", "pass").replace("time.sleep(20)", "")
    done = subprocess.run([sys.executable, "-c", failing], capture_output=True, text=True, env={"FALLS": ""})
    assert (done.returncode, done.stdout) == (0, "nothing was heard\n")
    assert "AttributeError: 'Half' object has no attribute 'whole'" in done.stderr
