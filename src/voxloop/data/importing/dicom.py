"""A folder as a PACS exports it: each image series that structures (RTSTRUCT) or segments (SEG) were drawn on is a case."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voxloop.data.formats.reference import Filled
from voxloop.data.importing.found import Drawing, Drawn, Found, Progress, Survey, Wanted, counted, left_out, listed
from voxloop.errors import VoxloopError

if TYPE_CHECKING:
    from voxloop.data.dicom import Series

# Label file → names of its structures, in the order of the file.
Objects = dict[Path, tuple[str, ...]]


def survey(source: Path, wanted: Wanted, progress: Progress | None = None) -> Survey:
    """Sorts the folder into series, and plans a label map for each that structures name; nothing is drawn yet."""
    from voxloop.data.dicom import discover

    found = discover(source, progress)
    images = {one.uid: one for one in found.series if one.kind == "image"}
    said = tuple(problem.sentence for problem in found.problems)
    if not images:
        raise VoxloopError(f"{source} holds no DICOM series that is a scan. {listed(said)}".rstrip())
    objects, loose = _objects(found.series, images)
    if not objects:
        raise VoxloopError(
            f"{source} holds {counted(len(images), 'DICOM scan')}, and no structure set (RTSTRUCT) or segmentation (SEG) that was drawn "
            "on one; put the labels into the folder as well."
        )
    said += left_out("label object", sorted(loose), "the series that it was drawn on not being there")
    objects, twice = _apart(objects, images)
    said += left_out("case", twice, "several files holding a structure of the same name")
    told = dict(wanted.names) or dict(wanted.known) or _common(objects)
    names = {value: name for value, name in told.items() if value}
    here, without, partly = _holding(objects, images, names)
    said += left_out("case", without, f"none of its structures being called {listed(list(names.values()))}")
    if partly:
        said += (f"{counted(len(partly), 'case')} lack a structure, which is background there: {listed(partly)}.",)
    if not here:
        raise VoxloopError(
            f"{source} has no case with a structure called {listed(list(names.values()))}. {listed(without)}"
        )
    idle = [f"{one.modality} {one.description}".strip() for one in images.values() if one.uid not in objects]
    said += left_out("series", sorted(idle), "nothing having been drawn on it")
    files = {uid: Filled(images[uid].files) if wanted.allow_gaps else images[uid].files for uid in here}
    called = _called([images[uid] for uid in here])
    cases = [
        Found(
            called[uid],
            (files[uid],),
            Drawing(
                (*images[uid].files, *objects[uid]),
                f"drawn {sorted(names.items())}{' over gaps' if wanted.allow_gaps else ''}",
                partial(_drawn, files[uid], objects[uid], names),
            ),
            images[uid].patient or None,
            uid,
        )
        for uid in sorted(here, key=lambda uid: called[uid])
    ]
    modality = sorted({images[uid].modality for uid in here})
    return Survey("dicom", tuple(cases), labels=names, modality=["/".join(modality)], said=said)


def _objects(series: Sequence[Series], images: Mapping[str, Series]) -> tuple[dict[str, Objects], list[str]]:
    """Image series → what was drawn on it; and the files of which nobody knows on what they were drawn."""
    from voxloop.data.dicom import structures

    found: dict[str, Objects] = {}
    loose = []
    for one in series:
        if one.kind not in ("rtstruct", "seg"):
            continue
        for path in one.files:
            held = structures(path)
            target = next((uid for uid in (held.series, *one.references) if uid in images), None)
            if target is None:
                loose.append(path.name)
            else:
                found.setdefault(target, {})[path] = held.names
    return found, loose


def _apart(objects: dict[str, Objects], images: Mapping[str, Series]) -> tuple[dict[str, Objects], list[str]]:
    """Leaves out series of which two files hold the same structure: which one counts cannot be known."""
    twice = {}
    for uid, files in objects.items():
        count = Counter(name.casefold() for names in files.values() for name in names)
        if both := [name for name, many in count.items() if many > 1]:
            twice[uid] = (
                f"{images[uid].description or uid} ({both[0]} in {listed(sorted(path.name for path in files))})"
            )
    return {uid: files for uid, files in objects.items() if uid not in twice}, sorted(twice.values())


def _common(objects: Mapping[str, Objects]) -> dict[int, str]:
    """The structures that every case has, if all have the same."""
    each = [[name for names in files.values() for name in names] for files in objects.values()]
    count = Counter(name for names in each for name in {name.casefold(): name for name in names}.values())
    if each and all({name.casefold() for name in names} == {name.casefold() for name in each[0]} for names in each):
        return dict(enumerate(each[0], start=1))
    there = [f"{name} ({many} of {len(each)})" for name, many in count.most_common(30)]
    raise VoxloopError(
        f"The cases hold different structures: {', '.join(there)}; say which to take, such as --label 1={count.most_common(1)[0][0]!r}."
    )


def _holding(
    objects: Mapping[str, Objects], images: Mapping[str, Series], names: Mapping[int, str]
) -> tuple[list[str], list[str], list[str]]:
    """The series that hold one of the names at least; and in words those that hold none, or not all."""
    wanted = {name.casefold(): name for name in names.values()}
    here, without, partly = [], [], []
    for uid, files in objects.items():
        there = {name.casefold() for held in files.values() for name in held}
        missing = [name for low, name in wanted.items() if low not in there]
        title = images[uid].description or uid
        if len(missing) == len(wanted):
            without.append(f"{title} ({listed(sorted(there)) or 'no names'})")
            continue
        here.append(uid)
        if missing:
            partly.append(f"{title} ({listed(missing)})")
    return here, without, partly


def _called(series: Sequence[Series]) -> dict[str, str]:
    """A case is called as its patient (a digest, never the ID); with the series where a patient has several."""
    many = Counter(one.patient for one in series)
    described = Counter((one.patient, one.description) for one in series)
    names = {}
    for one in series:
        short = hashlib.sha256(one.uid.encode()).hexdigest()[:6]
        name = one.patient or f"series_{short}"
        if one.patient and many[one.patient] > 1:
            words = re.sub(r"[^A-Za-z0-9]+", "-", one.description).strip("-")
            alone = words and described[one.patient, one.description] == 1
            name = f"{name}_{words}" if alone else f"{name}_{f'{words}_' if words else ''}{short}"
        names[one.uid] = name
    return names


def _drawn(files: tuple[Path, ...], objects: Objects, names: Mapping[int, str]) -> Drawn:
    from voxloop.data.dicom import labels_of, open_series

    scan = open_series(files, fill_missing=isinstance(files, Filled))
    value_of = {name.casefold(): value for value, name in names.items()}
    labels = np.zeros(scan.geometry.shape, np.uint8)
    problems: list[str] = []
    for path, held in objects.items():
        chosen = [name for name in held if name.casefold() in value_of]
        if not chosen:
            continue
        part = labels_of(path, scan, chosen)
        problems += part.problems
        table = np.zeros(256, np.uint8)
        for value, name in part.names.items():
            table[value] = value_of[name.casefold()]
        new = table[part.labels]
        if both := int(np.count_nonzero((new > 0) & (labels > 0))):
            problems.append(f"{path.name}: {both:,} voxels lie in structures of other files, too; those keep them.")
        labels = np.where(labels > 0, labels, new)
    return Drawn(labels, scan.geometry, tuple(problems))
