"""A loop's time is either waited or worked."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

import voxloop as vx


class Loader:
    dataset = "spleen"

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __len__(self) -> int:
        return 3

    def __iter__(self) -> Iterator[int]:
        for number in range(3):
            time.sleep(self.seconds)
            yield number


def test_a_slow_loader_is_waited_for_and_a_slow_step_is_not() -> None:
    slow = vx.timed(Loader(0.05))
    assert slow.wait_share == 0
    assert list(slow) == [0, 1, 2]
    assert slow.wait_share > 0.9
    assert slow.waited_s >= 0.15
    fast = vx.timed(Loader(0))
    for _ in fast:
        time.sleep(0.05)
    assert fast.wait_share < 0.1
    assert fast.worked_s >= 0.15


def test_each_pass_is_told_by_itself_also_where_it_breaks_off() -> None:
    loader = vx.timed(Loader(0.02))
    for _ in loader:
        time.sleep(0.1)
        break
    assert 0 < loader.wait_share < 0.5
    list(loader)
    assert loader.wait_share > 0.9


def test_everything_else_is_the_loaders() -> None:
    loader = vx.timed(Loader(0))
    assert len(loader) == 3
    assert loader.dataset == "spleen"
    with pytest.raises(AttributeError):
        _ = loader.nothing


def test_a_loader_of_torch_with_workers_is_one() -> None:
    import torch

    data = torch.utils.data.TensorDataset(torch.arange(6))
    loader = vx.timed(torch.utils.data.DataLoader(data, batch_size=2))
    assert [batch[0].tolist() for batch in loader] == [[0, 1], [2, 3], [4, 5]]
    assert loader.batch_size == 2
    assert 0 < loader.wait_share <= 1
