"""What a class is, in codes that other systems know: SNOMED CT, out of the tables that DICOM has for segments.

A class is found by the words of its name, in any order: "kidney_left" is the code for kidney with that for left. A name that
is in no table says "tissue", as 3D Slicer does; its own words stay in the segment's label. Nothing is guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

Code = Any
Words = frozenset[str]

# Tables of the standard (DICOM PS3.16), and the category that each is of.
FINDINGS = ("cid7194", "MorphologicallyAbnormalStructure")
TABLES = (
    ("cid7192", "AnatomicalStructure"),
    ("cid7191", "Tissue"),
    FINDINGS,
    ("cid7197", "BodySubstance"),
)
SIDES = {"left": "Left", "right": "Right"}
IDLE = {"of", "the", "and", "structure", "whole", "gd"}
# SNOMED's own words for what classes are often called; its spelling is American.
SPOKEN = (
    (r"\b[ao]e", "e"),
    (r"\bhae", "he"),
    (r"\bgall bladder\b", "gallbladder"),
    (r"\burinary bladder\b", "bladder"),
    (r"\bvertebrae\b", "vertebra"),
    (r"\btumou?rs?\b|\bcancers?\b", "neoplasm"),
    (r"\bmetastas[ei]s\b", "neoplasm secondary"),
    (r"\bnonenhancing\b", "non enhancing"),
    (r"\benhancing neoplasm\b", "enhancing lesion"),
)


@dataclass(frozen=True, slots=True)
class Coded:
    """The category and the type of a segment; its side, and for a finding the organ that it lies in, where a name says so."""

    category: Code
    type: Code
    side: Code | None = None
    organ: Code | None = None


def coded(name: str) -> Coded:
    """The codes for a class of this name.

    >>> coded("liver tumour").type.meaning, coded("liver tumour").organ.meaning
    ('Neoplasm', 'Liver')
    """
    from pydicom.sr.codedict import codes

    words = _words(name)
    if found := _found(words):
        return Coded(*found)
    sides = [code for word, code in SIDES.items() if word in words]
    side = getattr(codes.SCT, sides[0]) if len(sides) == 1 else None
    if side is not None and (found := _found(words - set(SIDES))):
        return Coded(*found, side)
    anatomy = _table(TABLES[0][0])
    for key, finding in _table(FINDINGS[0]).items():
        organ = anatomy.get(words - key - set(SIDES)) if key < words else None
        if organ is not None:
            return Coded(_category(FINDINGS[1]), finding, side, organ)
    return Coded(_category("Tissue"), codes.cid7191.Tissue)


def _found(words: Words) -> tuple[Code, Code] | None:
    return next(((_category(category), _table(cid)[words]) for cid, category in TABLES if words in _table(cid)), None)


def _category(name: str) -> Code:
    from pydicom.sr.codedict import codes

    return getattr(codes.cid7150, name)


@cache
def _table(cid: str) -> dict[Words, Code]:
    """The concepts of a table by the words of their names; what two of them share is left out."""
    from pydicom.sr.codedict import codes

    found: dict[Words, Code] = {}
    twice = set()
    for concept in getattr(codes, cid).concepts.values():
        words = _words(concept.meaning)
        if found.setdefault(words, concept) is not concept:
            twice.add(words)
    return {words: concept for words, concept in found.items() if words and words not in twice}


def _words(name: str) -> Words:
    low = re.sub(r"[^a-z0-9]+", " ", name.casefold())
    for pattern, word in SPOKEN:
        low = re.sub(pattern, word, low)
    # Both sides of a comparison lose their plural, so that what is left of "pancreas" does no harm.
    return frozenset(word.removesuffix("s") for word in low.split() if word not in IDLE)
