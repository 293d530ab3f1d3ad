"""A hospital's own zoo: a folder or an address with NAME_vVERSION.zip, and beside them model_info.json and .sha256 "
"if it likes."""

from __future__ import annotations

import difflib
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from voxloop.bundles.fetching.checksums import Checksum
from voxloop.bundles.fetching.plan import Plan, Remote
from voxloop.bundles.fetching.zoo import Entry, Listing, numbers, read_text
from voxloop.data.fetch.download import Patience
from voxloop.errors import VoxloopError

LISTING = "model_info.json"


def folder_of(mirror: str) -> Path | None:
    """The folder that a mirror is, None where it is an address; refused where it is neither."""
    if not mirror:
        raise VoxloopError("The mirror has no address; name a folder or an http(s) address with --mirror.")
    scheme = mirror.partition("://")[0].lower() if "://" in mirror else ""
    if scheme in ("http", "https"):
        return None
    folder = Path(url2pathname(urlsplit(mirror).path)) if scheme == "file" else Path(mirror).expanduser()
    if scheme not in ("", "file"):
        raise VoxloopError(f"{mirror} is no folder and no http or https address; check --mirror.")
    if not folder.is_dir():
        raise VoxloopError(f"No folder is at {folder}; check --mirror.")
    return folder


def listing(mirror: str, patience: Patience) -> Listing:
    """What a mirror has: by its model_info.json, and in a folder by the archives that are there."""
    folder = folder_of(mirror)
    if folder is None:
        where = f"{mirror.rstrip('/')}/{LISTING}"
        return Listing.of(read_text(where, patience), where)
    listed = (
        Listing.of((folder / LISTING).read_bytes(), str(folder / LISTING))
        if (folder / LISTING).is_file()
        else Listing(())
    )
    known = {(entry.name, entry.version): entry for entry in listed.entries}
    entries = []
    for path in sorted(folder.glob("*_v*.zip")):
        name, _, version = path.stem.rpartition("_v")
        entries.append(known.get((name, version), Entry(name, version, "", None)))
    return Listing(tuple(entries))


def plan(mirror: str, name: str, version: str | None, patience: Patience) -> Plan:
    """The archive of a mirror and every checksum that lies with it. The world outside is not asked."""
    folder = folder_of(mirror)
    if folder is not None:
        return _in_folder(folder, listing(mirror, patience), name, version)
    base = mirror.rstrip("/")
    try:
        entry = listing(mirror, patience).find(name, version)
    except VoxloopError as error:
        if version is None:
            raise VoxloopError(
                f"Which versions of {name} there are, {base} does not say ({str(error).rstrip('.')}); name one with "
                "--version."
            ) from error
        entry = Entry(name, version, "", None)
    archive = f"{name}_v{entry.version}.zip"
    checksums = [] if entry.checksum is None else [entry.checksum]
    try:
        said = read_text(f"{base}/{archive}.sha256", patience)
    except VoxloopError:
        # Not every mirror has one, and whether the archive can be had shows at the archive.
        said = b""
    checksums += _beside(said, f"{base}/{archive}.sha256")
    return Plan(
        name, entry.version, [Remote(f"{base}/{archive}", archive)], checksums=checksums, large=f"{base}/{archive[:-4]}"
    )


def _in_folder(folder: Path, listed: Listing, name: str, version: str | None) -> Plan:
    versions = listed.versions(name)
    if not versions or (version is not None and version not in versions):
        near = difflib.get_close_matches(name, listed.names(), n=1)
        wanted = f"{name}_v{version or 'VERSION'}.zip"
        hint = (
            f"it has version {', '.join(versions[:8])}."
            if versions
            else f'did you mean "{near[0]}"?'
            if near
            else "put it there, or check --mirror."
        )
        raise VoxloopError(f"{folder} has no {wanted}; {hint}")
    entry = listed.find(name, version or max(versions, key=numbers))
    path = folder / f"{name}_v{entry.version}.zip"
    checksums = [] if entry.checksum is None else [entry.checksum]
    beside = path.with_name(f"{path.name}.sha256")
    checksums += _beside(beside.read_bytes()[:4096] if beside.is_file() else b"", str(beside))
    return Plan(name, entry.version, here=path, checksums=checksums, large=folder / path.stem)


def _beside(said: bytes, where: str) -> list[Checksum]:
    """A .sha256 as sha256sum writes it: the checksum, and after it the file's name."""
    words = said.decode("utf-8", "replace").split()
    return [Checksum.of("sha256", words[0], where)] if words else []


def of_archive(path: Path, name: str, version: str | None) -> Plan:
    """A zip that somebody brought by hand; which version it is, its metadata say."""
    if not path.is_file():
        raise VoxloopError(f"No archive is at {path}; check the path.")
    said = version or path.stem.rpartition("_v")[2] if "_v" in path.stem else version
    return Plan(name, said or "unknown", here=path, large=path.with_suffix(""))
