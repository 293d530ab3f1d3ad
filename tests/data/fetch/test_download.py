"""Whatever a server does, the same bytes are here at the end, or a sentence and nothing that claims to be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.fetch.server import Answer, Mirror, serving
from tests.data.fetch.tiny import tiny_files, tiny_tar, tiny_task
from voxloop.data.fetch.dataset import NOTE, fetch
from voxloop.data.fetch.download import Patience
from voxloop.errors import VoxloopError

HASTE = Patience(silence_s=5, pauses_s=(0, 0, 0))
HALF = len(tiny_tar()) // 2


def get(mirror: Mirror, out: Path, **changes: object) -> Path:
    options = {"mirror": mirror.url, "patience": HASTE, **changes}
    return fetch(tiny_task(), out, **options).folder  # type: ignore[arg-type]


def assert_whole(out: Path) -> None:
    folder = out / "Task09_Spleen"
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found.pop(NOTE)
    assert found == tiny_files()
    assert [entry.name for entry in out.iterdir()] == ["Task09_Spleen"]


def assert_refused(mirror: Mirror, out: Path, part: str, left: list[str] | None = None, **changes: object) -> None:
    """One sentence, and nothing in the folder but what a later call may go on from."""
    with pytest.raises(VoxloopError, match=part) as caught:
        get(mirror, out, **changes)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
    assert sorted(path.name for path in out.rglob("*") if path.is_file()) == (left or [])


def test_a_task_arrives_whole_and_a_second_call_asks_nobody(tmp_path: Path) -> None:
    with serving(Mirror(tiny_tar())) as mirror:
        first = fetch(tiny_task(), tmp_path, mirror=f"{mirror.url}/", patience=HASTE)
        again = fetch(tiny_task(), tmp_path, mirror=mirror.url, patience=HASTE)
    assert_whole(tmp_path)
    assert mirror.paths == ["/msd/Task09_Spleen.tar"]
    assert (first.already, again.already) == (False, True)
    assert first.files == again.files == len(tiny_files())
    assert first.bytes == sum(map(len, tiny_files().values()))


@pytest.mark.parametrize("drops", [[HALF], [1000], [1000, 2000, 5, 3, 100, 200, 300, 50_000], [0, 0, 0, HALF]])
def test_a_dropped_connection_goes_on_where_it_was(tmp_path: Path, drops: list[int]) -> None:
    with serving(Mirror(tiny_tar(), answers=[Answer(drop_after=count) for count in drops])) as mirror:
        get(mirror, tmp_path)
    assert_whole(tmp_path)
    assert len(mirror.asked) == len(drops) + 1
    reached = sum(drops) if drops[0] >= 512 else HALF
    assert mirror.asked[-1].get("Range") == f"bytes={reached}-"
    assert mirror.asked[-1].get("If-Range") == '"v1"'


def test_a_break_is_told(tmp_path: Path) -> None:
    said: list[str] = []
    with serving(Mirror(tiny_tar(), answers=[Answer(drop_after=HALF)])) as mirror:
        get(mirror, tmp_path, say=said.append)
    assert len(said) == 2
    assert said[1].startswith("The connection broke off (it ended ")
    assert said[1].endswith("; going on in 0 s.")


def test_a_server_without_ranges_is_asked_for_all_of_it_again(tmp_path: Path) -> None:
    with serving(Mirror(tiny_tar(), ranges=False, answers=[Answer(drop_after=HALF)])) as mirror:
        get(mirror, tmp_path)
    assert_whole(tmp_path)


def test_a_server_without_ranges_that_always_drops_ends_in_a_sentence(tmp_path: Path) -> None:
    drops = [Answer(drop_after=HALF) for _ in range(50)]
    with serving(Mirror(tiny_tar(), ranges=False, answers=drops)) as mirror:
        left = ["Task09_Spleen.tar.part", "Task09_Spleen.tar.part.json"]
        assert_refused(mirror, tmp_path, "breaks off again and again .* run the same command later", left)
        assert len(mirror.asked) == 4


@pytest.mark.parametrize("knows", [{"etag": '"v2"'}, {"etag": None, "modified": "Sat, 01 Jan 2022 00:00:00 GMT"}])
@pytest.mark.parametrize("honours_if_range", [True, False])
def test_a_file_that_changed_on_the_server_is_fetched_anew(
    tmp_path: Path, knows: dict[str, str | None], honours_if_range: bool
) -> None:
    other = bytes(reversed(tiny_tar()[512:]))
    old = tiny_tar()[:512] + other
    with serving(Mirror(old, answers=[Answer(drop_after=HALF)] + [Answer(status=503)] * 3)) as mirror:
        if knows.get("etag") is None:
            mirror.etag, mirror.modified = None, "Fri, 31 Dec 2021 00:00:00 GMT"
        with pytest.raises(VoxloopError, match="503"):
            get(mirror, tmp_path)
        mirror.content, mirror.honours_if_range = tiny_tar(), honours_if_range
        mirror.etag, mirror.modified, mirror.answers = knows.get("etag"), knows.get("modified"), []
        get(mirror, tmp_path)
    assert_whole(tmp_path)


def test_a_file_that_became_shorter_is_fetched_anew(tmp_path: Path) -> None:
    longer = tiny_tar() + bytes(20_000)
    with serving(
        Mirror(longer, etag=None, answers=[Answer(drop_after=len(longer) - 5)] + [Answer(status=503)] * 3)
    ) as mirror:
        with pytest.raises(VoxloopError, match="503"):
            get(mirror, tmp_path)
        mirror.content, mirror.answers = tiny_tar(), []
        get(mirror, tmp_path)
    assert_whole(tmp_path)


def test_a_part_of_another_place_is_not_taken(tmp_path: Path) -> None:
    with serving(Mirror(tiny_tar(), answers=[Answer(drop_after=HALF), Answer(shift=7)])) as mirror:
        get(mirror, tmp_path)
    assert_whole(tmp_path)


def test_a_part_that_a_power_cut_spoiled_costs_a_download_and_no_more(tmp_path: Path) -> None:
    with serving(Mirror(tiny_tar(), answers=[Answer(drop_after=HALF)] + [Answer(status=503)] * 3)) as mirror:
        with pytest.raises(VoxloopError):
            get(mirror, tmp_path)
        (part,) = tmp_path.rglob("*.part")
        part.write_bytes(part.read_bytes()[:-4096] + bytes(4096))
        get(mirror, tmp_path)
    assert_whole(tmp_path)


@pytest.mark.parametrize("answer", [Answer(claim=len(tiny_tar()) + 5000), Answer(chunked=True), Answer(claim=10**9)])
def test_the_checksum_says_when_a_file_is_whole_not_the_length(tmp_path: Path, answer: Answer) -> None:
    task = tiny_task()
    with serving(Mirror(tiny_tar(), answers=[answer])) as mirror:
        if answer.claim == 10**9:
            assert_refused(mirror, tmp_path, "claims to be 1.0 GB")
            return
        fetch(task, tmp_path, mirror=mirror.url, patience=HASTE)
        assert len(mirror.asked) == 1
    assert_whole(tmp_path)


def test_chunks_that_break_off_are_gone_on_with(tmp_path: Path) -> None:
    with serving(Mirror(tiny_tar(), answers=[Answer(chunked=True, drop_after=HALF)])) as mirror:
        get(mirror, tmp_path)
    assert_whole(tmp_path)


def test_a_length_that_is_too_short_is_a_wrong_file(tmp_path: Path) -> None:
    with serving(Mirror(tiny_tar(), answers=[Answer(claim=HALF)])) as mirror:
        assert_refused(mirror, tmp_path, "not the file that was published")


def test_a_stream_without_end_is_cut_off(tmp_path: Path) -> None:
    with serving(Mirror(tiny_tar() + bytes(3 * len(tiny_tar())), answers=[Answer(chunked=True)])) as mirror:
        assert_refused(mirror, tmp_path, "does not end where it should")


def test_another_file_is_refused_and_nothing_of_it_stays(tmp_path: Path) -> None:
    other = tiny_tar()[:-2000] + b"x" * 2000
    with serving(Mirror(other)) as mirror:
        assert_refused(mirror, tmp_path, "not the file that was published: its checksum is")
        assert len(mirror.asked) == 1
        mirror.answers = [Answer(drop_after=HALF)]
        assert_refused(mirror, tmp_path, "not the file that was published")
        assert len(mirror.asked) == 4


@pytest.mark.parametrize("resuming", [False, True])
def test_a_page_to_sign_in_on_is_no_archive_and_costs_nothing_that_is_here(tmp_path: Path, resuming: bool) -> None:
    page = b"<!DOCTYPE html><title>Hospital network: sign in</title>" * 30
    left = []
    with serving(Mirror(tiny_tar())) as mirror:
        if resuming:
            mirror.answers = [Answer(drop_after=HALF)] + [Answer(status=503)] * 3
            left = ["Task09_Spleen.tar.part", "Task09_Spleen.tar.part.json"]
            assert_refused(mirror, tmp_path, "503", left)
        mirror.answers = [Answer(status=200, body=page)]
        assert_refused(mirror, tmp_path, "no tar archive but a web page.*--archive", left)
        get(mirror, tmp_path)
    assert_whole(tmp_path)
    assert mirror.asked[-1].get("Range") == (f"bytes={HALF}-" if resuming else None)


@pytest.mark.parametrize(
    ("status", "part", "tries"),
    [
        (404, "is not there .*--mirror", 1),
        (403, "is refused .403 Forbidden.*--archive", 1),
        (407, "is refused", 1),
        (503, "breaks off again and again .503", 4),
        (204, "answers 204", 1),
    ],
)
def test_what_a_server_says_no_with_is_told(tmp_path: Path, status: int, part: str, tries: int) -> None:
    with serving(Mirror(tiny_tar(), answers=[Answer(status=status, body=b"") for _ in range(9)])) as mirror:
        assert_refused(mirror, tmp_path, part)
        assert len(mirror.asked) == tries


def test_a_server_that_is_busy_for_a_moment_is_asked_again(tmp_path: Path) -> None:
    busy = Answer(status=503, body=b"later", headers={"Retry-After": "0"})
    with serving(Mirror(tiny_tar(), answers=[busy, busy])) as mirror:
        get(mirror, tmp_path)
    assert_whole(tmp_path)


@pytest.mark.parametrize("answered", [False, True])
def test_silence_is_no_connection(tmp_path: Path, answered: bool) -> None:
    silent = Answer(silent_after=HALF if answered else 0)
    with serving(Mirror(tiny_tar(), answers=[silent])) as mirror:
        get(mirror, tmp_path, patience=Patience(0.2, (0, 0, 0)))
    assert_whole(tmp_path)


def test_a_server_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with serving(Mirror(b"")) as mirror:
        pass
    assert_refused(mirror, tmp_path, "127.0.0.1 cannot be reached .*HTTPS_PROXY.*--archive")


def test_a_redirect_is_followed_to_http_only(tmp_path: Path) -> None:
    with serving(Mirror(tiny_tar())) as there, serving(Mirror(tiny_tar())) as mirror:
        for target, part in (("ftp://127.0.0.1/x", "sends on to ftp"), ("file:///etc/passwd", "is refused .302")):
            mirror.answers = [Answer(status=302, body=b"", headers={"Location": target})]
            assert_refused(mirror, tmp_path, part)
        mirror.answers = [Answer(status=302, body=b"", headers={"Location": f"{there.url}/Task09_Spleen.tar"})]
        get(mirror, tmp_path)
    assert_whole(tmp_path)


def test_a_proxy_is_used_where_one_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Mirror(tiny_tar())) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        fetch(tiny_task(), tmp_path, mirror="http://mirror.invalid/msd", patience=HASTE)
        assert proxy.paths == ["http://mirror.invalid/msd/Task09_Spleen.tar"]
    assert_whole(tmp_path)


def test_redirects_in_a_circle_end(tmp_path: Path) -> None:
    circle = [Answer(status=302, body=b"", headers={"Location": "/msd/Task09_Spleen.tar"}) for _ in range(30)]
    with serving(Mirror(tiny_tar(), answers=circle)) as mirror:
        assert_refused(mirror, tmp_path, "is refused .302")


@pytest.mark.parametrize(
    "mirror", ["ftp://host/msd", "http://", "http://[::1", "http://host:port/", "s3://bucket", "http://a b/"]
)
def test_a_mirror_that_is_no_address_is_refused(tmp_path: Path, mirror: str) -> None:
    with pytest.raises(VoxloopError, match="--mirror") as caught:
        fetch(tiny_task(), tmp_path, mirror=mirror, patience=HASTE)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_password_in_an_address_is_neither_sent_nor_shown(tmp_path: Path) -> None:
    with pytest.raises(VoxloopError, match="password") as caught:
        fetch(tiny_task(), tmp_path, mirror="http://me:hush@host/msd", patience=HASTE)
    assert "hush" not in str(caught.value)


def test_room_is_asked_for_before_the_first_byte(tmp_path: Path) -> None:
    from dataclasses import replace

    huge = replace(tiny_task(), about_bytes=10**16)
    with (
        serving(Mirror(tiny_tar(), answers=[Answer(claim=10**16)])) as mirror,
        pytest.raises(VoxloopError, match=r"needs 20,000.0 TB in .* is free; free some space"),
    ):
        fetch(huge, tmp_path, mirror=mirror.url, patience=HASTE)
    assert list(tmp_path.iterdir()) == []
