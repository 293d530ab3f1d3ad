"""What usually stops a bundle of somebody else on this machine, mended in its config as it is held in memory."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any

from voxloop.monai.bundle import parts

READER = "voxloop.recipes.reader.VolumeReader"
ITK_READERS = ("itkreader", "monai.data.itkreader", "monai.data.image_reader.itkreader")
# What MONAI's own NIfTI writer does not need ITK for.
NIFTI = (".nii", ".nii.gz")


def without_itk(config: Any) -> list[str]:
    """Where the package itk is missing: its reader is replaced, and files are written as NIfTI. Says what was done."""
    if importlib.util.find_spec("itk") is not None:
        return []
    read, written = False, set[str]()
    for key, part in list(parts(config)):
        if str(part.get("reader", "")).lower() in ITK_READERS:
            part["reader"] = READER
            read = True
        if str(part.get("_target_", "")).rpartition(".")[2] in (
            "SaveImaged",
            "SaveImage",
            "SaveImageD",
            "SaveImageDict",
        ):
            ending = _plain(config, part.get("output_ext", NIFTI[1]))
            if isinstance(ending, str) and ending.lower() not in NIFTI:
                part["output_ext"] = NIFTI[1]
                written.add(f"{key.replace('::', '#')} ({ending})")
    return list(_said(read, written))


def _said(read: bool, written: set[str]) -> Iterator[str]:
    if read:
        yield "itk is not installed, so scans are read with voxloop's own reader in place of ITKReader."
    if written:
        yield f"itk is not installed, so {' and '.join(sorted(written))} writes .nii.gz."


def _plain(config: Any, value: Any) -> Any:
    """What a plain reference such as `@output_ext` stands for."""
    seen: set[str] = set()
    while isinstance(value, str) and value.startswith("@") and value not in seen and isinstance(config, dict):
        seen.add(value)
        value = config.get(value[1:], value)
    return value
