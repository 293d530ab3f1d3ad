"""An alias is always at one version, and a version becomes a whole folder or none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from voxloop.errors import VoxloopError
from voxloop.store import ArtifactVersion, Project, open_project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with open_project(tmp_path / "p", create=True) as opened:
        yield opened


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    (folder / "configs").mkdir(parents=True)
    (folder / "model.pt").write_bytes(b"weights 1")
    (folder / "configs" / "train.json").write_text("{}")
    return folder


def save(project: Project, path: Path, *aliases: str, run: str | None = "run-1") -> ArtifactVersion:
    return project.save(path, "spleen-ct", "model", run, aliases, {"dice": 0.9})


def test_a_version_without_its_blob_says_so_and_leaves_no_half_folder(project: Project, bundle: Path) -> None:
    version = save(project, bundle)
    project.blobs.path(version.files["model.pt"]["digest"]).unlink()
    with pytest.raises(VoxloopError, match=r"spleen-ct:v1: the blob of model\.pt is missing"):
        project.materialise(version)
    assert not [path for path in project.cache.rglob("*") if path.is_file()]


def test_a_manifest_does_not_escape_its_folder(project: Project, bundle: Path) -> None:
    version = save(project, bundle)
    digest = version.files["model.pt"]
    hostile = ArtifactVersion("x", "model", 1, (), {"../../escaped": digest}, "0" * 64, None, 0.0, {})
    with pytest.raises(VoxloopError, match="would land outside its folder"):
        project.materialise(hostile)
    assert not list(project.root.parent.rglob("escaped"))


def test_an_alias_that_moves_is_never_gone_and_never_twice(project: Project, bundle: Path) -> None:
    save(project, bundle, "best")
    (bundle / "model.pt").write_bytes(b"weights 2")
    save(project, bundle)

    def move() -> None:
        with open_project(project.root) as other:
            for number in range(100):
                other.alias(f"spleen-ct:v{1 + number % 2}", "best")

    mover = threading.Thread(target=move)
    mover.start()
    looks = 0
    while mover.is_alive():
        assert len([one for one in project.artifacts("spleen-ct") if "best" in one.aliases]) == 1
        looks += 1
    mover.join()
    assert looks > 1
    assert project.artifact("spleen-ct:best").version == 2
