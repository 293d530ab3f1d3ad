"""What the store answers with: small frozen nouns, no rows, no connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxloop.store.context import Context

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One execution. Times are seconds since 1970; a run without an end is running."""

    id: str
    name: str
    experiment: str
    status: str
    created: float
    ended: float | None
    heartbeat: float
    params: dict[str, Any]
    tags: tuple[str, ...]
    environment: dict[str, Any]
    notes: str
    archived: bool
    parent: str | None
    definitions: dict[str, dict[str, str]]

    @property
    def duration_s(self) -> float:
        """Until its end, or until it was last heard of."""
        return max(0.0, (self.ended or self.heartbeat) - self.created)


@dataclass(frozen=True, slots=True)
class SeriesRecord:
    """Numbers over steps, and what is known of them without reading one. `best` follows the run's definitions."""

    id: int
    run_id: str
    name: str
    context: Context
    count: int
    first: float | None
    last: float | None
    min: float | None
    max: float | None
    last_step: int | None
    best: float | None


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """What a run says of one class of one case, by one metric: a series whose context has a case."""

    id: int
    run_id: str
    case: str | int | float | bool
    class_name: str | int | float | bool | None
    metric: str
    context: Context
    count: int
    first: float | None
    last: float | None
    min: float | None
    max: float | None
    best: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """The points of a series, in the order in which they were logged. Epoch -1 says that none was given."""

    steps: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    times: npt.NDArray[np.float64]
    epochs: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True, slots=True)
class MediaRecord:
    """One logged object; `data` names its blobs by digest."""

    id: int
    run_id: str
    name: str
    context: Context
    step: int
    epoch: int | None
    time: float
    kind: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ArtifactVersion:
    """One version of named content. `files` maps a relative path to its digest and size."""

    name: str
    kind: str
    version: int
    aliases: tuple[str, ...]
    files: dict[str, dict[str, Any]]
    digest: str
    run_id: str | None
    created: float
    metadata: dict[str, Any]

    @property
    def ref(self) -> str:
        return f"{self.name}:v{self.version}"

    @property
    def bytes(self) -> int:
        return sum(int(file["bytes"]) for file in self.files.values())
