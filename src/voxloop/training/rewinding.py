"""Taking back what a process logged after its last checkpoint: that is done again, and an epoch has one truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.errors import VoxloopError
from voxloop.store import Project, RunRecord, codec, schema
from voxloop.store.drain import UNITS
from voxloop.store.series_writer import SeriesWriter


def rewind(project: Project, run: RunRecord, epoch: int) -> int:
    """Takes away every point and medium of a run that belongs to an epoch after `epoch`; answers with how many points.

    What belongs to no epoch stays, such as how busy the machine was and what was printed. All of it or nothing, and not where
    another process has begun to write the run since it was looked up.
    """
    with project.writing() as connection:
        row = connection.execute(sa.select(schema.runs).where(schema.runs.c.id == run.id)).one()
        if row.status == "running" or row.heartbeat != run.heartbeat:
            raise being_written(run.name)
        taken = sum(_cut(connection, one, epoch) for one in _series(connection, run.id))
        late = (schema.media.c.run_id == run.id) & (schema.media.c.epoch > epoch)
        connection.execute(schema.media.delete().where(late))
    return taken


def being_written(name: str) -> VoxloopError:
    return VoxloopError(f"Run {name} is being written by another process; wait until it ends, or start a new run.")


def _series(connection: Connection, run_id: str) -> list[Any]:
    return list(connection.execute(sa.select(schema.series).where(schema.series.c.run_id == run_id)))


def _cut(connection: Connection, series: Any, epoch: int) -> int:
    here = schema.chunks.c.series_id == series.id
    rows = connection.execute(sa.select(schema.chunks.c.data).where(here).order_by(schema.chunks.c.number)).scalars()
    try:
        chunks = [codec.unpack(data) for data in rows]
    except ValueError as error:
        raise VoxloopError(
            f'Series "{series.name}" has a damaged chunk ({error}), so what is to be done again cannot be taken out of it; '
            '"voxloop doctor" says what can be saved.'
        ) from error
    kept = [_until(chunk, epoch) for chunk in chunks]
    taken = sum(len(chunk[0]) for chunk in chunks) - sum(map(len, kept))
    if taken:
        # Written anew, so that its summary, its best among it, is that of the points which stay.
        connection.execute(schema.chunks.delete().where(here))
        connection.execute(schema.series.delete().where(schema.series.c.id == series.id))
        if left := [part for part in kept if len(part)]:
            SeriesWriter(series.run_id).append(connection, [((series.name, series.context), np.concatenate(left))])
    return taken


def _until(chunk: codec.Columns, epoch: int) -> npt.NDArray[Any]:
    steps, values, times, epochs = chunk
    points = np.zeros(len(steps), UNITS)
    points["step"], points["value"], points["time"], points["epoch"] = steps, values, times, epochs
    return points[epochs <= epoch]
