"""Curves as they are sent, each kept until its series grows: a second viewer, or a neighbour that grows, costs no second look."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

MOST_BYTES = 48_000_000
# numpy and zlib let go of the interpreter; more threads than this only wait for each other.
AT_ONCE = 2


class Thinned:
    """Pieces of answers by what they depend on, the latest of them, at most so many bytes."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._pieces: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0
        self._turn = threading.Lock()

    def pieces(self, keys: Sequence[str], compute: Callable[[int], bytes]) -> list[bytes]:
        """A piece for each key; `compute` makes the one at a place where it is not known."""
        # Those who ask at the same time ask for the same, as a rule: the second finds what the first has made.
        with self._turn:
            missing = [place for place, key in enumerate(keys) if key not in self._pieces]
            if len(missing) > 1:
                with ThreadPoolExecutor(AT_ONCE) as pool:
                    made = list(pool.map(compute, missing))
            else:
                made = [compute(place) for place in missing]
            found = dict(zip(missing, made, strict=True))
            answer = []
            for place, key in enumerate(keys):
                piece = found.get(place) or self._pieces[key]
                self._keep(key, piece)
                answer.append(piece)
            while self._bytes > self._most:
                self._bytes -= len(self._pieces.popitem(last=False)[1])
            return answer

    def _keep(self, key: str, piece: bytes) -> None:
        if key in self._pieces:
            self._pieces.move_to_end(key)
            return
        self._pieces[key] = piece
        self._bytes += len(piece)
