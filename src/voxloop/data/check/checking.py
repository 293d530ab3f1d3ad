"""The check itself: list, look, judge, report."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from voxloop.data.check import crowd, labelling, positions, tumours, values
from voxloop.data.check.case import Case
from voxloop.data.check.engine import look_at_all
from voxloop.data.check.facts import Facts
from voxloop.data.check.finding import ranked
from voxloop.data.check.fingerprint import fingerprint
from voxloop.data.check.kept import Kept, folder_for
from voxloop.data.check.listing import Listing, read_listing
from voxloop.data.check.positions import Patch
from voxloop.data.check.report import Report

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """`patch` is what a recipe needs; `cache` where facts are kept (by default in the dataset); `workers` how many processes."""

    patch: Patch | None = None
    cache: Path | None = None
    workers: int | None = None


def check(folder: Path, options: Options | None = None, progress: Progress | None = None) -> Report:
    """Looks at every case of a dataset once and says what is wrong.

    >>> report = check(Path("Task09_Spleen"))                                                          # doctest: +SKIP
    >>> [finding.what for finding in report.findings if finding.severity == "error"]                   # doctest: +SKIP
    """
    began = time.monotonic()
    chosen = options or Options()
    listing = read_listing(folder)
    facts = _look(listing, chosen, progress)
    cases = [Case(entry, one, listing) for entry, one in zip(listing.entries, facts, strict=True)]
    for case in cases:
        positions.judge(case, chosen.patch)
        values.judge(case)
        labelling.judge(case)
    findings = [*listing.findings, *crowd.judge(listing, cases), *labelling.absent(listing, cases)]
    findings += tumours.judge(listing, cases)
    labelling.outliers(cases)
    findings += [finding for case in cases for finding in case.findings]
    return Report(
        folder,
        tuple(case.id for case in cases),
        tuple(ranked(findings)),
        fingerprint(listing, cases),
        time.monotonic() - began,
    )


def _look(listing: Listing, options: Options, progress: Progress | None) -> list[Facts]:
    """The facts of all cases, those that are kept from before without a look."""
    kept = Kept(folder_for(listing.root, options.cache))
    known = {
        number: facts
        for number, entry in enumerate(listing.entries)
        if (facts := kept.facts(listing.root, entry)) is not None
    }
    numbers = {entry: number for number, entry in enumerate(listing.entries)}
    total = len(numbers)
    try:
        left = [entry for entry, number in numbers.items() if number not in known]
        if progress is not None and left:
            progress(len(known), total, "")
        for entry, facts in look_at_all(listing.root, left, options.workers):
            kept.keep(listing.root, entry, facts)
            known[numbers[entry]] = facts
            if progress is not None:
                progress(len(known), total, entry.case)
    finally:
        kept.close()
    return [known[number] for number in range(total)]
