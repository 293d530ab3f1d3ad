"""What the project knows of a model: how it was made, from what, and how good it is. No case, no path and no machine is named."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

from voxloop import recipes
from voxloop.bundles.exporting import figures
from voxloop.bundles.exporting.content import without_paths
from voxloop.bundles.exporting.figures import Figures
from voxloop.errors import VoxloopError

if TYPE_CHECKING:
    from voxloop.store import Project
    from voxloop.store.records import ArtifactVersion, RunRecord

# Distribution → what it is imported as; what an inference under plain MONAI needs.
PACKAGES = ("monai", "torch", "numpy", "nibabel", "pytorch-ignite", "fire", "voxloop")
LONGEST = 300
# Settings that say where things lie and how a config is run, not how a model is trained.
MACHINERY = (
    "imports",
    "initialize",
    "run",
    "training",
    "finalize",
    "bundle_root",
    "ckpt_dir",
    "output_dir",
    "dataset_dir",
    "_desc_",
)


@dataclass(frozen=True, slots=True)
class Data:
    """A dataset that a model learned from, without its cases."""

    name: str
    ref: str
    digest: str
    cases: int
    labels: dict[str, str]
    modality: dict[str, str]
    licence: str
    reference: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is told of a model; None or empty where nobody knows."""

    ref: str
    name: str
    number: int
    made: float
    digest: str
    recipe: str | None
    dice: float | None
    epoch: int | None
    epochs: int | None
    seconds: float | None
    run: str | None
    commit: str | None
    split: str | None
    trained: int | None
    validated: int | None
    packages: dict[str, str]
    # Whether the versions are those of the training, and not of this machine.
    recorded: bool
    # Setting → what the recipe says, what was used; None where the recipe is not known here.
    settings: dict[str, tuple[Any, Any]] | None
    config_digest: str | None
    data: tuple[Data, ...]
    figures: tuple[Figures, ...]
    history: dict[str, str]

    @property
    def version(self) -> str:
        """`spleen-ct:v3` is 3.0.0."""
        return f"{self.number}.0.0"

    @property
    def date(self) -> str:
        return time.strftime("%Y-%m-%d", time.gmtime(self.made))


def gather(project: Project, version: ArtifactVersion, train: Mapping[str, Any] | None) -> Facts:
    """The facts of a model; `train` is the training config that its bundle holds."""
    run = _run(project, version)
    params = run.params if run else {}
    job, split = params.get("job"), params.get("split")
    parts = split if isinstance(split, Mapping) else {}
    packages, recorded = _packages(run)
    recipe = version.metadata.get("recipe")
    data = tuple(_data(project, one) for one in project.used(run.id) if one.kind == "dataset") if run else ()
    divided = job.get("split") if isinstance(job, Mapping) else None
    return Facts(
        ref=version.ref,
        name=version.name,
        number=version.version,
        made=version.created,
        digest=version.digest,
        recipe=recipe,
        dice=version.metadata.get("dice"),
        epoch=version.metadata.get("epoch"),
        epochs=params.get("epochs") if isinstance(params.get("epochs"), int) else None,
        seconds=run.duration_s if run else None,
        run=run.id if run else None,
        commit=_commit(run),
        split=divided,
        trained=len(parts["training"]) if "training" in parts else None,
        validated=len(parts["validation"]) if "validation" in parts else None,
        packages=packages,
        recorded=recorded,
        settings=_settings(recipe, train),
        config_digest=None if train is None else _digest(train),
        data=data,
        figures=figures.of_model(project, version, {one.ref.partition(":")[0] for one in data}, divided),
        history=_history(project, version),
    )


def one_line(text: object) -> str:
    """Text of others as part of a sentence or of a table."""
    return " ".join(str(text).replace("|", "/").replace("`", "'").split())[:LONGEST]


def _run(project: Project, version: ArtifactVersion) -> RunRecord | None:
    if version.run_id is None:
        return None
    try:
        return project.run(version.run_id)
    except VoxloopError:
        # Deleted since; the model stays.
        return None


def _packages(run: RunRecord | None) -> tuple[dict[str, str], bool]:
    """Without what a build adds: 2.13.0+cpu is 2.13.0. What a run did not note is as it is here."""
    kept = (run.environment.get("packages") if run else None) or {}
    found = {name: kept.get(name) or _here(name) for name in PACKAGES}
    plain = {name: version.partition("+")[0] for name, version in found.items() if version}
    return plain, all(name in kept for name in ("monai", "torch", "numpy"))


def _here(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _commit(run: RunRecord | None) -> str | None:
    git = run.environment.get("git") if run else None
    if not isinstance(git, Mapping) or not git.get("commit"):
        return None
    return f"{git['commit']}{' with changes' if git.get('dirty') else ''}"


def _settings(recipe: str | None, train: Mapping[str, Any] | None) -> dict[str, tuple[Any, Any]] | None:
    if recipe not in recipes.names() or train is None:
        return None
    path = recipes.find(recipe) / "configs" / "train.json"
    before, after = _flat(json.loads(path.read_text(encoding="utf-8"))), _flat(train)
    keys = [*after, *(key for key in before if key not in after)]
    return {
        key: (before.get(key), after.get(key))
        for key in keys
        if before.get(key) != after.get(key) and key.split("#")[0] not in MACHINERY
    }


def _flat(config: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(config, Mapping):
        return {prefix: config}
    return {
        path: inner
        for key, value in config.items()
        for path, inner in _flat(value, f"{prefix}#{key}" if prefix else str(key)).items()
    }


def _digest(config: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def _data(project: Project, version: ArtifactVersion) -> Data:
    said: dict[str, Any] = {}
    if "dataset.json" in version.files:
        try:
            said = without_paths(json.loads(project.blobs.get(version.files["dataset.json"]["digest"])))
        except (ValueError, OSError) as error:
            raise VoxloopError(
                f"{version.ref}: its dataset.json is damaged ({error}); restore it from a backup."
            ) from error
    licence = next((said[key] for key in ("licence", "license", "Licence", "License") if said.get(key)), "")
    return Data(
        name=one_line(said.get("name") or version.name),
        ref=version.ref,
        digest=version.digest,
        cases=int(version.metadata.get("cases", 0)),
        labels={str(value): one_line(name) for value, name in version.metadata.get("labels", {}).items()},
        modality={str(channel): one_line(name) for channel, name in version.metadata.get("modality", {}).items()},
        licence=one_line(licence),
        reference=one_line(said.get("reference") or ""),
    )


def _history(project: Project, version: ArtifactVersion) -> dict[str, str]:
    """A line for each version up to this one."""
    found = {}
    for one in project.artifacts(version.name):
        if one.version <= version.version and one.kind == version.kind:
            dice = one.metadata.get("dice")
            said = "" if dice is None else f", validation Dice {dice:.4f}"
            found[f"{one.version}.0.0"] = f"{time.strftime('%Y-%m-%d', time.gmtime(one.created))}{said}"
    return found
