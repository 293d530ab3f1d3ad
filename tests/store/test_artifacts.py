"""Artifacts: versions by content, aliases that move whole, lineage both ways. And the blobs that they are made of."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import voxloop as vx
from voxloop.errors import VoxloopError
from voxloop.store import Project, open_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return open_project(tmp_path / "project", create=True)


def bundle(tmp_path: Path, weights: bytes = b"weights") -> Path:
    folder = tmp_path / "bundle"
    (folder / "models").mkdir(parents=True, exist_ok=True)
    (folder / "models" / "model.pt").write_bytes(weights)
    (folder / "README.md").write_text("a model")
    return folder


def test_unchanged_content_makes_no_new_version(project: Project, tmp_path: Path) -> None:
    first = project.save(bundle(tmp_path), "spleen-ct", "model", None)
    again = project.save(bundle(tmp_path), "spleen-ct", "model", None, aliases=["best"])
    other = project.save(bundle(tmp_path, b"more"), "spleen-ct", "model", None)
    assert (first.ref, again.ref, other.ref) == ("spleen-ct:v1", "spleen-ct:v1", "spleen-ct:v2")
    assert again.aliases == ("best",)


def test_an_alias_points_at_one_version(project: Project, tmp_path: Path) -> None:
    project.save(bundle(tmp_path), "m", "model", None, aliases=["best"])
    project.save(bundle(tmp_path, b"more"), "m", "model", None, aliases=["best"])
    assert project.artifact("m:best").version == 2
    project.alias("m:v1", "best")
    assert project.artifact("m:best").version == 1
    assert [version.aliases for version in project.artifacts("m")] == [("best",), ()]


@pytest.mark.parametrize("alias", ["v3", "", "a b", "../x"])
def test_an_alias_that_could_be_mistaken_is_refused(project: Project, tmp_path: Path, alias: str) -> None:
    with pytest.raises(VoxloopError, match="cannot be an alias"):
        project.save(bundle(tmp_path), "m", "model", None, aliases=[alias])
    assert project.artifacts() == []


def test_lineage_goes_both_ways(tmp_path: Path) -> None:
    with vx.Run(name="maker", project=tmp_path) as maker:
        maker.save(bundle(tmp_path), name="m", kind="model")
    with vx.Run(name="user", project=tmp_path) as user:
        assert (user.use("m:v1") / "models" / "model.pt").read_bytes() == b"weights"
        user.use("m:v1")
    with open_project(tmp_path) as project:
        assert [version.ref for version in project.made(maker.id)] == ["m:v1"]
        assert [version.ref for version in project.used(user.id)] == ["m:v1"]
        assert project.users(project.artifact("m")) == [user.id]


@pytest.mark.parametrize(
    ("reference", "part"),
    [("spleen-tc", 'did you mean "spleen-ct"'), ("spleen-ct:v9", "it has: v1"), ("spleen-ct:bst", "best")],
)
def test_what_is_not_there_is_told_with_what_is(project: Project, tmp_path: Path, reference: str, part: str) -> None:
    project.save(bundle(tmp_path), "spleen-ct", "model", None, aliases=["best"])
    with pytest.raises(VoxloopError, match=part):
        project.artifact(reference)


def test_nothing_is_not_saved(project: Project, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "nowhere", tmp_path / "empty"):
        with pytest.raises(VoxloopError, match=path.name):
            project.save(path, "m", "model", None)


def test_a_blob_is_stored_once_and_never_written_again(project: Project) -> None:
    digest = project.blobs.put(b"content")
    assert project.blobs.put(b"content") == digest
    path = project.blobs.path(digest)
    assert path.stat().st_mode & 0o222 == 0
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert project.blobs.get(digest) == b"content"


def test_damage_is_found(project: Project) -> None:
    good, bad = project.blobs.put(b"good"), project.blobs.put(b"bad")
    path = project.blobs.path(bad)
    path.chmod(0o644)
    path.write_bytes(b"Bad")
    assert list(project.blobs.damaged()) == [bad]
    assert good in project.blobs


@pytest.mark.parametrize("digest", ["", "zz", "../../etc/passwd", "A" * 64])
def test_what_is_no_digest_is_refused(project: Project, digest: str) -> None:
    with pytest.raises(VoxloopError, match="no digest"):
        project.blobs.get(digest)


def test_a_full_disk_leaves_no_half_blob(project: Project, tmp_path: Path) -> None:
    """A process that may write 64 kB to a file only, as on a full disk."""
    code = f"""
import resource, signal
from pathlib import Path
from voxloop.errors import VoxloopError
from voxloop.store.blobs import Blobs
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
try:
    Blobs(Path({str(project.blobs.folder)!r})).put(b"x" * 1_000_000)
except VoxloopError as error:
    print("SENTENCE", error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "SENTENCE Cannot store a blob" in done.stdout
    assert [path for path in project.blobs.folder.rglob("*") if path.is_file()] == []


def test_a_version_becomes_a_folder_once(project: Project, tmp_path: Path) -> None:
    version = project.save(bundle(tmp_path), "m", "model", None)
    folder = project.materialise(version)
    inode = os.stat(folder / "README.md").st_ino  # noqa: PTH116
    assert project.materialise(version) == folder
    assert (folder / "README.md").stat().st_ino == inode
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*")) == [
        "README.md",
        "models/model.pt",
    ]
