"""`voxloop models prune`, `gc` and `verify`: what keeps a project small and sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from voxloop.cli.console import Bar, console, print_json
from voxloop.cli.options import JsonOption, ProjectOption

if TYPE_CHECKING:
    from voxloop.store import Project
    from voxloop.store.artifacts.retention import Collected

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def prune(
    keep: Annotated[
        list[str] | None,
        typer.Option(help="best, latest, aliased or used; may be given several times. By default all four."),
    ] = None,
    last: Annotated[int, typer.Option(help="Keep the newest so many of each name, too.", min=0)] = 0,
    name: Annotated[str, typer.Option(help="Only artifacts of this name; * and ? stand for anything.")] = "*",
    kind: Annotated[str | None, typer.Option(help="Only artifacts of this kind, such as model.")] = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove the versions that no rule keeps, and free their space.

    A version with the alias "protected" stays, and so does one that a running run uses.

    Example: voxloop models prune --keep best --last 3 --name "spleen-*"
    """
    from voxloop.store import open_project
    from voxloop.store.artifacts import retention

    rules = tuple(keep) if keep else tuple(retention.RULES)
    out = console(as_json)
    with open_project(project) as opened:
        with opened.reading() as connection:
            plan = retention.prune(connection, opened.blobs, rules, last, name, kind, dry_run=True)
        out.print(f"{_what(plan.removed)} of {len(plan.removed) + plan.kept} go, which frees {_size(plan.bytes)}.")
        for version in plan.removed:
            out.print(f"  {version.ref:<40} {_size(version.bytes):>10}")
        doing = bool(plan.removed) and not dry_run
        if doing and not yes:
            typer.confirm("Delete them for good?", abort=True, err=True)
        collected = None
        if doing:
            with opened.writing() as connection:
                plan = retention.prune(connection, opened.blobs, rules, last, name, kind)
            collected = _collect(opened, bar=Bar(out, "Deleting"))
            out.print(_said(collected, done=True))
    if as_json:
        freed = collected.bytes if collected else 0
        refs = [version.ref for version in plan.removed]
        print_json({"removed": refs, "kept": plan.kept, "bytes": plan.bytes, "freed": freed, "dry_run": dry_run})


def gc(
    dry_run: DryRunOption = False, yes: YesOption = False, project: ProjectOption = None, as_json: JsonOption = False
) -> None:
    """Free the space of files that nothing refers to any more. Safe while runs are being written.

    What was stored within the last hour stays: its run may be about to refer to it.
    """
    from dataclasses import asdict

    from voxloop.store import open_project

    out = console(as_json)
    with open_project(project) as opened:
        found = _collect(opened, dry_run=True)
        doing = not dry_run and bool(found.blobs or found.partials or found.folders or found.pictures)
        if dry_run or not doing or not yes:
            out.print(_said(found, done=False))
        if doing and not yes:
            typer.confirm("Delete them for good?", abort=True, err=True)
        if doing:
            found = _collect(opened, bar=Bar(out, "Deleting"))
            out.print(_said(found, done=True))
    if as_json:
        print_json({**asdict(found), "dry_run": dry_run})


def verify(
    reference: Annotated[
        str | None, typer.Argument(help="name:v3, name:alias, or a name; by default every version.")
    ] = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read every file of artifact versions, and say which are missing or damaged. Exit code 1 if one is."""
    from voxloop.store import open_project
    from voxloop.store.artifacts import versions as artifacts

    out = console(as_json)
    with open_project(project) as opened:
        versions = [opened.artifact(reference)] if reference else opened.artifacts()
        bar = Bar(out, "Reading")
        wrong = {}
        for number, version in enumerate(versions, 1):
            files = artifacts.unsound(version, opened.blobs)
            if files:
                wrong[version.ref] = files
            bar(number, len(versions), version.ref)
    if as_json:
        print_json({"versions": len(versions), "unsound": wrong})
    for ref, files in wrong.items():
        for path, reason in files.items():
            out.print(f"{ref}: {path} is {reason}.", markup=False)
    if wrong:
        raise typer.Exit(1)
    out.print(f"{_what(versions)} sound.")


def _collect(project: Project, dry_run: bool = False, bar: Bar | None = None) -> Collected:
    from voxloop.store.artifacts import retention

    progress = bar or (lambda done, total, what: None)
    return retention.collect(
        project.root, project.reading, project.writing, project.blobs, dry_run=dry_run, progress=progress
    )


def _said(found: Collected, done: bool) -> str:
    freed = "freed" if done else "to free"
    rest = [f"{found.blobs} files that nothing refers to ({_size(found.bytes)}) {freed}"]
    if found.partials or found.folders:
        rest.append(f"{found.partials} half-written files and {found.folders} unpacked versions {freed}")
    if found.pictures:
        rest.append(f"{found.pictures} pictures of what is gone {freed}")
    if found.waiting:
        rest.append(f"{found.waiting} wait until they are an hour old")
    return "; ".join(rest) + "."


def _what(versions: object) -> str:
    count = len(versions)  # type: ignore[arg-type]
    return f"{count} version{'' if count == 1 else 's'}"


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
