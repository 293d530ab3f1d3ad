"""Arrays and files as they are at the moment when they are logged, whatever becomes of them later."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxloop.errors import VoxloopError
from voxloop.tracking.media.protocol import Known
from voxloop.tracking.params import text

if TYPE_CHECKING:
    from voxloop.store.blobs import Blobs

# A script writes its prediction over the last one; what is no larger than this is read at once, so that no other is stored.
SMALL = 8 << 20


def is_tensor(value: object) -> bool:
    """Whether a value is a torch tensor, told without importing torch."""
    return any(cls.__module__ == "torch" and cls.__name__ == "Tensor" for cls in type(value).__mro__)


def viewed(value: Any, what: str) -> tuple[npt.NDArray[Any], bool]:
    """An array of numbers, of any library, and whether it is a copy already; `what` names it in the sentence if it is none."""
    if isinstance(value, str | bytes):
        raise VoxloopError(
            f"{what} is an array of numbers, and this is the text {value[:40]!r}; give an array or a Path."
        )
    fresh = False
    try:
        if is_tensor(value):
            value = value.detach()
            moved = value.cpu()
            # Types that numpy does not know; float32 holds all of their values.
            moved = moved.float() if str(moved.dtype).startswith(("torch.bfloat16", "torch.float8")) else moved
            fresh = moved.data_ptr() != value.data_ptr()
            value = moved
        array = np.asarray(value)
    except Exception as error:  # every library has its own way of saying no
        raise VoxloopError(
            f"{what} is an array of numbers, and a {type(value).__name__} is not; convert it."
        ) from error
    if array.dtype.kind not in "biuf":
        raise VoxloopError(f"{what} holds numbers, and this array holds {array.dtype}; convert it.")
    # What numpy had to build from a list is its own; what another library answers with may still be written to.
    return array, fresh or isinstance(value, list | tuple | int | float)


def copied(value: Any, what: str) -> npt.NDArray[Any]:
    """A copy of an array of numbers."""
    array, fresh = viewed(value, what)
    return array if fresh else array.copy()


def reason(error: BaseException) -> str:
    """What another library said, on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:120]


def sides(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "no axes"


@dataclass(frozen=True, slots=True)
class File:
    """A file in the state in which it was logged. A small one is held; a large one is read later, or refused if it changed."""

    path: Path
    size: int
    mtime_ns: int
    content: bytes | None

    @property
    def nbytes(self) -> int:
        return len(self.content or b"")

    @property
    def state(self) -> tuple[str, int, int]:
        return str(self.path), self.size, self.mtime_ns

    def read(self) -> bytes:
        """The file's bytes as they were."""
        if self.content is not None:
            return self.content
        self.require_unchanged()
        return self.path.read_bytes()

    def require_unchanged(self) -> None:
        try:
            stat = self.path.stat()
        except OSError as error:
            raise VoxloopError(
                f"{self.path} was logged and is gone ({error.strerror or error}); keep it until the run has stored it."
            ) from error
        if (stat.st_size, stat.st_mtime_ns) != (self.size, self.mtime_ns):
            raise VoxloopError(
                f"{self.path} was logged and has changed since; write each to a file of its own, or log an array."
            )

    def store(self, blobs: Blobs, known: Known) -> dict[str, Any]:
        """Keeps the file byte for byte."""
        if self.state not in known or not blobs.renew(known[self.state]):
            if self.content is None:
                self.require_unchanged()
            digest = blobs.put(self.content) if self.content is not None else blobs.put_file(self.path)
            if self.content is None:
                self.require_unchanged()
            known[self.state] = digest
        return {"digest": known[self.state], "bytes": self.size, "filename": text(self.path.name)}


def opened(path: str | Path, what: str) -> File:
    """A file as it is now."""
    path = Path(path)
    try:
        stat = path.stat()
        if not path.is_file():
            raise VoxloopError(f"{path} is no file; {what} is one.")
        content = path.read_bytes() if stat.st_size <= SMALL else None
    except (OSError, ValueError) as error:
        raise VoxloopError(
            f"Cannot read {path}: {getattr(error, 'strerror', None) or error}; check the path."
        ) from error
    if not stat.st_size:
        raise VoxloopError(f"{path} is empty; check what wrote it.")
    return File(path.resolve(), stat.st_size, stat.st_mtime_ns, content)


def kept(content: bytes, filename: str, blobs: Blobs) -> dict[str, Any]:
    """Stores bytes, and names them as media do."""
    return {"digest": blobs.put(content), "bytes": len(content), "filename": filename}
