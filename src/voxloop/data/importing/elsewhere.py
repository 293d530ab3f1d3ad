"""A dataset that is in the Decathlon's layout already: taken over as it is, with its splits and what it says of itself."""

from __future__ import annotations

from pathlib import Path

from voxloop.data.decathlon import DATASET, case_id, read_dataset
from voxloop.data.importing.found import Found, Progress, Survey, Wanted
from voxloop.data.importing.nnunet import ABOUT, read_object
from voxloop.data.splits import read_splits


def survey(source: Path, wanted: Wanted, progress: Progress | None = None) -> Survey:
    """Every case that dataset.json lists."""
    dataset = read_dataset(source)
    content = read_object(source / DATASET)
    return Survey(
        "decathlon",
        tuple(Found(case.id, (case.image,), case.label, case.patient) for case in dataset.training),
        tuple(Found(case_id(path), (path,)) for path in dict.fromkeys(dataset.test)),
        dict(dataset.labels),
        [dataset.modality[channel] for channel in sorted(dataset.modality)],
        about={key: content[key] for key in ABOUT if isinstance(content.get(key), str)},
        splits=read_splits(source),
    )
