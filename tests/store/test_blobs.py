"""A blob is what its name says, or it is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tracking.children import run_script
from voxloop.errors import VoxloopError
from voxloop.store.blobs import Blobs


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


def files(blobs: Blobs) -> list[Path]:
    return [path for path in blobs.folder.rglob("*") if path.is_file()]


def test_what_is_missing_or_no_digest_is_said(blobs: Blobs, tmp_path: Path) -> None:
    with pytest.raises(VoxloopError, match="is missing from"):
        blobs.get("0" * 64)
    for name in ("../../../etc/passwd", "", "A" * 64, "0" * 63):
        with pytest.raises(VoxloopError, match="is no digest"):
            blobs.path(name)
    with pytest.raises(VoxloopError, match="Cannot read"):
        blobs.put_file(tmp_path / "nowhere")


def test_a_file_that_grows_while_it_is_stored_is_refused(blobs: Blobs, tmp_path: Path) -> None:
    """The digest is of what was read first; what is read second must be the same."""
    source = tmp_path / "growing.bin"
    source.write_bytes(b"x" * 5000)
    code = """
import sys, threading
from pathlib import Path
from voxloop.errors import VoxloopError
from voxloop.store import blobs
source = Path(sys.argv[1])
whole = blobs._copy
def grown(file, out, digest):
    source.open("ab").write(b"more")
    whole(file, out, digest)
blobs._copy = grown
store = blobs.Blobs(Path(sys.argv[2]))
try:
    store.put_file(source)
except VoxloopError as error:
    print(error)
"""
    said = run_script(code, source, blobs.folder)
    assert "growing.bin changed while it was being stored" in said
    assert files(blobs) == []


def test_a_full_disk_is_one_sentence_and_leaves_no_half_file(blobs: Blobs) -> None:
    code = """
import resource, sys
from pathlib import Path
from voxloop.errors import VoxloopError
from voxloop.store.blobs import Blobs
store = Blobs(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
store.put(b"small")
try:
    store.put(bytes(300_000))
except VoxloopError as error:
    print(error)
"""
    said = run_script(code, blobs.folder)
    assert said.startswith("Cannot store a blob in")
    assert said.strip().count("\n") == 0
    assert [path.read_bytes() for path in files(blobs)] == [b"small"]
