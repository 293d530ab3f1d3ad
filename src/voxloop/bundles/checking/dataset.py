"""Does a dataset fit the bundle: its classes, label values, channels and modality, by what dataset.json says. No voxel is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from voxloop.bundles.checking.finding import Finding, found, nearest
from voxloop.bundles.checking.metadata import channels
from voxloop.bundles.checking.transforms import BRATS
from voxloop.bundles.checking.workflow import Workflow
from voxloop.data.decathlon import Dataset
from voxloop.recipes.spelling import explained, recognise

MR = ("mr", "mri", "flair", "t1", "t1w", "t1gd", "t1c", "t1ce", "t2", "t2w", "adc", "dwi", "lge")
# Transforms that make other values or channels out of those of the file.
RELABELLING = {
    "MapLabelValue",
    "NormalizeLabelsInDataset",
    "LabelToMask",
    "ConvertToMultiChannelBasedOnBratsClasses",
    "Lambda",
}


def judge(workflow: Workflow, metadata: dict[str, Any], dataset: Dataset) -> Iterator[Finding]:
    yield from _modality(workflow, metadata, dataset)
    yield from _channels(workflow, metadata, dataset)
    names = workflow.config.value(workflow.config.content.get("class_names"))
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        # Our recipes find classes by name, whatever their numbers.
        yield from _by_name(workflow, names, dataset)
        return
    yield from _brats(workflow, dataset)
    steps = {step.name for engine in workflow.engines for step in engine.before}
    if steps & RELABELLING or any(not step.is_monai for engine in workflow.engines for step in engine.before):
        return
    yield from _by_number(workflow, metadata, dataset)


def _spellings(workflow: Workflow) -> dict[str, list[str]] | None:
    said = workflow.config.value(workflow.config.content.get("spellings"))
    return said if isinstance(said, dict) else None


def _by_name(workflow: Workflow, names: list[str], dataset: Dataset) -> Iterator[Finding]:
    spellings = _spellings(workflow)
    there = {recognise(label, names, spellings) for label in dataset.labels.values()}
    has = ", ".join(dataset.labels.values())
    for name in names[1:]:
        if name not in there:
            yield found(
                "data_classes",
                f"{dataset.name} has no label {explained(name, spellings)}, it has: {has}; choose a bundle for "
                "these, other data, or add its spelling.",
                workflow.config.name,
                "class_names",
            )


def _by_number(workflow: Workflow, metadata: dict[str, Any], dataset: Dataset) -> Iterator[Finding]:
    named = channels(metadata, "outputs", "pred")
    exclusive = named.get(0, "").casefold().startswith(("background", "everything"))
    has = ", ".join(f"{value} {name}" for value, name in sorted(dataset.labels.items()))
    for number, name in named.items():
        if not exclusive or number == 0:
            continue
        value = next((value for value, label in dataset.labels.items() if recognise(label, [name]) == name), None)
        if value is None:
            yield found(
                "data_classes",
                f'{dataset.name} has no label "{name}", it has: {has}; '
                f"{nearest(name, list(dataset.labels.values())) or 'choose other data.'}",
                "metadata.json",
                f"network_data_format#outputs#pred#channel_def#{number}",
            )
        elif value != number:
            yield found(
                "data_values",
                f'{dataset.name} has "{name}" as {value}, and it is channel {number} of the network; map it with '
                "MapLabelValued, or number the labels so.",
                workflow.config.name,
            )
    count, most = workflow.out_channels, max(dataset.labels, default=0)
    onehot = any(
        step.name == "AsDiscrete" and "to_onehot" in step.part.block
        for engine in workflow.engines
        for step in engine.after
    )
    if count is not None and onehot and most >= count:
        yield found(
            "data_values",
            f"{dataset.name} has label values up to {most} ({has}), and the network has {count} channels; map the "
            f"labels, or set out_channels={most + 1}.",
            workflow.config.name,
        )


def _brats(workflow: Workflow, dataset: Dataset) -> Iterator[Finding]:
    first = recognise(dataset.labels.get(1, ""), ["edema"], {"edema": ["ED", "peritumoral edema", "SNFH"]})
    for engine in workflow.engines:
        for step in engine.before:
            if step.name == BRATS and first is not None:
                yield found(
                    "brats_labels",
                    f"{step.part.key.replace('::', '#')} takes 1 for the necrotic core, and {dataset.name} has 1 as "
                    f"{dataset.labels[1]}; map the labels by name, "
                    "as the recipe brain_tumour does.",
                    workflow.config.name,
                    step.part.key,
                )
                return


def _channels(workflow: Workflow, metadata: dict[str, Any], dataset: Dataset) -> Iterator[Finding]:
    wanted = workflow.config.value(workflow.config.content.get("channel_names"))
    has = ", ".join(dataset.modality.values())
    if isinstance(wanted, list) and all(isinstance(name, str) for name in wanted):
        spellings = _spellings(workflow)
        there = {recognise(said, wanted, spellings) for said in dataset.modality.values()}
        for name in wanted:
            if name not in there:
                yield found(
                    "data_channels",
                    f"{dataset.name} has no channel {explained(name, spellings)}, it has: {has}; choose other data, "
                    "or add its spelling.",
                    workflow.config.name,
                    "channel_names",
                )
        return
    steps = [step for engine in workflow.engines for step in engine.before]
    if any(
        not step.is_monai or step.name.startswith(("AddGuidance", "Concat", "Copy", "Repeat", "Lambda"))
        for step in steps
    ):
        # They may make channels of their own.
        return
    count = workflow.in_channels
    if count is not None and count != len(dataset.modality):
        yield found(
            "data_channels",
            f"{dataset.name} has {len(dataset.modality)} channel{'s' if len(dataset.modality) > 1 else ''} ({has}), "
            f"and the network takes {count}; choose other "
            "data, or another bundle.",
            workflow.config.name,
        )


def _modality(workflow: Workflow, metadata: dict[str, Any], dataset: Dataset) -> Iterator[Finding]:
    try:
        said = str(metadata["network_data_format"]["inputs"]["image"]["modality"])
    except (KeyError, TypeError):
        return
    wanted = _family(said)
    there = {_family(one) for one in dataset.modality.values()}
    if wanted is None or None in there or wanted in there:
        return
    has = ", ".join(dataset.modality.values())
    yield found(
        "data_modality",
        f"{dataset.name} is {has}, and metadata.json says {said}; choose other data, or another bundle.",
        "metadata.json",
        "network_data_format#inputs#image#modality",
    )


def _family(said: str) -> str | None:
    word = said.casefold().strip()
    if word in ("ct", "cbct", "computed tomography"):
        return "CT"
    return "MR" if word in MR or word.startswith(("mr", "t1", "t2")) else None
