"""The engine: each case once, in bounded memory, gone on with after a kill, and no case in another's way."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.data.check.datasets import bad, checked, describe, of_case, rewrite, save, voxels_of
from voxloop.data.check import Options, check, engine
from voxloop.data.check.facts import Facts
from voxloop.data.check.kept import Kept
from voxloop.data.check.listing import Entry, read_listing
from voxloop.data.check.look import look

AFFINE = np.diag([-4.0, -4.0, 4.0, 1.0])


def bodies(folder: Path, count: int, shape: tuple[int, int, int] = (30, 33, 21)) -> Path:
    rng = np.random.default_rng(5)
    i, j, _ = np.ogrid[: shape[0], : shape[1], : shape[2]]
    for number in range(count):
        body = (i - shape[0] / 2) ** 2 + (j - shape[1] / 2) ** 2 < 144
        hu = np.where(body, 40.0, -1000.0) + rng.normal(0, 15, shape)
        labels = np.zeros(shape, np.uint8)
        i0, j0 = shape[0] // 2, shape[1] // 2
        labels[i0 - 6 : i0 + 3, j0 - 6 : j0 + 3 + number % 3, 4 : 15 + number // 3 % 5] = 1
        save(folder / "imagesTr" / f"c_{number}.nii.gz", hu.astype(np.int16), AFFINE)
        save(folder / "labelsTr" / f"c_{number}.nii.gz", labels, AFFINE)
    describe(folder, [f"c_{number}" for number in range(count)])
    return folder


def test_what_was_seen_is_kept_and_a_changed_file_is_looked_at_again(tmp_path: Path) -> None:
    folder = bodies(tmp_path, 4)
    seen: list[str] = []

    def progress(done: int, total: int, what: str) -> None:
        assert total == 4
        seen.append(what)

    first = check(folder, Options(), progress)
    assert sorted(filter(None, seen)) == ["c_0", "c_1", "c_2", "c_3"]
    seen.clear()
    again = check(folder, Options(), progress)
    assert seen == []
    assert again.as_dict() | {"seconds": 0} == first.as_dict() | {"seconds": 0}
    rewrite(folder / "labelsTr" / "c_2.nii.gz", voxels_of(folder / "labelsTr" / "c_2.nii.gz")[:, :, :-1])
    assert of_case(check(folder, Options(), progress), "c_2") == {"label_shape"}
    assert [what for what in seen if what] == ["c_2"]


def test_facts_survive_being_kept(tmp_path: Path) -> None:
    folder = bodies(tmp_path, 2)
    rewrite(folder / "imagesTr" / "c_1.nii.gz", np.full((30, 33, 21), np.nan, np.float32))
    for entry in read_listing(folder).entries:
        facts = look(folder, entry)
        assert Facts.from_dict(json.loads(json.dumps(facts.as_dict()))) == facts


def test_half_a_line_and_nonsense_in_the_cache_are_passed_over(tmp_path: Path) -> None:
    folder = bodies(tmp_path, 3)
    first = checked(folder)
    kept = folder / ".voxloop-check" / "cases.jsonl"
    lines = kept.read_bytes().splitlines(keepends=True)
    kept.write_bytes(lines[0] + b'{"key": 3}\n[]\n\xff\n' + lines[1] + lines[2][: len(lines[2]) // 2])
    again = checked(folder)
    assert again.findings == first.findings
    entries = read_listing(folder).entries
    assert all(Kept(folder / ".voxloop-check").facts(folder, entry) for entry in entries), "the lost one was kept again"


def test_the_cache_lies_where_it_is_told_to(tmp_path: Path) -> None:
    folder = bodies(tmp_path / "data", 1)
    checked(folder, cache=tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / "cases.jsonl").is_file()
    assert not (folder / ".voxloop-check").exists()


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    folder = bodies(tmp_path / "data", 1)
    (tmp_path / "file").write_text("no folder")
    assert checked(folder, cache=tmp_path / "file" / "cache").findings == ()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("how", ["SIGKILL", "SIGINT"])
def test_a_killed_check_goes_on_where_it_was(tmp_path: Path, how: str) -> None:
    """With noise that packs badly, so that there are enough bytes for a pool of processes and enough time for a kill."""
    folder = bodies(tmp_path, 10, (130, 130, 61))
    script = f"""
from pathlib import Path
from voxloop.data.check import Options, check
if __name__ == "__main__":
    check(Path({str(folder)!r}), Options(workers=2))
