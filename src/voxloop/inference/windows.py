"""A scan's logits, slab by slab along one axis, as MONAI's sliding window gives them in one piece.

The windows, their order along the other axes, their weights and the padding are MONAI's. What differs is that a slab
which no further window reaches is handed over at once, so that the logits of many classes never exist as a whole.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxloop.errors import VoxloopError

if TYPE_CHECKING:
    import torch

Progress = Callable[[int, int, str], None]
# From windows [window, channel, i, j, k] to what the network says of them.
Answer = Callable[..., Any]
Box = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True, eq=False)
class Slab:
    """Values [channel, i, j, k] that lie from `start` to `stop` along the axis. They may change when the next one is asked for."""

    start: int
    stop: int
    values: torch.Tensor


@dataclass(frozen=True, slots=True)
class Row:
    """The windows that begin at the same place along the axis."""

    start: int
    windows: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Which windows of a padded scan are looked at, in rows along one axis."""

    axis: int
    roi: tuple[int, int, int]
    # What was added before and after each axis where the scan is smaller than a window.
    added: tuple[tuple[int, int], ...]
    padded: tuple[int, int, int]
    rows: tuple[Row, ...]

    @property
    def windows(self) -> int:
        return sum(len(row.windows) for row in self.rows)


def slabs(
    inferer: Any, image: torch.Tensor, answer: Answer, axis: int, progress: Progress | None = None
) -> Iterator[Slab]:
    """The logits of one scan, [1, channel, i, j, k], in slabs along an axis; in one where the inferer is none that is known."""
    if not can_stream(inferer, image):
        yield _whole(inferer, image, answer, axis)
        return
    yield from _streamed(inferer, image, answer, plan_of(inferer, tuple(image.shape[2:]), axis), progress)


def can_stream(inferer: Any, image: torch.Tensor) -> bool:
    """Whether an inferer is MONAI's sliding window itself, and not one that does something of its own around it."""
    from monai.inferers import SlidingWindowInferer, SlidingWindowInfererAdapt

    # The adaptive one differs in where it keeps its sums when memory runs out, which here it does not.
    return type(inferer) in (SlidingWindowInferer, SlidingWindowInfererAdapt) and (
        image.ndim == 5
        and len(image) == 1
        and not inferer.with_coord
        and (isinstance(inferer.roi_size, int) or len(inferer.roi_size) == 3)
    )


