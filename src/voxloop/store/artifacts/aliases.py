"""Aliases: names that point at one version of an artifact, and move whole."""

from __future__ import annotations

import re

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.errors import VoxloopError
from voxloop.store import schema

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
VERSION = re.compile(r"v(\d+)")
# Follows the newest version by itself, and points nowhere else.
LATEST = "latest"
# Nothing but --force removes a version that bears it, whatever a rule of retention says.
PROTECTED = "protected"


def check(alias: str) -> None:
    if not NAME.fullmatch(alias) or VERSION.fullmatch(alias):
        raise VoxloopError(f'"{alias}" cannot be an alias; use letters, digits, ".", "_" and "-", but not v1, v2, …')


def move(connection: Connection, name: str, alias: str, version: int) -> None:
    """Points an alias at a version; whoever looks at the same time sees the old or the new one."""
    check(alias)
    newest = connection.execute(
        sa.select(sa.func.max(schema.versions.c.version)).where(schema.versions.c.name == name)
    ).scalar()
    if alias == LATEST and version != newest:
        raise VoxloopError(f'"{LATEST}" is always the newest version, {name}:v{newest}; choose another alias.')
    point(connection, name, alias, version)


def point(connection: Connection, name: str, alias: str, version: int) -> None:
    """Points an alias at a version, without asking whether it may."""
    here = (schema.aliases.c.name == name) & (schema.aliases.c.alias == alias)
    connection.execute(schema.aliases.delete().where(here))
    connection.execute(schema.aliases.insert().values(name=name, alias=alias, version=version))


def remove(connection: Connection, name: str, alias: str) -> None:
    """Takes an alias away; the version that it pointed at stays."""
    here = (schema.aliases.c.name == name) & (schema.aliases.c.alias == alias)
    if not connection.execute(schema.aliases.delete().where(here)).rowcount:
        known = sorted(
            connection.execute(sa.select(schema.aliases.c.alias).where(schema.aliases.c.name == name)).scalars()
        )
        raise VoxloopError(f'{name} has no alias "{alias}"; it has: {", ".join(known) or "none"}.')


def follow_newest(connection: Connection, name: str) -> None:
    """Moves the alias `latest`, where an artifact has it, to the newest version; without a version it goes."""
    here = (schema.aliases.c.name == name) & (schema.aliases.c.alias == LATEST)
    newest = sa.select(sa.func.max(schema.versions.c.version)).where(schema.versions.c.name == name).scalar_subquery()
    if connection.execute(sa.select(newest)).scalar() is None:
        connection.execute(schema.aliases.delete().where(here))
    else:
        connection.execute(schema.aliases.update().where(here).values(version=newest))


def of(connection: Connection, name: str, version: int) -> list[str]:
    """The aliases of one version."""
    here = (schema.aliases.c.name == name) & (schema.aliases.c.version == version)
    return list(
        connection.execute(sa.select(schema.aliases.c.alias).where(here).order_by(schema.aliases.c.alias)).scalars()
    )
