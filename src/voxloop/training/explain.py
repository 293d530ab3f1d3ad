"""MONAI's errors about a config, told in one sentence: which key, which value, and the nearest right name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from voxloop.errors import VoxloopError

UNEXPECTED = re.compile(r"(?P<owner>[\w.]+?)(?:\.__init__)?\(\) got an unexpected keyword argument '(?P<name>\w+)'")
COMPONENT = re.compile(r"component ['\"]?(?P<name>[\w.]+)")
# torch writes weights through a zip writer that reports a short write in its own words.
DISK_FULL = re.compile(r"No space left|File too large|inline_container|PytorchStreamWriter")
OUT_OF_BOUNDS = re.compile(r"index (?P<value>\d+) is out of bounds for dimension 1 with size (?P<classes>\d+)")
PATCH_TOO_DEEP = re.compile(
    r"[Ss]izes of tensors must match|The size of tensor a|Expected more than 1 (?:spatial element|value per channel)"
)


@contextmanager
def explain(recipe: str, config: Mapping[str, Any]) -> Iterator[None]:
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
        sentence = _sentence(causes, config)
        if sentence is None:
            raise
        raise VoxloopError(f"{recipe}: {sentence}") from error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _sentence(causes: list[BaseException], config: Mapping[str, Any]) -> str | None:
    text = " | ".join(str(cause) for cause in causes)
    root = causes[-1]
    unexpected = UNEXPECTED.search(text)
    if unexpected:
        known = _parameters(unexpected["owner"])
        near = difflib.get_close_matches(unexpected["name"], known, n=1)
        hint = f'; did you mean "{near[0]}"?' if near else f"; it takes: {', '.join(known)}." if known else "."
        return f'{_keys(unexpected["owner"], config)} has no argument "{unexpected["name"]}"{hint}'
    if "out of memory" in text:
        return "the device ran out of memory; lower batch_size, crops_per_scan or roi_size."
    if PATCH_TOO_DEEP.search(text):
        return (
            "the crop does not fit the network; make each side of roi_size a multiple of what the network divides it by: "
            "the product of its strides, or 2 for each level below its first."
        )
    if beyond := OUT_OF_BOUNDS.search(text):
        return (
            f"a label holds the value {beyond['value']}, and the classes are numbered 0 to {int(beyond['classes']) - 1}; "
            '"voxloop data check" says which, and dataset.json should name it.'
        )
    if DISK_FULL.search(text):
        return "the disk is full; free some space, then go on with --resume."
    component = COMPONENT.search(text)
    if component and root is not causes[0]:
        return f"{_keys(component['name'], config)} cannot be made: {_first_line(root)}"
    return None


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{lines[0].rstrip('.') if lines else type(error).__name__}."


def _keys(owner: str, config: Mapping[str, Any]) -> str:
    """The key of the part that is made by a class or function: `network_def (UNet)`."""
    name = owner.rsplit(".", 1)[-1]

    def search(place: Any, key: str) -> Iterator[str]:
        if isinstance(place, Mapping):
            if str(place.get("_target_", "")).rsplit(".", 1)[-1] == name:
                yield key
            for inner, value in place.items():
                yield from search(value, f"{key}#{inner}" if key else str(inner))
        elif isinstance(place, list):
            for number, value in enumerate(place):
                yield from search(value, f"{key}#{number}")

    found = list(search(config, ""))
    return f"{' or '.join(found[:3])} ({name})" if found else name


def _parameters(owner: str) -> list[str]:
    from voxloop.bundles.settings import arguments_of

    return sorted(arguments_of({"_target_": owner.rsplit(".", 1)[-1]}))
