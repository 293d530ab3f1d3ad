"""Whatever is logged comes back as it was: each kind, stored into a real blob store and read from it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import voxloop as vx
from voxloop.store.blobs import Blobs
from voxloop.store.contents import READERS, content_of, contents, crops, frame
from voxloop.store.records import MediaRecord
from voxloop.tracking.media import KINDS, Media

DTYPES = ["uint8", "bool", "uint16", "int16", "int64", "uint64", "float16", "float32", "float64"]
PLACE = tempfile.TemporaryDirectory()


def a_store() -> Blobs:
    return Blobs(Path(PLACE.name))


def record(medium: Media) -> tuple[Blobs, MediaRecord]:
    blobs = a_store()
    # As the database holds it: plain JSON, without NaN.
    data = json.loads(json.dumps(medium.store(blobs), allow_nan=False))
    return blobs, MediaRecord(1, "run", "name", {}, 0, None, 0.0, medium.kind, data)


def back(medium: Media) -> Any:
    return contents(*record(medium))


def same(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


def test_each_kind_that_is_logged_can_be_read() -> None:
    assert set(KINDS) == set(READERS)


@given(data=st.data(), dtype=st.sampled_from(DTYPES), colours=st.sampled_from([None, 3, 4]))
def test_an_image_keeps_every_value(data: st.DataObject, dtype: str, colours: int | None) -> None:
    shape = data.draw(array_shapes(min_dims=2, max_dims=2, min_side=5, max_side=9)) + ((colours,) if colours else ())
    pixels = data.draw(arrays(np.dtype(dtype), shape))
    assert same(back(vx.Image(pixels)).pixels, pixels)


def test_an_image_of_a_tensor_has_its_colours_last() -> None:
    import torch

    tensor = torch.rand(3, 4, 5)
    assert same(back(vx.Image(tensor)).pixels, np.moveaxis(tensor.numpy(), 0, -1).copy())
    # A tensor of three rows has its colours first all the same; an array has them last.
    assert back(vx.Image(torch.rand(3, 5, 4))).pixels.shape == (5, 4, 3)
    assert back(vx.Image(np.zeros((3, 5, 4)))).pixels.shape == (3, 5, 4)
    assert back(vx.Image(torch.rand(1, 4, 5).to(torch.bfloat16))).pixels.shape == (4, 5)


@given(mask=arrays(np.uint8, (5, 7)))
def test_the_layers_of_an_image_come_back(mask: npt.NDArray[np.uint8]) -> None:
    found = back(vx.Image(np.zeros((5, 7)), layers={"truth": mask, "edge": mask > 3}, classes={1: "spleen"}))
    assert same(found.layers["truth"], mask)
    assert same(found.layers["edge"], (mask > 3).astype(np.uint8))
    assert found.classes == {1: "spleen"}


def test_a_volume_comes_back_with_its_layers() -> None:
    scan = np.random.default_rng(0).normal(size=(7, 11, 13)).astype(np.float32)
    scan[0, 0, 0] = np.nan
    found = back(vx.Volume(scan, {"truth": scan > 0}, {1: "spleen"}, affine=np.diag([2, 3, 4, 1])))
    np.testing.assert_array_equal(found.image, scan)
    np.testing.assert_array_equal(found.layers["truth"], scan > 0)
    assert found.affine.tolist() == np.diag([2.0, 3.0, 4.0, 1.0]).tolist()
    assert found.classes == {1: "spleen"}


@given(labels=arrays(np.uint8, st.tuples(*[st.integers(1, 5)] * 3), elements=st.sampled_from([0, 0, 0, 0, 7])))
def test_a_cropped_label_map_is_the_whole_one(labels: npt.NDArray[np.uint8]) -> None:
    box, start = crops.crop(labels)
    assert same(crops.whole(box, start, labels.shape), labels)
    for axis, side in enumerate(labels.shape):
        for at in range(side):
            assert same(crops.plane(box, start, labels.shape, axis, at), np.asarray(np.take(labels, at, axis)))
    if labels.any():
        assert all(box.take(end, axis).any() for axis in range(3) for end in (0, -1)), "nothing smaller would do"
    else:
        assert box.shape == (1, 1, 1)
    np.testing.assert_array_equal(back(vx.Volume(np.zeros(labels.shape), {"truth": labels})).layers["truth"], labels)


@given(
    values=arrays(
        np.float64, st.integers(1, 60), elements=st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True)
    ),
    bins=st.integers(1, 70),
)
def test_a_distribution_counts_every_value_once(values: npt.NDArray[np.float64], bins: int) -> None:
    import torch

    for given_values in (values, torch.from_numpy(values)):
        blobs, made = record(vx.Distribution(given_values, bins))
        found = contents(blobs, made)
        finite = values[np.isfinite(values)]
        assert found.counts.sum() == finite.size
        assert len(found.edges) == len(found.counts) + 1 == bins + 1
        assert made.data["nan"] == np.isnan(values).sum()
        assert made.data["inf"] == np.isinf(values).sum()
        assert made.data["count"] == values.size
        assert made.data["min"] == (finite.min() if finite.size else None)
        assert made.data["max"] == (finite.max() if finite.size else None)


@given(counts=st.lists(st.integers(0, 2**40), min_size=1, max_size=20), data=st.data())
def test_a_histogram_comes_back_as_it_was_given(counts: list[int], data: st.DataObject) -> None:
    floats = st.floats(allow_nan=False, allow_infinity=False, width=32)
    edges = data.draw(st.lists(floats, min_size=len(counts) + 1, max_size=len(counts) + 1, unique=True).map(sorted))
    edges = [edge + 0.0 for edge in edges]
    found = back(vx.Distribution.from_histogram(counts, edges))
    assert found.counts.tolist() == counts
    assert found.edges.tolist() == edges


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_a_text_comes_back(text: str) -> None:
    assert back(vx.Text(text)) == text
    assert back(vx.Text(text + "ü" * 5000, "markdown")) == text + "ü" * 5000


cells = st.one_of(
    st.lists(st.none() | st.integers(), min_size=3, max_size=3),
    st.lists(st.none() | st.integers(-(2**200), 2**200), min_size=3, max_size=3),
    st.lists(st.none() | st.floats(), min_size=3, max_size=3),
    st.lists(st.none() | st.booleans(), min_size=3, max_size=3),
    st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"])), min_size=3, max_size=3),
)


@given(columns=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), cells, min_size=1, max_size=4))
def test_every_cell_of_a_table_comes_back(columns: dict[str, list[Any]]) -> None:
    found = back(vx.Table(columns))
    assert list(found) == list(columns)
    for name, column in columns.items():
        # By their text, which tells NaN from None, 1 from 1.0 and from True.
        assert repr(list(map(_plain, found[name]))) == repr(column)


def _plain(cell: Any) -> Any:
    return cell.item() if isinstance(cell, np.generic) else cell


def test_cells_of_several_kinds_stay_apart() -> None:
    odd = [1, "1", 1.5, None, True, [1, {"a": None}]]
    assert back(vx.Table({"odd": odd}))["odd"] == odd
    assert back(vx.Table({"big": [1.5, 2**60]}))["big"] == [1.5, 2**60]
    assert back(vx.Table({"none": [None, None]}))["none"] == [None, None]


def test_a_table_is_the_same_from_columns_rows_dicts_and_frames() -> None:
    import pandas as pd

    columns = {"case": ["a", "b", None], "dice": [0.5, float("nan"), 1.0], "n": [1, 2, 3], "ok": [True, False, True]}
    rows = list(zip(*columns.values(), strict=True))
    forms = [
        vx.Table(columns),
        vx.Table(rows, columns=list(columns)),
        vx.Table([dict(zip(columns, row, strict=True)) for row in rows]),
        vx.Table(pd.DataFrame(columns)),
    ]
    found = [{name: list(map(_plain, column)) for name, column in back(one).items()} for one in forms]
    assert [repr(one) for one in found] == [repr(columns)] * 4
    assert [column.type for column in forms[3].columns.values()] == ["text", "number", "integer", "boolean"]


def test_a_frame_comes_back_with_whole_numbers_and_its_index() -> None:
    import pandas as pd

    given_frame = pd.DataFrame(
        {"n": pd.array([1, None, 2**60 + 1], "Int64"), "when": pd.to_datetime(["2026-01-02"] * 3)}
    )
    given_frame.index = pd.Index(["x", "y", "z"], name="case")
    found = frame(*record(vx.Table(given_frame)))
    assert found["n"].isna().tolist() == [False, True, False]
    assert found["n"].dropna().tolist() == [1, 2**60 + 1]
    assert found["case"].tolist() == ["x", "y", "z"]
    assert found["when"].tolist() == ["2026-01-02T00:00:00"] * 3
    assert found["n"].dtype == "Int64"


def test_a_table_holds_media_and_names_their_blobs() -> None:
    images = [np.full((4, 5), value, np.float32) for value in (0.25, np.inf)]
    blobs, made = record(vx.Table({"slice": [vx.Image(images[0]), None, vx.Image(images[1])], "row": [0, 1, 2]}))
    found = contents(blobs, made)["slice"]
    assert found[1] is None
    assert same(content_of(blobs, **found[0]).pixels, images[0])
    assert same(content_of(blobs, **found[2]).pixels, images[1])
    named = {one["digest"] for one in made.data["media"]}
    assert named == {found[row]["data"][part]["digest"] for row in (0, 2) for part in ("image", "preview")}


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32"])
def test_whole_samples_come_back(dtype: str) -> None:
    samples = np.random.default_rng(0).integers(np.iinfo(dtype).min, np.iinfo(dtype).max, (501, 2)).astype(dtype)
    found = back(vx.Audio(samples, rate=16000))
    assert same(found.samples, samples)
    assert found.rate == 16000
    assert same(back(vx.Audio(samples.T, rate=8)).samples, samples)


@given(samples=arrays(np.float64, st.integers(1, 50), elements=st.floats(-1, 1)))
def test_a_sound_of_floats_has_sixteen_bits_or_all_of_them(samples: npt.NDArray[np.float64]) -> None:
    found = back(vx.Audio(samples, rate=100))
    assert np.abs(found.samples[:, 0] / 32767 - samples).max() <= 0.5 / 32767 + 1e-12
    assert same(back(vx.Audio(samples * 1e9, rate=100, exact=True)).samples[:, 0].copy(), samples * 1e9)


@given(data=st.data(), fps=st.sampled_from([0.5, 1, 7, 24, 29.97, 60]), colours=st.booleans())
def test_a_lossless_video_keeps_every_frame(data: st.DataObject, fps: float, colours: bool) -> None:
    count = data.draw(st.integers(1, 6))
    frames = data.draw(arrays(np.uint8, (count, 5, 6, 3) if colours else (count, 5, 6), elements=st.integers(0, 2)))
    assert same(back(vx.Video(frames, fps, lossless=True)), frames)


def test_a_video_of_a_library_that_writes_it_is_an_mp4() -> None:
    found = back(vx.Video(np.zeros((5, 33, 65, 3), np.uint8), fps=5))
    assert found[4:8] == b"ftyp"


def test_files_come_back_byte_for_byte(tmp_path: Path) -> None:
    from PIL import Image

    for name in ("a.png", "a.jpg", "a.tiff"):
        Image.fromarray(np.arange(48, dtype=np.uint8).reshape(6, 8)).save(tmp_path / name)
        blobs, made = record(vx.Image(tmp_path / name))
        assert blobs.get(made.data["image"]["digest"]) == (tmp_path / name).read_bytes()
        # What no browser shows has a preview that each does.
        assert made.data["preview"]["filename"] == ("preview.png" if name == "a.tiff" else name)
        assert contents(blobs, made).pixels.shape == (6, 8)
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x18ftyp" + bytes(100))
    assert back(vx.Video(tmp_path / "a.mp4")) == (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "a.flac").write_bytes(b"fLaC" + bytes(100))
    assert back(vx.Audio(tmp_path / "a.flac")) == (tmp_path / "a.flac").read_bytes()


def test_a_wav_of_another_program_is_read(tmp_path: Path) -> None:
    import soundfile

    samples = np.random.default_rng(0).integers(-999, 999, (300, 2)).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", samples, 22050)
    found = back(vx.Audio(tmp_path / "a.wav"))
    assert same(found.samples, samples)
    ours, _ = soundfile.read(_written(tmp_path, vx.Audio(samples / 40000, rate=22050, exact=True)))
    np.testing.assert_array_equal(ours, samples / 40000)


def _written(folder: Path, sound: vx.Audio) -> Path:
    blobs, made = record(sound)
    (folder / "ours.wav").write_bytes(blobs.get(made.data["audio"]["digest"]))
    return folder / "ours.wav"


def test_what_is_referred_to_is_read_from_its_place_or_refused(tmp_path: Path) -> None:
    import nibabel as nib

    path = tmp_path / "scan.nii.gz"
    voxels = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    nib.save(nib.Nifti1Image(voxels, np.eye(4)), path)
    blobs, made = record(vx.Volume(path, {"truth": voxels > 5}, reference=True))
    assert made.data["image"]["digest"] not in blobs
    assert made.data["layers"][0]["digest"] in blobs
    np.testing.assert_array_equal(contents(blobs, made).image, voxels)
    nib.save(nib.Nifti1Image(voxels + 1, np.eye(4)), path)
    with pytest.raises(vx.VoxloopError, match=r"scan\.nii\.gz is only referred to, and has changed"):
        contents(blobs, made)
    path.unlink()
    with pytest.raises(vx.VoxloopError, match=r"scan\.nii\.gz is only referred to, and cannot be read"):
        contents(blobs, made)


def test_what_is_damaged_or_unknown_is_said_in_a_sentence() -> None:
    blobs = a_store()
    with pytest.raises(vx.VoxloopError, match='the kind "hologram" are unknown'):
        content_of(blobs, "hologram", {})
    with pytest.raises(vx.VoxloopError, match="A logged image is damaged"):
        content_of(
            blobs, "image", {"image": {"digest": blobs.put(b"no image"), "filename": "image.png"}, "dtype": None}
        )
    with pytest.raises(vx.VoxloopError, match="is missing from"):
        content_of(blobs, "text", {"file": {"digest": "0" * 64}})
