"""Where the runs and versions of an archive land: beside what is here, which stays as it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.errors import VoxloopError
from voxloop.store import codec, schema, series, sketch
from voxloop.store.artifacts import aliases
from voxloop.store.artifacts import versions as artifacts
from voxloop.store.portable.archive import Archive, Row
from voxloop.store.portable.fingerprint import Damaged, fingerprints
from voxloop.store.portable.incoming import Plan
from voxloop.store.portable.selection import BATCH, Selected

LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Landing:
    """Under which id each run comes in, and which of them are here already, with the same content."""

    ids: dict[str, str]
    present: frozenset[str]
    here: frozenset[str]


def land(connection: Connection, plan: Plan, as_new: bool) -> Landing:
    """Finds a place for each run; a run that is here with other content is refused, or gets a new id."""
    # The same archive brought in as new twice is the same new run: its id follows from its content.
    fresh = {run_id: _derived(run_id, content) for run_id, content in plan.content.items()}
    here = ids_here(connection, plan)
    try:
        content = fingerprints(Selected(connection, sorted(here)))
    except Damaged as error:
        raise VoxloopError(
            f'Runs that are here cannot be compared with the archive: {error}; "voxloop doctor --repair" sets it aside.'
        ) from error
    ids, present = {}, set()
    for run_id, wanted in plan.content.items():
        ids[run_id] = run_id if run_id not in here or content[run_id] == wanted else fresh[run_id]
        if ids[run_id] in here:
            present.add(run_id)
        if ids[run_id] != run_id and not as_new:
            raise VoxloopError(
                f"Run {plan.names[run_id]} ({run_id}) is here already with other content; import it with --as-new to have both."
            )
        if ids[run_id] in here and content[ids[run_id]] != wanted:
            raise VoxloopError(
                f"Run {plan.names[run_id]} was imported as {ids[run_id]} before and changed since; delete that one first."
            )
    return Landing(ids, frozenset(present), here)


def ids_here(connection: Connection, plan: Plan) -> frozenset[str]:
    """The ids that runs of the archive have or would get, and that are taken."""
    asked = [*plan.content, *(_derived(run_id, content) for run_id, content in plan.content.items())]
    column = schema.runs.c.id
    batches = (asked[start : start + BATCH] for start in range(0, len(asked), BATCH))
    return frozenset(
        one for batch in batches for one in connection.execute(sa.select(column).where(column.in_(batch))).scalars()
    )


def _derived(run_id: str, content: str) -> str:
    number = int(hashlib.sha256(f"{run_id} {content}".encode()).hexdigest(), 16)
    return "".join(LETTERS[number // len(LETTERS) ** place % len(LETTERS)] for place in range(10))


def insert_versions(connection: Connection, plan: Plan, ids: dict[str, str]) -> dict[tuple[str, int], int]:
    """Brings the versions in; answers with the number that each has here."""
    numbers: dict[tuple[str, int], int] = {}
    table = schema.versions
    for row in sorted(plan.versions, key=lambda row: (row["name"], row["version"])):
        name, number = row["name"], row["version"]
        same = connection.execute(
            sa.select(table.c.version).where((table.c.name == name) & (table.c.digest == row["digest"]))
        ).scalar()
        if same is None:
            taken = set(connection.execute(sa.select(table.c.version).where(table.c.name == name)).scalars())
            deleted = artifacts.deleted(connection, name)
            if number in taken or deleted.get(number, row["digest"]) != row["digest"]:
                number = artifacts.next_number(connection, name)
            connection.execute(
                table.insert().values(**{**row, "version": number, "run_id": ids.get(row["run_id"], row["run_id"])})
            )
        numbers[name, row["version"]] = number if same is None else same
    for row in plan.aliases:
        name, alias = row["name"], row["alias"]
        here = (schema.aliases.c.name == name) & (schema.aliases.c.alias == alias)
        if connection.execute(sa.select(schema.aliases).where(here)).first() is None:
            aliases.point(connection, name, alias, numbers[name, row["version"]])
    for name in {row["name"] for row in plan.versions}:
        aliases.follow_newest(connection, name)
    return numbers


def insert_runs(
    connection: Connection,
    archive: Archive,
    landing: Landing,
    versions: dict[tuple[str, int], int],
) -> None:
    """Brings the runs in that are not here, and what each used."""
    ids = landing.ids
    new = {old: here for old, here in ids.items() if old not in landing.present}

    def of_new(table: str) -> Iterator[Row]:
        for row in archive.rows(table):
            if row["run_id"] in new:
                yield {**row, "run_id": new[row["run_id"]]}

    runs = ({**row, "id": new[row["id"]]} for row in archive.rows("runs") if row["id"] in new)
    _insert(connection, schema.runs, ({**row, "parent": ids.get(row["parent"], row["parent"])} for row in runs))
    highest = connection.execute(sa.select(sa.func.max(schema.series.c.id))).scalar() or 0
    numbers: dict[int, int] = {}

    def numbered() -> Iterator[Row]:
        for row in of_new("series"):
            numbers[row["id"]] = highest + len(numbers) + 1
            yield {**row, "id": numbers[row["id"]]}

    _insert(connection, schema.series, numbered())
    chunks = (row for row in archive.rows("chunks") if row["series_id"] in numbers)
    _insert(connection, schema.chunks, (_sketched({**row, "series_id": numbers[row["series_id"]]}) for row in chunks))
    _insert(connection, schema.media, ({key: row[key] for key in row if key != "id"} for row in of_new("media")))
    _insert(connection, schema.console, of_new("console"))
    known = {(row.run_id, row.name, row.version) for row in connection.execute(sa.select(schema.uses))}
    used: dict[tuple[str, str, int], None] = {}
    for row in archive.rows("uses"):
        # A version that was gone where the archive was made keeps its number only where that says nothing else here.
        number = versions.get((row["name"], row["version"])) or _unknown(connection, row["name"], row["version"])
        if number is not None:
            used[ids[row["run_id"]], row["name"], number] = None
    _insert(
        connection,
        schema.uses,
        ({"run_id": one[0], "name": one[1], "version": one[2]} for one in used if one not in known),
    )


def _sketched(row: Row) -> Row:
    """A chunk with a sketch of its own points, whatever came with it."""
    return {**row, "sketch": sketch.of(codec.unpack(row["data"])) if row["size"] == series.CHUNK else None}


def _unknown(connection: Connection, name: str, version: int) -> int | None:
    """The number of a version that nobody has, kept from other content from now on."""
    table = schema.versions
    here = (table.c.name == name) & (table.c.version == version)
    if connection.execute(sa.select(table.c.version).where(here)).first() is not None:
        return None
    if version not in artifacts.deleted(connection, name):
        artifacts.remember_deleted(connection, name, version, digest="")
    return version


def _insert(connection: Connection, table: sa.Table, rows: Iterator[Row]) -> None:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            connection.execute(table.insert(), batch)
            batch = []
    if batch:
        connection.execute(table.insert(), batch)
