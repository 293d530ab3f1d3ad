"""What tells the channels of an MRI apart whatever their scale: ranks by place, under labels, and where each is brightest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voxloop.data.check.facts import Profile
from voxloop.data.geometry import Affine

# Places are cells of the patient's box, this many along each side.
PLACES = 6
LEAST_VOXELS = 200
Ranks = npt.NDArray[np.float32]


def background_of(samples: list[npt.NDArray[np.float32]]) -> list[float | None]:
    """The value of each channel outside of the patient: that of the corners, where they agree and much has it."""
    values: list[float | None] = []
    for channel in samples:
        corners = channel[
            :: max(1, channel.shape[0] - 1), :: max(1, channel.shape[1] - 1), :: max(1, channel.shape[2] - 1)
        ]
        same = bool((corners == corners.flat[0]).all()) and float((channel == corners.flat[0]).mean()) > 0.05
        values.append(float(corners.flat[0]) if same else None)
    return values


def profile(
    samples: list[npt.NDArray[np.float32]], labels: npt.NDArray[np.int64] | None, affine: Affine
) -> Profile | None:
    """From the lattices of all channels; None where there is too little to tell."""
    stack = np.stack(samples, axis=-1)
    outside = background_of(samples)
    inside = np.isfinite(stack).all(axis=-1)
    empty = np.ones(inside.shape, bool)
    for number, value in enumerate(outside):
        empty &= stack[..., number] == value if value is not None else False
    inside &= ~empty
    if inside.sum() < LEAST_VOXELS:
        return None
    ranks = np.stack([_ranks(stack[..., number][inside]) for number in range(stack.shape[-1])], axis=-1)
    where = np.argwhere(inside)
    values = labels[inside] if labels is not None else np.zeros(where.shape[0], np.int64)
    # What is bright in a tumour is known from the labels; fluid and vessels are outside of them.
    healthy = values == 0
    under = {
        int(value): tuple(ranks[values == value].mean(axis=0).round(4).tolist())
        for value in np.unique(values)
        if value > 0 and (values == value).sum() >= 5
    }
    return Profile(_places(where, ranks, affine), under, _bright(ranks[healthy] if healthy.sum() > 100 else ranks))


def _ranks(values: Ranks) -> Ranks:
    order = np.empty(values.size, np.float32)
    order[np.argsort(values, kind="stable")] = np.linspace(0, 1, values.size, dtype=np.float32)
    return order


def _places(where: npt.NDArray[np.int64], ranks: Ranks, affine: Affine) -> tuple[tuple[float | None, ...], ...]:
    """The mean rank in each cell of the patient's box, in RAS order whatever the file's."""
    steps = affine[:3, :3]
    order = np.abs(steps / np.linalg.norm(steps, axis=0)).argmax(axis=1)
    if sorted(order.tolist()) != [0, 1, 2]:
        order = np.arange(3)
    signs = np.sign(steps[np.arange(3), order])
    turned = where[:, order] * np.where(signs == 0, 1, signs)
    low, high = turned.min(axis=0), turned.max(axis=0)
    cell = np.minimum((turned - low) * PLACES // np.maximum(high - low + 1, 1), PLACES - 1).astype(np.int64)
    flat = (cell[:, 0] * PLACES + cell[:, 1]) * PLACES + cell[:, 2]
    number = np.bincount(flat, minlength=PLACES**3)
    rows = []
    for channel in range(ranks.shape[1]):
        total = np.bincount(flat, ranks[:, channel], minlength=PLACES**3)
        rows.append(
            tuple(
                round(float(sum_ / count), 4) if count >= 3 else None for sum_, count in zip(total, number, strict=True)
            )
        )
    return tuple(rows)


def _bright(ranks: Ranks) -> tuple[tuple[float, ...], ...]:
    """Where channel a is brightest (its highest fiftieth): the mean rank of each channel."""
    rows = []
    for channel in range(ranks.shape[1]):
        most = ranks[:, channel] >= np.quantile(ranks[:, channel], 0.98)
        rows.append(tuple(ranks[most].mean(axis=0).round(4).tolist()))
    return tuple(rows)
