"""The words of the language. Each knows where it lies in the database, where it lies in a plain record, and its help."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from voxloop.store import schema
from voxloop.store.query.tree import Step

Scope = Literal["run", "series", "media", "case"]
SCOPES: tuple[Scope, ...] = ("run", "series", "media", "case")
# `any` shows its kind row by row: a number, text, true or false, a list, a dict, or nothing at all.
Type = Literal["number", "text", "boolean", "list", "any"]


@dataclass(frozen=True)
class Record:
    """One row in plain Python, with its run and the summaries of all series of this run, by name and context."""

    run: Mapping[str, Any]
    row: Mapping[str, Any]
    series: Mapping[tuple[str, str], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Term:
    """A word that stands for a value of the run, or of the row that is asked for."""

    name: str
    type: Type
    help: str
    example: str
    column: sa.Column[Any]
    # Inside of a JSON column, where the value lies; a path may go on from there.
    steps: tuple[Step, ...] | None = None
    # How the name is shown where more must be written behind it.
    shown: str = ""

    @property
    def usage(self) -> str:
        return self.shown or self.name

    @property
    def nullable(self) -> bool:
        return bool(self.column.nullable) or self.name == "run.duration" or self.steps is not None

    def sql(self) -> sa.ColumnElement[Any]:
        """The column, or what is computed from columns."""
        if self.name == "run.duration":
            run = schema.runs.c
            took = sa.func.coalesce(run.ended, run.heartbeat) - run.created
            return sa.case((took < 0.0, 0.0), else_=took)
        whole = self.type == "number" and not isinstance(self.column.type, sa.Float)
        return sa.cast(self.column, sa.Float()) if whole else self.column

    def judge(self, record: Record) -> Any:
        """The value in a plain record; nothing where it is missing."""
        if self.name == "run.duration":
            ended = record.run["ended"]
            return max(0.0, (record.run["heartbeat"] if ended is None else ended) - record.run["created"])
        row = record.run if self.column.table is schema.runs else record.row
        return follow(row[self.column.name], self.steps or ())


def follow(value: Any, steps: tuple[Step, ...]) -> Any:
    """The value at a place inside of a nested one; nothing where there is no such place."""
    for step in steps:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, Mapping) else None
        else:
            inside = isinstance(value, list) and -len(value) <= step < len(value)
            value = value[step] if inside else None
    return value


RUN = schema.runs.c
SERIES = schema.series.c
MEDIA = schema.media.c
SUMMARIES = {
    "first": "the value that was logged first",
    "last": "the value that was logged last",
    "min": "the lowest value",
    "max": "the highest value",
    "best": "the lowest or the highest value, as the run defines; missing without a definition",
    "count": "how many values were logged",
    "last_step": "the step that was logged last",
}


def summary(field: str) -> sa.Column[Any]:
    """The column of a series' summary."""
    return SERIES["size" if field == "count" else field]


