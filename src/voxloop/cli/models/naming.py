"""`voxloop models alias`, `unalias`, `delete`: what a version is called, and that it is no more."""

from __future__ import annotations

from typing import Annotated

import typer

from voxloop.cli.console import console
from voxloop.cli.models.listing import Reference
from voxloop.cli.options import ProjectOption


def alias(
    reference: Reference,
    alias: Annotated[str, typer.Argument(help="The alias, such as production.")],
    project: ProjectOption = None,
) -> None:
    """Point an alias at a version."""
    from voxloop.store import open_project

    with open_project(project) as opened:
        version = opened.alias(reference, alias)
    console().print(f"{version.name}:{alias} is now {version.ref}.")


def unalias(
    reference: Annotated[str, typer.Argument(help="The alias to take away, as name:alias.")],
    project: ProjectOption = None,
) -> None:
    """Take an alias away. The version that it points at stays."""
    from voxloop.errors import VoxloopError
    from voxloop.store import open_project
    from voxloop.store.artifacts import aliases

    name, _, alias = reference.partition(":")
    if not alias:
        raise VoxloopError(f'"{reference}" names no alias; write it as name:alias, such as spleen-ct:production.')
    with open_project(project) as opened, opened.writing() as connection:
        aliases.remove(connection, name, alias)
    console().print(f"{reference} is gone; the version that it pointed at stays.")


def delete(
    reference: Reference,
    force: Annotated[
        bool, typer.Option("--force", help="Though an alias points at it, or a running run uses it.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    project: ProjectOption = None,
) -> None:
    """Delete one version. Its files go with the next gc, unless something else needs them."""
    from voxloop.store import open_project
    from voxloop.store.artifacts import retention

    with open_project(project) as opened:
        version = opened.artifact(reference)
        if not yes:
            typer.confirm(f"Delete {version.ref} ({version.bytes / 1e6:.1f} MB) for good?", abort=True)
        with opened.writing() as connection:
            retention.delete(connection, version, force)
    console().print(f'Deleted {version.ref}; "voxloop models gc" frees its space.')
