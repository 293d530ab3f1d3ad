"""The four places where MONAI's bundles are, each asked in its own way for one version."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from voxloop.bundles.fetching.checksums import Checksum
from voxloop.bundles.fetching.plan import Plan, Remote, safe_path
from voxloop.bundles.fetching.zoo import Addresses, Entry, Listing, numbers, read_json, read_text
from voxloop.data.fetch.download import Patience
from voxloop.errors import VoxloopError

MOST_FILES = 5_000


def plan(source: str, name: str, version: str | None, addresses: Addresses, patience: Patience) -> Plan:
    """Where a bundle lies at a source; the newest version where none is named."""
    if source == "monaihosting":
        return _hosting(name, version, addresses, patience)
    if source == "github":
        return _github(name, version, addresses, patience)
    if source == "ngc":
        return _ngc(name, version, addresses, patience)
    return _huggingface(name, version, addresses, patience)


def listing(addresses: Addresses, patience: Patience) -> Listing:
    """The zoo's own list of all versions, with their checksums."""
    return Listing.of(read_text(addresses.listing, patience), addresses.listing)


def _entry(name: str, version: str | None, addresses: Addresses, patience: Patience) -> Entry:
    """What the listing says of a version; of one that is named, nothing where the list cannot be had."""
    try:
        listed = listing(addresses, patience)
    except VoxloopError:
        if version is None:
            raise
        return Entry(name, version, "", None)
    return listed.find(name, version)


def _hosting(name: str, version: str | None, addresses: Addresses, patience: Patience) -> Plan:
    entry = _entry(name, version, addresses, patience)
    if urlsplit(entry.source).hostname == urlsplit(addresses.huggingface).hostname and not entry.source.endswith(
        ".zip"
    ):
        return _huggingface(name, entry.version, addresses, patience)
    archive = f"{name}_v{entry.version}.zip"
    usual = f"{addresses.monaihosting}/{name.lower()}/versions/{entry.version}/files/{archive}"
    # The checksum in the list belongs to the address in the list.
    urls = [entry.source, usual] if entry.source.startswith(("http://", "https://")) else [usual]
    return _archives(entry, urls)


def _github(name: str, version: str | None, addresses: Addresses, patience: Patience) -> Plan:
    entry = _entry(name, version, addresses, patience)
    return _archives(entry, [f"{addresses.github}/{name}_v{entry.version}.zip"])


def _archives(entry: Entry, urls: list[str]) -> Plan:
    checksums = () if entry.checksum is None else (entry.checksum,)
    archives = [Remote(url, f"{entry.name}_v{entry.version}.zip") for url in dict.fromkeys(urls)]
    return Plan(entry.name, entry.version, archives=archives, checksums=checksums)


def _ngc(name: str, version: str | None, addresses: Addresses, patience: Patience) -> Plan:
    model = name if name.startswith("monai_") else f"monai_{name}"
    base = f"{addresses.ngc}/{model.lower()}/versions"
    if version is None:
        said = read_json(f"{base}/", patience)
        known = said.get("modelVersions", []) if isinstance(said, dict) else []
        versions = [str(one["versionId"]) for one in known if isinstance(one, dict) and "versionId" in one]
        version = _newest(name, versions, base)
    said = read_json(f"{base}/{quote(version)}/files", patience)
    listed = said.get("modelFiles") if isinstance(said, dict) else None
    files = []
    for one in _some(listed, f"{base}/{version}/files"):
        path, size = str(one.get("path", "")), one.get("sizeInBytes")
        safe_path(path, name)
        files.append(
            Remote(f"{base}/{quote(version)}/files/{quote(path)}", path, size if isinstance(size, int) else None)
        )
    return Plan(name.removeprefix("monai_"), version, files=files)


def _huggingface(name: str, version: str | None, addresses: Addresses, patience: Patience) -> Plan:
    repository = f"{addresses.huggingface}/api/models/MONAI/{name}"
    if version is None:
        said = read_json(f"{repository}/refs", patience)
        tags = said.get("tags", []) if isinstance(said, dict) else []
        names = [str(one["name"]) for one in tags if isinstance(one, dict) and "name" in one]
        version = max((one for one in names if numbers(one)[0]), key=numbers, default="main")
    where = f"{repository}/tree/{quote(version)}?recursive=true"
    files = []
    for one in _some(read_json(where, patience), where):
        if one.get("type") != "file":
            continue
        path, large = str(one.get("path", "")), one.get("lfs")
        safe_path(path, name)
        if isinstance(large, dict) and "oid" in large:
            checksum = Checksum.of("sha256", large["oid"], where)
        else:
            checksum = Checksum("git", Checksum.of("sha1", one.get("oid"), where).value)
        size = one.get("size")
        url = f"{addresses.huggingface}/MONAI/{name}/resolve/{quote(version)}/{quote(path)}"
        files.append(Remote(url, path, size if isinstance(size, int) else None, (checksum,)))
    # What Git and the page keep for themselves is no part of the bundle.
    kept = [one for one in files if one.path.split("/")[-1] not in (".gitattributes", ".gitignore")]
    return Plan(name, version, files=kept)


def _newest(name: str, versions: list[str], where: str) -> str:
    known = [one for one in versions if numbers(one)[0]]
    if not known:
        raise VoxloopError(f"{where} names no version of {name}; check the name, or another --source.")
    return max(known, key=numbers)


def _some(listed: Any, where: str) -> list[dict[str, Any]]:
    files = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    if not 0 < len(files) <= MOST_FILES:
        raise VoxloopError(
            f"{where} lists {len(files) or 'no'} files, which is no bundle; check the name, or another --source."
        )
    return files
