"""Two processes that train one network, each on its share: `python ranks.py FOLDER [[name, epochs, stop_at], ...]`."""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

RANKS = 2


def train(folder: Path, rank: int, meeting: Path, epochs: int, stop_at: int) -> None:
    """One rank's training; it ends after `stop_at` iterations without a word, as a killed one does."""
    import torch
    from ignite.engine import Events
    from monai.data import DataLoader, Dataset
    from monai.engines import SupervisedTrainer
    from monai.transforms import Compose, RandGaussianNoised
    from monai.utils import set_determinism
    from torch import distributed
    from torch.utils.data import DistributedSampler

    from voxloop.recipes.network import leave_group
    from voxloop.training.checkpoints import Checkpoints
    from voxloop.training.saved import Files

    distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=RANKS)
    set_determinism(3)
    bare = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3, padding=1), torch.nn.Dropout(0.5))
    network = torch.nn.parallel.DistributedDataParallel(bare)
    # From here on each draws for itself.
    set_determinism(3 + rank)
    pairs = [{"image": torch.full((1, 8, 8), 0.1 * one), "label": torch.ones(1, 8, 8)} for one in range(8)]
    data: Any = Dataset(pairs, Compose([RandGaussianNoised("image", prob=0.7)]))
    sampler: Any = DistributedSampler(data, RANKS, rank, shuffle=True)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    trainer = SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=epochs,
        train_data_loader=DataLoader(data, batch_size=2, sampler=sampler),
        network=network,
        optimizer=optimizer,
        loss_function=lambda prediction, label: (prediction - label).square().mean(),
    )
    checkpoints = Checkpoints(Files(folder), network, optimizer, None, trainer, None, "same")
    checkpoints.begin(Files(folder).read(), lambda sentence: sys.exit(f"not exact: {sentence}"))
    if stop_at:
        trainer.add_event_handler(Events.ITERATION_COMPLETED(once=stop_at), lambda engine: os._exit(0))
    checkpoints.attach()
    trainer.run()
    leave_group()


def main(folder: Path, plan: list[tuple[str, int, int]]) -> None:
    # Once for all ranks.
    for module in ("monai.engines", "torch._dynamo"):
        importlib.import_module(module)
    for number, (name, epochs, stop_at) in enumerate(plan):
        (folder / name).mkdir(exist_ok=True)
        children = [
            _begin(rank, (folder / name, rank, folder / f"meeting-{number}", epochs, stop_at)) for rank in range(RANKS)
        ]
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        if any(codes):
            sys.exit(f"{name} ended with {codes}")


def _begin(rank: int, arguments: tuple[Any, ...]) -> int:
    child = os.fork()
    if child == 0:
        try:
            train(*arguments)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    return child


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
