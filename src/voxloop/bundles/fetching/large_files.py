"""What a bundle's archive may leave out and name in large_files: weights, each with its address and its checksum."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from typing import Any
from urllib.parse import urlsplit

from voxloop.bundles.fetching.bringing import Bringer, place
from voxloop.bundles.fetching.checksums import Checksum, mismatch
from voxloop.bundles.fetching.plan import Remote, safe_path
from voxloop.errors import VoxloopError

MOST_BYTES = 1 << 20
# Sites that answer with a page for people instead of the file.
FOR_PEOPLE = ("drive.google.com", "cloud-api.yandex.net")


@dataclass(frozen=True, slots=True)
class LargeFile:
    """A file that belongs to a bundle and lies elsewhere."""

    path: str
    url: str
    checksum: Checksum | None


def listed(root: Path) -> list[LargeFile]:
    """What large_files.json or large_files.yml of a bundle names; none where there is no such file."""
    found = []
    for file in sorted((*root.glob("large_files.*"), *root.glob("large_file.*"))):
        if file.suffix in (".json", ".yml", ".yaml") and file.is_file():
            found += [_of(one, file.name) for one in _items(file)]
    return found


def _items(file: Path) -> list[Any]:
    text = file.read_bytes()[:MOST_BYTES].decode("utf-8", "replace")
    try:
        content = json.loads(text) if file.suffix == ".json" else _flat_yaml(text)
    except (ValueError, RecursionError) as error:
        raise VoxloopError(f"{file.name} of the bundle cannot be read ({error}); get the bundle elsewhere.") from error
    items = content.get("large_files") if isinstance(content, dict) else None
    if not isinstance(items, list):
        raise VoxloopError(f"{file.name} of the bundle holds no list called large_files; get the bundle elsewhere.")
    return items


def _flat_yaml(text: str) -> dict[str, list[dict[str, str]]]:
    """The one form of YAML that these files have: a name, and below it a list of flat blocks of texts."""
    items: list[dict[str, str]] = []
    name = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#") or line.strip() == "---":
            continue
        heading = re.fullmatch(r"(\w+):\s*", line)
        said = re.fullmatch(r"\s*(-\s+)?(\w+):\s*(\"[^\"]*\"|'[^']*'|[^\"'#{}\[\]&*|>]*?)\s*(?:\s#.*)?", line)
        if heading and not name:
            name = heading[1]
        elif said and name:
            if said[1]:
                items.append({})
            if not items:
                raise ValueError(f"line {number}")
            items[-1][said[2]] = said[3].strip("\"'")
        else:
            raise ValueError(f"line {number}")
    return {name: items}


def _of(item: Any, where: str) -> LargeFile:
    if not isinstance(item, Mapping) or not isinstance(item.get("path"), str):
        raise VoxloopError(f"{where} of the bundle lists something that is no file; get the bundle elsewhere.")
    safe_path(item["path"], where)
    value, kind = str(item.get("hash_val") or ""), str(item.get("hash_type") or "sha256")
    checksum = Checksum.of(kind, value, f"{where}, {item['path'][:80]},") if value else None
    return LargeFile(item["path"], str(item.get("url") or ""), checksum)


def complete(folder: Path, work: Path, bringer: Bringer, mirror: str | Path | None, offline: bool) -> dict[str, str]:
    """Puts what an unpacked bundle lacks into it, and says of each file how it was verified."""
    verified = {}
    for number, large in enumerate(listed(folder)):
        target = folder.joinpath(*safe_path(large.path, "large_files"))
        checksums = () if large.checksum is None else (large.checksum,)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            _get(large, work / f"large-{number}", target, bringer, mirror, offline)
        elif not target.is_file():
            raise VoxloopError(f"{large.path} of the bundle is no file; get the bundle elsewhere.")
        wrong = mismatch(target, checksums, bringer.progress)
        if wrong is not None:
            raise VoxloopError(
                f"{large.path} is not the file that large_files names: {wrong}; get the bundle elsewhere."
            )
        verified[large.path] = large.checksum.kind if large.checksum else ""
    return verified


def _get(
    large: LargeFile, part: Path, target: Path, bringer: Bringer, mirror: str | Path | None, offline: bool
) -> None:
    if isinstance(mirror, Path):
        here = mirror.joinpath(*safe_path(large.path, "large_files"))
        if not here.is_file():
            raise VoxloopError(
                f"{large.path} is not in the archive and not at {here}; put it there, where it was published: "
                f"{large.url}"
            )
        # Not a link: the mirror's file may change one day.
        copyfile(here, target)
        return
    host = urlsplit(large.url).hostname or ""
    url = f"{mirror}/{large.path}" if mirror is not None else large.url
    if mirror is None and (offline or host in FOR_PEOPLE):
        raise VoxloopError(
            f"{large.path} is not in the archive, and {large.url} answers people only; get it by hand, put it into "
            "a folder as "
            f"NAME_vVERSION/{large.path} beside the archive, and name that folder with --mirror."
        )
    checksums = () if large.checksum is None else (large.checksum,)
    if not part.is_file() or mismatch(part, checksums) is not None:
        part.unlink(missing_ok=True)
        bringer.tell(f"{large.path} from {url}")
        bringer.bring(Remote(url, large.path, checksums=checksums), part)
    place(part, target)
