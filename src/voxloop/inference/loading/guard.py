"""Errors of code that somebody else wrote, as one sentence that names the bundle and what it was doing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from voxloop.errors import VoxloopError


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
        if isinstance(cause, ModuleNotFoundError) and cause.name:
            raise VoxloopError(needs(name, cause.name)) from error
        lines = str(cause).strip().splitlines() or [""]
        raise VoxloopError(f"{name}: {doing} failed: {type(cause).__name__}: {lines[0][:300].rstrip('.')}.") from error


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