"""
    (tmp_path / "run.py").write_text(script)
    kept = folder / ".voxloop-check" / "cases.jsonl"
    child = subprocess.Popen(
        [sys.executable, str(tmp_path / "run.py")], start_new_session=True, stderr=subprocess.PIPE, text=True
    )
    while child.poll() is None and not (kept.is_file() and kept.read_bytes().count(b"\n") >= 2):
        time.sleep(0.005)
    if child.poll() is None:
        os.killpg(child.pid, getattr(signal, how))
    _, stderr = child.communicate()
    # The one that was asked to stop says so; its workers say nothing.
    assert stderr.count("Traceback") <= 2, stderr
    before = kept.read_bytes().count(b"\n")
    assert before >= 2
    seen: list[str] = []
    report = check(folder, Options(workers=1), lambda done, total, what: seen.append(what))
    assert len([what for what in seen if what]) == 10 - before
    assert len(report.cases) == 10
    assert bad(report) == []


def test_many_processes_see_what_one_sees(tmp_path: Path) -> None:
    folder = bodies(tmp_path, 6, (130, 130, 61))
    (folder / "imagesTr" / "c_3.nii.gz").write_bytes(b"\x1f\x8bnonsense")
    many = check(folder, Options(workers=2, cache=tmp_path / "many"))
    one = check(folder, Options(workers=1, cache=tmp_path / "one"))
    assert many.findings == one.findings
    assert many.fingerprint == one.fingerprint
    assert {finding.case for finding in many.findings} == {"c_3"}


def test_where_no_process_can_be_started_no_case_is_blamed(tmp_path: Path) -> None:
    """A program read from stdin has no file that a spawned process could begin with."""
    folder = bodies(tmp_path, 6, (130, 130, 61))
    script = f"""
