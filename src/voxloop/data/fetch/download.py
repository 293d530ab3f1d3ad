"""A large file over HTTP that is here or is not: resumed after anything, checked while it comes, refused where it is another."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from voxloop.data.fetch.answers import Answer, DroppedError, ask
from voxloop.data.fetch.archive import is_tar
from voxloop.data.fetch.parts import CHUNK, Part
from voxloop.data.fetch.places import FULL, Progress, amount, full
from voxloop.errors import VoxloopError

DOWNLOADING = "Downloading"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server may be silent, and the pauses before each further try that brings nothing new."""

    silence_s: float = 30.0
    pauses_s: Sequence[float] = (1.0, 2.0, 4.0, 8.0, 15.0)


def download(
    url: str,
    into: Path,
    md5: str,
    about_bytes: int,
    patience: Patience | None = None,
    make_room: Callable[[int, int], None] | None = None,
    say: Callable[[str], None] | None = None,
    progress: Progress | None = None,
) -> None:
    """Brings a tar to `into`, verified. `make_room(whole, here)` may refuse before the first byte.

    What has come stays beside `into` as a part when it fails, and the next call goes on from it.
    One process at a time: `places.workplace` sees to it.
    """
    patience = patience or Patience()
    with Part(into, progress) as part:
        try:
            _complete(part, url, md5, 2 * about_bytes, patience, make_room, say, progress)
            part.become_whole()
        except OSError as error:
            # Only the disk's: those of the network are told apart where they are raised.
            if error.errno not in FULL:
                raise
            raise full(error, into.parent.parent, "and run the same command again; it goes on from here") from error


def _complete(
    part: Part,
    url: str,
    md5: str,
    most: int,
    patience: Patience,
    make_room: Callable[[int, int], None] | None,
    say: Callable[[str], None] | None,
    progress: Progress | None,
) -> None:
    furthest, tries, answered, from_the_start = part.size, 0, part.size > 0, False
    while part.digest != md5:
        try:
            with ask(url, part.size, part.version, patience.silence_s, answered) as answer:
                answered = True
                _receive(answer, part, most, make_room, progress)
        except DroppedError as drop:
            if part.digest == md5:
                return
            if drop.anew:
                part.discard()
            if part.size > furthest:
                furthest, tries = part.size, 0
            if tries == len(patience.pauses_s):
                raise VoxloopError(
                    f"{url} breaks off again and again ({drop}) at {amount(part.size)}; run the same command later, it goes on from there."
                ) from drop
            pause_s = max(patience.pauses_s[tries], drop.pause_s)
            if say is not None:
                say(f"The connection broke off ({drop}) at {amount(part.size)}; going on in {pause_s:.0f} s.")
            time.sleep(pause_s)
            tries += 1
            continue
        if part.digest == md5:
            return
        came, resumed = part.digest, part.resumed
        part.discard()
        # Parts of two versions, or a part that a power cut spoiled; all of it once more, but not for ever.
        if not resumed or from_the_start:
            raise VoxloopError(
                f"{url} is not the file that was published: its checksum is {came}, not {md5}; nothing of it was kept, try another --mirror."
            )
        from_the_start, furthest = True, 0
        if say is not None:
            say("What came in parts is not the file that was published; getting all of it anew, once.")


def _receive(
    answer: Answer, part: Part, most: int, make_room: Callable[[int, int], None] | None, progress: Progress | None
) -> None:
    """Everything that one answer brings, onto the part."""
    whole = answer.version.bytes
    if answer.first not in (0, part.size) or (answer.first and not answer.continues(part.version)):
        raise DroppedError("the server has another file now", anew=True)
    if whole is not None and whole > most:
        raise VoxloopError(f"{answer.url} claims to be {amount(whole)}, far more than was published; check --mirror.")
    begin = b""
    if answer.first == 0:
        # Looked at before anything that is here is thrown away for it.
        begin = _first_block(answer)
    if make_room is not None:
        make_room(whole if whole is not None else most // 2, answer.first)
    if answer.first == 0:
        part.begin(answer.version)
        part.append(begin)
    else:
        part.resumed = True
    while whole is None or part.size < whole:
        data = answer.read(CHUNK if whole is None else min(CHUNK, whole - part.size))
        if not data:
            break
        part.append(data)
        if progress is not None:
            progress(part.size, max(part.size, whole or most // 2), DOWNLOADING)
        if part.size > most:
            part.discard()
            raise VoxloopError(f"{answer.url} does not end where it should; it is another file, check --mirror.")
    if whole is not None and part.size < whole:
        raise DroppedError(f"it ended {amount(whole - part.size)} early")


def _first_block(answer: Answer) -> bytes:
    begin = b""
    while len(begin) < 512:
        data = answer.read(512 - len(begin))
        if not data:
            break
        begin += data
    if len(begin) < min(512, answer.version.bytes or 0):
        raise DroppedError("it ended at once")
    if not is_tar(begin):
        looks = "a web page, perhaps one to sign in on" if begin.lstrip()[:1] == b"<" else f"{begin[:24]!r}"[1:]
        raise VoxloopError(
            f"{answer.url} sends no tar archive but {looks}; check --mirror, or get the file by hand and name it with --archive."
        )
    return begin
