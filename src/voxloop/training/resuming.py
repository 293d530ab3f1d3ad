"""Going on with a run: what differs from the training that it was, what of that is allowed, and from which state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from voxloop.bundles import settings
from voxloop.data.decathlon import split_cases
from voxloop.data.manifest import Manifest, changes, read_manifest
from voxloop.errors import VoxloopError
from voxloop.store import Project, RunRecord
from voxloop.store.artifacts import datasets
from voxloop.training.configuration import Configuration, Difference, differences, in_words
from voxloop.training.job import Job
from voxloop.training.rewinding import being_written
from voxloop.training.saved import Files, Saved

Progress = Callable[[int, int, str], None]
PARTS = ("training", "validation")


@dataclass(frozen=True, slots=True)
class Resumption:
    """A run that is to go on: from which state, and with which changes."""

    run: RunRecord
    saved: Saved | None
    changed: tuple[Difference, ...]
    told: tuple[str, ...]

    @property
    def done(self) -> int:
        """How many epochs are done."""
        return 0 if self.saved is None else self.saved.epoch


def resume(
    project: Project,
    run: RunRecord,
    job: Job,
    now: Configuration,
    anyway: bool = False,
    progress: Progress | None = None,
) -> Resumption:
    """Finds out how a run goes on under a job; refused where it would be another training, unless `anyway`."""
    if run.status == "running":
        raise being_written(run.name)
    folder = folder_of(project, run.id)
    found = _settings_changed(run, folder, now)
    other = [one for one in found if not one.is_harmless]
    otherwise = _data_changed(project, run, job, progress)
    if not anyway:
        if other:
            raise VoxloopError(
                f"Run {run.name} was begun with other settings ({in_words(other)}), so this would be another training; start a new "
                "run with them, or go on all the same with --anyway."
            )
        if otherwise:
            raise VoxloopError(
                f"Run {run.name} was begun with other data: {otherwise[0]}{_and_more(otherwise)}; put them back, start a new run, "
                "or go on all the same with --anyway."
            )
    saved = Files(folder).read()
    if saved is None:
        _require_nothing_done(project, run, folder)
        if not folder.is_dir():
            # One that was brought in: its settings may be expressions of whoever wrote them.
            raise VoxloopError(f"Run {run.name} was not trained in this project, so it cannot go on here; train anew.")
    done = 0 if saved is None else saved.epoch
    _require_epochs(run, done, now, found)
    told = [] if saved is None or saved.told is None else [saved.told]
    told.append(
        "No epoch was finished, so the training begins anew, with the same seed."
        if saved is None
        else f"Going on after epoch {done}, the last one that was finished."
    )
    if found:
        told.append(f"From here on with other settings: {in_words(found)}.")
    told += [f"From here on with other data: {one}." for one in otherwise[:3]]
    return Resumption(run, saved, tuple(found), tuple(told))


def folder_of(project: Project, run_id: str) -> Path:
    """Where a run's states and its settings lie."""
    return project.root / "runs" / run_id


def _and_more(told: Sequence[str]) -> str:
    return f" (and {len(told) - 1} more)" if len(told) > 1 else ""


def _settings_changed(run: RunRecord, folder: Path, now: Configuration) -> list[Difference]:
    before = Configuration.read(folder)
    if before is not None:
        return differences(before.config, now.config)
    # The folder is gone, or the run is an earlier version's: its params are what is known of its settings.
    known = {key: value for key, value in settings.searchable(now.config).items() if key != "split"}
    said = {key: run.params.get(key, value) for key, value in known.items()}
    found = differences(settings.applied(said, Job.of(run).overrides), known)
    # Params hold the values that references stood for; where these have changed, that is told by their own key.
    return [one for one in found if not _is_reference(now.config, one.key)]


def _is_reference(config: Any, key: str) -> bool:
    for step in key.split("#"):
        config = config[int(step)] if isinstance(config, list) else config.get(step)
    return isinstance(config, str) and config.startswith("@")


def _require_nothing_done(project: Project, run: RunRecord, folder: Path) -> None:
    """A training that has reached its second epoch has a state of the first."""
    reached = [int(project.points(one.id).epochs.max()) for one in project.series_of(run.id, "train/loss")]
    if run.status == "finished" or max(reached, default=0) > 1:
        raise VoxloopError(
            f"The states of run {run.name} are not in {folder} any more, so it cannot go on; start a new one."
        )


def _require_epochs(run: RunRecord, done: int, now: Configuration, found: Sequence[Difference]) -> None:
    epochs = now.config.get("epochs")
    whole = epochs if isinstance(epochs, int) else None
    if whole is not None and done > whole:
        raise VoxloopError(
            f"Run {run.name} has {done} epochs behind it, so it cannot end after {whole}; start a new one."
        )
    if run.status == "finished" and (done == whole or not found):
        raise VoxloopError(
            f"Run {run.name} is finished, after epoch {done}; to go on from there, give it more of them, such as: "
            f"voxloop train --resume {run.id} epochs={(whole or done) + done}"
        )


def _data_changed(project: Project, run: RunRecord, job: Job, progress: Progress | None) -> list[str]:
    """What is otherwise about the cases that the run trains and validates with, in words."""
    if not job.data.is_dir():
        raise VoxloopError(f"{job.data}, the data of run {run.name}, is not there now; say where they are with --data.")
    parts = split_cases(job.data, job.split)
    listed = {part: [pair["case"] for pair in parts[part]] for part in PARTS}
    before = run.params.get("split")
    told = [] if not isinstance(before, Mapping) else _split_changed(before, listed)
    versions = [version for version in project.used(run.id) if version.kind == datasets.KIND]
    if not versions or told:
        return told
    cases = {case for part in PARTS for case in listed[part]}
    # The last one: where it went on with other data, the run used both.
    first, here = (
        _only(one, cases)
        for one in (
            datasets.manifest(project, versions[-1]),
            read_manifest(job.data, datasets.memory(project), progress),
        )
    )
    told += changes(first, here)
    if first.labels != here.labels:
        told.append(f"the labels are {_named(here.labels)}, and were {_named(first.labels)}")
    if first.modality != here.modality:
        told.append(f"the channels are {_named(here.modality)}, and were {_named(first.modality)}")
    return told


def _only(manifest: Manifest, cases: set[str]) -> Manifest:
    return replace(manifest, cases=tuple(one for one in manifest.cases if one.id in cases), test=())


def _named(names: Mapping[int, str]) -> str:
    return ", ".join(f"{number} {name}" for number, name in names.items())


def _split_changed(before: Mapping[str, Any], now: Mapping[str, Sequence[str]]) -> list[str]:
    told = []
    for part in PARTS:
        was, is_now = list(before.get(part, [])), list(now[part])
        told += [f'the case "{one}" is no longer in the {part} part' for one in was if one not in is_now]
        told += [f'the case "{one}" is new in the {part} part' for one in is_now if one not in was]
        if not told and was != is_now:
            told.append(f"the cases of the {part} part are in another order")
    return told
