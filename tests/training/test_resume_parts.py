"""What a training's state is made of, part by part: generators, the place in the data, schedules, counters, processes."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.handlers import CheckpointSaver, ValidationHandler
from torch.optim import lr_scheduler

from tests.training.small import How, Own, bits, build, run
from voxloop.errors import VoxloopError
from voxloop.training import schedule
from voxloop.training.chance import Chance
from voxloop.training.keeping import Kept
from voxloop.training.saved import Files

HOW = {
    "workers": How(workers=2, epochs=3),
    "a loader's own generator": How(generator=True),
    "a last batch that is not full": How(generator=True, batch=4),
    "epochs shorter than the data": How(generator=True, epoch_length=2),
    "epochs longer than the data": How(epoch_length=5, epochs=3),
    "data without a length": How(stream=True),
    "a gradient scaler": How(scaled=True),
    "a rate that waits for a plateau": How(plateau=True, epochs=5),
    "an early stop": How(patience=1, epochs=6),
}


@pytest.mark.parametrize("name", HOW)
def test_a_training_goes_on_as_if_nothing_had_happened_with(name: str, tmp_path: Path) -> None:
    how = HOW[name]
    whole, _ = run(tmp_path / "whole", how)
    last = max(whole)
    resumed: dict[int, str] = {}
    for stop in (2, last // 2 + 1, last, None):
        losses, told = run(tmp_path / "resumed", how, stop)
        resumed |= losses
        assert told == []
    assert resumed == whole
    assert run(tmp_path / "resumed", how)[0] == {}, "it is over, whatever ended it"
    assert bits(_state(tmp_path / "resumed")) == bits(_state(tmp_path / "whole"))
    best = [(tmp_path / name / "best.pt").read_bytes() for name in ("resumed", "whole")]
    assert best[0] == best[1]


def _state(folder: Path) -> Any:
    saved = Files(folder).read()
    assert saved is not None
    return saved.state


def test_with_another_number_of_processes_it_comes_out_otherwise_and_that_is_told(tmp_path: Path) -> None:
    """So the law above is not empty: the generators do decide."""
    how = How(epochs=3)
    whole, _ = run(tmp_path / "whole", how)
    run(tmp_path / "resumed", how, 4)
    state = _state(tmp_path / "resumed")
    Files(tmp_path / "resumed").write(
        {**state, "ranks": state["ranks"] * 2, "machinery": {**state["machinery"], "processes": 2}}
    )
    losses, told = run(tmp_path / "resumed", how)
    assert losses[4] != whole[4]
    assert told == ["The training goes on, but not bit for bit as without the interruption: processes 2 -> 1."]


@pytest.mark.parametrize("name", ["torch", "MONAI", "threads", "processor", "GPU"])
def test_another_machine_is_told(name: str, tmp_path: Path) -> None:
    run(tmp_path, How(epochs=2), 4)
    state = _state(tmp_path)
    Files(tmp_path).write({**state, "machinery": {**state["machinery"], name: "other"}})
    _, (told,) = run(tmp_path, How(epochs=2))
    assert f"not bit for bit as without the interruption: {name} other -> {state['machinery'][name]}." in told


def test_a_state_of_an_earlier_version_goes_on_and_says_what_it_lacks(tmp_path: Path) -> None:
    run(tmp_path, How(epochs=2), 4)
    old = ("model", "optimizer", "lr_scheduler", "epoch", "iteration", "best_score", "best_epoch", "scores")
    Files(tmp_path).write({name: _state(tmp_path)[name] for name in old})
    losses, told = run(tmp_path, How(epochs=2))
    assert sorted(losses) == [4, 5, 6]
    assert told == [
        "This state is an earlier version's, without the state of chance: the training goes on, but not bit for bit."
    ]


def test_every_generator_that_an_object_holds_draws_again_what_it_drew() -> None:
    from monai.data import DataLoader, Dataset
    from monai.transforms import Compose, RandFlip, RandFlipd, RandSpatialCropSamples

    def draws(own: Own, loader: Any, parts: list[Any]) -> list[Any]:
        first, second = own.kept["pair"]
        drawn = [own.bits.random(), first.random(), torch.rand(2, generator=second).tolist(), own.bits.normal()]
        drawn += [random.gauss(0, 1), np.random.normal(), torch.randn(3).tolist()]
        return drawn + [part.R.normal() for part in parts] + [loader.dataset.dataset.transform.transforms[0].R.rand()]

    inner = RandFlip(prob=0.5)
    parts: list[Any] = [inner, RandSpatialCropSamples((2, 2), 2), RandFlipd("image")]
    whole = Compose([RandFlipd("image"), lambda pair: pair, {"by name": parts[1]}.get])
    own = Own()
    subset = torch.utils.data.Subset(Dataset([{}], Compose([RandFlipd("image"), own, *parts])), [0])
    loader = DataLoader(subset, batch_size=1)
    chance = Chance({"loader": loader, "wrapped": (whole, lambda: inner)})
    draws(own, loader, parts)
    state = torch.load(_saved_as_weights(chance.state()), weights_only=True)
    first = draws(own, loader, parts)
    assert draws(own, loader, parts) != first
    assert chance.restore(state) == []
    assert draws(own, loader, parts) == first


def _saved_as_weights(state: Any) -> Any:
    import io

    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return file


def test_a_generator_that_is_no_longer_there_is_told() -> None:
    state = Chance({"mine": [np.random.default_rng(1), random.Random(2)]}).state()
    assert Chance({"mine": [np.random.default_rng(1)]}).restore(state) == ["mine[1]"]


def test_a_part_whose_state_cannot_be_stored_is_told_by_its_path() -> None:
    class Odd:
        def state_dict(self) -> dict[str, Any]:
            return {"function": print}

        def load_state_dict(self, state: Any) -> None:
            raise AssertionError("there is none")

    class Even(Odd):
        held = 1

        def state_dict(self) -> dict[str, Any]:
            return {"held": np.float64(self.held)}

        def load_state_dict(self, state: Any) -> None:
            self.held = state["held"]

    even = Even()
    kept = Kept({"handlers": [Odd(), even]})
    state = torch.load(_saved_as_weights(kept.state()), weights_only=True)
    even.held = 7
    assert kept.restore(state) == ["handlers[0]"]
    assert even.held == 1


def test_a_sampler_of_one_rank_remembers_its_epoch() -> None:
    from torch.utils.data import DistributedSampler

    def sampler() -> Any:
        return DistributedSampler([0] * 8, num_replicas=2, rank=1)

    before, after = sampler(), sampler()
    before.set_epoch(5)
    assert list(before) != list(after)
    assert Kept({"sampler": after}).restore(Kept({"sampler": before}).state()) == []
    assert list(before) == list(after)


def test_a_saver_of_the_bundles_own_forgets_the_file_that_a_dead_process_replaced(tmp_path: Path) -> None:
    def engines() -> Any:
        trainer, validator, _ = build(tmp_path / "states", How())
        saver = CheckpointSaver(str(tmp_path / "own"), {"model": trainer.network}, save_key_metric=True)
        saver.attach(validator)
        return validator, saver._key_metric_checkpoint

    validator, _ = engines()
    validator.run(1)
    (first,) = (tmp_path / "own").iterdir()
    state = Kept({"validator": validator}).state()
    for gone in (False, True):
        if gone:
            first.unlink()
        again, renewed = engines()
        Kept({"validator": again}).restore(state)
        assert [one.filename for one in renewed._saved] == ([] if gone else [first.name])


def test_a_validation_of_the_untrained_network_is_not_done_again(tmp_path: Path) -> None:
    """With `exec_at_start`, it belongs to the beginning, and draws."""
    how = How(epochs=3)

    def beginning(stop_at: int | None) -> list[int]:
        from ignite.engine import Events

        trainer, validator, checkpoints = build(tmp_path, how)
        ValidationHandler(100, validator, exec_at_start=True).attach(trainer)
        epochs: list[int] = []
        validator.add_event_handler(Events.COMPLETED, lambda engine: epochs.append(engine.state.epoch))
        checkpoints.begin(Files(tmp_path).read(), lambda sentence: None)
        checkpoints.attach()
        trainer.add_event_handler(
            Events.EPOCH_COMPLETED(once=2), lambda engine: engine.terminate() if stop_at else None
        )
        trainer.run()
        return epochs

    assert beginning(2) == [0, 1, 2]
    state = {**_state(tmp_path), "stopped": False}
    Files(tmp_path).write(state)
    assert beginning(None) == [3]


SCHEDULES = {
    "cosine": lambda optimizer, epochs: lr_scheduler.CosineAnnealingLR(optimizer, epochs),
    "one cycle": lambda optimizer, epochs: lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=epochs + 1),
    "polynomial": lambda optimizer, epochs: lr_scheduler.PolynomialLR(optimizer, epochs, power=0.9),
    "steps": lambda optimizer, epochs: lr_scheduler.StepLR(optimizer, epochs // 3),
    "warm-up": lambda optimizer, epochs: lr_scheduler.SequentialLR(
        optimizer,
        [lr_scheduler.LinearLR(optimizer, 0.1, total_iters=2), lr_scheduler.CosineAnnealingLR(optimizer, epochs - 2)],
        [2],
    ),
    "a function": lambda optimizer, epochs: lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / epochs),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_longer_training_goes_on_at_the_rate_of_the_longer_schedule(name: str) -> None:
    def made(epochs: int, steps: int) -> tuple[Any, Any]:
        weight = torch.nn.Parameter(torch.ones(3))
        optimizer = torch.optim.AdamW([weight], lr=0.01)
        rate = SCHEDULES[name](optimizer, epochs)
        for _ in range(steps):
            weight.grad = torch.ones(3)
            optimizer.step()
            rate.step()
        return optimizer, rate

    short, long, after = made(6, 5), made(12, 5), made(12, 0)
    states = [part.state_dict() for part in short]
    schedule.take_up_changed(*after, states[0], states[1], [0.01])
    for _ in range(4):
        assert schedule.rates(after[0]) == schedule.rates(long[0])
        after[1].step()
        long[1].step()
    assert after[0].state_dict()["state"][0]["step"] == 5, "what the optimizer gathered is kept"


def test_a_rate_that_waited_for_a_plateau_is_kept_unless_another_one_is_asked_for() -> None:
    def made(rate: float) -> tuple[Any, Any]:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(3))], lr=rate, momentum=0.5)
        return optimizer, lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)

    before = made(0.1)
    for _ in range(3):
        before[1].step(1.0)
    lowered = schedule.rates(before[0])
    assert lowered[0] < 0.1
    states = [part.state_dict() for part in before]
    same, other = made(0.1), made(0.3)
    schedule.take_up_changed(*same, states[0], states[1], [0.1])
    schedule.take_up_changed(*other, states[0], states[1], [0.1])
    assert schedule.rates(same[0]) == lowered
    assert schedule.rates(other[0]) == [0.3]


def test_a_schedule_that_would_be_over_is_refused() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(3))], lr=0.1)
    states = (optimizer.state_dict(), {"last_epoch": 9})
    short = lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=4)
    with pytest.raises(VoxloopError, match="ends before its step 9"):
        schedule.take_up_changed(optimizer, short, states[0], states[1], [0.1])


def test_each_of_several_processes_takes_up_its_own_chance(tmp_path: Path) -> None:
    """Two ranks on gloo, each with its share of the data and its own draws; stopped, and gone on with."""
    script = Path(__file__).with_name("ranks.py")
    plan = [["whole", 4, 0], ["parts", 4, 5], ["parts", 4, 0]]
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), json.dumps(plan)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    whole, parts = _state(tmp_path / "whole"), _state(tmp_path / "parts")
    assert len(whole["ranks"]) == 2
    assert bits(whole["ranks"][0]) != bits(whole["ranks"][1])
    assert bits(parts) == bits(whole)
