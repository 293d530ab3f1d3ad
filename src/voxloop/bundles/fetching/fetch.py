"""From a bundle's name to its folder, whole and verified, or not there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any

from voxloop.bundles.fetching import about, large_files, mirrors, sources
from voxloop.bundles.fetching.bringing import ZIP, Bringer, place
from voxloop.bundles.fetching.checksums import Checksum, mismatch, of_file
from voxloop.bundles.fetching.plan import Plan, Remote, safe_path
from voxloop.bundles.fetching.zoo import SOURCES, Addresses, require_name
from voxloop.data.fetch.archive import members
from voxloop.data.fetch.download import Patience
from voxloop.data.fetch.places import Progress, require_room, whole_folder, workplace
from voxloop.data.fetch.unpack import unpack
from voxloop.errors import VoxloopError

# In the bundle's folder: where it came from, how it was verified, and every file that it had.
NOTE = ".fetched.json"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A bundle that is here: since now, or `already`. `verified` names the checksums that held, none where none "
    "was published."""

    name: str
    version: str
    folder: Path
    source: str
    verified: tuple[str, ...]
    sha256: str | None
    files: int
    bytes: int
    licence: str
    already: bool = False


def fetch(
    name: str,
    version: str | None = None,
    out: Path = Path(),
    source: str = "monaihosting",
    mirror: str | None = None,
    archive: Path | None = None,
    sha256: str | None = None,
    addresses: Addresses | None = None,
    patience: Patience | None = None,
    say: Say | None = None,
    progress: Progress | None = None,
) -> Fetched:
    """Brings a bundle to `out/NAME`: finds, resumes or begins the download, verifies it, unpacks it. Runs nothing of it.

    With a `mirror` or an `archive`, nothing else is asked. Every call goes on from what the last one reached, and one that
    has nothing to do does nothing.

    >>> fetch("spleen_ct_segmentation", mirror="/srv/bundles")                                       # doctest: +SKIP
    """
    require_name(name)
    if version is not None:
        require_name(version, "version")
    if source not in SOURCES:
        raise VoxloopError(f'There is no source "{source}"; there are: {", ".join(SOURCES)}.')
    asked = [] if sha256 is None else [Checksum.of("sha256", sha256, "--sha256")]
    folder = out / name
    bringer = Bringer(patience or Patience(), say, progress)
    if (done := find_fetched(folder, name, version, asked)) is not None:
        return done
    if not out.is_dir():
        raise VoxloopError(f"No folder is at {out}; make it, or choose another --out.")
    with workplace(folder, say) as work:
        if (done := find_fetched(folder, name, version, asked)) is None:
            plan = _plan(name, version, source, mirror, archive, addresses or Addresses(), bringer.patience)
            done = _made(plan, folder, work, bringer, asked, offline=archive is not None)
        for left in work.iterdir():
            if left.name != "lock":
                rmtree(left) if left.is_dir() else left.unlink()
    return done


def _plan(
    name: str,
    version: str | None,
    source: str,
    mirror: str | None,
    archive: Path | None,
    addresses: Addresses,
    patience: Patience,
) -> Plan:
    if archive is not None:
        return mirrors.of_archive(archive, name, version)
    if mirror is not None:
        return mirrors.plan(mirror, name, version, patience)
    return sources.plan(source, name, version, addresses, patience)


def _made(plan: Plan, folder: Path, work: Path, bringer: Bringer, asked: list[Checksum], offline: bool) -> Fetched:
    checksums = [*asked, *plan.checksums]
    with whole_folder(folder, work / "unpacked") as partial:
        if plan.files:
            if asked:
                raise VoxloopError(
                    f"{plan.name} comes file by file from there, so --sha256 has nothing to be held against; leave "
                    "it out."
                )
            where, sha256 = plan.files[0].url, None
            verified = _one_by_one(plan, partial, work, bringer)
        else:
            path, where = _archive(plan, work, bringer, checksums)
            sha256 = of_file(path, ["sha256"], bringer.progress)["sha256"]
            verified = {str(one) for one in checksums}
            require_room(folder.parent, sum(one.size for one in members(path)), f"Unpacking {plan.name}")
            unpack(path, partial, progress=bringer.progress)
            _lift(partial, plan.name)
        large = large_files.complete(partial, work, bringer, plan.large, offline)
        verified |= {f"{kind} of {path}" for path, kind in large.items() if kind}
        said = about.metadata(partial)
        version = str(said.get("version") or plan.version)[:40] if plan.version == "unknown" else plan.version
        if said.get("version") not in (None, version):
            bringer.tell(f"Its own metadata call it version {str(said['version'])[:40]!r}, where it came as {version}.")
        files = _files(partial)
        made = Fetched(
            plan.name,
            version,
            folder,
            where,
            tuple(sorted(verified)),
            sha256,
            len(files),
            sum(files.values()),
            about.licence(partial),
        )
        _write_note(partial, made, files)
    return made


