"""What a person says of runs after the fact: tags, notes, names, what is out of the way and what is gone."""

from __future__ import annotations

from typing import Annotated

import typer

from voxloop.cli.console import console
from voxloop.cli.options import ProjectOption, RunArgument

Runs = Annotated[list[str], typer.Argument(help="Ids, beginnings of ids, or names.", show_default=False)]


def tag(
    run: RunArgument,
    tags: Annotated[
        list[str], typer.Argument(help="What to add; with --remove, what to take away.", show_default=False)
    ],
    remove: Annotated[bool, typer.Option("--remove", help="Take the tags away.")] = False,
    project: ProjectOption = None,
) -> None:
    """Give a run tags, or take them away."""
    from voxloop.store import open_project

    with open_project(project) as opened:
        known = opened.run(run).tags
        wanted = [one for one in known if one not in tags] if remove else list(dict.fromkeys([*known, *tags]))
        record = opened.edit(run, tags=wanted)
    console().print(f"{record.name}: {', '.join(record.tags) or 'no tags'}.")


def note(
    run: RunArgument,
    text: Annotated[str, typer.Argument(help="The new notes; an empty text takes them away.", show_default=False)],
    project: ProjectOption = None,
) -> None:
    """Write a run's notes."""
    from voxloop.store import open_project

    with open_project(project) as opened:
        record = opened.edit(run, notes=text)
    console().print(f"{record.name}: {record.notes or 'no notes'}")


def rename(
    run: RunArgument,
    name: Annotated[str, typer.Argument(help="The new name.", show_default=False)],
    project: ProjectOption = None,
) -> None:
    """Give a run another name; its id stays."""
    from voxloop.store import open_project

    with open_project(project) as opened:
        before = opened.run(run)
        record = opened.edit(before.id, name=name)
    console().print(f"{before.name} is now {record.name} ({record.id}).")


def archive(runs: Runs, project: ProjectOption = None) -> None:
    """Take runs out of the way: no list shows them, unless its query asks about run.archived."""
    _archived(runs, True, project)


def restore(runs: Runs, project: ProjectOption = None) -> None:
    """Bring runs back from the archive."""
    _archived(runs, False, project)


def _archived(runs: list[str], archived: bool, project: ProjectOption) -> None:
    from voxloop.store import open_project

    with open_project(project) as opened:
        names = [opened.run(reference).name for reference in runs]
        opened.edit_runs({reference: {"archived": archived} for reference in runs})
    console().print(f"{', '.join(names)}: {'in the archive' if archived else 'back from the archive'}.")


def delete(
    runs: Runs,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    project: ProjectOption = None,
) -> None:
    """Delete runs with their series, media and output. Their artifacts stay; `voxloop models gc` frees the space."""
    from voxloop.store import open_project

    with open_project(project) as opened:
        records = [opened.run(reference) for reference in runs]
        told = ", ".join(f"{record.name} ({record.id})" for record in records)
        if not yes:
            typer.confirm(f"Delete {told} for good?", abort=True)
        opened.delete_runs(record.id for record in records)
    console().print(f"Deleted {told}.")
