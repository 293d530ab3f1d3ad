"""Patterns that say what a file's path means: `images/{patient}/{case}_ct.nii.gz`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from voxloop.data.scans import ENDINGS
from voxloop.errors import VoxloopError

TOKEN = re.compile(r"\{(\w*)\}|\*\*/|\*\*|\*|\?|[^{}*?]+|.")
# A channel is told from the case before it by the last underscore.
NAMED = {"case": "[^/]+?", "patient": "[^/]+?", "channel": "[^/_]+?"}
ANY_ENDING = "(?:" + "|".join(re.escape(ending) for ending in (".seg.nrrd", *ENDINGS)) + ")"


@dataclass(frozen=True, slots=True)
class Place:
    """What a path says by a pattern."""

    case: str
    patient: str | None
    channel: str

    @property
    def name(self) -> str:
        """The case's name; with the patient's, unless that is part of it."""
        return self.case if self.patient is None or self.patient in self.case else f"{self.patient}_{self.case}"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern; of two that fit a file, the one with more letters of its own says more about it."""

    text: str
    regex: re.Pattern[str]
    letters: int

    def place(self, path: str) -> Place | None:
        found = self.regex.fullmatch(path)
        if found is None:
            return None
        named = found.groupdict()
        return Place(named["case"], named.get("patient"), named.get("channel") or "")


def compiled(text: str, any_case: bool = False) -> Pattern:
    """A pattern with a part {case}, and perhaps {patient} and {channel}; `*` and `?` stand for what does not matter.

    Without an ending it fits files of every format.
    """
    parts: list[str] = []
    named: list[str] = []
    letters = 0
    text = text.removeprefix("./")
    for token in TOKEN.finditer(text):
        said = token[0]
        if token[1] is not None:
            if token[1] not in NAMED:
                raise VoxloopError(
                    f'"{text}" has a part {said}, which is not known; there are {{case}}, {{patient}} and {{channel}}.'
                )
            parts.append(f"(?P={token[1]})" if token[1] in named else f"(?P<{token[1]}>{NAMED[token[1]]})")
            named.append(token[1])
        elif said.startswith("*") or said == "?":
            parts.append({"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}[said])
        else:
            parts.append(re.escape(said))
            letters += len(said)
    if "case" not in named:
        raise VoxloopError(
            f'"{text}" does not say where a case\'s name stands; write it as {{case}}, such as images/{{case}}_ct.nii.gz.'
        )
    if not text.lower().endswith(ENDINGS):
        parts.append(ANY_ENDING)
    return Pattern(text, re.compile("".join(parts), re.IGNORECASE if any_case else re.NOFLAG), letters)
