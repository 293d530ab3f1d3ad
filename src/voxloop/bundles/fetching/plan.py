"""What has to come for one version of a bundle: one archive, or its files one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from voxloop.bundles.fetching.checksums import Checksum
from voxloop.errors import VoxloopError


@dataclass(frozen=True, slots=True)
class Remote:
    """A file that is to come: where it is, where in the bundle it belongs, how large it is, and how it is "
    "recognised."""

    url: str
    path: str
    bytes: int | None = None
    checksums: Sequence[Checksum] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """`archives` are tried in order. `here` is an archive that is on this machine. `files` is what comes one by one.

    `large` is where a mirror keeps what an archive leaves out: a folder, or an address; None where each file's own
    address is asked.
    """

    name: str
    version: str
    archives: Sequence[Remote] = ()
    here: Path | None = None
    files: Sequence[Remote] = ()
    checksums: Sequence[Checksum] = ()
    large: str | Path | None = field(default=None)

    @property
    def archive_name(self) -> str:
        return f"{self.name}_v{self.version}.zip"


def safe_path(said: str, where: str) -> list[str]:
    """The steps of a path below the bundle; refused where it means to lie elsewhere."""
    steps = [step for step in said.split("/") if step not in ("", ".")]
    odd = said.startswith("/") or ".." in steps or "\\" in said or ":" in said or len(said) > 500
    if not steps or odd or min(map(ord, said), default=0) < 32:
        raise VoxloopError(
            f"{where} has a file called {said[:80]!a}, which could lie outside of the bundle; nothing was fetched."
        )
    return steps
