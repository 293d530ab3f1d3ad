"""The space that artifacts take, and giving it back: the same rules as `voxloop models prune` and `gc`."""

import os
import shutil
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from sqlalchemy.engine import Connection

from voxloop.errors import VoxloopError
from voxloop.server import usage
from voxloop.server.api.opened import Opened, Remembered
from voxloop.server.models import artifacts as models
from voxloop.store import Project
from voxloop.store.artifacts import retention

router = APIRouter(tags=["artifacts"])


@router.get("/artifacts/disk", operation_id="getDisk")
def get_disk(project: Opened, kept: Remembered) -> models.Disk:
    """What the project's files take, and what of that nothing refers to."""
    return kept.answer("disk", lambda: _disk(project))


@router.post("/artifacts/collect", operation_id="collectGarbage")
def collect_garbage(project: Opened) -> models.Freed:
    """Frees what nothing refers to, as `voxloop models gc` does. What is younger than an hour waits."""
    collected = project.gc()
    return models.Freed(removed=[], bytes=collected.bytes, waiting=collected.waiting)


@router.get("/artifacts/prunable", operation_id="planPruning")
def plan_pruning(
    project: Opened,
    kept: Remembered,
    keep: Annotated[list[str] | None, Query(description="best, latest, aliased, used; without, all four.")] = None,
    last: Annotated[int, Query(ge=0, le=1_000_000, description="Keep the newest so many of each name, too.")] = 0,
    name: Annotated[str, Query(description="Only artifacts of this name; * and ? stand for anything.")] = "*",
    kind: Annotated[str | None, Query(description="Only artifacts of this kind.")] = None,
) -> models.PrunePlan:
    """The versions that no rule keeps, and what deleting them frees. Nothing is deleted."""
    rules = tuple(keep or retention.RULES)

    def look() -> retention.Pruned:
        with project.reading() as connection:
            return _prune(project, connection, rules, last, name, kind, dry_run=True)

    plan = kept.answer(("prune", rules, last, name, kind), look)
    return models.PrunePlan(
        removed=[
            models.PrunedVersion(ref=one.ref, bytes=one.bytes, aliases=list(one.aliases), created=one.created)
            for one in plan.removed
        ],
        kept=plan.kept,
        bytes=plan.bytes,
        rules=[models.PruneRule(rule=rule, keeps=keeps) for rule, keeps in retention.RULES.items()],
        command=usage.pruning(rules, last, name, kind),
    )


@router.post("/artifacts/prune", operation_id="prune")
def prune(order: models.PruneOrder, project: Opened) -> models.Freed:
    """Deletes the versions that no rule keeps for good, if they are exactly those that a person has agreed to."""
    asked = (tuple(order.keep or retention.RULES), order.last, order.name, order.kind)
    with project.writing() as connection:
        plan = _prune(project, connection, *asked, dry_run=True)
        if {one.ref for one in plan.removed} != set(order.refs):
            raise HTTPException(
                422, "The versions that would go have changed since you saw them; look at the list once more."
            )
        gone = _prune(project, connection, *asked, dry_run=False)
    collected = project.gc()
    return models.Freed(removed=[one.ref for one in gone.removed], bytes=collected.bytes, waiting=collected.waiting)


def _prune(
    project: Project,
    connection: Connection,
    rules: tuple[str, ...],
    last: int,
    name: str,
    kind: str | None,
    dry_run: bool,
) -> retention.Pruned:
    try:
        return retention.prune(connection, project.blobs, rules, last, name, kind, dry_run=dry_run)
    except VoxloopError as error:
        raise HTTPException(422, str(error)) from error


def _disk(project: Project) -> models.Disk:
    count = size = 0
    for place, _, files in os.walk(project.blobs.folder):
        for file in files:
            # Others may delete beside us.
            with suppress(OSError):
                size += (Path(place) / file).stat().st_size
                count += 1
    return models.Disk(
        bytes=size,
        blobs=count,
        free=shutil.disk_usage(project.root).free,
        unreferred=models.Unreferred(**asdict(project.gc(dry_run=True))),
        command="voxloop models gc",
    )
