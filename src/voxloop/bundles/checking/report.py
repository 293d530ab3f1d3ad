"""What a check of a bundle answers with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxloop.bundles.checking.catalogue import SEVERITIES
from voxloop.bundles.checking.finding import Finding


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A part of the explanation: a heading and plain sentences."""

    heading: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """`configs` are the merged configs that were looked at, `findings` the worst first, `story` the bundle in plain words."""

    bundle: Path
    configs: tuple[str, ...]
    findings: tuple[Finding, ...]
    story: Sequence[Paragraph]
    seconds: float

    def count(self, severity: str) -> int:
        return sum(finding.severity == severity for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        return {
            "voxloop": "bundle check",
            "version": 1,
            "bundle": str(self.bundle),
            "configs": list(self.configs),
            "counts": {severity: self.count(severity) for severity in SEVERITIES},
            "kinds": dict(Counter(finding.kind for finding in self.findings)),
            "findings": [finding.as_dict() for finding in self.findings],
            "story": [{"heading": one.heading, "lines": list(one.lines)} for one in self.story],
            "seconds": round(self.seconds, 3),
        }
