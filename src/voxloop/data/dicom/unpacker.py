"""A process of its own that unpacks compressed pictures, run by `unpacking`.

The C libraries that do it abort on some damaged pictures, print to the terminal, and allocate what a picture claims.
Here that ends this process and no other.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import sys
import warnings
from typing import Any

MOST_MEMORY = 4 * 2**30


def main() -> None:
    """Answers each request (length, JSON, picture) with its pixels, or with nothing where it holds none."""
    _limit_memory()
    source = sys.stdin.buffer
    # Libraries print where they like; the answers go where nobody else writes.
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    while len(head := source.read(8)) == 8:
        said, packed = struct.unpack("<II", head)
        options = json.loads(source.read(said))
        pixels = _unpacked(options, source.read(packed))
        sink.write(struct.pack("<Q", len(pixels)) + pixels)
        sink.flush()


def _unpacked(options: dict[str, Any], code: bytes) -> bytes:
    from pydicom.encaps import encapsulate
    from pydicom.pixels.decoders.base import get_decoder

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pixels, _ = get_decoder(str(options.pop("syntax"))).as_array(
                encapsulate([code], has_bot=False), index=0, raw=True, **options
            )
            return bytes(pixels.tobytes())
    except Exception:
        return b""


def _limit_memory() -> None:
    # Windows has no such module, and macOS no such limit.
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))


if __name__ == "__main__":
    main()
