"""A curve as SVG: a line over steps, with what its axes reach."""

from __future__ import annotations

import numpy as np

from voxloop.store import Points

WIDTH, HEIGHT = 300, 110
LEFT, TOP, RIGHT, BOTTOM = 44, 8, 8, 18


def svg(points: Points) -> str:
    """The line; where a value is no number it is broken."""
    finite = np.isfinite(points.values)
    if not finite.any():
        return '<p class="soft">No finite value was logged.</p>'
    steps, values = points.steps.astype(float), points.values
    low, high = float(values[finite].min()), float(values[finite].max())
    first, last = float(steps.min()), float(steps.max())
    x = LEFT + (steps - first) / ((last - first) or 1.0) * (WIDTH - LEFT - RIGHT)
    with np.errstate(invalid="ignore", over="ignore"):
        y = TOP + (high - values) / ((high - low) or 1.0) * (HEIGHT - TOP - BOTTOM)
    pieces, drawing = [], False
    for place, there in enumerate(finite.tolist()):
        if there:
            pieces.append(f"{'L' if drawing else 'M'}{x[place]:.1f} {y[place]:.1f}")
        drawing = there
    dot = f'<circle cx="{x[finite][-1]:.1f}" cy="{y[finite][-1]:.1f}" r="2.5"/>'
    frame = f'<path class="grid" d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>'
    labels = "".join(
        f'<text x="{at}" y="{down}" text-anchor="{anchor}">{said}</text>'
        for at, down, anchor, said in (
            (LEFT - 4, TOP + 8, "end", f"{high:.4g}"),
            (LEFT - 4, HEIGHT - BOTTOM, "end", f"{low:.4g}"),
            (LEFT, HEIGHT - 5, "start", f"{first:.0f}"),
            (WIDTH - RIGHT, HEIGHT - 5, "end", f"{last:.0f}"),
        )
    )
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{frame}<path class="curve" d="{"".join(pieces)}"/>{dot}{labels}</svg>'