def plan_of(inferer: Any, size: tuple[int, ...], axis: int) -> Plan:
    """MONAI's windows over a scan of this size; those of one row stay in MONAI's order."""
    from monai.data.utils import dense_patch_slices
    from monai.utils import ensure_tuple_rep, fall_back_tuple

    roi = fall_back_tuple(inferer.roi_size, size)
    padded = tuple(max(one, least) for one, least in zip(size, roi, strict=True))
    added = tuple(((most - one) // 2, most - one - (most - one) // 2) for one, most in zip(size, padded, strict=True))
    overlaps = ensure_tuple_rep(inferer.overlap, 3)
    steps = [
        whole if whole == most else max(int(whole * (1 - overlap)), 1)
        for whole, most, overlap in zip(roi, padded, overlaps, strict=True)
    ]
    windows = sorted(dense_patch_slices(padded, roi, steps), key=lambda window: window[axis].start)
    rows = tuple(
        Row(int(start), tuple(row)) for start, row in itertools.groupby(windows, key=lambda window: window[axis].start)
    )
    return Plan(axis, roi, added, padded, rows)


def _whole(inferer: Any, image: torch.Tensor, answer: Answer, axis: int) -> Slab:
    logits = main_output(inferer(image, answer))[0]
    return Slab(0, logits.shape[1 + axis], logits)


def main_output(answer: Any) -> Any:
    """Of a network with several outputs, as for deep supervision, the first one."""
    if isinstance(answer, dict):
        if len(answer) != 1:
            raise VoxloopError(
                f"The network gives several outputs ({', '.join(map(str, answer))}), and which of them is the segmentation "
                "is not known; wrap it so that it gives that one alone."
            )
        return next(iter(answer.values()))
    return answer[0] if isinstance(answer, (tuple, list)) else answer


def _streamed(
    inferer: Any, scan: torch.Tensor, answer: Answer, plan: Plan, progress: Progress | None
) -> Iterator[Slab]:
    import torch
    from monai.data.utils import compute_importance_map

    image = _padded(inferer, scan, plan)
    looks, keeps = inferer.sw_device or image.device, inferer.device or image.device
    weight = compute_importance_map(
        plan.roi, mode=inferer.mode, sigma_scale=inferer.sigma_scale, device=keeps, dtype=image.dtype
    )
    held = list(plan.padded)
    held[plan.axis] = plan.roi[plan.axis]
    counts = torch.zeros(held, dtype=image.dtype, device=keeps)
    sums = torch.zeros(0)
    done = 0
    for number, row in enumerate(plan.rows):
        for first in range(0, len(row.windows), inferer.sw_batch_size):
            windows = row.windows[first : first + inferer.sw_batch_size]
            shown = torch.cat([image[(slice(None), slice(None), *window)] for window in windows])
            given = main_output(answer(shown.to(looks)))
            if not done:
                if given.shape[2:] != plan.roi:
                    # A network that answers in other voxels than it was asked about is left to MONAI.
                    yield _whole(inferer, scan, answer, plan.axis)
                    return
                sums = torch.zeros((given.shape[1], *held), dtype=image.dtype, device=keeps)
            given = given.to(device=keeps, dtype=image.dtype)
            for window, values in zip(windows, given, strict=True):
                place = tuple(slice(None) if one == plan.axis else window[one] for one in range(3))
                sums[(slice(None), *place)] += values * weight
                counts[place] += weight
            done += len(windows)
            if progress is not None:
                progress(done, plan.windows, "")
        last = number + 1 == len(plan.rows)
        stop = plan.padded[plan.axis] if last else plan.rows[number + 1].start
        yield from _finished(sums, counts, plan, row.start, stop)
        if not last:
            for one in sums:
                _move_on(one, plan.axis, stop - row.start)
            _move_on(counts, plan.axis, stop - row.start)


def _padded(inferer: Any, image: torch.Tensor, plan: Plan) -> torch.Tensor:
    from torch.nn.functional import pad

    # torch pads from the last axis to the first.
    amounts = [amount for pair in reversed(plan.added) for amount in pair]
    mode = str(getattr(inferer.padding_mode, "value", inferer.padding_mode)).lower()
    return pad(image, amounts, mode=mode, value=inferer.cval) if any(amounts) else image


def _finished(sums: torch.Tensor, counts: torch.Tensor, plan: Plan, start: int, stop: int) -> Iterator[Slab]:
    """What no further window reaches, without what was added around the scan."""
    logits = sums.narrow(1 + plan.axis, 0, stop - start)
    logits /= counts.narrow(plan.axis, 0, stop - start)
    before = plan.added[plan.axis][0]
    begin, end = max(start, before), min(stop, plan.padded[plan.axis] - plan.added[plan.axis][1])
    if begin >= end:
        return
    for axis, (front, back) in enumerate(plan.added):
        if axis == plan.axis:
            logits = logits.narrow(1 + axis, begin - start, end - begin)
        elif front or back:
            logits = logits.narrow(1 + axis, front, plan.padded[axis] - front - back)
    yield Slab(begin - before, end - before, logits)


def _move_on(held: torch.Tensor, axis: int, step: int) -> None:
    """Lets go of the first voxels along the axis; a channel at a time, so that there is no second copy of all."""
    rest = held.shape[axis] - step
    kept = held.narrow(axis, step, rest).clone()
    held.narrow(axis, 0, rest).copy_(kept)
    held.narrow(axis, rest, step).zero_()
