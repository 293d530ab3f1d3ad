"""Which case a sample, and a row of a metric's details, belongs to."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from voxloop.data.decathlon import case_id
from voxloop.errors import VoxloopError


def file_of(image: Any) -> Path:
    """The file that a sample's image was read from."""
    meta = getattr(image, "meta", None) or {}
    name = meta.get("filename_or_obj")
    if isinstance(name, list | tuple):
        name = name[0] if name else None
    if not name:
        raise VoxloopError("the samples do not carry the name of their file (no `filename_or_obj` in their meta data).")
    return Path(str(name))


def listed(engine: Any) -> list[Path]:
    """The image files of the data that an engine goes over, in the dataset's order; empty where it does not say."""
    data = getattr(getattr(getattr(engine, "data_loader", None), "dataset", None), "data", None)
    if not isinstance(data, Sequence):
        return []
    paths = [_image(item) for item in data]
    return [path for path in paths if path is not None] if all(path is not None for path in paths) else []


def in_order(engine: Any) -> list[Path]:
    """The image files as an engine goes over them, where it takes one after the other; empty where that is not known."""
    from torch.utils.data import SequentialSampler

    sampler = getattr(getattr(engine, "data_loader", None), "sampler", None)
    return listed(engine) if isinstance(sampler, SequentialSampler) else []


def _image(item: Any) -> Path | None:
    if not isinstance(item, Mapping):
        return None
    image = item.get("image")
    if isinstance(image, list | tuple) and image:
        image = image[0]
    return Path(image) if isinstance(image, str | Path) else None


def names(paths: Iterable[Path]) -> dict[Path, str]:
    """What each case is called: its file, and also its folder where two files are called the same.

    >>> names([Path("a/scan.nii.gz"), Path("b/scan.nii.gz"), Path("b/spleen_2.nii.gz")])[Path("b/scan.nii.gz")]
    'b/scan'
    """
    each = dict.fromkeys(paths)
    count = Counter(case_id(path) for path in each)
    return {
        path: case_id(path) if count[case_id(path)] == 1 else f"{path.parent.name}/{case_id(path)}" for path in each
    }


def of_all_ranks(engine: Any, seen: Sequence[Path]) -> list[Path] | None:
    """The files of a whole validation over several processes, in the order in which MONAI gathers their metrics.

    Bundles attach handlers on rank 0 only, so nobody answers a gather there. But the sampler of rank 0 knows which
    cases the others get, and what this rank has `seen` proves it right; None where it does not know.
    """
    import torch.distributed as dist
    from torch.utils.data.distributed import DistributedSampler

    sampler = getattr(engine.data_loader, "sampler", None)
    files = listed(engine)
    if not isinstance(sampler, DistributedSampler) or len(files) != len(sampler.dataset):
        return None
    shares = [[files[index] for index in _share(sampler, rank)] for rank in range(dist.get_world_size())]
    if [path.absolute() for path in shares[dist.get_rank()]] != [path.absolute() for path in seen]:
        return None
    return [path for share in shares for path in share]


def _share(sampler: Any, rank: int) -> list[int]:
    """The indices that a sampler deals to a rank. It has a generator of its own, so asking draws from no other."""
    other = copy.copy(sampler)
    other.rank = rank
    other.num_samples = len(range(rank, other.total_size, other.num_replicas))
    return [int(index) for index in other]
