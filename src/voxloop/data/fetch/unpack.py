"""Unpacking: only plain files, only below one folder, and all of them or none."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import mkdtemp

from voxloop.data.fetch.archive import Member, members
from voxloop.data.fetch.places import FULL, Progress, full, whole_folder, workplace
from voxloop.errors import VoxloopError

UNPACKING = "Unpacking"
# More names than any dataset has; an archive of empty files is small, and a folder of a hundred million is not.
MOST_MEMBERS = 250_000


def extract(
    archive: Path, into: Path, most_bytes: int | None = None, progress: Progress | None = None
) -> dict[str, int]:
    """Unpacks a tar, tar.gz or zip of anybody's into a new folder, which appears when all of it is there.

    Returns the files and their sizes. Where a dataset lies one folder down, its folder becomes `into`.
    """
    if os.path.lexists(into):
        raise VoxloopError(f"{into} is already there; name a folder that is not.")
    with workplace(into) as work, whole_folder(into, work / "unpacked") as folder:
        return unpack(archive, folder, most_bytes, progress)


def unpack(
    archive: Path, folder: Path, most_bytes: int | None = None, progress: Progress | None = None
) -> dict[str, int]:
    """Writes an archive's files into an empty folder; their rights, owners and times stay behind."""
    files: dict[str, int] = {}
    for number, member in enumerate(members(archive, most_bytes)):
        if number >= MOST_MEMBERS:
            raise VoxloopError(
                f"{archive.name} has more than {MOST_MEMBERS:,} members; unpack it by hand if you trust it."
            )
        parts = _parts(archive, member)
        if not parts or _left_by_macos(parts):
            continue
        try:
            if member.kind == "folder":
                folder.joinpath(*parts).mkdir(parents=True, exist_ok=True)
            else:
                files["/".join(parts)] = _write(archive, member, folder.joinpath(*parts), progress)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise VoxloopError(f'{archive.name} has "{"/".join(parts)}" twice; pack it anew.') from error
        except OSError as error:
            if error.errno in FULL:
                raise full(error, folder.parent.parent, "and run this again") from error
            raise
    if not files:
        raise VoxloopError(f"{archive.name} has no files in it; check that it is the right archive.")
    return _lifted(folder, files)


def _parts(archive: Path, member: Member) -> list[str]:
    """A member's place below the folder; refused where it means to lie elsewhere, or is no plain file."""
    parts = [part for part in member.name.split("/") if part not in ("", ".")]
    if (
        member.name.startswith("/")
        or ".." in parts
        or "\\" in member.name
        or min(map(ord, member.name), default=99) < 32
    ):
        raise VoxloopError(
            f"{archive.name} has a member called {member.name[:80]!a}, which could lie outside its folder; nothing was unpacked."
        )
    if member.kind not in ("file", "folder"):
        raise VoxloopError(
            f'{archive.name} has {member.kind} in it ("{member.name[:80]}"); only plain files are unpacked, pack those.'
        )
    return parts


def _left_by_macos(parts: list[str]) -> bool:
    return any(part.startswith("._") or part in (".DS_Store", "__MACOSX") for part in parts)


def _write(archive: Path, member: Member, target: Path, progress: Progress | None) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with target.open("xb") as file:
        for chunk in member.chunks():
            file.write(chunk)
            written += len(chunk)
            if progress is not None:
                progress(min(member.done + written, member.total), member.total, UNPACKING)
        file.flush()
        os.fsync(file.fileno())
    if written != member.size:
        raise VoxloopError(f'{archive.name}: "{member.name[:80]}" is not as long as it says; get the archive again.')
    return written


def _lifted(folder: Path, files: dict[str, int]) -> dict[str, int]:
    """Archives usually hold their dataset's folder; what is in it moves up."""
    top = next(iter(files)).partition("/")[0]
    if f"{top}/dataset.json" not in files or [entry.name for entry in folder.iterdir()] != [top]:
        return files
    # Aside first, for there may be a file in it that is called as it is.
    aside = Path(mkdtemp(dir=folder)) / "aside"
    (folder / top).rename(aside)
    for entry in aside.iterdir():
        entry.rename(folder / entry.name)
    aside.rmdir()
    aside.parent.rmdir()
    return {name.removeprefix(f"{top}/"): size for name, size in files.items()}
