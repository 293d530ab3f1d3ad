"""Several models, or folds of one, asked about the same scan: what they mark is matched by name, and averaged as probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from voxloop.data.scans import Scan
from voxloop.errors import VoxloopError
from voxloop.inference.flips import flipped
from voxloop.inference.preparing import Prepared, prepare, prepared_alike
from voxloop.inference.windows import Progress, Slab, slabs
from voxloop.monai.output import Classes, Regions
from voxloop.recipes.spelling import recognise

if TYPE_CHECKING:
    import torch

    from voxloop.inference.model import Model

Labels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One model with what it is shown; `order` says which of its channels is the first one's first, second, ..."""

    model: Model
    prepared: Prepared
    order: tuple[int, ...]

    def likely(self, logits: torch.Tensor) -> torch.Tensor:
        """The probabilities that its logits mean, in the first one's order."""
        return averaging(self.model).probabilities(logits).cpu()[list(self.order)]


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The members that see the same voxels, so that they can be averaged there."""

    members: tuple[Member, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.members[0].prepared.shape

    @property
    def affine(self) -> npt.NDArray[np.float64]:
        return self.members[0].prepared.affine

    @property
    def axis(self) -> int:
        """The longest one, across which a slab is smallest."""
        return self.shape.index(max(self.shape))

    def slabs(self, flips: str, progress: Progress | None = None) -> Iterator[Slab]:
        """The logits of one model, or the mean probabilities of several."""
        shares = _Shares(progress, len(self.members))
        streams = [_stream(member, self.axis, flips, shares.of(number)) for number, member in enumerate(self.members)]
        return self._mean(streams) if self.averages else streams[0]

    @property
    def averages(self) -> bool:
        """Whether its slabs are probabilities, in the first model's order; those of one model are its own logits."""
        return len(self.members) > 1

    def likely(self, slab: Slab) -> torch.Tensor:
        """The probabilities of one of its slabs, in the first model's order."""
        return slab.values if self.averages else self.members[0].likely(slab.values)

    def _mean(self, streams: Sequence[Iterator[Slab]]) -> Iterator[Slab]:
        """Slabs as far as every model has come: each holds one of its own, and no model's answer exists as a whole."""
        heads, at = [next(stream) for stream in streams], 0
        while True:
            stop = min(head.stop for head in heads)
            total = None
            for head, member in zip(heads, self.members, strict=True):
                part = head.values.narrow(1 + self.axis, at - head.start, stop - at)
                likely = member.likely(part)
                total = likely if total is None else total.add_(likely)
            assert total is not None, "an ensemble has members"
            yield Slab(at, stop, total.div_(len(heads)))
            at = stop
            if at == self.shape[self.axis]:
                return
            heads = [next(stream) if head.stop == at else head for head, stream in zip(heads, streams, strict=True)]


def averaging(model: Model) -> Classes | Regions:
    """What a model's channels are, where their probabilities mean something to others."""
    if isinstance(model.output, (Classes, Regions)):
        return model.output
    raise VoxloopError(
        f"{model.name} does not say what its regions are made of, so their probabilities can neither be averaged nor kept; "
        "ask it alone, without flips."
    )


def matched(models: Sequence[Model]) -> list[tuple[int, ...]]:
    """For each model, which of its channels is the first one's first, second, ...; refused where they mark different things."""
    first = models[0]
    if len(models) == 1 and not isinstance(first.output, (Classes, Regions)):
        return [()]
    return [_order(first, other) for other in models]


def grids_of(models: Sequence[Model], scan: Scan, readable: Path, order: Sequence[int] | None) -> list[Grid]:
    """Every model with the scan as it sees it, those together that see it on the same grid."""
    orders = matched(models)
    grids: list[list[Member]] = []
    for model, channels in zip(models, orders, strict=True):
        alike = next((one for grid in grids for one in grid if prepared_alike(one.model, model)), None)
        prepared = alike.prepared if alike is not None else prepare(model, scan, readable, order)
        member = Member(model, prepared, channels)
        grid = next((grid for grid in grids if grid[0].prepared.lies_as(prepared)), None)
        if grid is None:
            grids.append([member])
        else:
            grid.append(member)
    return [Grid(tuple(grid)) for grid in grids]


def _stream(member: Member, axis: int, flips: str, progress: Progress) -> Iterator[Slab]:
    model, prepared = member.model, member.prepared
    answer = flipped(model.network, averaging(model), flips, prepared.affine) if flips else model.network
    for slab in slabs(model.inferer, prepared.image, answer, axis, progress):
        # A bundle of others may make its classes of one channel, by steps of its own.
        if model.finish is None and len(slab.values) != len(member.order):
            raise VoxloopError(
                f"{model.name} gives {len(slab.values)} channels for {len(member.order)} of a name "
                f"({', '.join(averaging(model).channels)}); name each in its config, in their order."
            )
        yield slab


def _order(first: Model, other: Model) -> tuple[int, ...]:
    names = averaging(first).channels
    # The background is the first channel whatever it is called.
    same = 1 if isinstance(first.output, Classes) else 0
    meant = [recognise(name, names[same:], first.spellings) for name in averaging(other).channels[same:]]
    if (
        type(first.output) is not type(other.output)
        or set(meant) != set(names[same:])
        or len(meant) != len(names) - same
        or _made_of(first, first) != _made_of(first, other)
    ):
        raise VoxloopError(
            f"{first.name} marks {_said(first)}, and {other.name} {_said(other)}; "
            "models that are averaged have to mark the same, in whatever order."
        )
    return (*range(same), *(same + meant.index(name) for name in names[same:]))


def _made_of(first: Model, other: Model) -> dict[str | None, set[str | None]]:
    """Which classes each region is a union of, in the first one's words."""
    if not isinstance(other.output, Regions) or not isinstance(first.output, Regions):
        return {}

    def word(name: str, among: Sequence[str]) -> str | None:
        return recognise(name, among, first.spellings)

    return {
        word(part.name, first.output.channels): {word(other.classes[value], first.classes) for value in part.values}
        for part in other.output.parts
    }


def _said(model: Model) -> str:
    kind = "the regions " if isinstance(model.output, Regions) else ""
    return kind + ", ".join(part.name for part in model.output.parts)


class _Shares:
    """How far several models are, told as one thousand."""

    def __init__(self, progress: Progress | None, count: int) -> None:
        self._progress, self._done = progress, [0.0] * count

    def of(self, number: int) -> Progress:
        def heard(done: int, total: int, what: str) -> None:
            self._done[number] = done / total
            if self._progress is not None:
                self._progress(int(1000 * sum(self._done) / len(self._done)), 1000, what)

        return heard
