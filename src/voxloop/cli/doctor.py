"""`voxloop doctor`: is this machine set up, and is this project sound?"""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voxloop.cli.console import Bar, console, print_json
from voxloop.cli.options import JsonOption, ProjectOption

if TYPE_CHECKING:
    from voxloop.store.doctor.examination import Finding

GB = 1e9
COLOURS = {"error": "red", "warning": "yellow", "note": "dim"}


def doctor(
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what can be mended; what is damaged is set aside, never deleted.")
    ] = False,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Is this machine set up? Is this project folder sound? Exit code 1 if something is wrong.

    With --repair, what is damaged moves to .voxloop/set-aside; end other voxloop programs first.
    """
    from voxloop.store import doctor

    out = console(as_json)
    root = doctor.root_of(project)
    with out.status("Looking at the machine"):
        facts, found = _machine(root or Path.cwd())
    mended: list[Finding] = []
    failed: list[str] = []
    aside = None
    if root is not None:
        bar = Bar(out, "Reading blobs")
        if repair:
            said = doctor.repair(root, bar)
            mended, failed, aside = list(said.mended), list(said.failed), said.aside
            found += said.left
        else:
            found += doctor.examine(root, bar)
    wrong = any(one.severity != "note" for one in found)
    if as_json:
        print_json(
            {
                "machine": facts,
                "project": None if root is None else str(root),
                "findings": [_row(one) for one in found],
                "mended": [_row(one) for one in mended],
                "failed": failed,
                "set_aside": None if aside is None else str(aside),
                "sound": not wrong,
            }
        )
        raise typer.Exit(1 if wrong else 0)
    for name, fact in facts.items():
        out.print(f"  {name:<8} {fact}", markup=False)
    out.print(f"  {'project':<8} {root or 'none here'}", markup=False)
    for one in mended:
        out.print(f"[green]mended[/green]: {_escaped(one.sentence)}")
    for sentence in failed:
        out.print(f"[red]not mended[/red]: {_escaped(sentence)}")
    for one in found:
        way_out = " (--repair mends it)" if one.mendable and not repair else ""
        out.print(f"[{COLOURS[one.severity]}]{one.severity}[/]: {_escaped(one.sentence)}{way_out}")
    if aside is not None:
        out.print(f"What was damaged is in {aside}.", markup=False)
    if wrong:
        raise typer.Exit(1)
    out.print("All is well.")


def _machine(folder: Path) -> tuple[dict[str, str], list[Finding]]:
    """What this machine has, and what is missing for training on it."""
    # Takes as long to import as the rest of this module, and every command imports this module.
    from importlib import metadata

    from voxloop.store.doctor.examination import Finding

    found: list[Finding] = []

    def say(severity: str, sentence: str) -> None:
        found.append(Finding("machine", severity, sentence))

    facts = {"python": f"{platform.python_version()} on {platform.system()} {platform.machine()}"}
    try:
        import torch

        gpus = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
        facts["torch"] = f"{torch.__version__}, {', '.join(gpus) or 'no GPU'}"
        if not gpus:
            say(
                "note",
                "No GPU is found, so training takes place on the CPU; install a driver and a CUDA build of torch.",
            )
    except Exception as error:  # a library that is half there may fail in any way
        say("warning", f'torch cannot be imported ({_first(error)}); training needs it: pip install "voxloop[train]".')
    try:
        # Its version stands in its metadata; to import it takes seconds.
        facts["monai"] = metadata.version("monai")
    except metadata.PackageNotFoundError:
        say("warning", 'monai is not installed; training needs it: pip install "voxloop[train]".')
    free = shutil.disk_usage(folder).free
    facts["disk"] = f"{free / GB:.1f} GB free at {folder}"
    if free < 2 * GB:
        severity = "error" if free < 0.2 * GB else "warning"
        say(severity, f"Only {free / GB:.1f} GB are free at {folder}; free some space before training.")
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    facts["memory"] = f"{memory / GB:.1f} GB, {os.cpu_count()} cores"
    if memory < 4 * GB:
        say("warning", f"This machine has {memory / GB:.1f} GB of memory; 3D training wants 8 GB or more.")
    return facts, found


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]


def _row(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "severity": finding.severity,
        "sentence": finding.sentence,
        "mendable": finding.mendable,
    }


def _escaped(sentence: str) -> str:
    from rich.markup import escape

    return escape(sentence)
