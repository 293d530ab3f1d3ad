"""What a run notes about itself in its writer's thread: the code it came from, what it prints, how busy its machine is."""

from __future__ import annotations

import json
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from voxloop.errors import VoxloopError
from voxloop.store import place
from voxloop.store.blobs import Blobs
from voxloop.tracking import environment
from voxloop.tracking.params import plain, text
from voxloop.tracking.system import Sampler
from voxloop.tracking.writer import Writer

# Those that a query asks about; the others are in a blob.
TOLD_PACKAGES = ("voxloop", "torch", "monai", "numpy", "nibabel", "pytorch-ignite")


def tell_code(writer: Writer) -> None:
    """What is slow to find out about where a run comes from, in the writer's thread."""
    found = environment.describe_code()
    every, patch = found.pop("packages", None) or {}, environment.diff()
    found["packages"] = {name: every[name] for name in TOLD_PACKAGES if name in every}
    with suppress(VoxloopError):
        # Long, and the same for many runs: blobs, of which each is stored once.
        if every:
            found["all_packages"] = _blob(writer, "packages.json", _listed(tuple(every.items())))
        if patch:
            found["diff"] = _blob(writer, "changes.patch", patch)
    with suppress(VoxloopError):
        writer.say("environment", plain(found))


@cache
def _listed(packages: tuple[tuple[str, str], ...]) -> str:
    return json.dumps(dict(packages), indent=1)


def _blob(writer: Writer, filename: str, content: str) -> dict[str, Any]:
    encoded = content.encode("utf-8", "replace")
    return {"digest": Blobs(writer.root / place.BLOBS).put(encoded), "bytes": len(encoded), "filename": filename}


def printer(writer: Writer) -> Callable[[float, str], None]:
    return lambda moment, printed: writer.say("console", moment, text(printed))


def watcher(writer: Writer, every_s: float) -> Callable[[], None]:
    """Notes how busy the machine is, when it is time to."""
    sampler = Sampler(writer.root)
    reference = weakref.ref(writer)
    looked = time.monotonic()

    def look() -> None:
        nonlocal looked
        own = reference()
        if own is not None and time.monotonic() - looked >= every_s:
            looked = time.monotonic()
            for name, value in sampler.sample().items():
                own.point(name, None, None, value, None)

    return look
