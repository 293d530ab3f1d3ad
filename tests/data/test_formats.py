"""What holds for every format: whatever bytes are changed, a file opens or is refused in a sentence; a real scan keeps its voxels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.test_formats_writing import filled, placed
from voxloop.data.formats.reference import write_reference
from voxloop.data.formats.writing import write_volume
from voxloop.data.scans import ENDINGS, open_labels, open_scan
from voxloop.errors import VoxloopError

DATA = Path(__file__).parents[3] / "shared" / "data"
WORDS = [
    b"-1",
    b"0",
    b"nan",
    b"1e400",
    b"9" * 20,
    b"\0",
    b"\xff",
    b"none",
    b":",
    b"=",
    b"(",
    b"LIST",
    b"%d",
    b"\n",
    b"..",
]
WORDS += [
    b"\xff\xff\xff\xff",
    b"\0\0\x80\x7f",
    b"\0\0\xc0\x7f",
    b"\xff\xff\x7f\x7f",
    b"\0\0\0\x80",
    b"null",
    b"{}",
    b"[]",
]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A sound file of each format, by its ending."""
    folder = tmp_path_factory.mktemp("sound")
    for ending in (".nii.gz", ".nii", ".nrrd", ".mha"):
        write_volume(folder / f"a{ending}", filled((7, 11, 13)), placed(degrees=8))
    extended = nib.Nifti2Image(filled((7, 11, 13)), placed().affine)
    for code in ("comment", "dicom"):
        extended.header.extensions.append(nib.nifti1.Nifti1Extension(code, b"a text " * 9))
    nib.save(extended, folder / "a.2.nii")
    write_reference(folder / "a.volume.json", [folder / "a.nrrd", folder / "a.mha"])
    image = SimpleITK.ReadImage(str(folder / "a.nrrd"))
    for ending in (".nhdr", ".mhd"):
        SimpleITK.WriteImage(image, str(folder / f"a{ending}"))
    content = json.loads((folder / "a.volume.json").read_text())
    content["channels"] = [{"file": str(folder / source["file"])} for source in content["channels"]]
    files = {path.name[1:]: path.read_bytes() for path in folder.iterdir()}
    files[".volume.json"] = json.dumps(content).encode()
    return {ending: bytes_ for ending, bytes_ in files.items() if ending.endswith(ENDINGS)}


changes = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.sampled_from([0, 1, 4, 20]),
        st.one_of(st.sampled_from(WORDS), st.binary(max_size=4)),
    ),
    min_size=1,
    max_size=4,
)


@settings(deadline=None, max_examples=300)
@given(
    ending=st.sampled_from([".nii.gz", ".nii", ".2.nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".volume.json"]),
    changes=changes,
)
def test_whatever_is_changed_a_file_opens_or_is_refused_in_a_sentence(
    sound: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
    ending: str,
    changes: list[tuple[float, int, bytes]],
) -> None:
    content = bytearray(sound[ending])
    for where, length, word in changes:
        # The header is what can be lied about.
        at = int(where * min(len(content), 700))
        content[at : at + length] = word
    path = tmp_path_factory.getbasetemp() / f"changed{ending}"
    path.write_bytes(content)
    assert "\n" not in _refusal(path)


def _refusal(path: Path) -> str:
    try:
        scan = open_scan(path)
        assert scan.array().shape[:3] == scan.geometry.shape
    except VoxloopError as error:
        return str(error)
    return ""


def test_a_label_is_one_value_a_voxel(tmp_path: Path) -> None:
    write_volume(tmp_path / "layers.seg.nrrd", filled((7, 11, 13, 2), "u1"), placed())
    with pytest.raises(VoxloopError, match=r"layers\.seg\.nrrd has 2 channels, and a label is one value a voxel"):
        open_labels(tmp_path / "layers.seg.nrrd", like=placed())


@pytest.mark.skipif(not DATA.is_dir(), reason="the folder of real scans is not beside this repository")
@pytest.mark.parametrize(
    "name", ["totalseg/example_ct_sm.nii.gz", "totalseg/example_seg.nii.gz", "tcga-du-7294/TCGA-DU-7294_t1_bet.nii.gz"]
)
def test_a_real_scan_goes_through_every_format(tmp_path: Path, name: str) -> None:
    real = open_scan(DATA / name)
    voxels: Any = real.array()
    assert np.array_equal(voxels, np.asanyarray(nib.load(DATA / name).dataobj))
    for ending in (".nii.gz", ".nrrd", ".mha"):
        write_volume(tmp_path / f"a{ending}", voxels, real.geometry)
        again = open_scan(tmp_path / f"a{ending}")
        assert np.array_equal(again.array(), voxels)
        assert again.geometry.same_as(real.geometry, tolerance_mm=1e-4)
        image = SimpleITK.ReadImage(str(tmp_path / f"a{ending}"))
        assert np.array_equal(SimpleITK.GetArrayFromImage(image).transpose(2, 1, 0), voxels)
