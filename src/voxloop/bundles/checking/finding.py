"""A finding: one mistake in a bundle, told in one sentence that names the key, the value, the reason and the next step."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from voxloop.bundles.checking.catalogue import KINDS, SEVERITIES, Severity

LONGEST = 80
# What is the same whichever config it is found in.
ONCE = ("tensorboard_missing",)


@dataclass(frozen=True, slots=True)
class Finding:
    """`config` names the files that were merged, or the one file that it is about; `key` is in MONAI's syntax, as `train#trainer`."""

    kind: str
    severity: Severity
    config: str
    key: str | None
    sentence: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def found(
    kind: str, sentence: str, config: str = "", key: str | None = None, severity: Severity | None = None
) -> Finding:
    """A finding of a kind of the catalogue, which gives its severity where the place does not make it milder."""
    shown = None if key is None else shown_key(key)
    return Finding(kind, severity or KINDS[kind].severity, config, shown, sentence)


def ranked(findings: Sequence[Finding]) -> list[Finding]:
    """Worst first, then in the order of the catalogue; what two merged configs share is said once, of the first."""
    order = {kind: number for number, kind in enumerate(KINDS)}
    once: dict[tuple[str, str | None, str], Finding] = {}
    for finding in findings:
        same = (finding.kind, *(("", "") if finding.kind in ONCE else (finding.key, finding.sentence)))
        known = once.setdefault(same, finding)
        if SEVERITIES.index(finding.severity) < SEVERITIES.index(known.severity):
            once[same] = replace(finding, config=known.config)
    return sorted(once.values(), key=lambda one: (SEVERITIES.index(one.severity), order[one.kind]))


def shown_key(key: str) -> str:
    """`train::trainer` as people write it: `train#trainer`."""
    return key.replace("::", "#")


def setting(key: str, value: Any) -> str:
    """`train#trainer#max_epochs=5`, shortened where the value is long."""
    text = json.dumps(value, ensure_ascii=False, default=str).replace("::", "#")
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return f"{shown_key(key)}={text if len(text) <= LONGEST else text[: LONGEST - 1] + '…'}"


def nearest(word: str, known: Sequence[str], cutoff: float = 0.6) -> str:
    """`did you mean "epochs"?`, or nothing to suggest."""
    import difflib

    near = difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return f'did you mean "{shown_key(near[0])}"?' if near else ""
