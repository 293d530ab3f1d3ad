"""`voxloop bundle check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voxloop.cli.console import console, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from voxloop.bundles.checking import Report

STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}
# The paragraph on the bundle as a whole; the rest is told with --explain.
SHORT = 1


def check(
    bundle: Annotated[str, typer.Argument(help="The folder of a bundle, or a recipe's name.", show_default=False)],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...", help="Settings in MONAI's syntax, checked as if they were set: dataset_dir=D"
        ),
    ] = None,
    config: Annotated[
        list[str] | None,
        typer.Option(
            "--config",
            "-c",
            help="A config of the bundle; several are merged in order. By default every config, with its overlays.",
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="A dataset: are its classes, label values, channels and modality the bundle's?")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say in plain words what the bundle does, and why each finding matters.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings as well.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")] = False,
) -> None:
    """Say what a bundle does and what is wrong with it, before it runs and without running any of it.

    Its configs are read as data and its scripts are parsed, so that a person can decide whether to trust it. Exit code 1
    means that there is an error.

    Example: voxloop bundle check spleen_ct_segmentation --data Task09_Spleen --explain
    """
    from voxloop.bundles import checking, finding
    from voxloop.bundles.trust import Program

    root = finding.find(bundle)
    configs = finding.config_files(root, config) if config else ()
    report = checking.check(root, configs, data, arguments or [])
    code = Program.of(root, configs).reading
    if as_json:
        print_json({**report.as_dict(), "code": code.as_dict()})
    else:
        _tell(console(), report, explain)
        if explain:
            console().print(f"\nAs a program: {code.sentences}", markup=False)
    if report.count("error") or (strict and report.count("warning")):
        raise typer.Exit(1)


def _tell(words: Console, report: Report, explain: bool) -> None:
    from voxloop.bundles.checking import KINDS

    for paragraph in report.story if explain else report.story[:SHORT]:
        words.print(paragraph.heading, style="bold", markup=False)
        for line in paragraph.lines:
            words.print(f"  {line}", markup=False)
        words.print()
    counts = [f"{report.count(severity)} {severity}{'' if report.count(severity) == 1 else 's'}" for severity in STYLES]
    words.print(
        f"{report.bundle}: {len(report.configs)} configs looked at, nothing of it executed; {', '.join(counts)}.",
        markup=False,
    )
    told: set[str] = set()
    for finding in report.findings:
        words.print()
        words.print(
            f"{finding.severity} in {finding.config} [{finding.kind}]", style=STYLES[finding.severity], markup=False
        )
        words.print(f"  {finding.sentence}", markup=False)
        if explain and finding.kind not in told:
            words.print(f"  {KINDS[finding.kind].why}", style="dim", markup=False)
        told.add(finding.kind)
    if not report.findings:
        words.print("Nothing is wrong with it, as far as can be seen without running it.", markup=False)
