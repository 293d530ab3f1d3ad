"""How values are spread, as it is logged: a histogram, and what is known of the values beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from voxloop.errors import VoxloopError
from voxloop.tracking.media import histogram
from voxloop.tracking.media.protocol import Known, register
from voxloop.tracking.media.snapshot import is_tensor, reason, viewed

if TYPE_CHECKING:
    from voxloop.store.blobs import Blobs

MOST_BINS = 4096


@register
class Distribution:
    """The histogram of many values, made where they lie: of a tensor on a GPU, only the counts come over.

        run.log({"weights": vx.Distribution(layer.weight, bins=64)})

    NaN and Inf are counted apart; least, most, mean and deviation are of the others.
    """

    kind: ClassVar[str] = "distribution"

    def __init__(self, values: Any, bins: int = 64) -> None:
        if not isinstance(bins, int) or not 1 <= bins <= MOST_BINS:
            raise VoxloopError(f"bins={bins!r} cannot be; a distribution has 1 to {MOST_BINS} bins.")
        self.edges: npt.NDArray[np.float64] | None = None
        try:
            if is_tensor(values) and values.numel():
                self.histogram = histogram.of_tensor(values, bins)
                return
        except Exception as error:  # a device may fail in its own way
            raise VoxloopError(
                f"The histogram of this tensor cannot be made ({reason(error)}); give its real, dense values."
            ) from error
        array, _ = viewed(values, "A distribution")
        if not array.size:
            raise VoxloopError("A distribution is of values, and this array is empty; log it once there are some.")
        self.histogram = histogram.of_array(array, bins)

    @classmethod
    def from_histogram(cls, counts: Any, edges: Any) -> Distribution:
        """A histogram that somebody has made already: n counts, and the n + 1 edges of their bins."""
        held, _ = viewed(counts, "A histogram's counts")
        marks = viewed(edges, "A histogram's edges")[0].astype(np.float64)
        whole = held.astype(np.int64) if np.isfinite(held).all() else held[:0]
        if held.ndim != 1 or not held.size or held.size > MOST_BINS or marks.shape != (held.size + 1,):
            raise VoxloopError(
                f"A histogram of {held.size} counts has {held.size + 1} edges and at most {MOST_BINS} bins; "
                f"these are {marks.size} edges."
            )
        if not np.array_equal(whole, held) or (whole < 0).any():
            raise VoxloopError("A histogram counts values: its counts are whole numbers, and none is below 0.")
        if not np.isfinite(marks).all() or not (np.diff(marks) > 0).all():
            raise VoxloopError("A histogram's edges are numbers that grow; these do not.")
        made = cls.__new__(cls)
        made.edges = marks
        made.histogram = histogram.Histogram(
            whole, float(marks[0]), float(marks[-1]), int(whole.sum()), 0, 0, *_told(whole, marks)
        )
        return made

    @property
    def nbytes(self) -> int:
        return self.histogram.counts.nbytes

    def __repr__(self) -> str:
        held = self.histogram
        return f"Distribution({held.count:,} values, {len(held.counts)} bins from {held.low:g} to {held.high:g})"

    def store(self, blobs: Blobs, known: Known | None = None) -> dict[str, Any]:
        """All of it as JSON: a file for each of a network's hundreds would be too many."""
        held = self.histogram
        return {
            "counts": held.counts.tolist(),
            "low": held.low,
            "high": held.high,
            # Bins that are not equal say where they begin.
            "edges": None if self.edges is None else self.edges.tolist(),
            "count": held.count,
            "nan": held.nan,
            "inf": held.inf,
            "min": held.min,
            "max": held.max,
            "mean": held.mean,
            "std": held.std,
        }


def parameters(module: Any, prefix: str = "parameters/", bins: int = 64) -> dict[str, Distribution]:
    """The distribution of each parameter of a torch module, to be logged as they are."""
    return {f"{prefix}{name}": Distribution(value, bins) for name, value in _named(module) if value.numel()}


def gradients(module: Any, prefix: str = "gradients/", bins: int = 64) -> dict[str, Distribution]:
    """The distribution of each gradient that there is; between `backward` and the step that clears them."""
    held = ((name, value.grad) for name, value in _named(module))
    return {f"{prefix}{name}": Distribution(grad, bins) for name, grad in held if grad is not None and grad.numel()}


def _named(module: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(module, "named_parameters"):
        raise VoxloopError(f"A {type(module).__name__} has no parameters; give a torch module.")
    named: Iterator[tuple[str, Any]] = module.named_parameters()
    return named


def _told(counts: npt.NDArray[np.int64], edges: npt.NDArray[np.float64]) -> tuple[float | None, ...]:
    """Least, most, mean and deviation as far as bins tell: of values at their middles."""
    total = int(counts.sum())
    if not total:
        return None, None, None, None
    held = np.flatnonzero(counts)
    middles, shares = edges[:-1] / 2 + edges[1:] / 2, counts / total
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float((middles * shares).sum())
        std = float(np.sqrt(((middles - mean) ** 2 * shares).sum()))
    return (
        float(edges[held[0]]),
        float(edges[held[-1] + 1]),
        mean if np.isfinite(mean) else None,
        std if np.isfinite(std) else None,
    )
