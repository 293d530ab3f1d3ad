"""The colours of a dataset's classes: those in which the viewer shows the truth."""

from __future__ import annotations

from collections.abc import Iterable

from voxloop.data.colours import Rgb

# web/src/viewer/palette.ts; a test holds the two to each other.
COOL: tuple[Rgb, ...] = (
    (86, 180, 233),
    (0, 190, 140),
    (150, 150, 255),
    (130, 220, 230),
    (90, 130, 220),
    (170, 215, 150),
)
# After six, the same lighter, then darker.
TINTS = (0.0, 0.45, -0.35)
UNNAMED: Rgb = (170, 170, 170)


def colours_of(named: Iterable[int], present: Iterable[int] = ()) -> dict[int, Rgb]:
    """A colour for each class by its place among those that have a name; a value without a name is grey."""
    values = sorted(value for value in named if value > 0)
    return {
        **{value: UNNAMED for value in present if value > 0},
        **{value: colour_at(place) for place, value in enumerate(values)},
    }


def colour_at(place: int) -> Rgb:
    """The colour of a class by its place, from 0."""
    tint = TINTS[place // len(COOL) % len(TINTS)]
    red, green, blue = (
        int(part + ((255 if tint > 0 else 0) - part) * abs(tint) + 0.5) for part in COOL[place % len(COOL)]
    )
    return red, green, blue
