"""What the API answers with. The page's TypeScript types are made from these."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Answer(BaseModel):
    model_config = ConfigDict(populate_by_name=True)


class ProjectInfo(Answer):
    """The project that is served."""

    name: str
    root: str
    version: str
    runs: int


class Metric(Answer):
    """A series without a context, in four numbers."""

    last: float | None
    best: float | None
    min: float | None
    max: float | None


class RunSummary(Answer):
    """A row of the list of runs. Times are seconds since 1970."""

    id: str
    name: str
    experiment: str
    status: str
    created: float
    ended: float | None
    duration_s: float
    tags: list[str]
    archived: bool
    parent: str | None
    metrics: dict[str, Metric]


class RunColumn(Answer):
    """A column that a table of runs may show. A metric's key ends in its statistic, which is left open here."""

    key: str
    term: str
    kind: Literal["run", "param", "metric"]
    runs: int
    differs: bool
    numbers: bool


class RunRow(Answer):
    """A row of a table of runs: what every row has, and the cells that were asked for."""

    id: str
    name: str
    status: str
    tags: list[str]
    archived: bool
    cells: list[Any]


class RunRows(Answer):
    """A part of a table of runs, and how many there are in all."""

    total: int
    rows: list[RunRow]


class RunChanges(Answer):
    """What a person says of a run after the fact; what is left out stays as it is."""

    name: str | None = Field(default=None, min_length=1)
    experiment: str | None = Field(default=None, min_length=1)
    tags: list[str] | None = None
    notes: str | None = None
    archived: bool | None = None


class Printed(Answer):
    """What a run wrote to its terminal, with carriage returns resolved."""

    text: str


class QueryTerm(Answer):
    """A word of the query language."""

    name: str
    type: str
    help: str
    example: str


class Completion(Answer):
    """What may stand at a place of a query instead of the characters from `start` to `end`."""

    text: str
    kind: str
    help: str
    start: int
    end: int


class RunList(Answer):
    total: int
    runs: list[RunSummary]


class Artifact(Answer):
    """A version of named content."""

    ref: str
    kind: str
    aliases: list[str]
    bytes: int
    run_id: str | None
    created: float


class RunDetail(RunSummary):
    """Everything about one run but its numbers and volumes."""

    params: dict[str, Any]
    environment: dict[str, Any]
    notes: str
    artifacts: list[Artifact]
    used: list[Artifact]


class Series(Answer):
    """A series and its summary."""

    id: int
    name: str
    context: dict[str, str | int | float | bool]
    count: int
    first: float | None
    last: float | None
    min: float | None
    max: float | None
    last_step: int | None
    best: float | None


class Points(Answer):
    """Columns of a series. A value that is no number is null, and so is an epoch that was not given."""

    steps: list[int]
    epochs: list[int | None]
    times: list[float]
    values: list[float | None]


class CurveName(Answer):
    """A name under which runs have series; `plain` where some of them have no context."""

    name: str
    series: int
    plain: bool


class Curve(Answer):
    """A series of one of several runs, with its points."""

    id: int
    run_id: str
    name: str
    context: dict[str, str | int | float | bool]
    count: int
    points: Points


class Curves(Answer):
    """The curves of several runs. `total` counts those that there are, of which the first are told."""

    total: int
    curves: list[Curve]


class CaseRow(Answer):
    """One class of one case over the validations; `values` runs along the table's steps."""

    case: str
    class_: str = Field(alias="class")
    values: list[float | None]
    last: float | None
    best: float | None
    worst: float | None
    has_volume: bool


class CaseTable(Answer):
    """Cases by their last value, the worst first."""

    metric: str
    steps: list[int]
    rows: list[CaseRow]


class CaseVolumes(Answer):
    """The steps at which volumes of a case were logged under a name."""

    case: str
    name: str
    steps: list[int]


class BlobLink(Answer):
    url: str
    bytes: int


class LabelClass(Answer):
    value: int
    name: str


class LabelLayer(BlobLink):
    """One label map over the scan."""

    name: str
    classes: list[LabelClass]


class Geometry(Answer):
    """Where the scan's voxels are: the affine leads from voxel index to RAS millimetres."""

    shape: list[int]
    affine: list[list[float]]
    spacing_mm: list[float]
    orientation: str


class CaseVolume(Answer):
    """A scan with its layers at one step, and the Dice of each class there."""

    case: str
    name: str
    step: int
    steps: list[int]
    geometry: Geometry
    image: BlobLink
    layers: list[LabelLayer]
    dice: dict[str, float] | None


class Problem(Answer):
    """What went wrong, in words."""

    title: str
    detail: str
    # Where in a query, counted in characters; only where one was not understood.
    position: int | None = None
