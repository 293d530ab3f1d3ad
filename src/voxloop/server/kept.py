"""Answers that cost something, kept until the project changes: a second viewer of the same page costs no second look."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from voxloop.store import Project

MOST = 64
T = TypeVar("T")


class Kept:
    """The latest answers about one project, each computed once however many ask for it at the same time."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._token = ""
        self._answers: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()
        self._computing: dict[Hashable, threading.Lock] = {}

    def answer(self, question: Hashable, compute: Callable[[], T]) -> T:
        """What was answered before, if nothing has changed since; else what `compute` says."""
        with self._lock:
            if (token := self.project.change_token()) != self._token:
                self._token = token
                self._answers.clear()
            mine = self._computing.setdefault(question, threading.Lock())
        with mine:
            with self._lock:
                if question in self._answers:
                    found: T = self._answers[question]
                    return found
            try:
                made = compute()
            finally:
                with self._lock:
                    self._computing.pop(question, None)
            with self._lock:
                # What was computed while the project changed answers an older question.
                if self.project.change_token() == token == self._token:
                    self._answers[question] = made
                    while len(self._answers) > MOST:
                        self._answers.popitem(last=False)
            return made
