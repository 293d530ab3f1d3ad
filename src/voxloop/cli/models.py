"""`voxloop models`: what runs made, by name and version."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voxloop.cli.console import console, print_json
from voxloop.cli.options import JsonOption, ProjectOption

if TYPE_CHECKING:
    from voxloop.store import ArtifactVersion

app = typer.Typer(help="List artifacts, their aliases, lineage and files.", invoke_without_command=True)
Reference = Annotated[str, typer.Argument(help="name:v3, name:alias, or a name for its newest version.")]


@app.callback()
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


@app.command()
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


@app.command()
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


@app.command()
def lineage(reference: Reference, project: ProjectOption = None, as_json: JsonOption = False) -> None:
    """Show which run made a version, what that run used, and which runs used the version."""
    from voxloop.store import open_project

    with open_project(project) as opened:
        version = opened.artifact(reference)
        said: dict[str, Any] = {
            "version": version.ref,
            "made_by": version.run_id,
            "from": [one.ref for one in opened.used(version.run_id)] if version.run_id else [],
            "used_by": opened.users(version),
        }
    if as_json:
        print_json(said)
        return
    out = console()
    out.print(f"[bold]{version.ref}[/bold]")
    out.print(
        f"  made by run  {said['made_by'] or 'nobody that is tracked'}, from {', '.join(said['from']) or 'no artifact'}"
    )
    out.print(f"  used by runs {', '.join(said['used_by']) or 'none'}")


@app.command()
def export(
    reference: Reference,
    out: Annotated[Path, typer.Option("--out", "-o", help="A folder that is not there yet.")],
    project: ProjectOption = None,
) -> None:
    """Copy a version's files into a folder of your own: for a model, a complete MONAI bundle."""
    import shutil

    from voxloop.errors import VoxloopError
    from voxloop.store import open_project

    if out.exists():
        raise VoxloopError(f"{out} is already there; choose a new folder.")
    with open_project(project) as opened:
        version = opened.artifact(reference)
        # copyfile leaves the blobs' read-only mode behind: the copy is the user's.
        shutil.copytree(opened.materialise(version), out, copy_function=shutil.copyfile)
    console().print(f"{version.ref} is in {out}.")


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
