"""Errors of code that somebody else wrote, as one sentence that names the bundle and what it was doing."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from voxloop.errors import VoxloopError

MISSING = re.compile(r"No module named '(?P<module>[\w.]+)'|required package `(?P<package>[\w.]+)` is not installed")


@contextmanager
def told(name: str, doing: str) -> Iterator[None]:
    """Turns whatever a bundle raises into a sentence: MONAI wraps the cause in others of its own, the first is told."""
    try:
        yield
    except VoxloopError:
        raise
    except Exception as error:  # all that a foreign program may raise
        cause = root_of(error)
        if isinstance(cause, VoxloopError):
            raise VoxloopError(str(cause)) from error
        if package := missing_package(cause):
            raise VoxloopError(needs(name, package)) from error
        lines = str(cause).strip().splitlines() or [""]
        raise VoxloopError(f"{name}: {doing} failed: {type(cause).__name__}: {lines[0][:300].rstrip('.')}.") from error


@contextmanager
def quiet_author() -> Iterator[None]:
    """What MONAI and torch warn of here, old names and defaults that change, only the bundle's author can act upon."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def missing_package(cause: BaseException) -> str | None:
    """The package for want of which something failed; MONAI tells of it in a text of its own."""
    if isinstance(cause, ModuleNotFoundError) and cause.name:
        return cause.name
    said = MISSING.search(str(cause)) if isinstance(cause, ImportError) else None
    return said and (said["module"] or said["package"])


def needs(name: str, package: str) -> str:
    """A package that is not there, by the name under which it is installed."""
    top = package.partition(".")[0]
    installed = {
        "yaml": "pyyaml",
        "skimage": "scikit-image",
        "sklearn": "scikit-learn",
        "cv2": "opencv-python-headless",
    }.get(top, top)
    return f'{name} needs the package {top}, which is not installed; install it with "pip install {installed}", then try again.'


def root_of(error: BaseException) -> BaseException:
    """What began it."""
    seen = {id(error)}
    while (below := error.__cause__ or (None if error.__suppress_context__ else error.__context__)) and id(
        below
    ) not in seen:
        seen.add(id(below))
        error = below
    return error
