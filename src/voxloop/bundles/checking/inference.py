"""Does a prediction lie on its scan, was the scan prepared as in training, and are there weights?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from voxloop.bundles.checking.config import Part
from voxloop.bundles.checking.finding import Finding, found, setting, shown_key
from voxloop.bundles.checking.transforms import MOVING
from voxloop.bundles.checking.values import UNKNOWN
from voxloop.bundles.checking.workflow import Engine, Step, Workflow

# What has to be the same when a network learns and when it works, and by which arguments.
PREPARING = {
    "Orientation": ("axcodes",),
    "Spacing": ("pixdim",),
    "Resize": ("spatial_size",),
    "ScaleIntensityRange": ("a_min", "a_max", "b_min", "b_max", "clip"),
    "ScaleIntensityRangePercentiles": ("lower", "upper", "b_min", "b_max", "clip"),
    "ScaleIntensity": ("minv", "maxv"),
    "NormalizeIntensity": ("nonzero", "channel_wise", "subtrahend", "divisor"),
    "ThresholdIntensity": ("threshold", "above", "cval"),
    "GaussianSmooth": ("sigma",),
    "HistogramNormalize": ("num_bins", "min", "max"),
}
# What a network may have otherwise without other weights.
HARMLESS = {
    "use_checkpoint",
    "dropout_prob",
    "dropout",
    "drop_rate",
    "attn_drop_rate",
    "dropout_path_rate",
    "dropout_rate",
    "deep_supervision",
}
# A large CT of the abdomen, to give a number for memory.
LARGE_CT = (512, 512, 300)


def judge(workflow: Workflow) -> Iterator[Finding]:
    for engine in workflow.engines:
        yield from _inverted(workflow, engine)


def _inverted(workflow: Workflow, engine: Engine) -> Iterator[Finding]:
    names = [step.name for step in engine.after]
    back = next(
        (number for number, step in enumerate(engine.after) if step.name == "Invert" and "pred" in (step.keys or ())),
        None,
    )
    if any(not step.is_monai for step in engine.after):
        return
    moved = next((step for step in engine.before if step.name in MOVING), None)
    if back is None and moved is not None and engine.role != "train":
        for step in engine.after_with("SaveImage"):
            if step.part.arg("resample") is False:
                yield found(
                    "not_inverted",
                    f"{shown_key(step.part.key)} saves predictions as they lie behind {moved.part.name}, for "
                    "nothing inverts that and "
                    f'{setting(step.part.key_to("resample"), False)}; put {{"_target_": "Invertd", "keys": "pred", '
                    '"orig_keys": "image", "transform": '
                    f'"@{_prepared_by(engine)}"}} '
                    "before it.",
                    engine.part.config.name,
                    step.part.key,
                )
    argmax = next(
        (
            n
            for n, step in enumerate(engine.after)
            if step.name == "AsDiscrete" and step.each("argmax").get("pred") is True
        ),
        None,
    )
    if back is not None and argmax is not None and back < argmax and "SaveImage" in names:
        channels = workflow.out_channels
        step = engine.after[back]
        much = ""
        if channels is not None:
            size = channels * 4 * math.prod(LARGE_CT) / 1e9
            much = f", {channels} x 4 bytes a voxel ({size:.1f} GB for 512 x 512 x 300)"
        yield found(
            "inverted_as_float",
            f"{shown_key(step.part.key)} carries the probabilities of all classes back to the scan's grid{much} before "
            f"{shown_key(engine.after[argmax].part.key)} takes the strongest; move the argmax before it, with "
            '"nearest_interp": true.',
            engine.part.config.name,
            step.part.key,
            "warning" if channels is not None and channels >= 8 else None,
        )


def _prepared_by(engine: Engine) -> str:
    dataset = engine.dataset
    if dataset is None:
        return "preprocessing"
    return shown_key(dataset.config.key_of(dataset.block.get("transform"), dataset.key_to("transform")))


def compared(training: Workflow, inference: Workflow) -> Iterator[Finding]:
    """Where the inference of a bundle does another thing than what was trained and validated."""
    learned = training.role("validate") or training.role("train")
    works = next(iter(inference.engines), None)
    if learned is None or works is None:
        return
    yield from _prepared(learned, works)
    yield from _networks(training, inference)
    yield from _windows(learned, works)


def _prepared(learned: Engine, works: Engine) -> Iterator[Finding]:
    foreign = any(not step.is_monai for step in (*learned.before, *works.before))
    for name, arguments in PREPARING.items():
        first, second = _settings(learned, name, arguments), _settings(works, name, arguments)
        if first is None or second is None or first == second or (foreign and not (first and second)):
            continue
        if not learned.before or not works.before:
            continue
        steps = works.before_with(name) or learned.before_with(name)
        files = (learned.part.config.name, works.part.config.name)
        if first and second:
            differs = next(
                one for one in arguments if [step.get(one) for step in first] != [step.get(one) for step in second]
            )
            said = f"{setting(differs, _one(first, differs))} in {files[0]} and {setting(differs, _one(second, differs))} in {files[1]}"
        else:
            said = f"in {files[0] if first else files[1]} and not in {files[1] if first else files[0]}"
        yield found(
            "train_infer_disagree",
            f"{shown_key(steps[0].part.key)}: {steps[0].part.name} is {said}, so the network is given what it never "
            "learned from; make them the same.",
            works.part.config.name,
            steps[0].part.key,
        )


def _one(settings: Sequence[dict[str, Any]], name: str) -> Any:
    values = [step.get(name) for step in settings]
    return values[0] if len(values) == 1 else values


def _settings(engine: Engine, name: str, arguments: Sequence[str]) -> list[dict[str, Any]] | None:
    """What the transforms of a name are given for the image; None where it cannot be told."""
    found = []
    for step in engine.before_with(name):
        if step.keys is not None and not step.images:
            continue
        values = {
            one: _for_image(step, one)
            for one in arguments
            if step.part.target.takes is None or one in step.part.target.takes
        }
        if any(value is UNKNOWN for value in values.values()):
            return None
        found.append(values)
    return found


def _for_image(step: Step, argument: str) -> Any:
    value = step.part.arg(argument)
    if isinstance(value, list) and any(one is UNKNOWN for one in value):
        return UNKNOWN
    if isinstance(value, list) and all(isinstance(one, int | float) for one in value):
        return [float(one) for one in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _networks(training: Workflow, inference: Workflow) -> Iterator[Finding]:
    first, second = training.network, inference.network
    if first is None or second is None or "monai" not in first.target.path or "monai" not in second.target.path:
        return
    files = f"{training.config.name} and {inference.config.name}"
    if first.name != second.name:
        yield found(
            "train_infer_disagree",
            f"{shown_key(second.key)} is a {first.name} in the one and a {second.name} in the other of {files}, so "
            "the weights do not fit; make them the same.",
            inference.config.name,
            second.key,
        )
        return
    for name in sorted({*first.given, *second.given} - HARMLESS):
        mine, theirs = first.arg(name), second.arg(name)
        if UNKNOWN in (mine, theirs) or mine == theirs or str(mine).lower() == str(theirs).lower():
            continue
        yield found(
            "train_infer_disagree",
            f"{setting(second.key_to(name), theirs)} in {inference.config.name} and {setting(name, mine)} in "
            f"{training.config.name}, so the weights do not fit; "
            "make them the same.",
            inference.config.name,
            second.key_to(name),
        )


def _windows(learned: Engine, works: Engine) -> Iterator[Finding]:
    first, second = learned.inferer, works.inferer
    if first is None or second is None or "SlidingWindow" not in first.name or "SlidingWindow" not in second.name:
        return
    mine, theirs = first.arg("roi_size"), second.arg("roi_size")
    if isinstance(mine, list) and isinstance(theirs, list) and mine != theirs:
        yield found(
            "window_differs",
            f"{setting(second.key_to('roi_size'), theirs)} in {works.part.config.name} and "
            f"{setting('roi_size', mine)} in {learned.part.config.name}; make them "
            "the same where scores have to be comparable.",
            works.part.config.name,
            second.key,
        )


def written(workflow: Workflow) -> set[Path]:
    """The weights files that a config's savers make, relative to the bundle."""
    made = set()
    for part in workflow.config.parts():
        if part.name == "CheckpointSaver":
            for argument in ("key_metric_filename", "final_filename"):
                path = _path(workflow, part.arg("save_dir"), part.arg(argument, None))
                if path is not None:
                    made.add(path)
    return made


