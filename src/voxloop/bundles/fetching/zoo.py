"""MONAI's model zoo: where it lists its bundles, where they lie, and which version is the newest."""

from __future__ import annotations

import difflib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from voxloop.bundles.fetching.checksums import Checksum
from voxloop.data.fetch.answers import DroppedError, ask
from voxloop.data.fetch.download import Patience
from voxloop.data.fetch.parts import Version
from voxloop.errors import VoxloopError

SOURCES = ("monaihosting", "github", "ngc", "huggingface_hub")
MOST_TEXT = 16 << 20
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the sources are; the same addresses that MONAI's own downloader has."""

    listing: str = "https://raw.githubusercontent.com/Project-MONAI/model-zoo/dev/models/model_info.json"
    monaihosting: str = "https://api.ngc.nvidia.com/v2/models/nvidia/monaihosting"
    ngc: str = "https://api.ngc.nvidia.com/v2/models/nvidia/monaitoolkit"
    github: str = "https://github.com/Project-MONAI/model-zoo/releases/download/hosting_storage_v1"
    huggingface: str = "https://huggingface.co"


@dataclass(frozen=True, slots=True)
class Entry:
    """A version of a bundle in a listing."""

    name: str
    version: str
    source: str
    checksum: Checksum | None


@dataclass(frozen=True, slots=True)
class Listing:
    """A zoo's model_info.json."""

    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, text: bytes, where: str) -> Listing:
        """Refused where it is no listing; entries of another form are passed over."""
        try:
            content = json.loads(text)
            listed = {str(key): value for key, value in content.items() if isinstance(value, dict)}
        except (ValueError, AttributeError, RecursionError) as error:
            raise VoxloopError(f"{where} is no list of bundles ({type(error).__name__}); check --mirror.") from error
        entries = []
        for key, value in listed.items():
            name, _, version = key.rpartition("_v")
            if NAME.fullmatch(name) and NAME.fullmatch(version):
                said = value.get("checksum")
                # The zoo's are SHA-1.
                checksum = Checksum.of("sha1", said, f"{where}, {key},") if said else None
                entries.append(Entry(name, version, str(value.get("source", "")), checksum))
        return cls(tuple(entries))

    def names(self) -> list[str]:
        return sorted({entry.name for entry in self.entries}, key=str.casefold)

    def versions(self, name: str) -> list[str]:
        """The newest first, as numbers: 0.10.0 is newer than 0.9.0, whatever their letters say."""
        return sorted((entry.version for entry in self.entries if entry.name == name), key=numbers, reverse=True)

    def find(self, name: str, version: str | None) -> Entry:
        versions = self.versions(name)
        if not versions:
            near = difflib.get_close_matches(name, self.names(), n=1)
            hint = f'did you mean "{near[0]}"?' if near else "see them all with: voxloop bundle fetch --list"
            raise VoxloopError(f'No bundle is called "{name}" there; {hint}')
        if version is not None and version not in versions:
            raise VoxloopError(f"{name} has no version {version}; it has: {', '.join(versions[:8])}.")
        wanted = version or versions[0]
        return next(entry for entry in self.entries if (entry.name, entry.version) == (name, wanted))


def numbers(version: str) -> tuple[tuple[int, ...], bool, str]:
    """A version as something to sort by; a release counts more than its candidates."""
    plain = re.match(r"v?(\d{1,9}(?:\.\d{1,9})*)", version)
    if plain is None:
        return ((), False, version)
    return (tuple(int(one) for one in plain[1].split(".")), plain.end() == len(version), version)


def require_name(name: str, what: str = "bundle") -> str:
    """A name that can be a folder's and a part of an address."""
    if not NAME.fullmatch(name) or ".." in name:
        raise VoxloopError(f'"{name[:80]}" cannot be a {what}\'s name; letters, digits, dots and dashes can.')
    return name


def read_text(url: str, patience: Patience, say: Callable[[str], None] | None = None) -> bytes:
    """A small file from a server, all of it."""
    for pause_s in (*patience.pauses_s, None):
        try:
            with ask(url, 0, Version(), patience.silence_s, answered=False) as answer:
                text = b""
                while data := answer.read(1 << 16):
                    text += data
                    if len(text) > MOST_TEXT:
                        raise VoxloopError(f"{url} does not end where a list should; check --mirror.")
                if answer.version.bytes is not None and len(text) < answer.version.bytes:
                    raise DroppedError("it ended early")
                return text
        except DroppedError as drop:
            if pause_s is None:
                raise VoxloopError(f"{url} breaks off again and again ({drop}); run the same command later.") from drop
            if say is not None:
                say(f"{url} broke off ({drop}); asking again.")
            time.sleep(max(pause_s, drop.pause_s))
    raise AssertionError("the last pause is none")


def read_json(url: str, patience: Patience) -> Any:
    try:
        return json.loads(read_text(url, patience))
    except (ValueError, RecursionError) as error:
        raise VoxloopError(
            f"{url} answers with something that is no JSON; check --source, or name a --mirror."
        ) from error
