"""Artifacts: the names, one of them with its versions, and what a person says of a version."""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from fastapi import Path as InPath

from voxloop.errors import VoxloopError
from voxloop.server import artifact_lineage, artifact_table
from voxloop.server.api import artifact_files, artifact_space
from voxloop.server.api.opened import LARGEST, Opened, Remembered
from voxloop.server.artifact_details import details, run_names
from voxloop.server.models import artifacts as models
from voxloop.store import ArtifactVersion, Project
from voxloop.store.artifacts import lineage, retention, summaries
from voxloop.store.artifacts import versions as stored

router = APIRouter(tags=["artifacts"])
router.include_router(artifact_files.router)
router.include_router(artifact_space.router)


@router.get("/artifacts", operation_id="listArtifacts")
def list_artifacts(project: Opened) -> list[models.Artifact]:
    """All versions by name, the oldest first."""
    return [artifact(version) for version in project.artifacts()]


@router.get("/artifacts/rows", operation_id="listArtifactRows")
def list_artifact_rows(
    project: Opened,
    kept: Remembered,
    q: Annotated[str, Query(description="Words that a name, its kind or an alias has.")] = "",
    kind: Annotated[str | None, Query(description="Only names of this kind.")] = None,
    sort: Annotated[
        str, Query(description="name, kind, newest, versions, bytes, stored or changed; with - downwards.")
    ] = "-changed",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
) -> models.ArtifactRows:
    """A part of the table of names, and what all artifacts take."""

    def look() -> summaries.Overview:
        with project.reading() as connection:
            return summaries.of_all(connection)

    overview = kept.answer("artifact names", look)
    found = artifact_table.chosen(overview.names, q, kind, sort)
    part = found[offset : offset + limit]
    runs = run_names(project, [one.run_id for one in part if one.run_id is not None])
    return models.ArtifactRows(
        total=len(found),
        rows=[
            models.ArtifactRow(
                name=one.name,
                kind=one.kind,
                newest=one.newest,
                versions=one.versions,
                aliases=[models.AliasAt(alias=alias, version=version) for alias, version in one.aliases],
                bytes=one.bytes,
                stored=one.stored,
                changed=one.changed,
                run=runs.get(one.run_id or ""),
            )
            for one in part
        ],
        kinds=artifact_table.kinds(overview.names, q),
        names=len(overview.names),
        versions=overview.versions,
        bytes=overview.bytes,
        stored=overview.stored,
    )


@router.get("/artifacts/named/{name}", operation_id="getNamedArtifact")
def get_named_artifact(name: str, project: Opened, kept: Remembered) -> models.NamedArtifact:
    """A name with all its versions, the newest first, and the figures that tell them apart."""
    return kept.answer(("artifact", name), lambda: _named(project, name))


def _named(project: Project, name: str) -> models.NamedArtifact:
    with project.reading() as connection:
        versions = stored.select(connection, name) or [stored.one(connection, name)]
    figures = [summaries.figures(version.metadata) for version in versions]
    names = summaries.figure_names(figures)
    runs = run_names(project, [version.run_id for version in versions if version.run_id is not None])
    blobs = {file["digest"]: int(file["bytes"]) for version in versions for file in version.files.values()}
    rows = [
        models.ArtifactVersionRow(
            version=version.version,
            aliases=list(version.aliases),
            created=version.created,
            bytes=version.bytes,
            added=added,
            files=len(version.files),
            run=runs.get(version.run_id or ""),
            figures=[mine.get(one) for one in names],
        )
        for version, added, mine in zip(versions, summaries.added(versions), figures, strict=True)
    ]
    return models.NamedArtifact(
        name=name,
        kind=versions[-1].kind,
        bytes=sum(row.bytes for row in rows),
        stored=sum(blobs.values()),
        figures=names,
        versions=rows[::-1],
    )


@router.get("/artifacts/versions/{ref}", operation_id="getArtifactVersion")
def get_artifact_version(ref: str, project: Opened, kept: Remembered) -> models.ArtifactVersionDetail:
    """One version, as name:v3, name:alias, or a name for its newest."""
    return kept.answer(("artifact version", ref), lambda: details(project, ref))


@router.delete("/artifacts/versions/{ref}", operation_id="deleteArtifactVersion", status_code=204)
def delete_artifact_version(ref: str, project: Opened) -> None:
    """Deletes a version for good, unless an alias points at it or a running run uses it. Its files wait for the next clean-up."""
    with project.writing() as connection:
        version = stored.one(connection, ref)
        reason = retention.why_kept(connection, version)
        if reason is not None:
            raise HTTPException(422, reason)
        retention.delete(connection, version)


@router.put("/artifacts/named/{name}/aliases/{alias}", operation_id="moveAlias")
def move_alias(name: str, alias: str, place: models.AliasPlace, project: Opened) -> models.AliasMoved:
    """Points an alias at a version of a name, and says where it pointed before."""
    with project.writing() as connection:
        version = stored.one(connection, f"{name}:v{place.version}")
        mine = stored.select(connection, name)
        before = next((one.version for one in mine if alias in one.aliases), None)
        try:
            stored.move_alias(connection, name, alias, version.version)
        except VoxloopError as error:
            raise HTTPException(422, str(error)) from error
    return models.AliasMoved(alias=alias, version=version.version, before=before)


@router.delete("/artifacts/named/{name}/aliases/{alias}", operation_id="removeAlias", status_code=204)
def remove_alias(name: str, alias: str, project: Opened) -> None:
    """Takes an alias away; the version that it pointed at stays."""
    project.unalias(name, alias)


@router.get("/artifacts/versions/{ref}/lineage", operation_id="getLineage")
def get_lineage(
    ref: Annotated[str, InPath(description="As name:v3.")],
    project: Opened,
    kept: Remembered,
    depth: Annotated[
        int | None, Query(ge=1, le=1000, description="Steps each way, from a version to a run or back.")
    ] = None,
) -> models.Lineage:
    """What a version came from and what came of it, through any number of runs, the nearest first."""

    def look() -> models.Lineage:
        with project.reading() as connection:
            found = lineage.of_version(connection, stored.one(connection, ref), depth)
            known = lineage.facts(connection, found)
        told = artifact_lineage.told(found, known)
        nodes = {node.id: node for node in found.nodes}
        return models.Lineage(
            start=found.start,
            total=len(nodes),
            nodes=[
                _node(nodes[one], known.get(one), told.before.get(one, 0), told.after.get(one, 0)) for one in told.ids
            ],
            edges=[
                models.LineageEdge(source=edge.source, target=edge.target, how="made" if edge.how == "made" else "used")
                for edge in artifact_lineage.between(found, told.ids)
            ],
        )

    return kept.answer(("lineage", ref, depth), look)


def _node(node: lineage.Node, known: lineage.Facts | None, before: int, after: int) -> models.LineageNode:
    said: dict[str, Any] = {"kind": "", "aliases": [], "created": None}
    if known is not None:
        said = {"kind": known.kind, "aliases": list(known.aliases), "created": known.created}
    is_run = node.what == "run"
    return models.LineageNode(
        id=node.id,
        what="run" if is_run else "version",
        name=node.name,
        version=None if is_run else int(node.id.rpartition(":v")[2]),
        gone=node.gone,
        more_before=before,
        more_after=after,
        **said,
    )


def artifact(version: ArtifactVersion) -> models.Artifact:
    return models.Artifact(
        ref=version.ref,
        kind=version.kind,
        aliases=list(version.aliases),
        bytes=version.bytes,
        run_id=version.run_id,
        created=version.created,
    )
