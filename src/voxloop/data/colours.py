"""Colours for the classes of a label map, in files that carry colours with them."""

from __future__ import annotations

Rgb = tuple[int, int, int]

# Okabe and Ito's colours, told apart with any colour vision. Black is left out: it is what scans are drawn on.
SET = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167))
# Once all are taken they come again, lighter and then darker: how much of each is white, or black.
LIGHTER, DARKER = 0.5, 0.45


def colour_of(number: int) -> Rgb:
    """The colour of a class by its place among the classes, from 0; 21 differ before they begin again."""
    turn, place = divmod(number, len(SET))
    share, towards = ((0.0, 0), (LIGHTER, 255), (DARKER, 0))[turn % 3]
    red, green, blue = (round(part + (towards - part) * share) for part in SET[place])
    return red, green, blue
