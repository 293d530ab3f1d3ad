"""An answer is computed once for all who ask, and again after a change."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import voxloop as vx
from voxloop.server.kept import MOST, Kept
from voxloop.store import open_project


def test_many_who_ask_at_once_cost_one_look(tmp_path: Path) -> None:
    looks: list[int] = []

    def look() -> int:
        looks.append(1)
        time.sleep(0.05)
        return len(looks)

    with open_project(tmp_path, create=True) as project:
        kept = Kept(project)
        answers: list[int] = []
        asking = [threading.Thread(target=lambda: answers.append(kept.answer("a", look))) for _ in range(8)]
        for one in asking:
            one.start()
        for one in asking:
            one.join()
        assert answers == [1] * 8
        assert kept.answer("b", look) == 2
        with vx.Run(project=tmp_path):
            pass
        assert kept.answer("a", look) == 3


def test_what_fails_is_tried_again_and_little_is_kept(tmp_path: Path) -> None:
    with open_project(tmp_path, create=True) as project:
        kept = Kept(project)
        for _ in range(2):
            try:
                kept.answer("bad", lambda: 1 // 0)
            except ZeroDivisionError:
                continue
            raise AssertionError("the failure was kept")
        for number in range(MOST + 5):
            assert kept.answer(number, lambda: "said") == "said"
        again: list[str] = []
        kept.answer(0, lambda: again.append("looked"))
        kept.answer(MOST, lambda: again.append("kept"))
        assert again == ["looked"]
