"""Looking at one case: headers first, then both files' voxels once, slab by slab. Runs in a worker; answers with facts."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.check.facts import Channel, Facts, File, Profile
from voxloop.data.check.intensities import Intensities, steps_of
from voxloop.data.check.listing import Entry
from voxloop.data.check.profile import background_of, profile
from voxloop.data.check.regions import Regions
from voxloop.data.check.slabs import TooLargeAtOnceError, bomb_in, slabs, thickness
from voxloop.data.scans import Scan, open_scan, reason
from voxloop.errors import VoxloopError

# So many labelled voxels are kept while the channels of the scan go by; where there are more, the label is read again.
KEPT_VOXELS = 24 << 20
# A scan of more channels is a series in time, and its channels have no names to be in the wrong order of.
MOST_CHANNELS = 8
# Places in a slab's row, and the class of each.
Places = tuple[npt.NDArray[Any], npt.NDArray[Any]]


def look(root: Path, entry: Entry) -> Facts:
    """Everything that is to be known of a case. Never raises: what cannot be read is a fact."""
    # nibabel tells the terminal what it mends in a header, file after file; what is wrong is told once, by findings.
    logger = logging.getLogger("nibabel.global")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        return _look(root, entry)
    finally:
        logger.setLevel(before)


def _look(root: Path, entry: Entry) -> Facts:
    began = time.process_time()
    image, scan = _open(root, entry.image)
    label, mask = _open(root, entry.label)
    regions = Regions(mask.geometry.shape) if mask is not None else None
    channels: list[Intensities] = []
    kept: list[Places] | None = None
    try:
        if regions is not None and mask is not None:
            # The label first and alone, so that a damaged scan does not hide what it holds, nor it the scan.
            kept = _label(mask, regions, neighbours=scan is not None and scan.channels > 1)
    except Exception as error:
        label, regions, mask = _failed(label, error), None, None
    together = mask is not None and scan is not None and scan.geometry.shape == mask.geometry.shape
    try:
        if scan is not None:
            channels = _scan(scan, mask if together else None, regions if together else None, kept)
    except Exception as error:
        image, channels = _failed(image, error), []
    facts_of, ranks = _finish(channels, scan, mask if together else None, kept)
    return Facts(
        image=image,
        label=label,
        channels=facts_of,
        classes=regions.classes(len(channels)) if regions is not None else (),
        odd=dict(regions.odd) if regions is not None else {},
        label_digest=regions.digest() if regions is not None else "",
        contacts=regions.touching() if regions is not None else (),
        profile=ranks,
        seconds=round(time.process_time() - began, 3),
    )


def _open(root: Path, listed: str | None) -> tuple[File | None, Scan | None]:
    if listed is None:
        return None, None
    try:
        bomb = bomb_in(root / listed)
        if bomb is not None:
            return File(listed, ("bomb", bomb)), None
        scan = open_scan(root / listed)
        nifti = _nifti(root / listed)
    except Exception as error:
        # A library behind a format may fail in ways of its own on a hostile file; the other cases are still looked at.
        return _failed(File(listed), error), None
    affine = tuple(tuple(row) for row in scan.geometry.affine.tolist())
    return File(listed, None, scan.geometry.shape, affine, scan.channels, str(scan.dtype), nifti), scan


def _nifti(path: Path) -> dict[str, Any]:
    """What only a NIfTI header says: two positions with their codes, a unit, all axes."""
    if not path.name.lower().endswith((".nii", ".nii.gz")):
        return {}
    import nibabel as nib

    header: Any = nib.load(path).header
    known: dict[str, Any] = {
        "axes": [int(side) for side in header["dim"][1 : 1 + max(0, min(7, int(header["dim"][0])))]]
    }
    if "sform_code" not in header:
        return known
    known["pixdim"] = [float(side) for side in header["pixdim"][1:4]]
    known["unit"] = str(header.get_xyzt_units()[0])
    for name in ("sform", "qform"):
        try:
            affine, code = (header.get_sform if name == "sform" else header.get_qform)(coded=True)
        except Exception:
            # nibabel computes a qform from a quaternion, which a damaged header may not hold.
            affine, code = None, int(header[f"{name}_code"])
        known[f"{name}_code"] = int(code)
        good = affine is not None and bool(np.isfinite(affine).all())
        known[name] = affine.tolist() if good and affine is not None else None
    return known


def _failed(file: File | None, error: BaseException) -> File:
    """The kind of finding that an error is. The sentences are those of `scans` and `formats`."""
    assert file is not None, "only a file that is listed fails"
    said = (
        str(error) if isinstance(error, VoxloopError) else f"{Path(file.listed).name} cannot be read ({reason(error)})."
    )
    if isinstance(error, TooLargeAtOnceError):
        kind = "not_looked_at"
    elif "cut off" in said:
        kind = "truncated"
    elif "which cannot be" in said:
        kind = "lying_header"
    elif "where its voxels are" in said:
        kind = "no_affine"
    else:
        kind = "unreadable"
    # The sentence's own advice is left out: each finding says how to mend it.
    verdict = said.split("; ")[0].rstrip(".") + "."
    return File(file.listed, (kind, verdict), file.shape, file.affine, file.channels, file.dtype, file.nifti)


def _label(mask: Scan, regions: Regions, neighbours: bool) -> list[Places] | None:
    """Adds up a label; answers where its classes are, slab by slab, unless that is too much to keep."""
    kept: list[Places] | None = []
    size = 0
    for slab in slabs(mask):
        if slab.channel:
            break
        at, classes = regions.add(slab, neighbours)
        size += at.size
        if size > KEPT_VOXELS:
            kept = None
        if kept is not None:
            # Five bytes a voxel are kept: 32 bits reach over any slab.
            kept.append((at.astype(np.int32), classes.astype(np.uint8)))
    return kept


def _again(mask: Scan) -> Iterator[Places]:
    """Where classes are, from the file once more."""
    regions = Regions(mask.geometry.shape)
    for slab in slabs(mask):
        yield regions.add(slab, neighbours=False)


def _scan(scan: Scan, mask: Scan | None, regions: Regions | None, kept: list[Places] | None) -> list[Intensities]:
    """Adds up all channels, and the intensities under each class."""
    channels: list[Intensities] = []
    places: Iterator[Places] = iter(())
    for slab in slabs(scan):
        if slab.channel == len(channels):
            channels.append(Intensities(scan.geometry.shape))
            if mask is not None:
                places = iter(kept) if kept is not None else _again(mask)
        channels[-1].add(slab)
        if regions is not None and slab.channel < MOST_CHANNELS:
            at, classes = next(places)
            regions.under(slab.channel, slab.values, at, classes)
    return channels


def _finish(
    channels: list[Intensities], scan: Scan | None, mask: Scan | None, kept: list[Places] | None
) -> tuple[tuple[Channel, ...], Profile | None]:
    if scan is None or not channels:
        return (), None
    samples = [channel.samples() for channel in channels]
    background = background_of(samples)
    ranks = None
    if 1 < len(channels) <= MOST_CHANNELS:
        labels = _lattice(mask, kept) if mask is not None else None
        ranks = profile(samples, labels, scan.geometry.affine)
    facts = tuple(channel.channel(outside) for channel, outside in zip(channels, background, strict=True))
    return facts, ranks


def _lattice(mask: Scan, kept: list[Places] | None) -> npt.NDArray[np.int64]:
    """The classes at the lattice's points, as [i, j, k]."""
    ni, nj, nk = shape = mask.geometry.shape
    steps = steps_of(shape)
    classes_at = np.zeros([-(-side // step) for side, step in zip(shape, steps, strict=True)], np.int64)
    places = iter(kept) if kept is not None else _again(mask)
    for first, (at, classes) in zip(range(0, nk, thickness(shape)), places, strict=True):
        index = np.stack([at % ni, at // ni % nj, first + at // (ni * nj)])
        on = (index % np.array(steps)[:, None] == 0).all(axis=0)
        classes_at[tuple(index[:, on] // np.array(steps)[:, None])] = classes[on]
    return classes_at
