"""How often a run was resumed, after which epochs and with what: kept with its params, and told."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from voxloop.tracking import Run
from voxloop.training.resuming import Resumption

KEY = "resumed"


@dataclass
class History:
    """What is told of a run that goes on, on the console and in its params: `resumed` is a list, an entry for each time."""

    run: Run
    say: Callable[[str], None]
    _entries: list[dict[str, Any]] = field(default_factory=list)

    def begin(self, resumption: Resumption) -> None:
        """Adds an entry: what the run was from here on."""
        changed = {one.key: one.as_params() for one in resumption.changed}
        entry = {"after_epoch": resumption.done, "time": time.time(), "changed": changed, "told": []}
        self._entries = [*resumption.run.params.get(KEY, []), entry]

    def tell(self, sentence: str) -> None:
        self.say(sentence)
        assert self._entries, "nothing is told of a run that begins"
        self._entries[-1]["told"].append(sentence)
        self.run.params[KEY] = self._entries
