"""Transforms in plain words: `Spacingd` as "resamples to 1.5 x 1.5 x 2.0 mm (bilinear for the image, nearest for the label)"."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from voxloop.bundles.checking.values import UNKNOWN
from voxloop.bundles.checking.workflow import Step


def sentence(step: Step) -> str:
    """What a transform does, for a reader who knows none by name."""
    made = SENTENCES.get(step.name)
    if made is not None and step.is_monai:
        return made(step)
    if not step.is_monai:
        return f"{step.part.block['_target_']}{_on(step)}"
    if step.name.startswith("Rand"):
        return f"at random: {_spoken(step.name.removeprefix('Rand'))}{_on(step)}{_chance(step)}"
    return f"{_spoken(step.name)}{_on(step)}"


def by(sizes: Any, unit: str = "") -> str:
    """`96 x 96 x 96`, or a question mark where only running would tell."""
    if sizes is UNKNOWN or sizes is None:
        return "a size worked out when it runs"
    listed = sizes if isinstance(sizes, list) else [sizes] * 3
    return (
        " x ".join("?" if one is UNKNOWN else "all" if isinstance(one, int) and one < 0 else str(one) for one in listed)
        + unit
    )


def _spoken(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()


def _on(step: Step) -> str:
    return f" of {_list(step.keys)}" if step.keys else ""


def _list(keys: tuple[str, ...] | None) -> str:
    words = [f"the {_called(key)}" for key in keys or ()]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _called(key: str) -> str:
    return {"pred": "prediction"}.get(key, key)


def _chance(step: Step) -> str:
    prob = step.part.arg("prob")
    return f", in {prob * 100:g} % of cases" if isinstance(prob, int | float) else ""


def _number(value: Any) -> str:
    return "?" if value is UNKNOWN or value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _arg(step: Step, name: str) -> str:
    return _number(step.part.arg(name))


def _modes(step: Step) -> str:
    modes = {key: str(mode) for key, mode in step.each("mode").items()}
    if not modes:
        return ""
    if len(set(modes.values())) == 1:
        return f" ({next(iter(modes.values()))})"
    return f" ({', '.join(f'{mode} for the {_called(key)}' for key, mode in modes.items())})"


def _range(step: Step) -> str:
    clip = ", clipped" if step.part.arg("clip") is True else ""
    before, after = ("..".join(_arg(step, f"{side}_{end}") for end in ("min", "max")) for side in "ab")
    return f"scales intensities of {_list(step.keys)} from {before} to {after}{clip}"


def _normalise(step: Step) -> str:
    where = " of the voxels that are not 0" if step.part.arg("nonzero") is True else ""
    each = ", each channel by itself" if step.part.arg("channel_wise") is True else ""
    return f"brings {_list(step.keys)} to mean 0 and deviation 1{where}{each}"


def _discrete(step: Step) -> str:
    said = []
    for key in step.keys or ():
        does = []
        if step.each("argmax").get(key) is True:
            does.append("takes the strongest class")
        threshold = step.each("threshold").get(key)
        if isinstance(threshold, int | float) and not isinstance(threshold, bool):
            does.append(f"cuts at {threshold:g}")
        onehot = step.each("to_onehot").get(key)
        if isinstance(onehot, int) and not isinstance(onehot, bool):
            does.append(f"makes one channel of each of {onehot} classes")
        said.append(f"{' and '.join(does) or 'makes it discrete'} (the {_called(key)})")
    return "; ".join(said)


def _crop_by_label(step: Step) -> str:
    size = by(step.part.arg("spatial_size"))
    if step.name == "RandCropByPosNegLabel":
        balance = f"centred on label or background {_arg(step, 'pos')} : {_arg(step, 'neg')}"
    else:
        balance = (
            f"centred on a class drawn {_arg(step, 'ratios')}"
            if step.part.arg("ratios")
            else "centred on a class, each as often"
        )
    return f"takes {_arg(step, 'num_samples')} crops of {size} voxels at random, {balance}"


def _activation(step: Step) -> str:
    kind = (
        "softmax"
        if step.part.arg("softmax") is True
        else "sigmoid"
        if step.part.arg("sigmoid") is True
        else "an activation"
    )
    return f"turns the network's output into probabilities ({kind})"


def _invert(step: Step) -> str:
    nearest = step.part.arg("nearest_interp")
    return f"carries {_list(step.keys)} back to the scan's own grid{' (nearest)' if nearest is True else ''}"


def _save(step: Step) -> str:
    where = step.part.arg("output_dir")
    return f"saves {_list(step.keys)} as files in {where if isinstance(where, str) else 'its output_dir'}"


SENTENCES: dict[str, Callable[[Step], str]] = {
    "LoadImage": lambda step: f"loads {_list(step.keys)}",
    "EnsureChannelFirst": lambda step: f"puts the channel axis first ({_list(step.keys)})",
    "Orientation": lambda step: f"turns {_list(step.keys)} to {_arg(step, 'axcodes')}",
    "Spacing": lambda step: f"resamples to {by(step.part.arg('pixdim'), ' mm')}{_modes(step)}",
    "Resize": lambda step: (
        f"resizes to {by(step.part.arg('spatial_size'), ' voxels')}{_modes(step)}, whatever the proportions"
    ),
    "ScaleIntensityRange": _range,
    "ScaleIntensity": lambda step: (
        f"scales intensities of {_list(step.keys)} to {_arg(step, 'minv')}..{_arg(step, 'maxv')}"
    ),
    "NormalizeIntensity": _normalise,
    "CropForeground": lambda step: f"crops to what is not empty in the {_arg(step, 'source_key')}",
    "SpatialPad": lambda step: f"pads to at least {by(step.part.arg('spatial_size'))} voxels",
    "EnsureType": lambda step: f"makes tensors of {_list(step.keys)}",
    "ToTensor": lambda step: f"makes tensors of {_list(step.keys)}",
    "RandCropByPosNegLabel": _crop_by_label,
    "RandCropByLabelClasses": _crop_by_label,
    "RandSpatialCrop": lambda step: f"takes a crop of {by(step.part.arg('roi_size'))} voxels at random",
    "RandFlip": lambda step: f"mirrors along axis {_arg(step, 'spatial_axis')}{_chance(step)}",
    "RandRotate90": lambda step: f"turns by 90 degrees up to {_arg(step, 'max_k')} times{_chance(step)}",
    "RandShiftIntensity": lambda step: f"shifts intensities by up to {_arg(step, 'offsets')}{_chance(step)}",
    "RandScaleIntensity": lambda step: f"scales intensities by up to {_arg(step, 'factors')}{_chance(step)}",
    "RandGaussianNoise": lambda step: f"adds noise{_chance(step)}",
    "MapLabelValue": lambda step: f"gives {_list(step.keys)} the bundle's class numbers",
    "FgBgToIndices": lambda step: "remembers where label and background are, for the crops",
    "ClassesToIndices": lambda step: "remembers where each class is, for the crops",
    "DeleteItems": lambda step: "forgets what is not needed any more",
    "ConvertToMultiChannelBasedOnBratsClasses": lambda step: (
        "makes tumour core, whole tumour and enhancing tumour of BraTS's labels 1, 2 and 4 (the Decathlon's are others)"
    ),
    "Activations": _activation,
    "AsDiscrete": _discrete,
    "Invert": _invert,
    "SaveImage": _save,
    "KeepLargestConnectedComponent": lambda step: "keeps the largest connected part of each class",
}
