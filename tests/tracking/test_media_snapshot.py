"""What is logged is what was there at that moment, however much later it is stored."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import nibabel as nib
import numpy as np
import pytest

import voxloop as vx
from voxloop.store.blobs import Blobs
from voxloop.store.contents import content_of
from voxloop.tracking.media import Media, is_media


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


def changed(values: Any) -> None:
    values[...] = 1


MAKERS: dict[str, Callable[[Any], Media]] = {
    "volume": lambda a: vx.Volume(a),
    "channel": lambda a: vx.Volume(a[None]),
    "layer": lambda a: vx.Volume(np.zeros((4, 5, 6)), {"truth": a}),
    "image": lambda a: vx.Image(a[0]),
    "mask": lambda a: vx.Image(np.zeros((5, 6)), {"truth": a[0]}),
    "distribution": lambda a: vx.Distribution(a),
    "column": lambda a: vx.Table({"a": a[0, 0]}),
    "cell": lambda a: vx.Table({"a": [vx.Image(a[0])]}),
    "audio": lambda a: vx.Audio(a[0], rate=10),
    # Lossless, because a codec may pack the same frames in other bytes.
    "video": lambda a: vx.Video(a, fps=1, lossless=True),
}


@pytest.mark.parametrize("tensor", [False, True], ids=["numpy", "torch"])
@pytest.mark.parametrize("name", MAKERS)
def test_what_changes_later_is_not_what_was_logged(name: str, tensor: bool, blobs: Blobs) -> None:
    import torch

    values: Any = np.zeros((4, 5, 6), np.uint8)
    values = torch.from_numpy(values.copy()) if tensor else values
    before = MAKERS[name](values).store(blobs)
    medium = MAKERS[name](values)
    changed(values)
    assert is_media(medium)
    assert medium.store(blobs) == before
    assert MAKERS[name](values).store(blobs) != before
    assert medium.nbytes > 0


def test_a_tensor_that_learns_is_logged_as_it_is(blobs: Blobs) -> None:
    import torch

    weight = torch.nn.Parameter(torch.zeros(5, 5))
    image = vx.Image(weight)
    with torch.no_grad():
        weight += 1
    assert not content_of(blobs, "image", image.store(blobs)).pixels.any()


def test_a_small_file_is_read_when_it_is_logged(tmp_path: Path, blobs: Blobs) -> None:
    """A script writes each epoch's prediction over the last one."""
    path = tmp_path / "prediction.nii.gz"
    nib.save(nib.Nifti1Image(np.zeros((4, 5, 6), np.uint8), np.eye(4)), path)
    volume = vx.Volume(np.zeros((4, 5, 6)), {"prediction": path})
    nib.save(nib.Nifti1Image(np.ones((4, 5, 6), np.uint8), np.eye(4)), path)
    assert not content_of(blobs, "volume", volume.store(blobs)).layers["prediction"].any()


def test_a_large_file_that_changed_before_it_was_stored_is_refused(tmp_path: Path, blobs: Blobs) -> None:
    path = tmp_path / "long.mp4"
    path.write_bytes(bytes(9 << 20))
    video, other = vx.Video(path), vx.Video(path)
    assert video.nbytes == 0
    assert video.store(blobs)["video"]["bytes"] == 9 << 20
    path.write_bytes(bytes(10 << 20))
    with pytest.raises(vx.VoxloopError, match=r"long\.mp4 was logged and has changed since"):
        other.store(blobs)


def test_a_scan_is_packed_once_however_often_it_is_logged(tmp_path: Path, blobs: Blobs) -> None:
    nib.save(nib.Nifti1Image(np.arange(120, dtype=np.int16).reshape(4, 5, 6), np.eye(4)), tmp_path / "scan.nii")
    known: dict[tuple[Any, ...], str] = {}
    first = vx.Volume(tmp_path / "scan.nii", {"truth": np.ones((4, 5, 6))}).store(blobs, known)
    held = dict(known)
    assert vx.Volume(tmp_path / "scan.nii", {"truth": np.ones((4, 5, 6))}).store(blobs, known) == first
    assert known == held
    assert first["image"]["filename"] == "scan.nii.gz"


def test_another_library_can_add_a_kind(blobs: Blobs) -> None:
    from voxloop.tracking import media

    class Molecule:
        kind: ClassVar[str] = "molecule"
        nbytes = 3

        def store(self, blobs: Blobs, known: media.Known | None = None) -> dict[str, Any]:
            return {"file": media.kept(b"H2O", "molecule.txt", blobs)}

    assert not is_media(Molecule())
    media.register(Molecule)
    try:
        assert is_media(Molecule())
        assert blobs.get(Molecule().store(blobs)["file"]["digest"]) == b"H2O"
    finally:
        del media.KINDS["molecule"]


def test_an_array_that_another_library_lends_is_copied(blobs: Blobs) -> None:
    class Lent:
        def __init__(self) -> None:
            self.values = np.zeros((4, 5))

        def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
            return self.values

    lent = Lent()
    image = vx.Image(lent)
    changed(lent.values)
    assert not content_of(blobs, "image", image.store(blobs)).pixels.any()


def test_names_that_no_database_holds_are_made_ones_that_it_does(tmp_path: Path, blobs: Blobs) -> None:
    odd = "caf\udce9"
    image = vx.Image(np.zeros((4, 5)), {odd: np.zeros((4, 5))}, {1: odd}, boxes=[vx.Box(0, 0, 1, 1, odd)], caption=odd)
    json.dumps(image.store(blobs), ensure_ascii=False).encode()
    json.dumps(vx.Table({odd: [odd]}).store(blobs), ensure_ascii=False).encode()
    json.dumps(vx.Text(odd).store(blobs), ensure_ascii=False).encode()
