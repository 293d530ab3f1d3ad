"""A folder of label maps that something else made: which file is which case, and what the values in it mean."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from voxloop.data.decathlon import DATASET, Dataset, case_id
from voxloop.data.importing.nnunet import read_object
from voxloop.data.scans import ENDINGS, NIFTI, open_scan
from voxloop.data.splits import nearest
from voxloop.errors import VoxloopError

# How TotalSegmentator and Connectome Workbench write names into a NIfTI file.
CARET_LABEL = re.compile(rb'<Label Key="(\d{1,3})"[^<>]{0,200}><!\[CDATA\[([^<>\]]{1,200})\]\]>')
NRRD = (".nrrd", ".nhdr")
SEGMENTATION = ".seg"


@dataclass(frozen=True, slots=True)
class LabelFolder:
    """The label map of each case, and where the folder has a dataset.json as nnU-Net leaves it, its names of values."""

    folder: Path
    files: Mapping[str, Path]
    names: Mapping[int, str]
    # Files that are of no case of the dataset.
    others: tuple[Path, ...]

    def names_in(self, path: Path) -> dict[int, str]:
        """What the values of one file are called by itself, or by the folder; empty where neither says it."""
        return own_names(path) or dict(self.names)


def holds_label_maps(folder: Path) -> bool:
    return folder.is_dir() and bool(_files(folder))


def read_label_folder(folder: Path, dataset: Dataset) -> LabelFolder:
    """Matches files and cases by name; refused where none fits, or two are of one case."""
    cases = {case.id for case in dataset.training}
    found: dict[str, Path] = {}
    others = []
    for path in _files(folder):
        name = case_id(path)
        # 3D Slicer's own ending.
        name = name if name in cases else name.removesuffix(SEGMENTATION)
        if name not in cases:
            others.append(path)
        elif name in found:
            raise VoxloopError(
                f'{folder} holds {found[name].name} and {path.name}, both of the case "{name}"; leave the one that is to be scored.'
            )
        else:
            found[name] = path
    if not found:
        first = case_id(others[0]) if others else ""
        raise VoxloopError(
            f"{folder} holds {len(others)} label maps, and none is named as a case of {dataset.name}, such as "
            f'"{min(cases)}" ("{first}" is none); name each file after its case.{nearest(first, sorted(cases))}'
        )
    return LabelFolder(folder, found, _folder_names(folder), tuple(others))


def _files(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.iterdir())
        if path.name.lower().endswith(ENDINGS) and not path.name.startswith(".") and path.is_file()
    ]


def _folder_names(folder: Path) -> dict[int, str]:
    """nnU-Net puts the dataset.json that it was trained with beside its predictions, with names and values turned round."""
    if not (folder / DATASET).is_file():
        return {}
    said = read_object(folder / DATASET).get("labels")
    if not isinstance(said, dict):
        return {}
    turned = {value: name for name, value in said.items() if isinstance(value, int) and not isinstance(value, bool)}
    if len(turned) == len(said) and all(0 <= value <= 255 for value in turned):
        return turned
    # Version 1, and the Decathlon; where regions lie in each other, the values are those of the dataset.
    if all(str(key).isdecimal() and int(key) <= 255 and isinstance(name, str) for key, name in said.items()):
        return {int(key): str(name) for key, name in said.items()}
    return {}


def own_names(path: Path) -> dict[int, str]:
    """The names that a file holds for its values: 3D Slicer's segments, voxloop's comment, TotalSegmentator's table."""
    if path.name.lower().endswith(NRRD):
        from voxloop.data.formats.nrrd import segment_names

        return segment_names(path)
    return _nifti_names(path) if path.name.lower().endswith(NIFTI) else {}


def _nifti_names(path: Path) -> dict[int, str]:
    import nibabel as nib

    # A header is read with suspicion first.
    open_scan(path)
    for extension in nib.load(path).header.extensions:
        content = extension.get_content()
        raw = content.encode() if isinstance(content, str) else content
        if not isinstance(raw, bytes):
            continue
        table = {int(key): name.decode("utf-8", "replace") for key, name in CARET_LABEL.findall(raw)}
        if names := _commented(raw) or {value: name for value, name in table.items() if value <= 255}:
            return names
    return {}


def _commented(raw: bytes) -> dict[int, str]:
    """The names in a comment that voxloop wrote: {"labels": {"1": "edema"}}."""
    try:
        said = json.loads(raw.rstrip(b"\0 \n"))["labels"]
        return {int(value): str(name) for value, name in said.items() if 0 <= int(value) <= 255}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
