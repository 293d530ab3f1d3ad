"""Do the transforms fit each other: keys that are loaded, labels that stay labels, crops that find room?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from voxloop.bundles.checking.finding import Finding, found, setting, shown_key
from voxloop.bundles.checking.values import UNKNOWN
from voxloop.bundles.checking.workflow import Engine, Step, Workflow

# What moves voxels, so that image and label have to go together.
MOVING = {
    "Orientation", "Spacing", "SpatialResample", "ResampleToMatch", "Resize", "Zoom", "Rotate", "Rotate90", "Flip", "Affine",
    "SpatialCrop", "CenterSpatialCrop", "CropForeground", "ResizeWithPadOrCrop", "SpatialPad", "BorderPad", "DivisiblePad",
    "RandFlip", "RandAxisFlip", "RandRotate", "RandRotate90", "RandZoom", "RandAffine", "Rand3DElastic", "Rand2DElastic",
    "RandSpatialCrop", "RandSpatialCropSamples", "RandCropByPosNegLabel", "RandCropByLabelClasses", "RandWeightedCrop",
    "RandGridDistortion",
}  # fmt: skip
# Those of them that work out values between voxels, with the mode that they do it in where none is given.
BETWEEN = {
    "Spacing", "SpatialResample", "ResampleToMatch", "Resize", "Zoom", "Rotate", "Affine", "RandRotate", "RandZoom", "RandAffine",
    "Rand3DElastic", "Rand2DElastic", "RandGridDistortion",
}  # fmt: skip
CROPS_BY_LABEL = {"RandCropByPosNegLabel", "RandCropByLabelClasses"}
ROOM = {"SpatialPad", "ResizeWithPadOrCrop", "Resize"}
BRATS = "ConvertToMultiChannelBasedOnBratsClasses"
DECATHLON = re.compile(r"task01|decathlon|\bmsd\b", re.IGNORECASE)


def judge(workflow: Workflow, metadata: dict[str, Any]) -> Iterator[Finding]:
    for engine in workflow.engines:
        yield from _keys(engine)
        if workflow.segments:
            yield from _between(engine)
        yield from _left_behind(engine)
        yield from _order(engine)
        yield from _room(engine)
        yield from _brats(workflow, engine, metadata)
        yield from _deepedit(engine)


def _config(step: Step) -> str:
    return step.part.config.name


def _keys(engine: Engine) -> Iterator[Finding]:
    """Only transforms of voxels are asked: a class or a box may come from the data list as it is."""
    loaders = [step for step in engine.before if step.name == "LoadImage"]
    if not loaders or any(step.keys is None for step in loaders):
        return
    loaded = {key for step in loaders for key in step.keys or ()}
    for steps, made in ((engine.before, set[str]()), (engine.after, {"pred"})):
        for step in steps:
            if not step.is_monai or step.name in (
                "CopyItems",
                "ConcatItems",
                "SplitDim",
                "Lambda",
                "RandLambda",
                "SelectItems",
            ):
                # From here on there may be keys that cannot be told.
                return
            absent = [key for key in step.keys or () if key not in loaded | made]
            if (
                step.name in MOVING | {"EnsureChannelFirst", "AsDiscrete"}
                and absent
                and step.part.arg("allow_missing_keys", False) is False
            ):
                yield found(
                    "key_not_loaded",
                    f"{setting(step.part.key_to('keys'), step.part.block.get('keys'))}: {step.part.name} works on "
                    f'"{absent[0]}", which '
                    f"{shown_key(loaders[0].part.key)} does not load (it loads {', '.join(sorted(loaded))}); load "
                    "it, or take it out here.",
                    _config(step),
                    step.part.key,
                )


def _is_nearest(mode: Any) -> bool:
    return mode is UNKNOWN or mode is None or mode == 0 or "nearest" in str(mode).lower()


def _between(engine: Engine) -> Iterator[Finding]:
    for step in engine.before:
        if step.name not in BETWEEN or not step.is_monai:
            continue
        for key, mode in step.each("mode").items():
            if key in step.labels and not _is_nearest(mode):
                given = (
                    setting(step.part.key_to("mode"), step.part.block["mode"])
                    if "mode" in step.part.block
                    else shown_key(step.part.key)
                )
                default = "" if "mode" in step.part.block else " by default"
                modes = ["nearest" if one in step.labels else "bilinear" for one in step.keys or ()]
                advice = '"nearest"' if len(modes) == 1 else str(modes).replace("'", '"')
                yield found(
                    "label_interpolated",
                    f'{given}: {step.part.name} interpolates "{key}" ({mode}{default}), so its classes become '
                    f'fractions; write "mode": {advice}.',
                    _config(step),
                    step.part.key,
                )


def _left_behind(engine: Engine) -> Iterator[Finding]:
    """Where the prediction is carried back to an untouched label, the label has to stay where it is."""
    together = {key for step in engine.before if step.name == "LoadImage" for key in step.keys or ()}
    labels = [key for step in engine.before if step.name == "LoadImage" for key in step.labels]
    if not labels or len(together) == len(labels):
        return
    if any("pred" in (step.keys or ()) for step in engine.after_with("Invert")):
        return
    for number, step in enumerate(engine.before):
        if step.name not in MOVING or not step.images or step.labels or not step.is_monai or step.keys is None:
            continue
        alike = [
            other
            for other in engine.before[max(0, number - 3) : number + 4]
            if other is not step and other.name == step.name
        ]
        if any(other.labels for other in alike):
            # The label's turn comes in a transform of its own.
            continue
        yield found(
            "label_left_behind",
            f"{setting(step.part.key_to('keys'), step.part.block.get('keys'))}: {step.part.name} moves "
            f'"{step.images[0]}" and not "{labels[0]}", '
            f'so they no longer lie on each other; write "keys": ["{step.images[0]}", "{labels[0]}"].',
            _config(step),
            step.part.key,
        )


def _order(engine: Engine) -> Iterator[Finding]:
    names = [step.name for step in engine.before]
    if "Spacing" not in names or "Orientation" not in names or names.index("Spacing") > names.index("Orientation"):
        return
    step = engine.before[names.index("Spacing")]
    sides = step.part.arg("pixdim")
    if isinstance(sides, list) and len(set(map(str, sides))) > 1:
        yield found(
            "spacing_before_orientation",
            f"{setting(step.part.key_to('pixdim'), sides)} stands before "
            f"{shown_key(engine.before[names.index('Orientation')].part.key)}, so which axis "
            f"gets {max(sides)} mm depends on how a file was stored; put Orientation first.",
            _config(step),
            step.part.key,
        )


def size_of(step: Step) -> list[int] | None:
    """The sides of a crop or a window, where they are three plain numbers."""
    for argument in ("spatial_size", "roi_size"):
        if argument in step.part.block:
            return sides(step.part.arg(argument))
    return None


def sides(value: Any) -> list[int] | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = [value] * 3
    if (
        isinstance(value, list)
        and value
        and all(isinstance(side, int) and not isinstance(side, bool) for side in value)
    ):
        return value
    return None


def _room(engine: Engine) -> Iterator[Finding]:
    for number, step in enumerate(engine.before):
        if step.name not in CROPS_BY_LABEL or step.part.arg("allow_smaller") is True:
            continue
        earlier = list(engine.before[:number])
        cropped = [
            place
            for place, one in enumerate(earlier)
            if one.name in ("CropForeground", "SpatialCrop", "RandSpatialCrop")
        ]
        since = earlier[cropped[-1] :] if cropped else earlier
        size = size_of(step)
        if any(one.name in ROOM and _covers(size_of(one), size) for one in since):
            continue
        if any(one.name == "CropForeground" and _covers(sides(one.part.arg("k_divisible")), size) for one in since):
            continue
        shown = " x ".join(str(side) for side in size) if size else "its size"
        yield found(
            "crop_without_pad",
            f"{shown_key(step.part.key)} crops {shown} voxels and nothing pads smaller scans to that before, so the "
            "first one that is thinner stops "
            f'the training; put {{"_target_": "SpatialPadd", "keys": [...], "spatial_size": {size or "..."}}} '
            "before it.",
            _config(step),
            step.part.key,
        )


def _covers(room: list[int] | None, crop: list[int] | None) -> bool:
    return (
        room is None
        or crop is None
        or (len(room) == len(crop) and all(have < 0 or have >= need for have, need in zip(room, crop, strict=True)))
    )


def _brats(workflow: Workflow, engine: Engine, metadata: dict[str, Any]) -> Iterator[Finding]:
    for step in engine.before:
        if step.name != BRATS:
            continue
        places = [text for key, text in workflow.config.texts() if key.endswith(("_dir", "_path", "dir", "path"))]
        named = next((text for text in [*places, str(metadata.get("data_source", ""))] if DECATHLON.search(text)), None)
        if named is not None:
            yield found(
                "brats_labels",
                f"{shown_key(step.part.key)} takes labels for BraTS's (1 necrotic, 2 edema, 4 enhancing), and the "
                f'data are the Decathlon\'s ("{named[:60]}"), '
                "whose 1, 2, 3 are edema, non-enhancing and enhancing; map them by name, as the recipe brain_tumour "
                "does.",
                _config(step),
                step.part.key,
            )


def _deepedit(engine: Engine) -> Iterator[Finding]:
    for step in engine.before:
        names = step.part.arg("label_names") if step.name == "NormalizeLabelsInDataset" else None
        if isinstance(names, dict) and "background" in names and list(names)[-1] != "background":
            order = list(names)
            late = order[order.index("background") + 1]
            yield found(
                "deepedit_order",
                f"{setting(step.part.key_to('label_names'), names)}: the names are numbered in this order, so "
                f'"{late}" becomes {order.index(late) + 1} '
                f'instead of {order.index(late)}; put "background" last.',
                _config(step),
                step.part.key,
            )
