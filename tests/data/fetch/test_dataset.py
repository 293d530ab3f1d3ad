"""A task's folder is whole or not there, whoever was killed on the way, and however its archive came."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.data.fetch.server import Answer, Mirror, serving
from tests.data.fetch.test_download import HALF, HASTE, assert_refused, assert_whole, get
from tests.data.fetch.tiny import tiny_files, tiny_tar, tiny_task
from voxloop.data.decathlon import read_dataset
from voxloop.data.fetch.dataset import NOTE, fetch
from voxloop.errors import VoxloopError

CHILD = """
import json, os, signal, sys
from pathlib import Path
from voxloop.data.fetch.dataset import fetch
from voxloop.data.fetch.tasks import Task
from voxloop.errors import VoxloopError

task, out, mirror, stage, count, most = json.loads(sys.argv[1])
left = [count]
if most:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

def progress(done, total, what):
    left[0] -= what == stage
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)

try:
    print(fetch(Task(**task), Path(out), mirror=mirror, say=print, progress=progress).already)
except VoxloopError as error:
    print(error)
"""


def child(out: Path, mirror: str, stage: str = "", count: int = -1, most: int = 0) -> subprocess.Popen[str]:
    """A process that fetches, and kills itself at the `count`-th progress of a stage."""
    said = json.dumps([asdict(tiny_task()), str(out), mirror, stage, count, most])
    return subprocess.Popen([sys.executable, "-c", CHILD, said], stdout=subprocess.PIPE, text=True)


def killed(process: subprocess.Popen[str]) -> bool:
    process.communicate(timeout=60)
    return process.returncode == -signal.SIGKILL


def test_a_kill_at_any_point_costs_only_what_had_not_come(tmp_path: Path) -> None:
    with serving(Mirror(tiny_tar())) as mirror:
        mirror.answers = [Answer(silent_after=100_000), Answer(silent_after=HALF - 100_000)]
        for stage, count in (("Downloading", 1), ("Downloading", 1), ("Unpacking", 1), ("Unpacking", 4)):
            assert killed(child(tmp_path, mirror.url, stage, count))
            assert not (tmp_path / "Task09_Spleen").exists()
        asked = len(mirror.asked)
        get(mirror, tmp_path)
        assert len(mirror.asked) == asked, "what came whole is not asked for again"
    assert_whole(tmp_path)
    assert "Range" not in mirror.asked[0]
    assert all("Range" in headers for headers in mirror.asked[1:])


def test_a_kill_between_the_last_byte_and_its_name_costs_nothing(tmp_path: Path) -> None:
    with serving(Mirror(tiny_tar())) as mirror:
        assert killed(child(tmp_path, mirror.url, "Unpacking", 1))
        (whole,) = tmp_path.rglob("*.tar")
        whole.rename(whole.with_name("Task09_Spleen.tar.part"))
        get(mirror, tmp_path)
        assert len(mirror.asked) == 1
    assert_whole(tmp_path)


def test_an_archive_that_rotted_before_it_was_unpacked_is_fetched_again(tmp_path: Path) -> None:
    with serving(Mirror(tiny_tar())) as mirror:
        assert killed(child(tmp_path, mirror.url, "Unpacking", 1))
        (whole,) = tmp_path.rglob("*.tar")
        whole.write_bytes(whole.read_bytes()[:-1] + b"x")
        get(mirror, tmp_path)
    assert_whole(tmp_path)


def test_two_processes_at_once_make_one_dataset(tmp_path: Path) -> None:
    with serving(Mirror(tiny_tar(), answers=[Answer(silent_after=HALF)])) as mirror:
        first = child(tmp_path, mirror.url)
        while not mirror.asked:
            assert first.poll() is None
        second = child(tmp_path, mirror.url)
        assert second.stdout is not None
        assert "waiting for it" in second.stdout.readline()
        mirror.go_on.set()
        said = [process.communicate(timeout=60)[0].split()[-1] for process in (first, second)]
    assert said == ["False", "True"]
    assert_whole(tmp_path)


def test_a_kill_just_before_tidying_up_leaves_nothing_for_ever(tmp_path: Path) -> None:
    with serving(Mirror(tiny_tar())) as mirror:
        get(mirror, tmp_path)
        work = tmp_path / ".Task09_Spleen.fetching"
        work.mkdir()
        (work / "Task09_Spleen.tar").write_bytes(tiny_tar())
        (work / "lock").touch()
        assert fetch(tiny_task(), tmp_path, mirror=mirror.url).already
        assert len(mirror.asked) == 1
    assert_whole(tmp_path)


def test_a_part_is_not_needed_any_more_where_somebody_brings_the_archive(tmp_path: Path) -> None:
    with serving(Mirror(tiny_tar(), answers=[Answer(drop_after=HALF)] + [Answer(status=503)] * 3)) as mirror:
        with pytest.raises(VoxloopError):
            get(mirror, tmp_path / "out")
        (tmp_path / "brought.tar").write_bytes(tiny_tar())
        get(mirror, tmp_path / "out", archive=tmp_path / "brought.tar")
    assert_whole(tmp_path / "out")


def test_an_interrupt_is_a_sentence_and_the_next_call_goes_on(tmp_path: Path) -> None:
    # The published task from a mirror that stops in its middle, as somebody at a terminal meets it.
    words = ["data", "fetch", "spleen", "--out", str(tmp_path)]
    with serving(Mirror(tiny_tar(), answers=[Answer(silent_after=HALF)])) as mirror:
        process = subprocess.Popen(
            [sys.executable, "-m", "voxloop", *words, "--mirror", mirror.url], stderr=subprocess.PIPE, text=True
        )
        while not any(part.stat().st_size == HALF for part in tmp_path.rglob("*.part")):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
        assert said == "voxloop: interrupted; the same command goes on from here\n"
        assert process.returncode == 130
        get(mirror, tmp_path)
        assert mirror.asked[-1]["Range"] == f"bytes={HALF}-"
    assert_whole(tmp_path)


@pytest.mark.parametrize("most", [1000, HALF])
def test_a_full_disk_is_a_sentence_and_the_next_call_goes_on(tmp_path: Path, most: int) -> None:
    with serving(Mirror(tiny_tar())) as mirror:
        said = child(tmp_path, mirror.url, most=most).communicate(timeout=60)[0].splitlines()[-1]
        assert said.startswith("The disk that holds ")
        assert said.endswith("run the same command again; it goes on from here.")
        get(mirror, tmp_path)
        assert mirror.asked[-1]["Range"] == f"bytes={most}-"
    assert_whole(tmp_path)


def test_a_disk_that_fills_while_unpacking_leaves_no_half_a_dataset(tmp_path: Path) -> None:
    (tmp_path / "Task09_Spleen.tar").write_bytes(tiny_tar())
    said = child(tmp_path, "http://nowhere.invalid", most=10_000).communicate(timeout=60)[0]
    assert said.startswith("The disk that holds ")
    assert [entry.name for entry in tmp_path.iterdir()] == ["Task09_Spleen.tar"]
    fetch(tiny_task(), tmp_path)
    (tmp_path / "Task09_Spleen.tar").unlink()
    assert_whole(tmp_path)


@pytest.mark.parametrize("address", [str, Path.as_uri])
def test_a_mirror_may_be_a_folder(tmp_path: Path, address: Callable[[Path], str]) -> None:
    share = tmp_path / "a share"
    share.mkdir()
    (share / "Task09_Spleen.tar").write_bytes(tiny_tar())
    out = tmp_path / "deep" / "out"
    fetch(tiny_task(), out, mirror=address(share))
    assert_whole(out)
    assert (share / "Task09_Spleen.tar").read_bytes() == tiny_tar()


def test_an_archive_that_somebody_brought_is_verified_and_stays(tmp_path: Path) -> None:
    brought = tmp_path / "usb" / "spleen.tar"
    brought.parent.mkdir()
    brought.write_bytes(tiny_tar()[:-1] + b"x")
    with pytest.raises(VoxloopError, match=r"not Task09_Spleen\.tar as it was published"):
        fetch(tiny_task(), tmp_path / "out", archive=brought)
    brought.write_bytes(tiny_tar())
    fetch(tiny_task(), tmp_path / "out", archive=brought)
    assert_whole(tmp_path / "out")
    assert brought.is_file()
    with pytest.raises(VoxloopError, match="No archive is at"):
        fetch(tiny_task(), tmp_path / "other", archive=tmp_path / "no.tar")


def test_the_archive_is_kept_where_that_is_asked_for_and_serves_again(tmp_path: Path) -> None:
    with serving(Mirror(tiny_tar())) as mirror:
        folder = get(mirror, tmp_path, keep_archive=True)
        assert (tmp_path / "Task09_Spleen.tar").read_bytes() == tiny_tar()
        folder.rename(tmp_path / "elsewhere")
        get(mirror, tmp_path)
        assert len(mirror.asked) == 1
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["Task09_Spleen", "Task09_Spleen.tar", "elsewhere"]


def test_what_is_there_and_not_ours_is_neither_believed_nor_touched(tmp_path: Path) -> None:
    folder = tmp_path / "Task09_Spleen"
    folder.mkdir()
    with serving(Mirror(tiny_tar())) as mirror:
        (folder / "notes.txt").write_text("mine")
        assert_refused(mirror, tmp_path, "did not come from this command", ["notes.txt"])
        (folder / "notes.txt").unlink()
        (tmp_path / "Task09_Spleen.tar").write_bytes(b"half a download of another program")
        assert_refused(mirror, tmp_path, "not Task09_Spleen.tar as it was published", ["Task09_Spleen.tar"])
        assert mirror.asked == []
        (tmp_path / "Task09_Spleen.tar").unlink()
        get(mirror, tmp_path)
    assert_whole(tmp_path)


def test_what_was_whole_and_lost_a_file_is_not_called_whole(tmp_path: Path) -> None:
    with serving(Mirror(tiny_tar())) as mirror:
        folder = get(mirror, tmp_path)
        (folder / "splits.json").write_text("{}")
        assert fetch(tiny_task(), tmp_path).already, "what the user adds is no matter"
        (folder / "labelsTr" / "spleen_3.nii.gz").unlink()
        with pytest.raises(VoxloopError, match=r"lost 1 of its 6 files, labelsTr/spleen_3\.nii\.gz"):
            get(mirror, tmp_path)
        (folder / NOTE).write_text(json.dumps({"md5": "0" * 32, "files": {}}))
        with pytest.raises(VoxloopError, match="another archive"):
            get(mirror, tmp_path)


def test_a_dataset_on_a_share_that_is_read_only_is_found(tmp_path: Path) -> None:
    with serving(Mirror(tiny_tar())) as mirror:
        get(mirror, tmp_path)
    before = sorted(tmp_path.iterdir())
    tmp_path.chmod(0o555)
    try:
        assert fetch(tiny_task(), tmp_path).already
    finally:
        tmp_path.chmod(0o755)
    assert sorted(tmp_path.iterdir()) == before


def test_progress_is_told_from_the_first_byte_to_the_last(tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    with serving(Mirror(tiny_tar(), answers=[Answer(chunked=True, drop_after=HALF)])) as mirror:
        get(mirror, tmp_path, progress=lambda *step: told.append(step))
    assert list(dict.fromkeys(what for _, _, what in told)) == ["Downloading", "Unpacking"]
    assert all(0 <= done <= total for done, total, _ in told)
    arrived = [done for done, _, what in told if what == "Downloading"]
    assert arrived == sorted(arrived)
    assert arrived[-1] == len(tiny_tar())


def test_the_dataset_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "Task09_Spleen.tar").write_bytes(tiny_tar())
    read = read_dataset(fetch(tiny_task(), tmp_path, patience=HASTE).folder)
    assert [case.id for case in read.training] == ["spleen_2", "spleen_3"]
    assert len(tiny_files()) == 6
