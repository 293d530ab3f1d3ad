"""The settings that a training runs under, all of them, and what differs between two such sets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxloop.bundles import settings
from voxloop.data.whole import whole
from voxloop.monai.bundle import META, PLACES, Bundle

FILE = "config.json"
# What may be changed in the middle of a training without asking: neither changes what an epoch is.
LONGER = "epochs"
INTERVAL = "val_interval"
NOTHING = "none"
# A difference is told in a line.
SHOWN = 60


@dataclass(frozen=True, slots=True)
class Configuration:
    """A recipe's config with its preset, its overrides and its split, unresolved, as MONAI's parser merges it."""

    config: Mapping[str, Any]
    digest: str

    @classmethod
    def of(cls, folder: Path, config: Mapping[str, Any], overrides: Mapping[str, Any], split: str) -> Configuration:
        """`folder` is the bundle's: a path inside of it is the same setting elsewhere."""
        merged = settings.applied(config, {**overrides, "split": split})
        merged.pop(META, None)
        # As a file gives it back, so that the two can be compared.
        merged = json.loads(json.dumps(merged, default=str))
        bundle = Bundle(folder.resolve(), merged, {}, parser=None)
        # Where data and output lie is no setting of a training.
        return cls({key: value for key, value in merged.items() if not key.endswith(PLACES)}, bundle.config_hash)

    @classmethod
    def read(cls, run_folder: Path) -> Configuration | None:
        """As it was written down when the run began, or last changed; nothing where that is not there any more."""
        try:
            content = json.loads((run_folder / FILE).read_text(encoding="utf-8"))
            return cls(content["config"], str(content["config_hash"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, run_folder: Path) -> None:
        content = {"config_hash": self.digest, "config": self.config}
        with whole(run_folder / FILE) as partial:
            partial.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting by its key, as it was and as it is now."""

    key: str
    before: Any
    now: Any

    def __str__(self) -> str:
        return f"{self.key}: {_shown(self.before)} -> {_shown(self.now)}"

    def as_params(self) -> dict[str, Any]:
        """What was and what is; a key that was or is not there is left out."""
        both = {"before": self.before, "now": self.now}
        return {name: value for name, value in both.items() if not isinstance(value, _Absent)}

    @property
    def is_harmless(self) -> bool:
        """More epochs, or another interval between validations."""
        if self.key == INTERVAL:
            return True
        numbers = all(isinstance(one, int) and not isinstance(one, bool) for one in (self.before, self.now))
        return self.key == LONGER and numbers and self.now > self.before


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """Key by key, in the order of the recipe; a block or a list of another shape counts as one."""
    return list(_differences(before, now, ""))


def in_words(found: list[Difference], most: int = 6) -> str:
    told = "; ".join(str(one) for one in found[:most])
    return f"{told}; and {len(found) - most} more" if len(found) > most else told


def _differences(before: Any, now: Any, key: str) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for name in [*now, *(one for one in before if one not in now)]:
            below = f"{key}#{name}" if key else str(name)
            yield from _differences(before.get(name, _ABSENT), now.get(name, _ABSENT), below)
    elif _are_blocks(before, now):
        for number, (old, new) in enumerate(zip(before, now, strict=True)):
            yield from _differences(old, new, f"{key}#{number}")
    elif before != now or isinstance(before, bool) != isinstance(now, bool):
        yield Difference(key, before, now)


def _are_blocks(before: Any, now: Any) -> bool:
    """Two lists of equally many components, such as transforms; one of numbers is a setting as a whole."""
    lists = isinstance(before, list) and isinstance(now, list) and len(before) == len(now)
    return lists and any(isinstance(one, dict) for one in (*before, *now))


class _Absent:
    """Stands for a key that is not there, which is another thing than one that is null."""


_ABSENT = _Absent()


def _shown(value: Any) -> str:
    if isinstance(value, _Absent):
        return NOTHING
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
