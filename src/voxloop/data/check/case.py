"""A case as it is judged: its entry in the list, the facts, and what was already found, so that one fault is told once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from voxloop.data.check.facts import Channel, Class, Facts
from voxloop.data.check.finding import Finding, Where, found
from voxloop.data.check.listing import Entry, Listing

CT = re.compile(r"\bct\b|\bcbct\b|\bcta\b|comput\w* tomograph|hounsfield", re.IGNORECASE)
MRI = re.compile(r"\bmri?\b|flair|\bt1|\bt2|\badc\b|\bdwi\b|\bpd\b|\bswi\b|diffusion", re.IGNORECASE)
MISPLACED = {
    "label_shape",
    "label_spacing",
    "label_shifted",
    "label_flipped",
    "label_permuted",
    "label_rotated",
    "label_reoriented",
}
# Where millimetres cannot be believed, neither can millilitres.
NO_SIZE = {"spacing", "units", "lost_header", "no_affine", "label_spacing", "pixdim"}
NO_LABEL = {"label_fractions", "label_negative", "label_too_large", "label_value"}


@dataclass(slots=True)
class Case:
    """What is being judged; `findings` grows while it is."""

    entry: Entry
    facts: Facts
    listing: Listing
    findings: list[Finding] = field(default_factory=list)

    def say(
        self,
        kind: str,
        what: str,
        file: str | None = None,
        where: Where | None = None,
        fixable: bool | None = None,
        **numbers: Any,
    ) -> None:
        case = self.entry.case
        self.findings.append(found(kind, what, case, file, where, fixable, **numbers))

    def has(self, kinds: set[str]) -> bool:
        return any(finding.kind in kinds for finding in self.findings)

    @property
    def id(self) -> str:
        return self.entry.case

    @property
    def is_ct(self) -> bool:
        return any(CT.search(name) for name in self.listing.modality.values())

    @property
    def is_mri(self) -> bool:
        return any(MRI.search(name) for name in self.listing.modality.values())

    @property
    def placed(self) -> bool:
        """Whether voxels of the label are voxels of the scan."""
        return self.facts.image is not None and self.facts.label is not None and not self.has(MISPLACED)

    @property
    def labelled(self) -> bool:
        """Whether the label can be read and holds classes, or rightly none."""
        return self.facts.label is not None and self.facts.label.error is None and not self.has(NO_LABEL)

    @property
    def sound_channels(self) -> tuple[Channel, ...]:
        return tuple(channel for channel in self.facts.channels if channel.all is not None)

    def name_of(self, one: Class | int) -> str:
        value = one if isinstance(one, int) else one.value
        return self.listing.labels.get(value) or f"label {value}"

    def ml(self, one: Class) -> float | None:
        """The volume of a class, where the header that gives it can be believed."""
        grid = self.facts.label
        if grid is None or not grid.affine or self.has(NO_SIZE):
            return None
        return one.voxels * grid.geometry.voxel_ml


def words_of(number: float) -> str:
    """A number as a person writes it: 0.031, 12.5, 1340."""
    return f"{number:.0f}" if abs(number) >= 100 else f"{number:.3g}"
