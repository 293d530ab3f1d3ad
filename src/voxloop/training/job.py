"""What to train: enough to start it, and to go on with it in another process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from voxloop import recipes
from voxloop.bundles import settings
from voxloop.data.decathlon import Dataset, read_dataset, split_cases
from voxloop.data.scans import open_labels, open_scan
from voxloop.errors import VoxloopError
from voxloop.monai.output import output_of
from voxloop.recipes import datalist


@dataclass(frozen=True, slots=True)
class Job:
    """A recipe, its data, and the settings that a person gave."""

    recipe: str
    data: Path
    preset: str = "full"
    split: str = "default"
    overrides: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Any) -> Job:
        """The job that a run was started with."""
        said = run.params.get("job")
        if not said:
            raise VoxloopError(f"Run {run.name} was not made by `voxloop train`, so there is nothing to resume.")
        return cls(said["recipe"], Path(said["data"]), said["preset"], said["split"], said["overrides"])

    def as_params(self) -> dict[str, Any]:
        return {
            "recipe": self.recipe,
            "data": str(self.data),
            "preset": self.preset,
            "split": self.split,
            "overrides": dict(self.overrides),
        }


def prepare(recipe: str, data: Path, preset: str, split: str, arguments: Sequence[str]) -> Job:
    """Checks everything that can be known before the first scan is read."""
    folder = recipes.find(recipe)
    files = settings.config_files(folder, preset)
    dataset = read_dataset(data)
    # MONAI is imported here, seconds after everything that can be told without it.
    config = settings.read(files)
    overrides = settings.overrides(arguments, config)
    applied = settings.applied(config, overrides)
    settings.require_sense(applied)
    channels = _check_names(dataset, applied)
    for case in dataset.training:
        # Headers only: a label on another grid and a file that is cut off are found here, not in epoch one.
        scan = open_scan(case.image)
        if scan.channels < channels:
            raise VoxloopError(
                f"{case.image.name} has {scan.channels} channels, and the recipe takes the one that dataset.json "
                f"numbers {channels - 1}; get the whole scan, or take the case off the list."
            )
        open_labels(case.label, like=scan.geometry)
    parts = split_cases(data, split)
    for part in ("training", "validation"):
        if not parts[part]:
            raise VoxloopError(
                f'{data}: the {part} part of split "{split}" is empty; a training needs at least two cases.'
            )
    # A path is made whole, for a run may be resumed in another folder.
    return Job(recipe if recipe in recipes.names() else str(folder), data.resolve(), preset, split, overrides)


def continued(job: Job, arguments: Sequence[str], data: Path | None = None) -> Job:
    """The same job with other settings, such as `epochs=40`, or with its data at another place."""
    config = settings.read(settings.config_files(recipes.find(job.recipe), job.preset))
    overrides = {**job.overrides, **settings.overrides(arguments, config)}
    settings.require_sense(settings.applied(config, overrides))
    return replace(job, overrides=overrides, data=data.resolve() if data else job.data)


def _check_names(dataset: Dataset, config: Mapping[str, Any]) -> int:
    """Refuses a dataset without the recipe's classes and channels, and says how many channels its scans must have."""
    classes, regions, spellings = (config.get(key) for key in ("class_names", "regions", "spellings"))
    if isinstance(classes, list):
        datalist.class_values(dataset, classes, spellings)
        output_of(classes, regions)
    channels = config.get("channel_names")
    return max(datalist.channel_order(dataset, channels, spellings)) + 1 if isinstance(channels, list) else 1
