"""The processes that train one network together; one alone where nobody has joined any."""

from __future__ import annotations

from typing import Any


def rank() -> int:
    from torch import distributed

    return int(distributed.get_rank()) if distributed.is_available() and distributed.is_initialized() else 0


def world() -> int:
    from torch import distributed

    return int(distributed.get_world_size()) if distributed.is_available() and distributed.is_initialized() else 1


def of_all(mine: dict[str, Any]) -> list[dict[str, Any]]:
    """What each process says, in the order of their ranks."""
    if world() == 1:
        return [mine]
    from torch import distributed

    said: list[Any] = [None] * world()
    distributed.all_gather_object(said, mine)
    return said


def inner(network: Any) -> Any:
    """The network itself, where several processes train it through a wrapper."""
    return getattr(network, "module", network)
