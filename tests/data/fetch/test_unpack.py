"""An archive may say what it likes: only plain files come out of it, below one folder, and all of them or none."""

from __future__ import annotations

import bz2
import gzip
import io
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.data.fetch.tiny import tiny_files, tiny_tar
from voxloop.data.fetch import unpack
from voxloop.data.fetch.unpack import extract
from voxloop.errors import VoxloopError

Members = list[tuple[tarfile.TarInfo, bytes]]


def member(name: str, content: bytes = b"voxels", **changes: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in changes.items():
        setattr(info, key, value)
    return info, content


def tar_of(members: Members) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def zip_of(files: dict[str, bytes], packing: int = zipfile.ZIP_DEFLATED, mode: int = 0o100644) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", packing) as opened:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr, info.compress_type, info.create_system = mode << 16, packing, 3
            opened.writestr(info, content)
    return packed.getvalue()


def header(name: bytes, size: bytes, kind: bytes = b"0") -> bytes:
    """One tar header, with a right checksum and whatever size."""
    block = bytearray(512)
    block[: len(name)] = name
    block[100:108], block[108:116], block[116:124] = b"0000644\0", b"0000000\0", b"0000000\0"
    block[124:136], block[136:148], block[156:157], block[257:265] = size, b"00000000000\0", kind, b"ustar\x0000"
    block[148:156] = b"        "
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(tmp_path: Path, content: bytes, part: str, **options: int) -> None:
    """One sentence, and neither the folder nor anything beside it."""
    archive = tmp_path / "archive"
    archive.write_bytes(content)
    with pytest.raises(VoxloopError, match=part) as caught:
        extract(archive, tmp_path / "out" / "data", **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
    assert sorted(path.name for path in tmp_path.rglob("*")) in (["archive"], ["archive", "out"])


FORMS: dict[str, Callable[[], bytes]] = {
    "tar": tiny_tar,
    "tar.gz": lambda: gzip.compress(tiny_tar(), 1),
    "zip": lambda: zip_of({f"Spleen/{name}": content for name, content in tiny_files().items()}),
    "zip of macOS": lambda: zip_of(tiny_files() | {"__MACOSX/._dataset.json": b"x", ".DS_Store": b"x"}),
    "tar of .": lambda: tar_of(
        [member("./", b"", type=tarfile.DIRTYPE), *(member(f"./{n}", c) for n, c in tiny_files().items())]
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_dataset_comes_out_of_every_form_at_the_same_place(tmp_path: Path, form: str) -> None:
    # The name does not decide: what was downloaded by hand is called anything.
    archive = tmp_path / "download"
    archive.write_bytes(FORMS[form]())
    told: list[tuple[int, int, str]] = []
    sizes = extract(archive, tmp_path / "data", progress=lambda *step: told.append(step))
    assert files_below(tmp_path / "data") == tiny_files()
    assert sizes == {name: len(content) for name, content in tiny_files().items()}
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["data", "download"]
    assert told
    assert all(0 <= done <= total and what == "Unpacking" for done, total, what in told)


def test_what_is_no_dataset_keeps_its_folders(tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(zip_of({"series/1.dcm": b"1", "series/2.dcm": b"2"}))
    assert extract(tmp_path / "archive", tmp_path / "data") == {"series/1.dcm": 1, "series/2.dcm": 1}
    assert (tmp_path / "data" / "series" / "2.dcm").read_bytes() == b"2"


def test_a_folder_called_as_one_within_it_moves_up_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(zip_of({"a/dataset.json": b"{}", "a/a/a": b"a", "a/empty/": b""}))
    assert extract(tmp_path / "archive", tmp_path / "data") == {"dataset.json": 2, "a/a": 1}
    assert sorted(entry.name for entry in (tmp_path / "data").iterdir()) == ["a", "dataset.json", "empty"]


def test_rights_and_owners_stay_behind(tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(tar_of([member("run", b"#!", mode=0o6777, uid=12345, uname="root")]))
    extract(tmp_path / "archive", tmp_path / "data")
    (tmp_path / "plain").touch()
    mine, plain = (tmp_path / "data" / "run").stat(), (tmp_path / "plain").stat()
    assert (mine.st_mode, mine.st_uid) == (plain.st_mode, plain.st_uid)


@pytest.mark.parametrize(
    "name", ["/etc/evil", "../evil", "a/../../evil", "a/..", "..\\evil", "C:\\evil", "a\nb", "a\x1b[2J"]
)
@pytest.mark.parametrize("pack", [lambda name: tar_of([member("ok"), member(name)]), lambda name: zip_of({name: b"x"})])
def test_a_name_that_leaves_its_folder_is_refused(tmp_path: Path, name: str, pack: Callable[[str], bytes]) -> None:
    refused(tmp_path, pack(name), "could lie outside its folder")


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        (tarfile.SYMTYPE, "a link in it"),
        (tarfile.LNKTYPE, "a link in it"),
        (tarfile.CHRTYPE, "a device in it"),
        (tarfile.BLKTYPE, "a device in it"),
        (tarfile.FIFOTYPE, "a device in it"),
        (b"?", "a device in it"),
    ],
)
def test_what_is_no_plain_file_is_refused(tmp_path: Path, kind: bytes, part: str) -> None:
    refused(tmp_path, tar_of([member("a"), member("b", b"", type=kind, linkname="../../etc")]), part)


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, zip_of({"a": b"../../etc/passwd"}, mode=0o120777), "a link in it")


@pytest.mark.parametrize("names", [("a", "a"), ("a", "a/b"), ("a/b", "a"), ("a", "./a")])
def test_a_name_given_twice_is_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    refused(tmp_path, tar_of([member(name) for name in names]), "twice")


@pytest.mark.parametrize(
    "content",
    [
        tar_of([member("a")])[:700],
        tar_of([member("a", bytes(2000))])[:1024],
        tar_of([member("a")])[:1024],
        tar_of([member("a")])[:1024] + b"x" * 512 + tar_of([member("b")]),
        gzip.compress(tiny_tar(), 1)[:-20_000],
        gzip.compress(tiny_tar(), 1)[:-4] + b"xxxx",
        zip_of(tiny_files())[:-100],
        zip_of({"a": b"0123456789"}, zipfile.ZIP_STORED).replace(b"0123", b"0132"),
    ],
)
def test_an_archive_cut_off_or_damaged_anywhere_is_refused(tmp_path: Path, content: bytes) -> None:
    refused(tmp_path, content, "get it again")


@pytest.mark.parametrize(
    "content", [b"", b"<html>", bytes(1024), bz2.compress(tiny_tar()), b"PK\x05\x06" + bytes(18), b"x" * 600]
)
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    refused(tmp_path, content, "neither a tar, a tar.gz nor a zip")


@pytest.mark.parametrize(
    ("size", "part"),
    [
        (b"77777777777\0", "unpacks to more than"),
        (b"\x80" + (2**80).to_bytes(11, "big"), "unpacks to more than"),
        (b"\xff" + b"\xff" * 9 + b"\xfe\x00", "get it again"),
        (b"not a number", "neither a tar"),
    ],
)
def test_a_size_that_cannot_be_is_refused_at_once(tmp_path: Path, size: bytes, part: str) -> None:
    refused(tmp_path, header(b"a", size) + bytes(4096), part)


def test_a_bomb_is_refused_by_what_it_says_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb = io.BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb", compresslevel=9) as packed:
        packed.write(header(b"bomb", b"%011o\0" % 2**33))
        for _ in range(64):
            packed.write(bytes(2**20))
    refused(tmp_path, bomb.getvalue(), r"says that it unpacks to more than \d")


@pytest.mark.parametrize(
    "pack", [zip_of, lambda files: gzip.compress(tar_of([member(*file) for file in files.items()]))]
)
def test_many_small_bombs_are_added_up(tmp_path: Path, pack: Callable[[dict[str, bytes]], bytes]) -> None:
    packed = pack({str(number): bytes(1000) for number in range(5)})
    refused(tmp_path, packed, "unpacks to more than 4.0 kB; unpack it by hand", most_bytes=4000)


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"])
def test_a_header_without_end_does_not_fill_the_memory(tmp_path: Path, kind: bytes) -> None:
    bomb = io.BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb", compresslevel=1) as packed:
        packed.write(header(b"long", b"%011o\0" % 2**32, kind))
        packed.write(bytes(2**22))
    refused(tmp_path, bomb.getvalue(), "header without end")


def test_a_file_with_holes_is_refused(tmp_path: Path) -> None:
    sparse = bytearray(header(b"holes", b"%011o\0" % 512, b"S"))
    sparse[386:398], sparse[398:410] = b"%011o\0" % 0, b"%011o\0" % 512
    sparse[483:495] = b"%011o\0" % 2**32
    sparse[148:156] = b"        "
    sparse[148:156] = b"%06o\0 " % sum(sparse)
    refused(tmp_path, bytes(sparse) + bytes(4096), "a sparse file in it|unpacks to more than")


def test_headers_that_lead_to_headers_end(tmp_path: Path) -> None:
    one = header(b"long", b"%011o\0" % 1, b"L") + b"a" + bytes(511)
    refused(tmp_path, one * 5000 + bytes(1024), "get it again")


def test_more_members_than_any_dataset_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MOST_MEMBERS", 3)
    refused(tmp_path, tar_of([member(f"._{number}", b"") for number in range(4)]), "more than 3 members")


def test_a_zip_that_needs_a_password_is_refused(tmp_path: Path) -> None:
    plain = zip_of({"a": b"x"}, zipfile.ZIP_STORED)
    at = plain.index(b"PK\x01\x02") + 8
    refused(tmp_path, plain[:at] + struct.pack("<H", 1) + plain[at + 2 :], "an encrypted file in it")


def test_an_archive_of_nothing_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, tar_of([member("a", b"", type=tarfile.DIRTYPE), member("._a")]), "no files in it")


def test_what_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(tiny_tar())
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine").touch()
    with pytest.raises(VoxloopError, match="already there"):
        extract(tmp_path / "archive", tmp_path / "data")
    with pytest.raises(VoxloopError, match="No archive is at"):
        extract(tmp_path / "nothing", tmp_path / "new")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["archive", "data", "mine"]


SMALL = {"Task/dataset.json": b"{}", "Task/imagesTr/a.nii.gz": bytes(range(256)) * 5, "Task/b": b""}
SMALL_TAR = tar_of([member(name, content) for name, content in SMALL.items()])
HEADERS = [at for at in range(0, len(SMALL_TAR), 512) if SMALL_TAR[at : at + 5] == b"Task/"]
Damage = Callable[[bytearray], None]


def with_right_checksums(tar: bytes, damage: Damage) -> bytes:
    """Damage that the headers' checksums do not show: what somebody who means harm would write."""
    content = bytearray(tar)
    damage(content)
    for at in HEADERS:
        content[at + 148 : at + 156] = b"        "
        content[at + 148 : at + 156] = b"%06o\0 " % sum(content[at : at + 512])
    return bytes(content)


def as_it_falls(content: bytes, damage: Damage) -> bytes:
    damaged = bytearray(content)
    damage(damaged)
    return bytes(damaged)


DAMAGED: dict[str, Callable[[Damage], bytes]] = {
    "tar": lambda damage: with_right_checksums(SMALL_TAR, damage),
    "tar.gz": lambda damage: gzip.compress(with_right_checksums(SMALL_TAR, damage)),
    "damaged tar.gz": lambda damage: as_it_falls(gzip.compress(SMALL_TAR, mtime=0), damage),
    "zip": lambda damage: as_it_falls(zip_of(SMALL), damage),
}
header_fields = st.tuples(st.sampled_from(HEADERS), st.integers(0, 511)).map(sum)
anywhere = st.floats(0, 1, exclude_max=True)


@settings(deadline=None, max_examples=120)
@example(form="zip", changes=[(0.99609375, 1)], cut=None)
@given(
    form=st.sampled_from(sorted(DAMAGED)),
    changes=st.lists(st.tuples(anywhere | header_fields, st.integers(0, 255)), min_size=1, max_size=6),
    cut=st.none() | st.floats(0, 1),
)
def test_any_damage_ends_in_a_sentence_or_in_files_below_the_folder(
    tmp_path_factory: pytest.TempPathFactory, form: str, changes: list[tuple[float, int]], cut: float | None
) -> None:
    def damage(content: bytearray) -> None:
        for place, value in changes:
            content[int(place * len(content)) if isinstance(place, float) else place % len(content)] = value

    content = DAMAGED[form](damage)
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "archive").write_bytes(content[: None if cut is None else int(cut * len(content))])
    try:
        sizes = extract(folder / "archive", folder / "data")
    except VoxloopError:
        assert [entry.name for entry in folder.iterdir()] == ["archive"]
    else:
        assert {name: len(content) for name, content in files_below(folder / "data").items()} == sizes
        assert sorted(entry.name for entry in folder.iterdir()) == ["archive", "data"]
