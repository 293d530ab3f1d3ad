"""A training in a tenth of a second: MONAI's engines on pictures of 8 x 8, drawing from every kind of generator there is."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Events
from monai.data import CacheDataset, DataLoader, Dataset
from monai.engines import SupervisedEvaluator, SupervisedTrainer, Workflow
from monai.handlers import EarlyStopHandler, LrScheduleHandler, MeanDice, ValidationHandler, from_engine
from monai.networks.nets import UNet
from monai.transforms import (
    AsDiscreted,
    Compose,
    OneOf,
    RandFlipd,
    RandGaussianNoised,
    Randomizable,
    RandomOrder,
    RandShiftIntensityd,
)
from monai.utils import set_determinism
from torch.optim import lr_scheduler

from voxloop.training.checkpoints import Checkpoints
from voxloop.training.saved import Files

Pair = dict[str, Any]


class Own:
    """A transform as people write them: nothing of MONAI's, with generators of its own and those of the process."""

    def __init__(self) -> None:
        self.bits = np.random.default_rng(5)
        self.kept = {"pair": (random.Random(6), torch.Generator().manual_seed(7))}

    def __call__(self, pair: Pair) -> Pair:
        first, second = self.kept["pair"]
        drawn = self.bits.normal() + first.gauss(0, 1) + float(torch.randn((), generator=second))
        drawn += random.gauss(0, 1) + np.random.normal() + float(torch.randn(()))
        return {**pair, "image": pair["image"] + 0.01 * drawn}


class Unseeded(Randomizable):
    """Draws from the generator of its class, which nobody seeds anew."""

    def __call__(self, pair: Pair) -> Pair:
        return {**pair, "image": pair["image"] + 0.01 * float(self.R.rand())}

    def set_random_state(self, seed: int | None = None, state: Any = None) -> Unseeded:
        return self


class Stream(torch.utils.data.IterableDataset[Pair]):
    """Pairs without a length."""

    def __init__(self, pairs: list[Pair], transform: Callable[[Pair], Pair]) -> None:
        self.pairs, self.transform = pairs, transform

    def __iter__(self) -> Iterator[Pair]:
        return (self.transform(pair) for pair in self.pairs)


class Scaled(SupervisedTrainer):
    """Makes its scaler when it runs, as MONAI's trainer does on a GPU; one that doubles at every other step."""

    def run(self) -> None:
        self.scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
        Workflow.run(self)


@dataclass(frozen=True)
class How:
    """What a training is made of."""

    epochs: int = 4
    workers: int = 0
    epoch_length: int | None = None
    generator: bool = False
    stream: bool = False
    scaled: bool = False
    plateau: bool = False
    patience: int | None = None
    batch: int = 2
    rate: float = 0.01


def pairs() -> list[Pair]:
    drawn = np.random.default_rng(1)
    images = drawn.normal(size=(6, 1, 8, 8)).astype(np.float32)
    return [{"image": torch.tensor(image), "label": torch.tensor(image > 0.5).float()} for image in images]


def transforms() -> Compose:
    noise = RandGaussianNoised("image", prob=0.5, std=0.1)
    either = OneOf([RandFlipd(["image", "label"], prob=0.5), RandShiftIntensityd("image", 0.2, prob=0.9)])
    return Compose(
        [either, RandomOrder([noise, Compose([RandFlipd(["image", "label"], prob=0.5)])]), Own(), Unseeded()]
    )


def build(folder: Path, how: How, digest: str = "same") -> tuple[Any, Any, Checkpoints]:
    """A trainer, its validator and its checkpoints, as a process makes them anew."""
    set_determinism(3)
    # As at the start of a process, but the same in each.
    Unseeded.R = np.random.RandomState(8)
    network = UNet(2, 1, 2, channels=(2, 4), strides=(2,), num_res_units=1, dropout=0.2)
    optimizer = torch.optim.AdamW(network.parameters(), lr=how.rate)
    schedule: Any = lr_scheduler.CosineAnnealingLR(optimizer, how.epochs)
    if how.plateau:
        schedule = lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", patience=0)
    source: Any = CacheDataset(pairs(), transforms(), progress=False, num_workers=None)
    if how.stream:
        source = Stream(pairs(), transforms())
    drawn = torch.Generator().manual_seed(4) if how.generator else None
    loader = DataLoader(
        source, how.workers, batch_size=how.batch, shuffle=None if how.stream else True, generator=drawn
    )
    softmax = Compose([AsDiscreted(["pred", "label"], argmax=[True, False], to_onehot=2)])
    validator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(Dataset(pairs()[:2]), batch_size=1),
        network=network,
        postprocessing=softmax,
        key_val_metric={"dice": MeanDice(include_background=False, output_transform=from_engine(["pred", "label"]))},
    )
    kind = Scaled if how.scaled else SupervisedTrainer
    handlers: list[Any] = [ValidationHandler(1, validator)]
    step: Callable[[Any], Any] = (
        (lambda engine: validator.state.metrics["dice"]) if how.plateau else (lambda engine: ())
    )
    handlers.append(LrScheduleHandler(schedule, print_lr=False, step_transform=step))
    trainer = kind(
        device=torch.device("cpu"),
        max_epochs=how.epochs,
        train_data_loader=loader,
        network=network,
        optimizer=optimizer,
        loss_function=_loss,
        epoch_length=how.epoch_length,
        train_handlers=handlers,
        amp=how.scaled,
    )
    if how.patience is not None:
        EarlyStopHandler(how.patience, lambda engine: engine.state.metrics["dice"], trainer).attach(validator)
    return trainer, validator, Checkpoints(Files(folder), network, optimizer, schedule, trainer, validator, digest)


def _loss(prediction: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.cross_entropy(prediction, label[:, 0].long())


def run(folder: Path, how: How, stop_at: int | None = None, digest: str = "same") -> tuple[dict[int, str], list[str]]:
    """Trains, or goes on from the state in `folder`, until `stop_at` iterations are done; the losses, and what was told."""
    folder.mkdir(exist_ok=True)
    trainer, _, checkpoints = build(folder, how, digest)
    told: list[str] = []
    losses: dict[int, str] = {}

    def keep(engine: Any) -> None:
        losses[engine.state.iteration] = float(engine.state.output[0]["loss"]).hex()
        if engine.state.iteration == stop_at:
            raise KeyboardInterrupt

    checkpoints.begin(Files(folder).read(), told.append)
    trainer.add_event_handler(Events.ITERATION_COMPLETED, keep)
    checkpoints.attach()
    if not checkpoints.over:
        try:
            trainer.run()
        except KeyboardInterrupt:
            assert stop_at is not None
    return losses, told


def bits(value: Any, path: str = "") -> dict[str, Any]:
    """A state flat, every number of it as its bytes."""
    if isinstance(value, torch.Tensor):
        content = value.contiguous().flatten().view(torch.uint8).numpy().tobytes()
        return {path: (value.dtype, tuple(value.shape), content)}
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else None
    if pairs is None:
        return {path: value.hex() if isinstance(value, float) else value}
    return {key: part for name, inner in pairs for key, part in bits(inner, f"{path}/{name}").items()}
