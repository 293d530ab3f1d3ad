"""From a task's name to its dataset's folder, whole and verified, or not there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from voxloop.data.fetch.download import Patience, download
from voxloop.data.fetch.parts import digest_of
from voxloop.data.fetch.places import Progress, amount, require_room, whole_folder, work_of, workplace
from voxloop.data.fetch.tasks import MIRROR, Task
from voxloop.data.fetch.unpack import unpack
from voxloop.errors import VoxloopError

# In the dataset's folder: which archive it came from, and every file that it had.
NOTE = ".fetched.json"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A task's dataset that is here: since now, or `already`."""

    task: Task
    folder: Path
    files: int
    bytes: int
    already: bool


def fetch(
    task: Task,
    out: Path = Path(),
    mirror: str = MIRROR,
    archive: Path | None = None,
    keep_archive: bool = False,
    patience: Patience | None = None,
    say: Say | None = None,
    progress: Progress | None = None,
) -> Fetched:
    """Brings a task to `out/Task09_Spleen`: finds, resumes or begins the download, verifies it, unpacks it.

    `mirror` is the address or the folder under which `Task09_Spleen.tar` lies. `archive` is that file where it is here already.
    Every call goes on from what the last one reached, and one that has nothing to do does nothing.
    """
    folder = out / task.name
    if (done := find_fetched(task, folder)) is not None and not work_of(folder).exists():
        return done
    with workplace(folder, say) as work:
        # While this process waited, another one may have done it all; or it was killed just before it tidied up.
        if (done := find_fetched(task, folder)) is None:
            tar = _get_archive(task, out, work, mirror, archive, patience or Patience(), say, progress)
            require_room(out, tar.stat().st_size, f"Unpacking {task.name}")
            with whole_folder(folder, work / "unpacked") as unpacked:
                files = unpack(tar, unpacked, progress=progress)
                _write_note(unpacked, task, files)
            done = Fetched(task, folder, len(files), sum(files.values()), already=False)
        if keep_archive and (work / task.archive).is_file():
            (work / task.archive).rename(out / task.archive)
        for left in work.glob(f"{task.archive}*"):
            left.unlink()
    return done


def _write_note(folder: Path, task: Task, files: dict[str, int]) -> None:
    with (folder / NOTE).open("x", encoding="utf-8") as file:
        json.dump({"task": task.name, "md5": task.md5, "files": files}, file)
        file.flush()
        os.fsync(file.fileno())


def find_fetched(task: Task, folder: Path) -> Fetched | None:
    """What an earlier call has made of a task; refused where the folder is something else or has lost files."""
    if not os.path.lexists(folder) or (folder.is_dir() and not any(folder.iterdir())):
        return None
    try:
        note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        md5, files = str(note["md5"]), {str(name): int(size) for name, size in note["files"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise VoxloopError(
            f"{folder} is there and did not come from this command; use it as it is, move it away, or choose another --out."
        ) from None
    if md5 != task.md5:
        raise VoxloopError(
            f"{folder} came from another archive than {task.archive}; move it away, or choose another --out."
        )
    lost = [name for name in files if not (folder / name).is_file()]
    if lost:
        raise VoxloopError(
            f"{folder} was whole and has lost {len(lost)} of its {len(files)} files, {lost[0]} among them; move it away and fetch it again."
        )
    return Fetched(task, folder, len(files), sum(files.values()), already=True)


def _get_archive(
    task: Task,
    out: Path,
    work: Path,
    mirror: str,
    archive: Path | None,
    patience: Patience,
    say: Say | None,
    progress: Progress | None,
) -> Path:
    """The verified tar: one that is here, or one that is fetched into the workplace."""
    here = archive or _local(mirror, task)
    if here is not None:
        if not here.is_file():
            raise VoxloopError(f"No archive is at {here}; check the path.")
        return _verified(here, task, progress)
    if (out / task.archive).is_file():
        # Brought by hand, or kept.
        return _verified(out / task.archive, task, progress)
    tar = work / task.archive
    if tar.is_file():
        if digest_of(tar, progress) == task.md5:
            return tar
        # It was whole once; a disk forgets.
        tar.unlink()
    url = f"{mirror.rstrip('/')}/{task.archive}"
    if say is not None:
        say(f"{task.name}, about {amount(task.about_bytes)}, from {url}")

    def make_room(whole: int, already: int) -> None:
        # The archive, and beside it what is in it.
        require_room(out, whole - already + whole, f"Fetching {task.name}")

    download(url, tar, task.md5, task.about_bytes, patience, make_room, say, progress)
    return tar


def _local(mirror: str, task: Task) -> Path | None:
    """The archive under a mirror that is a folder, named by path or file:// address."""
    scheme = mirror.partition("://")[0].lower() if "://" in mirror else ""
    if scheme == "file":
        return Path(url2pathname(urlsplit(mirror).path)) / task.archive
    if scheme == "":
        if not mirror:
            raise VoxloopError("The mirror has no address; name one with --mirror, or unset VOXLOOP_MIRROR.")
        return Path(mirror).expanduser() / task.archive
    return None


def _verified(archive: Path, task: Task, progress: Progress | None) -> Path:
    found = digest_of(archive, progress)
    if found != task.md5:
        raise VoxloopError(
            f"{archive} is not {task.archive} as it was published: its checksum is {found}, not {task.md5}; get it again, or move it away."
        )
    return archive
