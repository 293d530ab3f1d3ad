"""One file over HTTP, resumed after anything, verified, and under its own name only when it is whole."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from voxloop.bundles.fetching.checksums import mismatch
from voxloop.bundles.fetching.plan import Remote
from voxloop.data.fetch.answers import Answer, DroppedError, ask
from voxloop.data.fetch.download import DOWNLOADING, Patience
from voxloop.data.fetch.parts import CHUNK, Part
from voxloop.data.fetch.places import FULL, Progress, amount, full, require_room
from voxloop.errors import VoxloopError

# The largest weights of the zoo are a few GB; a server that sends on and on is not believed.
MOST_BYTES = 64 << 30
ZIP = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Bringer:
    """How files are brought: with how much patience, and whom it tells."""

    patience: Patience = field(default_factory=Patience)
    say: Callable[[str], None] | None = None
    progress: Progress | None = None

    def tell(self, sentence: str) -> None:
        if self.say is not None:
            self.say(sentence)

    def bring(self, remote: Remote, into: Path, begins: bytes = b"") -> None:
        """A file into `into`. What has come of it stays beside that as a part, and the next call goes on from there."""
        with Part(into, self.progress) as part:
            try:
                self._verified(remote, part, begins)
                part.become_whole()
            except OSError as error:
                if error.errno not in FULL:
                    raise
                raise full(error, into.parent, "and run the same command again; it goes on from here") from error

    def _verified(self, remote: Remote, part: Part, begins: bytes) -> None:
        for again in (False, True):
            self._complete(remote, part, begins)
            path = part.whole.with_name(f"{part.whole.name}.part")
            wrong = mismatch(path, remote.checksums, self.progress)
            if wrong is None and remote.bytes is not None and part.size != remote.bytes:
                wrong = f"it has {part.size} bytes, not {remote.bytes}"
            if wrong is None:
                return
            resumed = part.resumed
            part.discard()
            if not resumed or again:
                raise VoxloopError(
                    f"{remote.url} is not the file that was published: {wrong}; nothing of it was kept, get it "
                    "elsewhere and name "
                    "it with --mirror or --archive."
                )
            self.tell("What came in parts is not the file that was published; getting all of it anew, once.")

    def _complete(self, remote: Remote, part: Part, begins: bytes) -> None:
        furthest, tries, answered = part.size, 0, part.size > 0
        while not (part.size and part.size == part.version.bytes):
            try:
                with ask(remote.url, part.size, part.version, self.patience.silence_s, answered) as answer:
                    answered = True
                    self._receive(answer, remote, part, begins)
                    return
            except DroppedError as drop:
                if drop.anew:
                    part.discard()
                if part.size > furthest:
                    furthest, tries = part.size, 0
                if tries == len(self.patience.pauses_s):
                    raise VoxloopError(
                        f"{remote.url} breaks off again and again ({drop}) at {amount(part.size)}; run the same "
                        "command later, it goes "
                        "on from there."
                    ) from drop
                pause_s = max(self.patience.pauses_s[tries], drop.pause_s)
                self.tell(f"The connection broke off ({drop}) at {amount(part.size)}; going on in {pause_s:.0f} s.")
                time.sleep(pause_s)
                tries += 1

    def _receive(self, answer: Answer, remote: Remote, part: Part, begins: bytes) -> None:
        whole = answer.version.bytes
        if answer.first not in (0, part.size) or (answer.first and not answer.continues(part.version)):
            raise DroppedError("the server has another file now", anew=True)
        most = MOST_BYTES if remote.bytes is None else remote.bytes
        if whole is not None and whole > most:
            raise VoxloopError(f"{answer.url} claims to be {amount(whole)}, more than it can be; check --mirror.")
        begin = _begin(answer, begins) if answer.first == 0 else b""
        require_room(part.whole.parent, (whole or remote.bytes or 0) - answer.first, f"Fetching {part.whole.name}")
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
            if self.progress is not None:
                self.progress(part.size, max(part.size, whole or part.size), DOWNLOADING)
            if part.size > most:
                part.discard()
                raise VoxloopError(f"{answer.url} does not end where it should; it is another file, check --mirror.")
        if whole is not None and part.size < whole:
            raise DroppedError(f"it ended {amount(whole - part.size)} early")


def place(source: Path, target: Path) -> None:
    """Puts a file that has come into the bundle; the work folder's own stays until all of the bundle is there."""
    try:
        os.link(source, target)
    except OSError:
        # A file system without hard links.
        shutil.copyfile(source, target)


def _begin(answer: Answer, begins: bytes) -> bytes:
    """The first bytes, looked at before anything that is here is thrown away for them."""
    begin = b""
    while len(begin) < len(begins):
        data = answer.read(len(begins) - len(begin))
        if not data:
            break
        begin += data
    if len(begin) < min(len(begins), answer.version.bytes or 0):
        raise DroppedError("it ended at once")
    if begin != begins:
        looks = "a web page, perhaps one to sign in on" if begin.lstrip()[:1] == b"<" else f"{begin[:24]!r}"[1:]
        raise VoxloopError(
            f"{answer.url} sends no zip but {looks}; check --mirror, or get the file by hand and name it with "
            "--archive."
        )
    return begin
