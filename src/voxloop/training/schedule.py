"""An optimizer and its learning rate, taken up as they were or, under changed settings, where these would be by now."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from voxloop.errors import VoxloopError


def rates(optimizer: Any) -> list[float]:
    return [float(group["lr"]) for group in optimizer.param_groups]


def take_up(optimizer: Any, schedule: Any | None, of_optimizer: Any, of_schedule: Mapping[str, Any] | None) -> None:
    """Both exactly as they were."""
    optimizer.load_state_dict(of_optimizer)
    if schedule is not None and of_schedule is not None:
        schedule.load_state_dict(of_schedule)


def take_up_changed(
    optimizer: Any,
    schedule: Any | None,
    of_optimizer: Any,
    of_schedule: Mapping[str, Any] | None,
    begun_with: Sequence[float],
) -> None:
    """What the optimizer has gathered, with the settings that it is made with now; `begun_with` are the rates of before.

    The rate is where the new schedule stands after as many steps as the old one took. To load the old schedule would bring its
    length back, and a cosine of 20 epochs rises again in the twenty-first. A schedule that waits for a plateau cannot be
    counted forward: it goes on from what it has seen, and at its own rate unless another one is asked for.
    """
    asked = rates(optimizer)
    steps = of_schedule.get("last_epoch") if of_schedule is not None and _counts(schedule) else None
    if steps is not None:
        _count_forward(schedule, int(steps))
    settings = [{key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups]
    optimizer.load_state_dict(of_optimizer)
    if schedule is not None and of_schedule is not None and steps is None:
        schedule.load_state_dict(of_schedule)
        if asked == list(begun_with):
            for given, group in zip(settings, optimizer.param_groups, strict=True):
                given["lr"] = group["lr"]
    for given, group in zip(settings, optimizer.param_groups, strict=True):
        group.update(given)


def _counts(schedule: Any | None) -> bool:
    from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

    waits = isinstance(schedule, ReduceLROnPlateau)
    return isinstance(schedule, LRScheduler) and not waits and hasattr(schedule, "last_epoch")


def _count_forward(schedule: Any, steps: int) -> None:
    with warnings.catch_warnings():
        # torch expects the optimizer to have stepped first; it has, in another process.
        warnings.simplefilter("ignore")
        try:
            while schedule.last_epoch < steps:
                schedule.step()
        except ValueError as error:
            raise VoxloopError(
                f"Under these settings the learning rate's schedule ends before its step {steps}, which is done: "
                f"{str(error).rstrip('.')}; make it longer."
            ) from error
