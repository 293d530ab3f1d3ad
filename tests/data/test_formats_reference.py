"""A volume may be a text that names its channels' files. They lie on one grid, or it is refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data.test_formats_nifti import refused
from tests.data.test_formats_writing import filled, placed
from voxloop.data.decathlon import case_id
from voxloop.data.formats.reference import read_reference, write_reference
from voxloop.data.formats.writing import write_volume
from voxloop.data.geometry import Geometry
from voxloop.data.scans import open_scan
from voxloop.errors import VoxloopError


def reference(path: Path, *channels: Any, **changes: Any) -> Path:
    path.write_text(json.dumps({"voxloop": "volume", "version": 1, "channels": list(channels), **changes}))
    return path


def test_channels_of_any_format_are_stacked_on_the_last_axis(tmp_path: Path) -> None:
    files = [tmp_path / "t1.nii.gz", tmp_path / "t2.nrrd", tmp_path / "flair.mha", tmp_path / "pd.nii"]
    for number, file in enumerate(files):
        write_volume(file, filled((7, 11, 13), seed=number), placed(degrees=8))
    write_reference(tmp_path / "case_7.volume.json", files)
    scan = open_scan(tmp_path / "case_7.volume.json")
    assert case_id(scan.path) == "case_7"
    assert (scan.channels, scan.geometry.shape) == (4, (7, 11, 13))
    assert scan.dtype == np.int16
    assert scan.geometry.same_as(placed(degrees=8), tolerance_mm=1e-3)
    voxels = scan.array()
    assert voxels.dtype == np.int16
    for number in range(4):
        assert np.array_equal(voxels[..., number], filled((7, 11, 13), seed=number))


def test_one_channel_has_three_axes(tmp_path: Path) -> None:
    write_volume(tmp_path / "ct.nrrd", filled((7, 11, 13)), placed())
    write_reference(tmp_path / "a.volume.json", [tmp_path / "ct.nrrd"])
    scan = open_scan(tmp_path / "a.volume.json")
    assert scan.channels == 1
    assert np.array_equal(scan.array(), filled((7, 11, 13)))


def test_channels_of_different_types_become_one_that_holds_them_all(tmp_path: Path) -> None:
    dtypes = ("u1", "i2", "u2", "f4")
    files = [tmp_path / f"{dtype}.mha" for dtype in dtypes]
    for dtype, file in zip(dtypes, files, strict=True):
        write_volume(file, filled((7, 11, 13), dtype), placed())
    write_reference(tmp_path / "a.volume.json", files)
    scan = open_scan(tmp_path / "a.volume.json")
    assert scan.dtype == scan.array().dtype == np.result_type(*dtypes)
    for number, dtype in enumerate(dtypes):
        assert np.array_equal(scan.array()[..., number], filled((7, 11, 13), dtype))


def test_paths_are_the_references_own_or_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, outside = tmp_path / "set" / "raw" / "a.nrrd", tmp_path / "scans" / "b ü.nrrd"
    for file in (inside, outside):
        file.parent.mkdir(parents=True)
        write_volume(file, filled((7, 11, 13)), placed())
    monkeypatch.chdir(tmp_path / "scans")
    path = tmp_path / "set" / "a.volume.json"
    write_reference(path, [inside, Path("b ü.nrrd")])
    assert json.loads(path.read_text())["channels"] == [{"file": "raw/a.nrrd"}, {"file": str(outside)}]
    assert read_reference(path) == (inside, outside)
    (tmp_path / "set").rename(tmp_path / "moved")
    assert open_scan(tmp_path / "moved" / "a.volume.json").channels == 2
    series = [tmp_path / "moved" / "1.dcm", tmp_path / "scans" / "2.dcm"]
    write_reference(tmp_path / "moved" / "ct.volume.json", [series])
    assert read_reference(tmp_path / "moved" / "ct.volume.json") == (tuple(series),)
    assert not [entry for entry in (tmp_path / "moved").iterdir() if entry.name.startswith(".")]


def test_channels_that_do_not_lie_on_one_grid_are_refused(tmp_path: Path) -> None:
    here = placed()
    moved = Geometry(here.shape, here.affine + np.array([[0, 0, 0, 2.0], *[[0.0] * 4] * 3]))
    write_volume(tmp_path / "a.mha", filled((7, 11, 13)), here)
    write_volume(tmp_path / "b.mha", filled((7, 11, 13)), moved)
    write_volume(tmp_path / "c.mha", filled((7, 11, 12)), placed((7, 11, 12)))
    path = tmp_path / "case.volume.json"
    refused(
        reference(path, {"file": "a.mha"}, {"file": "b.mha"}), "case.volume.json: the channel 2 lies up to 2.0 mm away"
    )
    refused(
        reference(path, {"file": "a.mha"}, {"file": "c.mha"}),
        "the channel 2 has 7×11×12 voxels and the first channel 7×11×13",
    )


def test_a_source_is_one_channel_that_is_there_and_no_reference(tmp_path: Path) -> None:
    write_volume(tmp_path / "two.mha", filled((7, 11, 13, 2)), placed())
    (tmp_path / "bad.nrrd").write_bytes(b"NRRD0004\ntype: short\n\n")
    path = tmp_path / "a.volume.json"
    refused(reference(path, {"file": "two.mha"}), r"a\.volume\.json, channel 1: two\.mha has 2 channels of its own")
    refused(reference(path, {"file": "no.mha"}), "channel 1: No scan is at")
    refused(reference(path, {"file": "bad.nrrd"}), r"channel 1: bad\.nrrd has a broken header")
    refused(reference(path, {"file": "a.volume.json"}), r"a\.volume\.json is a reference itself")
    refused(reference(path, {"file": "."}), "is a folder")
    refused(reference(path, {"dicom": ["1.dcm", "2.dcm"]}), "2 of 2 slices are not there")


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("", "no valid JSON"),
        ("{", "no valid JSON"),
        ("[" * 100_000, "no valid JSON"),
        ("\xff", "no valid JSON"),
        ("[]", "no reference to a volume"),
        ('{"version": 1}', "no reference to a volume"),
        ('{"voxloop": "volume", "version": 2, "channels": []}', "of version 2, and 1 is known"),
        ('{"voxloop": "volume", "channels": []}', "of version None"),
        ('{"voxloop": "volume", "version": 1}', "lists no channels"),
        ('{"voxloop": "volume", "version": 1, "channels": []}', "lists no channels"),
        ('{"voxloop": "volume", "version": 1, "channels": {"file": "a"}}', "lists no channels"),
        ('{"voxloop": "volume", "version": 1, "channels": ["a.nii"]}', "channel 1: its source is neither"),
        ('{"voxloop": "volume", "version": 1, "channels": [{"file": 7}]}', "its source is neither"),
        ('{"voxloop": "volume", "version": 1, "channels": [{"file": ""}]}', "its source is neither"),
        ('{"voxloop": "volume", "version": 1, "channels": [{"file": "a\\u0000"}]}', "its source is neither"),
        ('{"voxloop": "volume", "version": 1, "channels": [{"dicom": []}]}', "its source is neither"),
        ('{"voxloop": "volume", "version": 1, "channels": [{"dicom": ["a", 7]}]}', "its source is neither"),
        ('{"voxloop": "volume", "version": 1, "channels": [{"dicom": "a"}]}', "its source is neither"),
    ],
)
def test_what_is_no_reference(tmp_path: Path, content: str, part: str) -> None:
    (tmp_path / "a.volume.json").write_bytes(content.encode("latin-1"))
    refused(tmp_path / "a.volume.json", part)


def test_nothing_is_referred_to_by_nothing(tmp_path: Path) -> None:
    for name, sources in (("a.volume.json", []), ("a.volume.json", [[]]), ("a.json", [tmp_path / "a.nii"])):
        with pytest.raises(VoxloopError, match=r"refer to nothing|no name for a reference"):
            write_reference(tmp_path / name, sources)
    with pytest.raises(VoxloopError, match="cannot be written"):
        write_reference(tmp_path / "no" / "a.volume.json", [tmp_path / "a.nii"])
    assert not list(tmp_path.iterdir())