from pathlib import Path
from voxloop.data.check import Options, check
report = check(Path({str(folder)!r}), Options(workers=2))
print(len(report.cases), len(report.findings))
"""
    done = subprocess.run(
        [sys.executable, "-"],
        input=script,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["6", "0"], done.stderr


def look_and_end(root: Path, entry: Entry) -> Facts:
    """What a machine without memory does to a worker, at one of the cases."""
    if entry.case == "c_1":
        os._exit(9)
    return look(root, entry)


def test_a_case_that_ends_its_process_is_blamed_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = bodies(tmp_path, 5, (130, 130, 61))
    entries = read_listing(folder).entries
    monkeypatch.setattr(engine, "look", look_and_end)
    facts = {entry.case: one for entry, one in engine.look_at_all(folder, entries, 2)}
    errors = {case: one.image.error and one.image.error[0] for case, one in facts.items() if one.image is not None}
    assert errors == {"c_0": None, "c_1": "unreadable", "c_2": None, "c_3": None, "c_4": None}


HOSTILE = """
import resource, sys
from pathlib import Path
import numpy, nibabel, scipy.ndimage
from voxloop.data.check.listing import Entry
from voxloop.data.check.look import look
room = 400 << 20
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + room, used + room))
facts = look(Path(sys.argv[1]), Entry("c", sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None))
print(facts.image.error[0] if facts.image.error else "read", [one.voxels for one in facts.classes])
"""


def looked_at(folder: Path, *files: str) -> str:
    """What becomes of a file in a process that may use 400 MB on top of its libraries."""
    done = subprocess.run(
        [sys.executable, "-c", HOSTILE, str(folder), *files],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def header(shape: tuple[int, ...], dtype: str = "int16") -> bytes:
    import nibabel as nib

    made = nib.Nifti1Image(np.zeros((2, 2, 2), dtype), np.diag([-0.8, 0.8, 1.0, 1.0])).header
    made["dim"][: len(shape) + 1] = [len(shape), *shape]
    made["vox_offset"] = 352
    return bytes(made.binaryblock) + b"\0" * 4


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="limits of address space are Linux's")
class TestHostileFiles:
    """A header is a claim: whatever it says, memory stays bounded and a sentence comes out."""

    def zeros(self, path: Path, head: bytes, size: int) -> None:
        """So many zeros, as one member of the archive after another: a megabyte is packed once."""
        chunk = gzip.compress(bytes(1 << 24), 9, mtime=0)
        last = gzip.compress(bytes(size % (1 << 24)), 9, mtime=0)
        path.write_bytes(gzip.compress(head, mtime=0) + chunk * (size >> 24) + last)

    def test_a_bomb_is_told_by_its_header(self, tmp_path: Path) -> None:
        shape = (2000, 2000, 1500)
        self.zeros(tmp_path / "bomb.nii.gz", header(shape), 2 * 2000 * 2000 * 1500)
        assert looked_at(tmp_path, "bomb.nii.gz") == "bomb []"

    def test_more_than_the_header_says(self, tmp_path: Path) -> None:
        self.zeros(tmp_path / "more.nii.gz", header((64, 64, 64)), 1 << 30)
        assert looked_at(tmp_path, "more.nii.gz") == "lying_header []"

    def test_a_plane_that_fits_into_no_memory(self, tmp_path: Path) -> None:
        self.zeros(tmp_path / "plane.nii.gz", header((5000, 5000, 1), "uint8"), 25_000_000)
        assert looked_at(tmp_path, "plane.nii.gz") == "lying_header []"

    def test_a_thousand_slices_are_a_scan_like_any_other(self, tmp_path: Path) -> None:
        """Half a gigabyte of scan and a quarter of label, in 400 MB."""
        shape = (512, 512, 1000)
        self.zeros(tmp_path / "long.nii.gz", header(shape), 2 * 512 * 512 * 1000)
        plane = np.zeros((512, 512), np.uint8)
        plane[100:120, 200:230] = 1
        label = gzip.compress(header(shape, "uint8"), mtime=0)
        label += gzip.compress(plane.tobytes(order="F") * 10, mtime=0) * 100
        (tmp_path / "label.nii.gz").write_bytes(label)
        assert looked_at(tmp_path, "long.nii.gz", "label.nii.gz") == "read [600000]"


@pytest.mark.parametrize("keep", [0, 1, 2, 17, 200, 351, 353, 4000, -9, -1])
def test_wherever_a_file_is_cut_off_the_case_is_told_and_the_label_is_looked_at(tmp_path: Path, keep: int) -> None:
    folder = bodies(tmp_path, 1)
    path = folder / "imagesTr" / "c_0.nii.gz"
    path.write_bytes(path.read_bytes()[:keep])
    facts = look(folder, Entry("c_0", "imagesTr/c_0.nii.gz", "labelsTr/c_0.nii.gz"))
    assert facts.image is not None
    assert facts.image.error is not None
    assert facts.image.error[0] in ("truncated", "unreadable")
    assert [one.value for one in facts.classes] == [1]


def test_a_flipped_bit_in_the_packed_voxels_is_found(tmp_path: Path) -> None:
    folder = bodies(tmp_path, 1)
    path = folder / "imagesTr" / "c_0.nii.gz"
    content = bytearray(path.read_bytes())
    content[-6] ^= 1
    path.write_bytes(bytes(content))
    assert of_case(checked(folder), "c_0") == {"truncated"}


@pytest.mark.parametrize(
    ("dtype", "slope", "inter"),
    [("int16", 1, 0), ("uint8", 8, -1024), ("float64", 1, 0), (">i2", 1, 0), ("int32", 1, 0)],
)
def test_numbers_are_those_of_nibabel_in_every_type(tmp_path: Path, dtype: str, slope: float, inter: float) -> None:
    import nibabel as nib

    rng = np.random.default_rng(2)
    raw = rng.integers(0, 200, (9, 14, 30)).astype(np.dtype(dtype))
    made = nib.Nifti1Image(raw, AFFINE, nib.Nifti1Header(endianness=">" if dtype[0] == ">" else "<"))
    made.header.set_data_dtype(raw.dtype)
    content = bytearray(made.to_bytes())
    order = made.header.endianness
    content[112:120] = np.array([slope, inter], f"{order}f4").tobytes()
    (tmp_path / "a.nii").write_bytes(bytes(content))
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(bytes(content)))
    values = np.asarray(nib.load(tmp_path / "a.nii").dataobj)
    label = (values > np.median(values)).astype(np.uint8)
    save(tmp_path / "label.nii.gz", label, AFFINE)
    digests = set()
    for name in ("a.nii", "b.nii.gz"):
        facts = look(tmp_path, Entry("x", name, "label.nii.gz"))
        (channel,) = facts.channels
        assert channel.all is not None
        assert channel.all.mean == pytest.approx(values.mean())
        assert channel.all.std == pytest.approx(values.std())
        assert (channel.all.least, channel.all.most) == (values.min(), values.max())
        assert channel.all.median == pytest.approx(np.percentile(values, 50, method="nearest"), abs=slope)
        under = values[label == 1]
        assert facts.classes[0].under[0].mean == pytest.approx(under.mean())
        assert facts.classes[0].under[0].percentiles[0] == pytest.approx(np.percentile(under, 0.5), abs=slope)
        digests.add(channel.digest)
    save(tmp_path / "c.nii.gz", values.astype(np.float32), AFFINE)
    digests.add(look(tmp_path, Entry("x", "c.nii.gz", None)).channels[0].digest)
    assert len(digests) == 1, "how voxels are stored says nothing"
