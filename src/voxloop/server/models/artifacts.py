"""Artifacts as the API tells them: the names, one of them with its versions, and a version with all that is known of it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from voxloop.server.models.answer import Answer


class Artifact(Answer):
    """A version of named content."""

    ref: str
    kind: str
    aliases: list[str]
    bytes: int
    run_id: str | None
    created: float


class RunName(Answer):
    """A run that made or used a version; `gone` where only its id is left."""

    id: str
    name: str
    status: str
    created: float | None
    gone: bool


class AliasAt(Answer):
    alias: str
    version: int


class ArtifactKind(Answer):
    """A kind, and how many names of it fit what is searched for."""

    kind: str
    names: int


class ArtifactRow(Answer):
    """A name. `bytes` is the sum over its versions, `stored` what they take where equal files are kept once."""

    name: str
    kind: str
    newest: int
    versions: int
    aliases: list[AliasAt]
    bytes: int
    stored: int
    changed: float
    run: RunName | None


class ArtifactRows(Answer):
    """A part of the table of names; `names`, `versions`, `bytes` and `stored` are those of the whole project."""

    total: int
    rows: list[ArtifactRow]
    kinds: list[ArtifactKind]
    names: int
    versions: int
    bytes: int
    stored: int


class ArtifactVersionRow(Answer):
    """A version in the list of them. `added` is what it takes beside those before it; `figures` go by the list's names."""

    version: int
    aliases: list[str]
    created: float
    bytes: int
    added: int
    files: int
    run: RunName | None
    figures: list[float | None]


class NamedArtifact(Answer):
    """A name with its versions, the newest first."""

    name: str
    kind: str
    bytes: int
    stored: int
    figures: list[str]
    versions: list[ArtifactVersionRow]


class ArtifactFile(Answer):
    """A file of a version. `outside`: its path would leave the folder, so it is never unpacked."""

    path: str
    bytes: int
    digest: str
    missing: bool
    outside: bool


class MakingRun(RunName):
    """The run that made a version, in brief: its first params, its metrics, and what it used."""

    experiment: str
    duration_s: float | None
    params: dict[str, Any]
    more_params: int
    metrics: dict[str, float | None]
    used: list[str]


class Usage(Answer):
    """What can be done with a version, as lines to copy."""

    what: str
    language: Literal["shell", "python"]
    lines: str


class ArtifactVersionDetail(Answer):
    """A version. `held` says why it is not to be deleted, where it is not."""

    ref: str
    name: str
    version: int
    kind: str
    aliases: list[str]
    digest: str
    created: float
    bytes: int
    files: list[ArtifactFile]
    metadata: dict[str, Any]
    made_by: MakingRun | None
    used_by: list[RunName]
    users: int
    held: str | None
    usage: list[Usage]


class FilePreview(Answer):
    """What a file begins with. `whole` where nothing was left out."""

    what: Literal["json", "markdown", "table", "text", "image", "binary"]
    text: str
    rows: list[list[str]]
    whole: bool


class LineageNode(Answer):
    """A run or a version. `kind` is a version's kind, or a run's status; `more_…` counts neighbours that are not told."""

    id: str
    what: Literal["run", "version"]
    name: str
    version: int | None
    kind: str
    aliases: list[str]
    created: float | None
    gone: bool
    more_before: int
    more_after: int


class LineageEdge(Answer):
    """The way content went: a run made a version, or a version was used by a run."""

    source: str
    target: str
    how: Literal["made", "used"]


class Lineage(Answer):
    """What lies before a version and after it. `total` counts the nodes there are, of which the nearest are told."""

    start: str
    total: int
    nodes: list[LineageNode]
    edges: list[LineageEdge]


class AliasPlace(Answer):
    version: int = Field(ge=1)


class AliasMoved(Answer):
    """Where an alias points now, and where it did before."""

    alias: str
    version: int
    before: int | None


class PrunedVersion(Answer):
    ref: str
    bytes: int
    aliases: list[str]
    created: float


class PruneRule(Answer):
    rule: str
    keeps: str


class Unreferred(Answer):
    """What nothing refers to; `waiting` blobs are too young to tell."""

    blobs: int
    bytes: int
    waiting: int
    partials: int
    folders: int


class PrunePlan(Answer):
    """The versions that no rule keeps, what only they take, and the same as a command."""

    removed: list[PrunedVersion]
    kept: int
    bytes: int
    rules: list[PruneRule]
    command: str


class Disk(Answer):
    """What the project takes, what of that nothing refers to, and what is free beside it."""

    bytes: int
    blobs: int
    free: int
    unreferred: Unreferred
    command: str


class PruneOrder(Answer):
    """What to keep, and the versions that a person has seen and agreed to lose."""

    keep: list[str]
    last: int = Field(default=0, ge=0)
    name: str = "*"
    kind: str | None = None
    refs: list[str]


class Freed(Answer):
    """What is gone now, and the files that wait until they are an hour old."""

    removed: list[str]
    bytes: int
    waiting: int
