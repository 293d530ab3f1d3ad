"""One scan in, one label map out, in the scan's own shape, affine and header."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxloop.data.decathlon import case_id, read_dataset
from voxloop.data.formats.writing import write_volume
from voxloop.data.geometry import Geometry
from voxloop.data.grid import labels_on_grid
from voxloop.data.scans import ENDINGS, NIFTI, Scan, open_scan
from voxloop.data.whole import whole
from voxloop.errors import VoxloopError
from voxloop.recipes.datalist import channel_order

if TYPE_CHECKING:
    from voxloop.inference.model import Model


@dataclass(frozen=True, slots=True)
class Prediction:
    """A label map on the grid of the scan it belongs to."""

    scan: Path
    labels: npt.NDArray[np.uint8]
    geometry: Geometry
    classes: tuple[str, ...]

    @property
    def case(self) -> str:
        return case_id(self.scan)

    def volume_ml(self, class_number: int) -> float:
        """How much of the patient a class fills, in millilitres."""
        return float(np.count_nonzero(self.labels == class_number)) * self.geometry.voxel_ml

    def save(self, path: Path) -> Path:
        """Writes uint8 labels, and their names, with the scan's own header: both its matrices, their codes and its units."""
        import nibabel as nib

        image = self._image()
        # What the values mean travels in the file, as a comment of the header: {"labels": {"1": "edema", ...}}.
        meaning = json.dumps({"labels": dict(enumerate(self.classes))}, ensure_ascii=False)
        image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", meaning.encode()))
        with whole(path, "free some space or choose another --out") as partial:
            path.parent.mkdir(parents=True, exist_ok=True)
            nib.save(image, partial)
        return path

    def _image(self) -> Any:
        import nibabel as nib

        if not self.scan.name.lower().endswith(NIFTI):
            return nib.Nifti1Image(self.labels, self.geometry.affine)
        source = nib.load(self.scan)
        header = source.header.copy()
        header.set_data_dtype(np.uint8)
        header.set_slope_inter(1, 0)
        header["cal_min"], header["cal_max"] = 0, 0
        header["descrip"] = b"voxloop prediction, not a medical device"
        header["vox_offset"] = 0
        # No affine is handed over: nibabel would then write one matrix over the other where the scan's disagree.
        # The channels of an MRI have one label map; an axis of one, as some tools write it, is kept.
        shape = source.shape[:3] if len(source.shape) == 4 and source.shape[3] > 1 else source.shape
        return nib.Nifti1Image(self.labels.reshape(shape), None, header)


def predict(model: Model, path: Path, channel_order: Sequence[int] | None = None) -> Prediction:
    """Segments one scan file. The label map is reduced to uint8 before it goes back to the scan's grid.

    `channel_order` says which channels of the file are the model's, in its order. Without it, that is found by name where
    the scan lies in a dataset, and elsewhere the file is taken to hold the model's channels in their order.
    """
    import torch

    scan = open_scan(path)
    if not model.channels and model.inputs and scan.channels != model.inputs:
        raise VoxloopError(
            f"{path.name} has {scan.channels} channels, and {model.name} takes {model.inputs}; "
            "give it the one scan that it was trained on."
        )
    sample: dict[str, Any] = {}
    if model.channels:
        sample["channel_order"] = list(channel_order or _order(model, scan))
        if scan.channels <= max(sample["channel_order"]):
            raise VoxloopError(
                f"{path.name} has {scan.channels} channels, and its dataset names more; get the whole scan, "
                "or mend the names in dataset.json."
            )
    with _as_nifti(scan) as readable:
        prepared = model.preprocess({**sample, "image": str(readable)})
    image = prepared["image"]
    affine = np.asarray(image.affine, dtype=np.float64)
    batch = image.as_tensor()[None].to(model.device)
    with torch.inference_mode():
        labels = model.output.of_logits(model.inferer(batch, model.network)[0])
    return Prediction(path, labels_on_grid(labels, affine, scan.geometry), scan.geometry, model.classes)


@contextmanager
def _as_nifti(scan: Scan) -> Iterator[Path]:
    """The scan as a file that any model's own transforms read: itself, or a passing copy where it has another format."""
    if scan.path.name.lower().endswith(NIFTI):
        yield scan.path
        return
    with tempfile.TemporaryDirectory(prefix="voxloop-scan-") as folder:
        copy = Path(folder) / f"{case_id(scan.path)}.nii"
        write_volume(copy, scan.array(), scan.geometry)
        yield copy


def _order(model: Model, scan: Scan) -> list[int]:
    """By the names in the dataset.json beside the scan's folder; without one the file has to hold just what is needed."""
    dataset = scan.path.parent.parent
    if scan.path.parent.name in ("imagesTr", "imagesTs") and (dataset / "dataset.json").is_file():
        order = channel_order(read_dataset(dataset), model.channels, model.spellings)
    else:
        order = list(range(len(model.channels)))
        if scan.channels != len(order):
            raise VoxloopError(
                f"{scan.path.name} has {scan.channels} channels, and {model.name} needs {len(order)}: "
                f"{', '.join(model.channels)}; put these into one file, in this order."
            )
    return order


def targets_of(scans: list[Path], out: Path) -> dict[Path, Path]:
    """Where the label map of each scan goes; refused where one would take another's place, a scan's or a truth's."""
    targets = {scan: out / f"{case_id(scan)}.nii.gz" for scan in scans}
    taken: dict[Path, Path] = {}
    for scan, target in targets.items():
        if (other := taken.setdefault(target, scan)) != scan:
            raise VoxloopError(
                f"{other} and {scan} would both become {target.name}; predict them into folders of their own, "
                "or rename one."
            )
    if clash := {scan.resolve() for scan in scans} & {target.resolve() for target in targets.values()}:
        raise VoxloopError(f"--out {out} would overwrite the scan {min(clash).name} itself; choose another folder.")
    if out.name == "labelsTr" and (out.parent / "dataset.json").is_file():
        raise VoxloopError(f"--out {out} holds the labels that a dataset is trained on; choose another folder.")
    return targets


def scans_in(paths: list[Path]) -> list[Path]:
    """Every scan that the given files and folders name, in a stable order; `._` files of macOS are no scans."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = [
                file
                for file in sorted(path.iterdir())
                if file.name.lower().endswith(ENDINGS) and not file.name.startswith(".")
            ]
            if not inside:
                raise VoxloopError(
                    f"{path} holds no scan ({', '.join(ENDINGS)}); name a scan, or a folder that has some. "
                    'DICOM is brought in with "voxloop data import".'
                )
            found += inside
        elif not path.exists():
            raise VoxloopError(f"No scan is at {path}; check the path.")
        elif not path.name.lower().endswith(ENDINGS):
            raise VoxloopError(
                f"{path.name} is no scan of a format that is known here ({', '.join(ENDINGS)}); convert it first, "
                'or bring DICOM in with "voxloop data import".'
            )
        else:
            found.append(path)
    return found
