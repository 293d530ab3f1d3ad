"""MONAI's errors about a config, told in one sentence: which key, which value, and the nearest right name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from contextlib import contextmanager

from voxloop.errors import VoxloopError

UNEXPECTED = re.compile(r"(?P<owner>[\w.]+?)(?:\.__init__)?\(\) got an unexpected keyword argument '(?P<name>\w+)'")
COMPONENT = re.compile(r"component ['\"]?(?P<name>[\w.]+)")
PATCH_TOO_DEEP = re.compile(
    r"[Ss]izes of tensors must match|Expected more than 1 (?:spatial element|value per channel)"
)


@contextmanager
def explain(recipe: str) -> Iterator[None]:
    """Turns whatever a workflow raises into a sentence, where its cause is known; anything else passes through."""
    try:
        yield
    except VoxloopError:
        raise
    except MemoryError as error:
        raise VoxloopError(
            f"{recipe}: this machine has too little memory; lower batch_size, crops_per_scan or roi_size."
        ) from error
    except Exception as error:
        causes = list(_chain(error))
        for cause in causes:
            if isinstance(cause, VoxloopError):
                raise VoxloopError(str(cause)) from error
        sentence = _sentence(causes)
        if sentence is None:
            raise
        raise VoxloopError(f"{recipe}: {sentence}") from error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _sentence(causes: list[BaseException]) -> str | None:
    text = " | ".join(str(cause) for cause in causes)
    root = causes[-1]
    unexpected = UNEXPECTED.search(text)
    if unexpected:
        known = _parameters(unexpected["owner"])
        near = difflib.get_close_matches(unexpected["name"], known, n=1)
        hint = f'; did you mean "{near[0]}"?' if near else f"; it takes: {', '.join(known)}." if known else "."
        return f'{unexpected["owner"]} has no argument "{unexpected["name"]}"{hint}'
    if "out of memory" in text:
        return "the device ran out of memory; lower batch_size, crops_per_scan or roi_size."
    if PATCH_TOO_DEEP.search(text):
        return "the crop does not fit the network; make each side of roi_size a multiple of the product of its strides."
    component = COMPONENT.search(text)
    if component and root is not causes[0]:
        return f'the part "{component["name"]}" cannot be made: {_first_line(root)}'
    if "No space left" in text:
        return "the disk is full; free some space, then go on with --resume."
    return None


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{lines[0] if lines else type(error).__name__}."


def _parameters(owner: str) -> list[str]:
    from voxloop.training.settings import arguments_of

    return sorted(arguments_of({"_target_": owner.rsplit(".", 1)[-1]}))
