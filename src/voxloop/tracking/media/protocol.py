"""What a logged object promises, and the list of the kinds that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeGuard, TypeVar

if TYPE_CHECKING:
    from voxloop.store.blobs import Blobs

# What a run remembers of the files that it stored: where, how long and how old → digest.
Known = dict[tuple[Any, ...], str]


class Media(Protocol):
    """An object that a run can log beside numbers.

    It is made where the training runs and takes a snapshot of what may change; another thread stores it later. `nbytes` is
    what the snapshot holds, so that a queue of them can be bounded. What `store` answers with is JSON that names each of its
    blobs by `digest`, `bytes` and `filename`, however deep.
    """

    kind: ClassVar[str]

    @property
    def nbytes(self) -> int: ...

    def store(self, blobs: Blobs, known: Known | None = None) -> dict[str, Any]: ...


KINDS: dict[str, type[Media]] = {}
Kind = TypeVar("Kind", bound=Media)


def register(cls: type[Kind]) -> type[Kind]:
    """Makes a class one of the kinds that `run.log` takes."""
    KINDS[cls.kind] = cls
    return cls


def is_media(value: object) -> TypeGuard[Media]:
    """Whether a value is of one of the kinds."""
    return isinstance(value, tuple(KINDS.values()))
