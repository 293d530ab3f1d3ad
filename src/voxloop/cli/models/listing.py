"""`voxloop models`, `show`, `lineage`: what versions there are, what they hold and where they come from."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voxloop.cli.console import console, print_json
from voxloop.cli.options import JsonOption, ProjectOption

if TYPE_CHECKING:
    from voxloop.store import ArtifactVersion

Reference = Annotated[str, typer.Argument(help="name:v3, name:alias, or a name for its newest version.")]


def models(context: typer.Context, project: ProjectOption = None, as_json: JsonOption = False) -> None:
    """List every artifact version of a project."""
    if context.invoked_subcommand is not None:
        return
    from rich.table import Table

    from voxloop.store import open_project

    with open_project(project) as opened:
        versions = opened.artifacts()
    if as_json:
        print_json([_row(version) for version in versions])
        return
    table = Table(title=f"{len(versions)} artifact versions")
    for column in ("version", "kind", "aliases", "size", "made by run", "created"):
        table.add_column(column)
    for version in versions:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(version.created))
        table.add_row(
            version.ref,
            version.kind,
            ", ".join(version.aliases),
            f"{version.bytes / 1e6:.1f} MB",
            version.run_id or "",
            when,
        )
    console().print(table)


def show(reference: Reference, project: ProjectOption = None, as_json: JsonOption = False) -> None:
    """Show one version: its files and what is known of it."""
    from voxloop.store import open_project

    with open_project(project) as opened:
        version = opened.artifact(reference)
    if as_json:
        print_json({**_row(version), "files": version.files})
        return
    out = console()
    out.print(f"[bold]{version.ref}[/bold]  {version.kind}  {', '.join(version.aliases)}")
    for key, value in version.metadata.items():
        out.print(f"  {key}: {value}")
    for path, file in version.files.items():
        out.print(f"  {path:<40} {file['bytes']:>12,} bytes")


def lineage(
    reference: Reference,
    depth: Annotated[
        int | None, typer.Option(help="Steps each way, from a version to a run or back; by default all.", min=1)
    ] = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a version came from and what came of it: the runs that made and used it, and so on."""
    from dataclasses import asdict

    from voxloop.store import open_project
    from voxloop.store.artifacts import lineage

    with open_project(project) as opened:
        version = opened.artifact(reference)
        with opened.reading() as connection:
            found = lineage.of_version(connection, version, depth)
        said: dict[str, Any] = {
            "version": version.ref,
            "made_by": version.run_id,
            "from": [one.ref for one in opened.used(version.run_id)] if version.run_id else [],
            "used_by": opened.users(version),
            **asdict(found),
        }
    if as_json:
        print_json(said)
        return
    names = {
        node.id: (f"run {node.name} ({node.id})" if node.what == "run" and node.name != node.id else node.id)
        + (" (deleted)" if node.gone else "")
        for node in found.nodes
    }
    out = console()
    out.print(f"[bold]{version.ref}[/bold]" + ("" if found.edges else ": no run that is tracked made or used it"))
    for edge in found.edges:
        how = "made" if edge.how == "made" else "was used by"
        out.print(f"  {names[edge.source]} {how} {names[edge.target]}")


def _row(version: ArtifactVersion) -> dict[str, Any]:
    return {
        "ref": version.ref,
        "kind": version.kind,
        "aliases": list(version.aliases),
        "bytes": version.bytes,
        "run": version.run_id,
        "created": version.created,
        "metadata": version.metadata,
    }