RUN_TERMS = (
    Term("run.id", "text", "the run's id", 'run.id in ["k3v9x2m4pq", "w8n5t7r2sc"]', RUN.id),
    Term("run.name", "text", "the run's name", 'run.name.startswith("unet")', RUN.name),
    Term("run.experiment", "text", "the experiment that it belongs to", 'run.experiment == "spleen"', RUN.experiment),
    Term("run.tags", "list", "its tags", '"baseline" in run.tags', RUN.tags, ()),
    Term(
        "run.status",
        "text",
        "running, finished, failed, interrupted or crashed",
        'run.status in ["failed", "crashed"]',
        RUN.status,
    ),
    Term("run.created", "number", "when it began", "run.created > now() - days(7)", RUN.created),
    Term("run.ended", "number", "when it ended; missing while it runs", "run.ended is None", RUN.ended),
    Term(
        "run.duration",
        "number",
        "seconds from its beginning to its end, or to its last sign of life",
        "run.duration > hours(2)",
        RUN.heartbeat,
    ),
    Term("run.notes", "text", "what was noted about it", 'run.notes.lower().contains("fold 3")', RUN.notes),
    Term(
        "run.archived",
        "boolean",
        "whether it was put aside; a query that does not say this word leaves such runs out",
        "run.archived or not run.archived",
        RUN.archived,
    ),
    Term("run.parent", "text", "the id of the run that it was forked from", "run.parent is not None", RUN.parent),
    Term(
        "run.params",
        "any",
        "its params; odd keys stand in brackets, so do numbers of list items",
        'run.params.optimizer.lr < 1e-3 and run.params["roi size"][0] == 96',
        RUN.params,
        (),
        "run.params.KEY",
    ),
    Term(
        "run.environment",
        "any",
        "what it ran on: git, packages, machine, command",
        "run.environment.git.dirty",
        RUN.environment,
        (),
        "run.environment.KEY",
    ),
)
METRIC_TERMS = tuple(
    Term(
        f"run.metrics.{field}",
        "number",
        f"of one of its series, told by name and whole context: {text}",
        f'run.metrics["val/dice"].{field} > 0.9'
        if field in ("max", "best", "last")
        else f'run.metrics["val/dice", case="spleen_12", class="spleen"].{field} < 10',
        summary(field),
        None,
        f'run.metrics["NAME", KEY=VALUE].{field}',
    )
    for field, text in SUMMARIES.items()
)
SERIES_TERMS = (
    Term("series.name", "text", "the series' name", 'series.name == "val/dice"', SERIES.name),
    Term(
        "series.context",
        "any",
        "what it was logged for: case, class, subset, fold, rank ...",
        'series.context.case == "spleen_12"',
        SERIES.context,
        (),
        "series.context.KEY",
    ),
    *(
        Term(f"series.{field}", "number", text, f"series.{field} > 0", summary(field))
        for field, text in SUMMARIES.items()
    ),
)
MEDIA_TERMS = (
    Term("media.name", "text", "the name that it was logged under", 'media.name == "val/scan"', MEDIA.name),
    Term(
        "media.kind", "text", "volume, image, figure, distribution, text or table", 'media.kind == "volume"', MEDIA.kind
    ),
    Term(
        "media.context",
        "any",
        "what it was logged for",
        'media.context.case == "spleen_12"',
        MEDIA.context,
        (),
        "media.context.KEY",
    ),
    Term("media.step", "number", "the step that it was logged at", "media.step >= 100", MEDIA.step),
    Term(
        "media.epoch",
        "number",
        "the epoch that it was logged in, where one was given",
        "media.epoch == 10",
        MEDIA.epoch,
    ),
    Term("media.time", "number", "when it was logged", "media.time > now() - hours(1)", MEDIA.time),
)
CASE_TERMS = (
    Term("case.id", "any", "the case, by the context's key case", 'case.id == "spleen_12"', SERIES.context, ("case",)),
    Term(
        "case.class",
        "any",
        "the class, by the context's key class",
        'case.class == "spleen"',
        SERIES.context,
        ("class",),
    ),
    Term("case.metric", "text", "the name of the series", 'case.metric == "val/dice"', SERIES.name),
    *(
        Term(f"case.{field}", "number", text, f"case.{field} < 0.5", summary(field))
        for field, text in SUMMARIES.items()
        if field != "last_step"
    ),
)
OWN: dict[Scope, tuple[Term, ...]] = {"run": (), "series": SERIES_TERMS, "media": MEDIA_TERMS, "case": CASE_TERMS}
ALL = {term.name: term for term in (*RUN_TERMS, *METRIC_TERMS, *SERIES_TERMS, *MEDIA_TERMS, *CASE_TERMS)}
CONTEXT = {"series": SERIES.context, "case": SERIES.context, "media": MEDIA.context}


def terms(scope: Scope) -> list[Term]:
    """Every term that a query of this scope may use, its own first."""
    return [*OWN[scope], *RUN_TERMS, *METRIC_TERMS]