def _archive(plan: Plan, work: Path, bringer: Bringer, checksums: list[Checksum]) -> tuple[Path, str]:
    """The verified zip, and where it came from."""
    if plan.here is not None:
        wrong = mismatch(plan.here, checksums, bringer.progress)
        if wrong is not None:
            raise VoxloopError(
                f"{plan.here} is not the archive that was published: {wrong}; get it again, or correct the checksum."
            )
        return plan.here, str(plan.here)
    into = work / plan.archive_name
    if into.is_file():
        if mismatch(into, checksums, bringer.progress) is None:
            return into, plan.archives[0].url
        into.unlink()
    for number, remote in enumerate(plan.archives, start=1):
        bringer.tell(f"{plan.name} {plan.version} from {remote.url}")
        try:
            bringer.bring(Remote(remote.url, remote.path, checksums=checksums), into, ZIP)
        except VoxloopError as error:
            if number == len(plan.archives):
                raise
            bringer.tell(str(error))
            continue
        return into, remote.url
    raise AssertionError("a plan has an archive")


def _one_by_one(plan: Plan, partial: Path, work: Path, bringer: Bringer) -> set[str]:
    bringer.tell(f"{plan.name} {plan.version}: {len(plan.files)} files from {plan.files[0].url.rsplit('/', 1)[0]}")
    kinds = set()
    (work / "files").mkdir(exist_ok=True)
    for number, remote in enumerate(plan.files):
        into = work / "files" / str(number)
        if (
            not into.is_file()
            or mismatch(into, remote.checksums) is not None
            or into.stat().st_size != (remote.bytes or into.stat().st_size)
        ):
            into.unlink(missing_ok=True)
            bringer.bring(remote, into)
        target = partial.joinpath(*safe_path(remote.path, plan.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            raise VoxloopError(f"{plan.name} has {remote.path} twice; get it from another --source.")
        place(into, target)
        kinds |= {one.kind for one in remote.checksums}
    return {f"{kind} of each file" for kind in kinds}


def _lift(partial: Path, name: str) -> None:
    """An archive holds its bundle's folder, usually by its name; what is in that moves up."""
    if (partial / "configs").is_dir():
        return
    inside = [path for path in partial.iterdir() if (path / "configs").is_dir()]
    if len(inside) != 1 or len(list(partial.iterdir())) != 1:
        raise VoxloopError(
            f"The archive of {name} holds no folder with configs in it, so it is no bundle; nothing of it was kept."
        )
    aside = partial.with_name("aside")
    if aside.exists():
        rmtree(aside)
    inside[0].rename(aside)
    for path in aside.iterdir():
        path.rename(partial / path.name)
    # Empty now, whatever it was called.
    aside.rmdir()
    if inside[0].exists():
        inside[0].rmdir()


def _files(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_size for path in sorted(folder.rglob("*")) if path.is_file()}


def _write_note(folder: Path, made: Fetched, files: dict[str, int]) -> None:
    note: dict[str, Any] = {
        "name": made.name,
        "version": made.version,
        "source": made.source,
        "verified": made.verified,
        "sha256": made.sha256,
        "licence": made.licence,
        "files": files,
    }
    with (folder / NOTE).open("x", encoding="utf-8") as file:
        json.dump(note, file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def find_fetched(folder: Path, name: str, version: str | None, asked: list[Checksum]) -> Fetched | None:
    """What an earlier call has made; refused where the folder is something else, another version, or has lost files."""
    if not os.path.lexists(folder) or (folder.is_dir() and not any(folder.iterdir())):
        return None
    try:
        note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        files = {str(path): int(size) for path, size in note["files"].items()}
        done = Fetched(
            str(note["name"]),
            str(note["version"]),
            folder,
            str(note["source"]),
            tuple(str(one) for one in note["verified"]),
            None if note["sha256"] is None else str(note["sha256"]),
            len(files),
            sum(files.values()),
            str(note["licence"]),
            already=True,
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise VoxloopError(
            f"{folder} is there and did not come from this command; use it as it is, move it away, or choose "
            "another --out."
        ) from None
    if version not in (None, done.version):
        raise VoxloopError(f"{folder} is version {done.version}, not {version}; move it away, or choose another --out.")
    if asked and done.sha256 not in (None, asked[0].value):
        raise VoxloopError(
            f"{folder} came from an archive with sha256 {done.sha256}; move it away, or choose another --out."
        )
    lost = [path for path in files if not (folder / path).is_file()]
    if lost:
        raise VoxloopError(
            f"{folder} was whole and has lost {len(lost)} of its {len(files)} files, {lost[0]} among them; move it "
            "away and fetch it again."
        )
    return done
