"""Logged media as the API tells them: which there are, and what one holds or where that is to be had."""

from __future__ import annotations

from typing import Any

from voxloop.server.models.answer import Answer
from voxloop.server.models.volumes import LabelClass


class MediaRun(Answer):
    """A run of which there are media."""

    id: str
    name: str


class MediaGroup(Answer):
    """What one run logged under one name, in one context; `ids` run along `steps`, several at one step in their order."""

    run_id: str
    name: str
    kind: str
    context: dict[str, str | int | float | bool]
    steps: list[int]
    ids: list[int]


class MediaGroups(Answer):
    """The media that a query fits. `total` counts all records, of which the newest are told where they are too many."""

    total: int
    runs: list[MediaRun]
    groups: list[MediaGroup]


class PictureLayer(Answer):
    """A label map over a picture, as PNG whose grey is the label."""

    name: str
    url: str
    small: str


class PictureBox(Answer):
    """A rectangle in the picture's pixels."""

    left: float
    top: float
    right: float
    bottom: float
    label: str
    score: float | None


class Picture(Answer):
    """An image. `window` says which values are shown from black to white, where they are not shown as they are."""

    url: str
    small: str
    values: str
    original: str
    width: int
    height: int
    dtype: str | None
    window: list[float] | None
    layers: list[PictureLayer]
    classes: list[LabelClass]
    boxes: list[PictureBox]


class Figure(Answer):
    """A plot: plotly's JSON, or a drawing with a picture of it."""

    library: str
    url: str
    download: str
    bytes: int
    preview: str | None


class Distribution(Answer):
    """n counts with the n + 1 edges of their bins, and what is known of the values; NaN and Inf are counted apart."""

    counts: list[int]
    edges: list[float]
    count: int
    nan: int
    inf: int
    min: float | None
    max: float | None
    mean: float | None
    std: float | None


class Words(Answer):
    """The beginning of a text of `length` characters; the rest is at `url`, unless this is all."""

    format: str
    length: int
    head: str
    url: str | None
    download: str | None


class TableColumn(Answer):
    name: str
    type: str


class Table(Answer):
    """A table's columns and size; its rows are at `url`."""

    url: str
    rows: int
    columns: list[TableColumn]


class Clip(Answer):
    """A sound or a video. `still` shows its first frame, where it is known; `moving` says that it is an animated picture."""

    url: str
    download: str
    bytes: int
    duration_s: float | None
    note: str
    still: str | None
    moving: bool


class VolumeHead(Answer):
    """A volume's size; one slice of it is at `slice`. `case` is what the viewer knows it by."""

    slice: str
    case: str
    shape: list[int]
    spacing_mm: list[float]
    orientation: str
    layers: list[str]
    classes: list[LabelClass]


class Content(Answer):
    """One medium. What it holds is under its kind; `fault` says why it cannot be shown."""

    kind: str
    caption: str | None = None
    fault: str | None = None
    picture: Picture | None = None
    figure: Figure | None = None
    distribution: Distribution | None = None
    words: Words | None = None
    table: Table | None = None
    clip: Clip | None = None
    volume: VolumeHead | None = None


class MediaRecord(Content):
    """One logged object."""

    id: int
    run_id: str
    name: str
    context: dict[str, str | int | float | bool]
    step: int
    epoch: int | None
    time: float


class HeatColumn(Answer):
    """What was logged from one step to another: how much of it lies in each common bin, and what is known of it."""

    first: int
    last: int
    share: list[float]
    count: int
    nan: int
    inf: int
    min: float | None
    max: float | None
    mean: float | None
    std: float | None


class Heat(Answer):
    """Distributions over steps, on common bins from `low` to `high`. `beyond` counts those that reach further."""

    low: float
    high: float
    beyond: int
    columns: list[HeatColumn]


class WordsPart(Answer):
    """Some of a text. `found` says where a search word begins, counted in characters of the whole text."""

    start: int
    length: int
    text: str
    found: list[int]
    matches: int


class TableRows(Answer):
    """Some rows of a table. A cell that is a medium is a `Content`."""

    total: int
    columns: list[TableColumn]
    rows: list[list[Any]]
    numbers: list[int]


class TableGroup(Answer):
    """The rows that have one value in a column; `filter` is what to type over the column to see them."""

    value: Any
    filter: str | None
    count: int
    means: dict[str, float | None]


class TableGroups(Answer):
    """A table's groups, the largest first; `total` counts those that there are."""

    total: int
    groups: list[TableGroup]


class SliceLayer(Answer):
    name: str
    url: str


class Slice(Answer):
    """One slice of a volume, as pictures in the answer itself; `index` counts from the feet upwards, from 0."""

    index: int
    count: int
    width: int
    height: int
    window: list[float]
    url: str
    layers: list[SliceLayer]
