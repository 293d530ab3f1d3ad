"""Which packages are installed, by the names of the folders that pip left: none is read, and none is imported."""

from __future__ import annotations

import os
import re
import sys
from functools import cache

FOLDER = re.compile(r"(?P<name>.+?)-(?P<version>\d[^-]*)(?:-py[\d.]+)?(?:-[^-]+)*\.(?:dist-info|egg-info|egg)")


def installed() -> dict[str, str]:
    """Name → version of all that this process could import, sorted."""
    return dict(_installed(tuple(sys.path)))


@cache
def _installed(places: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for place in places:
        try:
            names = [entry.name for entry in os.scandir(place or os.curdir)]
        except OSError:
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info", ".egg")) and (match := FOLDER.fullmatch(name)):
                # What comes first on the path is what is imported.
                found.setdefault(re.sub(r"[-_.]+", "-", match["name"]).lower(), match["version"])
    return tuple(sorted(found.items()))
