"""A training's states on disk: whole or not at all, the one before as well, and what a dead process logged beyond them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import voxloop as vx
from voxloop.errors import VoxloopError
from voxloop.store import Project, open_project
from voxloop.training.configuration import Configuration, differences, in_words
from voxloop.training.rewinding import rewind
from voxloop.training.saved import FORMAT, Files


def state(epoch: int, best_epoch: int = 0, best_digest: str | None = None) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "model": {"weight": torch.full((64,), float(epoch))},
        "optimizer": {},
        "lr_scheduler": None,
        "epoch": epoch,
        "iteration": 2 * epoch,
        "best_score": 0.5,
        "best_epoch": best_epoch,
        "best_digest": best_digest,
        "scores": {},
    }


def weights(value: float) -> dict[str, torch.Tensor]:
    return {"weight": torch.full((3,), value)}


def held(path: Path) -> float:
    return float(torch.load(path, weights_only=True)["model"]["weight"][0])


def test_the_last_state_is_read_and_the_one_before_is_kept(tmp_path: Path) -> None:
    files = Files(tmp_path)
    assert files.read() is None
    for epoch in (1, 2, 3):
        files.write(state(epoch))
    saved = files.read()
    assert saved is not None
    assert (saved.epoch, saved.told) == (3, None)
    assert held(files.before) == 2


def test_a_process_that_ends_between_two_states_leaves_the_one_before(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.write(state(1))
    files.last.replace(files.before)
    saved = files.read()
    assert saved is not None
    assert (saved.epoch, saved.told) == (1, None)


@given(at=st.floats(0, 1, exclude_max=True), cut=st.booleans())
def test_damage_anywhere_is_found_and_the_state_before_taken(
    at: float, cut: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    files = Files(tmp_path_factory.mktemp("states"))
    files.write(state(1))
    files.write(state(2))
    content = bytearray(files.last.read_bytes())
    place = int(at * len(content))
    if cut:
        content = content[:place]
    else:
        content[place] ^= 0x10
    files.last.write_bytes(content)
    saved = files.read()
    assert saved is not None
    # Between its entries a zip has bytes that nobody reads; there nothing is damaged.
    if saved.epoch == 2:
        assert not cut
        assert held(files.last) == 2
        assert torch.equal(saved.state["model"]["weight"], state(2)["model"]["weight"])
    else:
        assert saved.told == f"{files.last} is damaged; the state before it is whole, that of epoch 1."


def test_two_damaged_states_are_refused(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.write(state(1))
    files.last.write_bytes(b"garbage")
    with pytest.raises(
        VoxloopError, match=r"last.pt is damaged, and no earlier state beside it is whole.*start a new one"
    ):
        files.read()


def test_a_state_with_code_in_it_runs_none(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return Path.touch, (Path(tmp_path / "sprung"),)  # type: ignore[return-value]

    files = Files(tmp_path)
    torch.save({**state(1), "scores": Trap()}, files.last)
    with pytest.raises(VoxloopError, match="damaged"):
        files.read()
    assert not (tmp_path / "sprung").exists()


def test_a_state_of_a_newer_voxloop_is_not_guessed_at(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.write({**state(1), "format": FORMAT + 1})
    with pytest.raises(VoxloopError, match="newer voxloop; update"):
        files.read()


def test_better_weights_are_the_best_once_their_epoch_is_written_down(tmp_path: Path) -> None:
    files = Files(tmp_path)
    first = files.write_better(weights(1))
    assert not files.best.exists()
    files.write(state(1, 1, first))
    assert held(files.best) == 1
    # Epoch 2 is better, and its process dies before it is written down.
    files.write_better(weights(2))
    assert held(files.best) == 1
    assert files.settle(state(1, 1, first))
    assert held(files.best) == 1
    assert not files.better.exists()


def test_better_weights_of_an_epoch_that_is_written_down_are_not_lost(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.write(state(1, 1, files.write_better(weights(1))))
    second = files.write_better(weights(2))
    kept = files.better.read_bytes()
    files.write(state(2, 2, second))
    # The process died before the last renaming.
    files.better.write_bytes(kept)
    files.best.unlink()
    assert files.settle(state(2, 2, second))
    assert held(files.best) == 2


def test_weights_of_an_epoch_that_never_was_are_nobodys_best(tmp_path: Path) -> None:
    files = Files(tmp_path)
    first = files.write_better(weights(1))
    files.write(state(1, 1, first))
    files.write(state(2, 2, files.write_better(weights(2))))
    assert not files.settle(state(1, 1, first)), "they were replaced, so the best is sought anew"
    assert files.settle(None)
    assert not files.best.exists()


def test_what_a_dead_process_was_writing_is_taken_away(tmp_path: Path) -> None:
    partial = tmp_path / ".partial-1234-last.pt"
    partial.write_bytes(b"half")
    Files(tmp_path).settle(None)
    assert not partial.exists()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return open_project(tmp_path, create=True)


def summaries(project: Project, run_id: str) -> dict[str, Any]:
    return {
        f"{one.name} {one.context}": (
            one.count, one.first, one.last, one.min, one.max, one.best, one.last_step,
            project.points(one.id).steps.tolist(), project.points(one.id).values.tolist(),
        )
        for one in project.series_of(run_id)
    }  # fmt: skip


def logged(project: Project, epochs: int) -> str:
    with vx.Run(project=project.root, system_s=None) as run:
        run.define("loss", best="min")
        run.define("dice", axis="epoch", best="max")
        for step in range(1, 3 * epochs + 1):
            run.log({"loss": 100.0 - step, "never": 1.0}, step=step, epoch=(step + 2) // 3)
        for epoch in range(2, epochs + 1):
            run.log({"dice": 0.1 * epoch}, step=epoch, epoch=epoch, context={"case": "a"})
        if epochs > 3:
            run.log({"late": 1.0}, step=1, epoch=4)
        run.log({"of no epoch": 7.0})
    return run.id


def test_what_was_logged_after_an_epoch_is_as_if_it_never_was(project: Project) -> None:
    longer, shorter = logged(project, 5), logged(project, 3)
    assert rewind(project, project.run(longer), 3) == 2 * 6 + 2 + 1
    assert summaries(project, longer) == summaries(project, shorter)
    assert rewind(project, project.run(longer), 3) == 0
    rewind(project, project.run(longer), -1)
    assert list(summaries(project, longer)) == ["of no epoch {}"]


def test_a_run_that_was_rewound_takes_new_points_in_the_places_of_the_old(project: Project) -> None:
    longer, other = logged(project, 5), logged(project, 4)
    rewind(project, project.run(longer), 3)
    with vx.Run(resume=longer, project=project.root, system_s=None) as run:
        for step in (10, 11, 12):
            run.log({"loss": 100.0 - step, "never": 1.0}, step=step, epoch=4)
        run.log({"dice": 0.4}, step=4, epoch=4, context={"case": "a"})
        run.log({"late": 1.0}, step=1, epoch=4)
    assert summaries(project, longer) == summaries(project, other)


def test_a_run_that_is_being_written_is_not_rewound(project: Project) -> None:
    with vx.Run(project=project.root, system_s=None) as run:
        run.log({"loss": 1.0}, step=1, epoch=1)
        before = project.runs()[0]
        with pytest.raises(VoxloopError, match="being written by another process"):
            rewind(project, before, 0)
    with pytest.raises(VoxloopError, match="being written by another process"):
        rewind(project, before, 0)
    assert rewind(project, project.run(run.id), 0) == 1


def test_differences_are_told_key_by_key() -> None:
    before = {
        "epochs": 20,
        "rate": 0.001,
        "network": {"channels": [4, 8]},
        "steps": [{"prob": 0.1}, {"a": 1}],
        "old": 1,
    }
    now = {
        "epochs": 40,
        "rate": 0.001,
        "network": {"channels": [8], "drop": None},
        "steps": [{"prob": True}, {"a": 1.0}],
    }
    assert in_words(differences(before, now)) == (
        "epochs: 20 -> 40; network#channels: [4, 8] -> [8]; network#drop: none -> null; steps#0#prob: 0.1 -> true; old: 1 -> none"
    )
    assert [one.key for one in differences(before, now) if one.is_harmless] == ["epochs"]
    assert not any(one.is_harmless for one in differences({"epochs": 40}, {"epochs": 20}))


def test_settings_have_one_hash_wherever_bundle_data_and_output_lie(tmp_path: Path) -> None:
    config = {"epochs": 3, "split": "default", "dataset_dir": "x", "extra": "/one/bundle/file", "nested": {"rate": 0.1}}

    def at(root: str, **overrides: Any) -> Configuration:
        moved = {**config, "dataset_dir": root, "extra": f"{root}/file"}
        return Configuration.of(Path(root), moved, overrides, "default")

    here = at("/one/bundle")
    assert here.digest == at("/another/place").digest
    assert here.digest != at("/one/bundle", **{"nested#rate": 0.2}).digest
    assert here.digest != Configuration.of(Path("/one/bundle"), config, {}, "cv/0").digest
    here.write(tmp_path)
    assert Configuration.read(tmp_path) == here
