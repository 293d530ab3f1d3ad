"""One artifact version, put together: its files, the run that made it, who used it, and why it stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

import sqlalchemy as sa

from voxloop.errors import VoxloopError
from voxloop.server import usage
from voxloop.server.models import artifacts as models
from voxloop.store import ArtifactVersion, Project, schema
from voxloop.store.artifacts import previews, retention
from voxloop.store.artifacts import versions as stored

# What is told of a run in brief; its own page has all of it.
MOST_PARAMS = 12
MOST_METRICS = 12
MOST_USERS = 200
PIECE = 500


def details(project: Project, ref: str) -> models.ArtifactVersionDetail:
    """Everything about a version that a page shows at once."""
    with project.reading() as connection:
        version = stored.one(connection, ref)
        held = retention.why_kept(connection, version)
    users = project.users(version)
    named = run_names(project, users)
    return models.ArtifactVersionDetail(
        ref=version.ref,
        name=version.name,
        version=version.version,
        kind=version.kind,
        aliases=list(version.aliases),
        digest=version.digest,
        created=version.created,
        bytes=version.bytes,
        files=_files(project, version),
        metadata=version.metadata,
        made_by=None if version.run_id is None else _maker(project, version.run_id),
        used_by=sorted(named.values(), key=lambda run: -(run.created or 0))[:MOST_USERS],
        users=len(named),
        held=held,
        usage=usage.of(version),
    )


def run_names(project: Project, run_ids: Sequence[str]) -> dict[str, models.RunName]:
    """Runs by their ids; those that are deleted are still told, as gone."""
    table, wanted = schema.runs, list(dict.fromkeys(run_ids))
    found: dict[str, models.RunName] = {}
    with project.reading() as connection:
        # A database takes only so many values in one question.
        for at in range(0, len(wanted), PIECE):
            query = sa.select(table.c.id, table.c.name, table.c.status, table.c.created)
            for row in connection.execute(query.where(table.c.id.in_(wanted[at : at + PIECE]))):
                found[row.id] = models.RunName(
                    id=row.id, name=row.name, status=row.status, created=row.created, gone=False
                )
    for one in wanted:
        found.setdefault(one, models.RunName(id=one, name=one, status="", created=None, gone=True))
    return found


def _files(project: Project, version: ArtifactVersion) -> list[models.ArtifactFile]:
    return [
        models.ArtifactFile(
            path=previews.shown(path),
            bytes=int(file["bytes"]),
            digest=file["digest"],
            missing=file["digest"] not in project.blobs,
            outside=_outside(version, path),
        )
        for path, file in version.files.items()
    ]


def _outside(version: ArtifactVersion, path: str) -> bool:
    try:
        stored.inside(version, path)
    except VoxloopError:
        return True
    return False


def _maker(project: Project, run_id: str) -> models.MakingRun:
    named = run_names(project, [run_id])[run_id]
    if named.gone:
        return models.MakingRun(
            **named.model_dump(), experiment="", duration_s=None, params={}, more_params=0, metrics={}, used=[]
        )
    run = project.run(run_id)
    # The settings that stand highest say most; a bundle's whole config hangs below them.
    leaves = sorted(_leaves(run.params), key=lambda leaf: leaf[0].count("."))
    series = sorted(
        project.plain_series([run_id]).get(run_id, []), key=lambda one: (not one.name.startswith("val"), one.name)
    )
    return models.MakingRun(
        **named.model_dump(),
        experiment=run.experiment,
        duration_s=run.duration_s,
        params=dict(leaves[:MOST_PARAMS]),
        more_params=max(0, len(leaves) - MOST_PARAMS),
        metrics={one.name: one.last if one.best is None else one.best for one in series[:MOST_METRICS]},
        used=[f"{row.name}:v{row.version}" for row in _uses(project, run_id)],
    )


def _uses(project: Project, run_id: str) -> Sequence[Any]:
    table = schema.uses
    with project.reading() as connection:
        query = sa.select(table).where(table.c.run_id == run_id).order_by(table.c.name, table.c.version)
        return connection.execute(query).all()


def _leaves(value: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        if isinstance(inner, dict) and inner:
            yield from _leaves(inner, f"{before}{key}.")
        else:
            text = isinstance(inner, str)
            # A text of megabytes is not brief.
            yield f"{before}{key}", inner[:200] if text else inner if not isinstance(inner, list) else inner[:20]


def attachment(path: str) -> str:
    """The header that names a download: plain letters for old readers, and the name itself as RFC 5987 writes it."""
    from urllib.parse import quote

    name = PurePosixPath(path.replace("\\", "/")).name.strip(". ") or "file"
    # A file system takes no more, and what tells its kind stands at the end.
    name = name if len(name) <= 120 else f"{name[:80]}{name[-40:]}"
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._- ") else "_" for letter in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='', errors='replace')}"
