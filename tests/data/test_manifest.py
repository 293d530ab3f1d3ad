"""A dataset is known by the digests of its cases: equal content is equal wherever it lies, and what changed is named."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from tests.data.importing.sources import GRID, SHAPE, label, loose, scan
from voxloop.data import digests as digesting
from voxloop.data.digests import digests, files_of
from voxloop.data.formats.reference import write_reference
from voxloop.data.importing import Wanted, bring_in
from voxloop.data.manifest import changes, parse_manifest, read_manifest
from voxloop.errors import VoxloopError

SPLEEN = Wanted(names={1: "spleen"}, modality=("CT",))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return bring_in(loose(tmp_path / "source", ["a", "b", "c"]), tmp_path / "dataset", wanted=SPLEEN).folder


def test_a_manifest_is_the_same_wherever_the_dataset_lies(folder: Path, tmp_path: Path) -> None:
    there = tmp_path / "elsewhere" / "dataset"
    shutil.copytree(folder, there)
    one, other = read_manifest(folder), read_manifest(there)
    assert one.as_text() == other.as_text()
    assert parse_manifest(one.as_text(), one.splits) == one
    assert [case.id for case in one.cases] == ["a", "b", "c"]
    scan_file = tmp_path / "source/images/a_ct.nii.gz"
    assert one.cases[0].image.digest == hashlib.sha256(scan_file.read_bytes()).hexdigest()
    assert one.cases[0].image.bytes == scan_file.stat().st_size


def test_what_changed_is_named_case_by_case(folder: Path, tmp_path: Path) -> None:
    before = read_manifest(folder)
    label(tmp_path / "source/labels/a_seg.nii.gz", (1, 1, 1))
    scan(tmp_path / "source/images/b_ct.nii.gz", seed=4711)
    loose(tmp_path / "source", ["d"])
    bring_in(tmp_path / "source", folder)
    now = read_manifest(folder)
    assert changes(before, now) == ['the label of the case "a" has changed', 'the scan of the case "b" has changed']
    assert changes(now, before)[-1] == 'the case "d" is gone'
    assert changes(now, now) == []


def test_digests_are_remembered_until_a_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [scan(tmp_path / f"{number}.nii.gz", number) for number in range(3)]
    for path in paths:
        os.utime(path, (1, 1))
    memory = tmp_path / "cache/digests.json"
    first = digests(paths, memory)
    read: list[Path] = []
    really = digesting._of_file

    def watched(path: Path) -> str:
        read.append(path)
        return really(path)

    monkeypatch.setattr(digesting, "_of_file", watched)
    assert digests(paths, memory) == first
    assert read == []
    scan(paths[1], seed=99)
    os.utime(paths[1], (2, 2))
    assert digests(paths, memory)[1] != first[1]
    assert read == [paths[1]]
    memory.write_text("no memory")
    assert digests(paths, memory)[0] == first[0]


def test_a_file_that_was_just_written_is_not_trusted_to_its_time(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    path.write_bytes(b"one")
    memory = tmp_path / "digests.json"
    (first,) = digests([path], memory)
    stamp = path.stat().st_mtime_ns
    path.write_bytes(b"two")
    os.utime(path, ns=(stamp, stamp))
    assert digests([path], memory) != [first]


def test_a_scan_of_several_files_is_known_by_all_of_them_in_order(tmp_path: Path) -> None:
    one, other = scan(tmp_path / "one.nii.gz", 1), scan(tmp_path / "other.nii.gz", 2)
    both, turned, moved = (tmp_path / name for name in ("a.volume.json", "b.volume.json", "c/c.volume.json"))
    moved.parent.mkdir()
    write_reference(both, [one, other])
    write_reference(turned, [other, one])
    write_reference(moved, [one, other])
    first, second, third = digests([both, turned, moved])
    assert first == third != second
    assert first.bytes == one.stat().st_size + other.stat().st_size
    other.unlink()
    with pytest.raises(VoxloopError, match=r"a\.volume\.json needs .*other\.nii\.gz"):
        digests([both])


def test_voxels_beside_their_header_count(tmp_path: Path) -> None:
    header = tmp_path / "a.mhd"
    size = " ".join(map(str, SHAPE))
    header.write_text(
        f"ObjectType = Image\nNDims = 3\nDimSize = {size}\nElementType = MET_UCHAR\nElementDataFile = a.raw\n"
    )
    voxels = tmp_path / "a.raw"
    voxels.write_bytes(bytes(GRID.shape[0] * GRID.shape[1] * GRID.shape[2]))
    link = tmp_path / "dataset/a.mhd"
    link.parent.mkdir()
    link.symlink_to(header)
    assert files_of(link) == [(link, voxels)]
    (before,) = digests([link])
    voxels.write_bytes(b"\1" + voxels.read_bytes()[1:])
    assert digests([link]) != [before]