def loaded(workflow: Workflow) -> Iterator[tuple[Part, Path]]:
    """The weights files that a config's loaders need."""
    for part in workflow.config.parts():
        if part.name == "CheckpointLoader":
            path = _path(workflow, part.arg("load_path"), "")
            if path is not None:
                yield part, path


def _path(workflow: Workflow, *steps: Any) -> Path | None:
    if not all(isinstance(step, str) for step in steps):
        return None
    root = workflow.config.root
    text = "/".join(step for step in steps if step)
    said = workflow.config.value(workflow.config.content.get("bundle_root", "."))
    if isinstance(said, str) and said not in (".", "") and text.startswith(said) and not (root / said).is_dir():
        # Where the bundle lay on its author's machine.
        text = text.removeprefix(said).lstrip("/")
    return (root / text).resolve()


def weights(workflow: Workflow, made: set[Path], large: set[Path]) -> Iterator[Finding]:
    for part, path in loaded(workflow):
        if path.is_file() or path in made:
            continue
        shown = (
            path.relative_to(workflow.config.root.resolve())
            if path.is_relative_to(workflow.config.root.resolve())
            else path
        )
        there = sorted(one.name for one in (workflow.config.root / "models").glob("*") if one.suffix in (".pt", ".ts"))
        way = (
            "it is listed in large_files; fetch the bundle with voxloop bundle fetch"
            if path in large
            else f"the folder models has: {', '.join(there)}"
            if there
            else "put it there, or train first"
        )
        yield found(
            "weights_missing",
            f"{setting(part.key_to('load_path'), part.block.get('load_path'))}: {shown} is not there; {way}.",
            workflow.config.name,
            part.key,
        )
