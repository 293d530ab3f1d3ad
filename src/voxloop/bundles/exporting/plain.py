"""A recipe's configs as configs of plain MONAI: what they ask of voxloop, said in MONAI's own words."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from voxloop.data.grid import TIE
from voxloop.errors import VoxloopError
from voxloop.monai.output import Classes, Regions

Config = dict[str, Any]
TAKE, PAINT = "voxloop.recipes.regions.TakeChannelsd", "voxloop.recipes.regions.LabelsOfRegionsd"
NIFTI = "('.nii', '.nii.gz')"
# A file, a list of files, a dataset in the Decathlon's layout, or any folder of scans; none at all is an error.
FILES = (
    "$@dataset_dir if isinstance(@dataset_dir, list) else [@dataset_dir] if os.path.isfile(@dataset_dir) else "
    f"sorted(path for path in glob.glob(os.path.join(@scans_dir, '*')) if path.endswith({NIFTI})) "
    "or (_ for _ in ()).throw(FileNotFoundError('no scan (.nii, .nii.gz) is in ' + @scans_dir + '; name a folder with --dataset_dir'))"
)
SCANS_DIR = "$os.path.join(@dataset_dir, 'imagesTs') if os.path.isdir(os.path.join(str(@dataset_dir), 'imagesTs')) else @dataset_dir"
ORDER = "$lambda sample: {**sample, 'image': sample['image'][sample.get('channel_order', @channel_order)]}"
# Carried back through millimetres, in one step and as voxloop does it. A voxel whose centre lies just between two of the network's
# belongs to the upper one; MONAI's nearest neighbour would round such ones to even, which frays every border where one spacing is a
# multiple of the other.
TO_SCAN = {
    "_target_": "SpatialResample",
    "mode": "nearest",
    "padding_mode": "zeros",
    "align_corners": False,
    "dtype": "$torch.float64",
}
GRID = (
    "dst_affine=sample['image'].meta['original_affine'], "
    "spatial_size=[int(side) for side in sample['image'].meta['spatial_shape']]"
)
CARRIED = (
    "$lambda sample: {**sample, 'pred': @to_scan(monai.data.MetaTensor(sample['pred'], "
    f"meta={{**sample['image'].meta, 'affine': sample['image'].affine.matmul(@upper_on_a_tie)}}), {GRID})}}"
)


def inference(config: Mapping[str, Any], output: Classes | Regions, name: str) -> Config:
    """An inference config without voxloop, which gives the same label maps; refused where it cannot be said.

    Names, such as those of classes and channels, stay in it for people and for voxloop.
    """
    plain: Config = {}
    for key, value in copy.deepcopy(dict(config)).items():
        if key == "imports":
            value = ["$import glob", "$import os", *(one for one in value if not _ours(one) and one != "$import os")]
        elif key == "dataset_dir":
            plain |= {key: "$@bundle_root + '/data'", "scans_dir": SCANS_DIR, "files": FILES}
            continue
        elif key == "scans" and _ours(value):
            value = "$[{'image': os.path.abspath(path)} for path in @files]"
            plain["scans_root"] = "$os.path.commonpath([os.path.dirname(scan['image']) for scan in @scans])"
        elif key == "network" and str(value).startswith("$network.on_device("):
            value = "$@network_def.to(@device)"
        elif key == "amp":
            # In half precision some voxels at a border come out otherwise than they were validated.
            value = False
        plain[key] = value
    before, after = _steps(plain, "preprocessing"), _steps(plain, "postprocessing")
    before[:] = _in_order(before, plain)
    after[:] = _painted(after, output, plain)
    _require_plain(plain, name)
    return plain


def strings(config: Any) -> list[str]:
    """Every text in a config, keys too."""
    if isinstance(config, Mapping):
        return [one for key, value in config.items() for one in (str(key), *strings(value))]
    if isinstance(config, list):
        return [one for value in config for one in strings(value)]
    return [config] if isinstance(config, str) else []


def kind(step: Any) -> str:
    """Which transform a step is; an expression is none."""
    return str(step.get("_target_")) if isinstance(step, Mapping) else ""


def _steps(plain: Config, key: str) -> list[Any]:
    part = plain.get(key)
    steps = part.get("transforms") if isinstance(part, dict) else None
    return steps if isinstance(steps, list) else []


def _in_order(steps: Sequence[Any], plain: Config) -> list[Any]:
    """MONAI has no transform that takes channels; a sample that says their order, as voxloop's do, is believed."""
    if any(kind(step) == TAKE for step in steps):
        plain["channel_order"] = "$slice(None)"
    return [ORDER if kind(step) == TAKE else step for step in steps]


def _painted(steps: Sequence[Any], output: Classes | Regions, plain: Config) -> list[Any]:
    """Regions become one map on the logits themselves: what is above zero is above one half after its sigmoid."""
    found: list[Any] = []
    for step in steps:
        if kind(step) == PAINT and isinstance(output, Regions):
            sigmoid = bool(found) and kind(found[-1]) == "Activationsd" and found[-1].get("sigmoid") is True
            if sigmoid:
                found.pop()
            found += _paint(output, plain, 0 if sigmoid else 0.5)
        elif kind(step) == "Invertd" and (step["keys"], step.get("orig_keys")) == ("pred", "image"):
            plain |= {"to_scan": TO_SCAN, "upper_on_a_tie": f"$torch.tensor({_shifted(-TIE)}, dtype=torch.float64)"}
            found.append(CARRIED)
        elif kind(step) == "SaveImaged" and "scans_root" in plain:
            # Scans of one name in two folders do not overwrite each other's label map.
            found.append({**step, "data_root_dir": "@scans_root"})
        else:
            found.append(step)
    return found


def _shifted(voxels: float) -> list[list[float]]:
    moved = np.eye(4)
    moved[:3, 3] = voxels
    return moved.tolist()


def _paint(output: Regions, plain: Config, above: float) -> list[Config]:
    """A voxel belongs to the region, of those that hold it, that is painted last; its place in that order becomes its class."""
    places, classes = _painting(output)
    plain["paint_order"] = places
    held = f"(logits > {above}) * torch.tensor(@paint_order, device=logits.device).reshape(-1, 1, 1, 1)"
    steps: list[Config] = [
        {"_target_": "Lambdad", "keys": "pred", "func": f"$lambda logits: ({held}).amax(dim=0, keepdim=True)"}
    ]
    if any(place != value for place, value in classes.items()):
        steps.append(
            {
                "_target_": "MapLabelValued",
                "keys": "pred",
                "orig_labels": list(classes),
                "target_labels": list(classes.values()),
            }
        )
    return steps


def _painting(output: Regions) -> tuple[list[int], dict[int, int]]:
    """The place of each channel in the order of painting, and the class of each place, as the output itself paints."""
    alone = np.eye(len(output.parts), dtype=bool)
    values = output.painted(alone)
    winners = output.painted(alone[:, :, None] | alone[:, None, :])
    places = (winners == values[:, None]).sum(axis=1).tolist()
    return places, dict(sorted(zip(places, values.tolist(), strict=True)))


def _ours(value: Any) -> bool:
    return "voxloop" in str(value) or "datalist." in str(value)


def _require_plain(plain: Config, name: str) -> None:
    for text in strings(plain):
        if _ours(text):
            raise VoxloopError(
                f'{name}: configs/inference.json asks for "{text}", which plain MONAI does not have; '
                "say it with MONAI's transforms, or copy the bundle as it is with --to files."
            )
