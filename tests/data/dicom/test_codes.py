"""Classes are known to other systems by the words of their names; what is in no table is tissue, never a guess."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.sr.codedict import codes

from voxloop.data.dicom.codes import coded


@pytest.mark.parametrize(
    ("name", "category", "kind", "side", "organ"),
    [
        ("spleen", "Anatomical Structure", "78961009", None, None),
        ("Liver", "Anatomical Structure", "10200004", None, None),
        ("kidneys", "Anatomical Structure", "64033007", None, None),
        ("kidney_left", "Anatomical Structure", "64033007", "Left", None),
        ("Right kidney", "Anatomical Structure", "64033007", "Right", None),
        ("oesophagus", "Anatomical Structure", "32849002", None, None),
        ("urinary_bladder", "Anatomical Structure", "89837001", None, None),
        ("left atrium", "Anatomical Structure", "82471001", None, None),
        ("lung_upper_lobe_left", "Anatomical Structure", "45653009", "Left", None),
        ("vertebrae_L5", "Anatomical Structure", "49668003", None, None),
        ("tumour", "Morphologically Abnormal Structure", "108369006", None, None),
        ("Tumor", "Morphologically Abnormal Structure", "108369006", None, None),
        ("enhancing tumour", "Morphologically Abnormal Structure", "C113842", None, None),
        ("non-enhancing tumor", "Morphologically Abnormal Structure", "C81175", None, None),
        ("oedema", "Morphologically Abnormal Structure", "79654002", None, None),
        ("liver tumour", "Morphologically Abnormal Structure", "108369006", None, "Liver"),
        ("left kidney cyst", "Morphologically Abnormal Structure", "367643001", "Left", "Kidney"),
        ("muscle", "Tissue", "91727004", None, None),
    ],
)
def test_what_is_known_has_its_own_code(
    name: str, category: str, kind: str, side: str | None, organ: str | None
) -> None:
    made = coded(name)
    assert made.category.meaning == category
    assert made.type.value == kind
    assert (made.side.meaning if made.side else None) == side
    assert (made.organ.meaning if made.organ else None) == organ


@pytest.mark.parametrize(
    "name", ["bright", "liver and kidney", "left", "L", "spleen?kidney", "", "of the", "Milz", "tumour core"]
)
def test_what_is_not_known_is_tissue(name: str) -> None:
    made = coded(name)
    assert (made.category.meaning, made.type.value, made.side, made.organ) == ("Tissue", "85756007", None, None)


@given(st.text(max_size=30))
def test_any_name_has_codes(name: str) -> None:
    made = coded(name)
    assert made.category in codes.cid7150.concepts.values()
    assert made.type.value
