"""What usually stops a bundle of somebody else on this machine, mended in its config as it is held in memory."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

from voxloop.bundles.settings import arguments_of
from voxloop.monai.bundle import parts

READER = "voxloop.recipes.reader.VolumeReader"
# What MONAI writes without ITK.
NIFTI = (".nii", ".nii.gz")
BRATS = "ConvertToMultiChannelBasedOnBratsClassesd"
# Names that MONAI has dropped: what does the same now, what its arguments are called, and what it has to be told besides.
RENAMED: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "SplitChanneld": ("SplitDimd", {"channel_dim": "dim"}, {}),
    "SplitChannel": ("SplitDim", {"channel_dim": "dim"}, {}),
    "AddChanneld": ("EnsureChannelFirstd", {}, {"channel_dim": "no_channel"}),
    "AddChannel": ("EnsureChannelFirst", {}, {"channel_dim": "no_channel"}),
    "AsChannelFirstd": ("EnsureChannelFirstd", {}, {"channel_dim": -1}),
    "AsChannelFirst": ("EnsureChannelFirst", {}, {"channel_dim": -1}),
}


def mend(config: Any) -> list[str]:
    """Changes a config in place, each block as little as can be, and says what was done, each in a sentence."""
    repairs: list[Callable[[Any, dict[str, Any]], str | None]] = [_renamed, _without_size, _floating]
    if importlib.util.find_spec("itk") is None:
        repairs += [_read_without_itk, _written_without_itk]
    said = [repair(config, part) for _, part in list(parts(config)) for repair in repairs]
    return list(dict.fromkeys(sentence for sentence in said if sentence))


def _renamed(config: Any, part: dict[str, Any]) -> str | None:
    old = _target(part)
    if old not in RENAMED:
        return None
    new, arguments, more = RENAMED[old]
    for before, after in arguments.items():
        if before in part:
            part[after] = part.pop(before)
    part["_target_"] = new
    for key, value in more.items():
        part.setdefault(key, value)
    return f"{old} is no more in this MONAI, so {new} takes its place."


def _without_size(config: Any, part: dict[str, Any]) -> str | None:
    """Newer MONAI finds the size by itself; the weights are the same."""
    if _target(part) != "SwinUNETR" or "img_size" not in part or "img_size" in arguments_of(part):
        return None
    del part["img_size"]
    return "SwinUNETR has no img_size in this MONAI, so it is left out; its weights do not depend on it."


def _floating(config: Any, part: dict[str, Any]) -> str | None:
    """Since MONAI 1.5 its Dice losses take no masks of true and false where `squared_pred` is set, and this transform makes such."""
    if _target(part) != BRATS:
        return None
    part["_target_"] = "voxloop.monai.older.BratsRegionsd"
    return None


def _read_without_itk(config: Any, part: dict[str, Any]) -> str | None:
    if str(part.get("reader", "")).rpartition(".")[2].lower() != "itkreader":
        return None
    part["reader"] = READER
    return "itk is not installed, so scans are read with voxloop's own reader in place of ITKReader."


def _written_without_itk(config: Any, part: dict[str, Any]) -> str | None:
    if _target(part) not in ("SaveImaged", "SaveImage", "SaveImageD", "SaveImageDict"):
        return None
    ending = _plain(config, part.get("output_ext", NIFTI[1]))
    if not isinstance(ending, str) or ending.startswith("$") or ending.lower() in NIFTI:
        return None
    part["output_ext"] = NIFTI[1]
    return f"itk is not installed, so label maps are written as {NIFTI[1]} in place of {ending}."


def _target(part: dict[str, Any]) -> str:
    return str(part.get("_target_", "")).rpartition(".")[2]


def _plain(config: Any, value: Any) -> Any:
    """What a plain reference such as `@output_ext` stands for."""
    seen: set[str] = set()
    while isinstance(value, str) and value.startswith("@") and value not in seen and isinstance(config, dict):
        seen.add(value)
        value = config.get(value[1:], value)
    return value
