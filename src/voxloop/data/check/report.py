"""What a check answers with."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from voxloop.data.check.catalogue import SEVERITIES
from voxloop.data.check.finding import Finding


@dataclass(frozen=True, slots=True)
class Report:
    """`cases` are all that were looked at, `findings` the worst first, `fingerprint` the dataset in numbers."""

    dataset: Path
    cases: tuple[str, ...]
    findings: tuple[Finding, ...]
    fingerprint: dict[str, Any]
    seconds: float

    def count(self, severity: str) -> int:
        return sum(finding.severity == severity for finding in self.findings)

    def by_kind(self) -> dict[str, list[Finding]]:
        """Findings in groups, in the order of their rank."""
        groups: dict[str, list[Finding]] = {}
        for finding in self.findings:
            groups.setdefault(finding.kind, []).append(finding)
        return groups

    def as_dict(self) -> dict[str, Any]:
        kinds = Counter(finding.kind for finding in self.findings)
        report = {
            "voxloop": "check",
            "version": 1,
            "dataset": str(self.dataset),
            "cases": list(self.cases),
            "counts": {severity: self.count(severity) for severity in SEVERITIES},
            "kinds": dict(kinds),
            "findings": [finding.as_dict() for finding in self.findings],
            "fingerprint": self.fingerprint,
            "seconds": round(self.seconds, 3),
        }
        return {key: _plain(value) for key, value in report.items()}


def _plain(value: Any) -> Any:
    """As JSON knows it, which knows no infinity: a spread of huge numbers may have come to one."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
