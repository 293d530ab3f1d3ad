"""What the channels of a network's output mean: classes that exclude each other, or regions that may overlap.

A label map holds one class a voxel either way. It is what is stored, carried between grids and shown; what is scored are
the output's `parts`, each a set of the map's values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from voxloop.errors import VoxloopError

if TYPE_CHECKING:
    import torch

Labels = npt.NDArray[np.uint8]
# One channel's probabilities on a grid, as slabs along its last axis.
Slabs = Iterator[tuple[slice, npt.NDArray[np.float32]]]


@dataclass(frozen=True, slots=True)
class Part:
    """Something that is scored: what it is called, and which values of a label map make it."""

    name: str
    values: tuple[int, ...]

    def mask(self, labels: Labels) -> npt.NDArray[np.bool_]:
        """Where a label map shows it."""
        table = np.zeros(256, bool)
        table[list(self.values)] = True
        found: npt.NDArray[np.bool_] = table[labels]
        return found


class Output(Protocol):
    """From a network's channels to one label map, and what of that map is scored."""

    @property
    def names(self) -> dict[int, str]:
        """What each value of the label map is called; 0 is the background."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """What is scored, in the order in which a metric lists it."""

    def of_channels(self, channels: npt.NDArray[Any]) -> Labels:
        """The label map of channels that have been made discrete, or between 0 and 1."""


@dataclass(frozen=True, slots=True)
class Classes:
    """A channel for each class, the background first; a voxel belongs to the strongest.

    >>> [part.name for part in Classes(("background", "spleen")).parts]
    ['spleen']
    """

    classes: tuple[str, ...]

    @property
    def names(self) -> dict[int, str]:
        return dict(enumerate(self.classes[1:], start=1))

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(Part(name, (number,)) for number, name in self.names.items())

    def of_logits(self, logits: torch.Tensor) -> Labels:
        """The label map of one scan's logits, [channel, i, j, k]."""
        import torch

        labels: Labels = logits.argmax(dim=0).to(torch.uint8).cpu().numpy()
        return labels

    def of_channels(self, channels: npt.NDArray[Any]) -> Labels:
        return _discrete(channels[0]) if len(channels) == 1 else channels.argmax(axis=0).astype(np.uint8)

    @property
    def channels(self) -> tuple[str, ...]:
        """What each channel is called."""
        return self.classes

    @property
    def unseen(self) -> tuple[float, ...]:
        """What each channel's probability is where a network did not look: background."""
        return (1.0, *(0.0 for _ in self.classes[1:]))

    def probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """How likely each channel is, of logits [channel, i, j, k]."""
        return logits.softmax(dim=0)

    def mean(self, answers: Iterable[torch.Tensor]) -> torch.Tensor:
        """Logits whose probabilities are the mean of those of several answers, [window, channel, i, j, k] each.

        As logarithms of probabilities they can be blended with other windows as any logits can, and one answer, given
        several times, marks what it marks alone.
        """
        import torch

        total, count = None, 0
        for logits in answers:
            likely = logits.log_softmax(dim=1)
            total = likely if total is None else torch.logaddexp(total, likely)
            count += 1
        assert total is not None, "a mean is of one answer at least"
        return total - math.log(count)

    def of_slabs(self, shape: tuple[int, int, int], channel: Callable[[int], Slabs]) -> Labels:
        """The label map of probabilities that come channel by channel, as they do not all fit into memory."""
        labels = np.zeros(shape, np.uint8)
        best = np.full(shape, -1.0, np.float32)
        for number in range(len(self.classes)):
            for rows, likely in channel(number):
                labels[..., rows][likely > best[..., rows]] = number
                np.maximum(best[..., rows], likely, out=best[..., rows])
        return labels


