"""What looking at a case gives: plain numbers, kept as JSON, from which everything is judged and the fingerprint is made."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from voxloop.data.geometry import Geometry, Index

# Changes whenever the same file would give other facts: what was kept from before is then looked at again.
VERSION = 1
PERCENTILES = (0.5, 1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0, 99.5)


@dataclass(frozen=True, slots=True)
class Spread:
    """How a set of intensities is spread; `percentiles` are those of PERCENTILES."""

    count: int
    mean: float
    std: float
    least: float
    most: float
    percentiles: tuple[float, ...]

    @property
    def median(self) -> float:
        return self.percentiles[PERCENTILES.index(50.0)]


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of a scan. Shares are of all voxels; `digest` is of the voxels, `bag` of their values in any order."""

    all: Spread | None
    foreground: Spread | None
    digest: str
    bag: str
    not_finite: int
    not_finite_at: Index | None
    zero: float
    below_padding: float
    below_air: float
    at_least: float
    at_most: float


@dataclass(frozen=True, slots=True)
class Class:
    """One value of a label. `low` and `high` are the corners of its box, `faces` the sides of the scan that it touches."""

    value: int
    voxels: int
    first: Index
    low: Index
    high: Index
    faces: tuple[str, ...]
    pieces: int
    specks: int
    speck_at: Index | None
    under: tuple[Spread, ...] = ()


@dataclass(frozen=True, slots=True)
class Odd:
    """Label values that are none: how many voxels, where the first is, and an example."""

    count: int
    at: Index
    example: float


@dataclass(frozen=True, slots=True)
class Profile:
    """What tells channels apart, free of scale: ranks in the foreground, by place, under each label, and where each is brightest.

    `bright[a][b]` is the mean rank of channel b where channel a is brightest.
    """

    places: tuple[tuple[float | None, ...], ...]
    under: dict[int, tuple[float, ...]]
    bright: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class File:
    """A scan or label file: its header, or the kind of finding and the sentence for which it could not be used."""

    listed: str
    error: tuple[str, str] | None = None
    shape: Index = (0, 0, 0)
    affine: tuple[tuple[float, ...], ...] = ()
    channels: int = 1
    dtype: str = ""
    nifti: dict[str, Any] = field(default_factory=dict)

    @property
    def geometry(self) -> Geometry:
        return Geometry(self.shape, np.array(self.affine, dtype=np.float64))


@dataclass(frozen=True, slots=True)
class Facts:
    """All that was seen of one case."""

    image: File | None
    label: File | None
    channels: tuple[Channel, ...] = ()
    classes: tuple[Class, ...] = ()
    odd: dict[str, Odd] = field(default_factory=dict)
    label_digest: str = ""
    contacts: tuple[tuple[int, int, int], ...] = ()
    profile: Profile | None = None
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> Facts:
        """The facts as they were before JSON made lists of tuples and texts of numbers."""
        profile = kept["profile"]
        return cls(
            image=_file(kept["image"]),
            label=_file(kept["label"]),
            channels=tuple(
                Channel(
                    **{
                        **one,
                        "all": _spread(one["all"]),
                        "foreground": _spread(one["foreground"]),
                        "not_finite_at": _index(one["not_finite_at"]),
                    }
                )
                for one in kept["channels"]
            ),
            classes=tuple(
                Class(
                    **{
                        **one,
                        "first": _index(one["first"]),
                        "low": _index(one["low"]),
                        "high": _index(one["high"]),
                        "speck_at": _index(one["speck_at"]),
                        "faces": tuple(one["faces"]),
                        "under": tuple(spread for each in one["under"] if (spread := _spread(each)) is not None),
                    }
                )
                for one in kept["classes"]
            ),
            odd={name: Odd(one["count"], _corner(one["at"]), one["example"]) for name, one in kept["odd"].items()},
            label_digest=kept["label_digest"],
            contacts=tuple((a, b, count) for a, b, count in kept["contacts"]),
            profile=None
            if profile is None
            else Profile(
                tuple(tuple(row) for row in profile["places"]),
                {int(value): tuple(ranks) for value, ranks in profile["under"].items()},
                tuple(tuple(row) for row in profile["bright"]),
            ),
            seconds=kept["seconds"],
        )


def _index(kept: list[int] | None) -> Index | None:
    return None if kept is None else _corner(kept)


def _corner(kept: list[int]) -> Index:
    i, j, k = kept
    return i, j, k


def _spread(kept: dict[str, Any] | None) -> Spread | None:
    return None if kept is None else Spread(**{**kept, "percentiles": tuple(kept["percentiles"])})


def _file(kept: dict[str, Any] | None) -> File | None:
    if kept is None:
        return None
    error = kept["error"]
    return File(
        **{
            **kept,
            "error": None if error is None else (error[0], error[1]),
            "shape": _corner(kept["shape"]),
            "affine": tuple(tuple(row) for row in kept["affine"]),
        }
    )
