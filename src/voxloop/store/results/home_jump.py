"""What a person means by a few letters: runs, models, datasets by name."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.store import schema

MOST_RUNS = 12
MOST_NAMES = 8


@dataclass(frozen=True, slots=True)
class FoundRun:
    id: str
    name: str
    experiment: str
    status: str
    created: float


@dataclass(frozen=True, slots=True)
class FoundName:
    """An artifact, with its newest version."""

    name: str
    kind: str
    version: int


@dataclass(frozen=True, slots=True)
class Found:
    runs: tuple[FoundRun, ...]
    artifacts: tuple[FoundName, ...]


def find(connection: Connection, text: str) -> Found:
    """What bears every word in its name; runs also in their experiment or at the beginning of their id, the newest first."""
    runs, versions = schema.runs.c, schema.versions.c
    words = text.split()
    held = (runs.id, runs.name, runs.experiment, runs.status, runs.created)
    asked = sa.select(*held).where(
        ~runs.archived,
        *(
            runs.name.icontains(word, autoescape=True)
            | runs.experiment.icontains(word, autoescape=True)
            | runs.id.startswith(word, autoescape=True)
            for word in words
        ),
    )
    named = (
        sa.select(versions.name, sa.func.min(versions.kind), sa.func.max(versions.version))
        .where(*(versions.name.icontains(word, autoescape=True) for word in words))
        .group_by(versions.name)
        .order_by(sa.func.max(versions.created).desc())
        .limit(MOST_NAMES)
    )
    return Found(
        tuple(
            FoundRun(*row) for row in connection.execute(asked.order_by(runs.created.desc(), runs.id).limit(MOST_RUNS))
        ),
        tuple(FoundName(*row) for row in connection.execute(named)),
    )