@dataclass(frozen=True, slots=True)
class Regions:
    """A channel for each region, each a union of classes, and a sigmoid of its own.

    Each region has one class that is in none of the smaller regions inside it. So regions are painted from the one of
    most classes to the one of fewest, each in its own class: the whole tumour as edema, over it the core, over that what
    enhances. Where regions lie inside each other, nothing is lost.
    """

    classes: tuple[str, ...]
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, classes: Sequence[str], regions: Mapping[str, Sequence[str]]) -> Regions:
        """Regions by the names of their classes; refused where one map cannot show them."""
        numbers = {name: number for number, name in enumerate(classes) if number}
        parts = []
        for region, made_of in regions.items():
            unknown = [name for name in made_of if name not in numbers]
            if unknown or not made_of:
                raise VoxloopError(
                    f'The region "{region}" is made of "{", ".join(unknown)}", which is no class; '
                    f"the classes are: {', '.join(numbers)}."
                )
            parts.append(Part(region, tuple(sorted(numbers[name] for name in made_of))))
        output = cls(tuple(classes), tuple(parts))
        output._painting()
        return output

    @property
    def names(self) -> dict[int, str]:
        return dict(enumerate(self.classes[1:], start=1))

    def of_logits(self, logits: torch.Tensor) -> Labels:
        """The label map of one scan's logits; a sigmoid is above one half where its logit is above zero."""
        return self.painted((logits > 0).cpu().numpy())

    def of_channels(self, channels: npt.NDArray[Any]) -> Labels:
        return self.painted(channels > 0.5)

    @property
    def channels(self) -> tuple[str, ...]:
        """What each channel is called."""
        return tuple(part.name for part in self.parts)

    @property
    def unseen(self) -> tuple[float, ...]:
        """What each channel's probability is where a network did not look: in no region."""
        return tuple(0.0 for _ in self.parts)

    def probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """How likely each channel is, of logits [channel, i, j, k]."""
        return logits.sigmoid()

    def mean(self, answers: Iterable[torch.Tensor]) -> torch.Tensor:
        """Logits whose probabilities are the mean of those of several answers, [window, channel, i, j, k] each."""
        import torch
        from torch.nn.functional import logsigmoid

        total = None
        for logits in answers:
            both = logsigmoid(logits), logsigmoid(-logits)
            total = both if total is None else (torch.logaddexp(total[0], both[0]), torch.logaddexp(total[1], both[1]))
        assert total is not None, "a mean is of one answer at least"
        return total[0] - total[1]

    def of_slabs(self, shape: tuple[int, int, int], channel: Callable[[int], Slabs]) -> Labels:
        """The label map of probabilities that come channel by channel, as they do not all fit into memory."""
        labels = np.zeros(shape, np.uint8)
        for number, value in self._painting():
            for rows, likely in channel(number):
                labels[..., rows][likely > 0.5] = value
        return labels

    def painted(self, on: npt.NDArray[np.bool_]) -> Labels:
        """One class a voxel, from one mask a region."""
        if len(on) != len(self.parts):
            raise VoxloopError(
                f"The network gives {len(on)} channels for {len(self.parts)} regions ({self._said()}); "
                "give it one for each."
            )
        labels = np.zeros(on.shape[1:], np.uint8)
        for channel, value in self._painting():
            labels[on[channel]] = value
        return labels

    def of_labels(self, labels: Labels) -> npt.NDArray[np.bool_]:
        """One mask a region, from one class a voxel."""
        return np.stack([part.mask(labels) for part in self.parts])

    def _painting(self) -> list[tuple[int, int]]:
        """Each channel with its own class, in the order of painting."""
        order = sorted(range(len(self.parts)), key=lambda channel: -len(self.parts[channel].values))
        painting = []
        for channel in order:
            whole = set(self.parts[channel].values)
            inside = [set(part.values) for part in self.parts if set(part.values) < whole]
            own = whole.difference(*inside)
            if len(own) != 1:
                raise VoxloopError(
                    f"One label map cannot show the regions {self._said()}: each needs exactly one class that is in "
                    f'no smaller region inside it, and "{self.parts[channel].name}" has {len(own)}.'
                )
            painting.append((channel, own.pop()))
        return painting

    def _said(self) -> str:
        return ", ".join(part.name for part in self.parts)


@dataclass(frozen=True, slots=True)
class Guessed:
    """An output of which only the names of labels are known, if that: what its channels are is told by how they look."""

    names: dict[int, str]

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(Part(name, (number,)) for number, name in sorted(self.names.items()))

    def of_channels(self, channels: npt.NDArray[Any]) -> Labels:
        """Discrete, one-hot, softmax, or regions that may lie inside each other.

        Regions are painted from the largest to the smallest, so that each stays visible.
        """
        if len(channels) == 1:
            return _discrete(channels[0])
        on = channels > 0.5
        if not self._are_regions(on):
            return channels.argmax(axis=0).astype(np.uint8)
        painted = np.zeros(channels.shape[1:], np.uint8)
        for channel in sorted(range(len(on)), key=lambda one: (-int(on[one].sum()), one)):
            painted[on[channel]] = channel + 1
        return painted

    def _are_regions(self, on: npt.NDArray[np.bool_]) -> bool:
        """Whether there is no background among the channels; without names, whether they ever overlap or leave a gap."""
        return len(on) == len(self.names) if self.names else bool((on.sum(axis=0) != 1).any())


def output_of(classes: Sequence[str], regions: Mapping[str, Sequence[str]] | None = None) -> Classes | Regions:
    """What a recipe's `class_names` and, where it has them, `regions` say of its network's channels."""
    return Regions.of(classes, regions) if regions else Classes(tuple(classes))


def _discrete(channel: npt.NDArray[Any]) -> Labels:
    return np.rint(np.nan_to_num(channel)).clip(0, 255).astype(np.uint8)
