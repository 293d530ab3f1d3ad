"""A finding: one thing that is wrong, or worth knowing, about one case or the whole dataset."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from voxloop.data.check.catalogue import KINDS, SEVERITIES, Severity

Where = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` is one sentence with the numbers, `fix` one that says how to mend it; `where` is a voxel (i, j, k) to look at.

    `case` is None where it is about the dataset; `file` is relative to the dataset's folder. `fixable` says whether `--fix`
    mends it.
    """

    kind: str
    severity: Severity
    case: str | None
    file: str | None
    what: str
    fix: str
    fixable: bool
    where: Where | None = None
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def found(
    kind: str,
    what: str,
    case: str | None = None,
    file: str | None = None,
    where: Where | None = None,
    fixable: bool | None = None,
    **numbers: Any,
) -> Finding:
    """A finding of a kind of the catalogue, which gives its severity and its fix."""
    known = KINDS[kind]
    can = known.fixable if fixable is None else fixable
    return Finding(kind, known.severity, case, file, what, known.mend, can, where, numbers)


def ranked(findings: list[Finding]) -> list[Finding]:
    """Worst first, then in the order of the catalogue, then by case."""
    order = {kind: number for number, kind in enumerate(KINDS)}

    def rank(finding: Finding) -> tuple[int, int, list[tuple[int, str]], str]:
        # spleen_2 comes before spleen_10.
        parts = re.split(r"(\d+)", finding.case or "")
        natural = [(int(part), "") if part.isdecimal() else (0, part) for part in parts]
        return (SEVERITIES.index(finding.severity), order[finding.kind], natural, finding.file or "")

    return sorted(findings, key=rank)
