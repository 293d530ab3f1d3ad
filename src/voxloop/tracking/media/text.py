"""A text as it is logged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from voxloop.errors import VoxloopError
from voxloop.tracking.media.protocol import Known, register
from voxloop.tracking.media.snapshot import kept, opened
from voxloop.tracking.params import encodable as storable

if TYPE_CHECKING:
    from voxloop.store.blobs import Blobs

# A file for each short text would be a folder of a million files.
INLINE = 4096
FORMATS = {"plain": "txt", "markdown": "md", "html": "html", "json": "json", "yaml": "yaml", "code": "txt"}


@register
class Text:
    """Words, with how to show them. A `Path` is read.

    vx.Text("**Two** of five lesions were missed.", format="markdown")
    """

    kind: ClassVar[str] = "text"

    def __init__(self, text: str | Path, format: str = "plain") -> None:  # noqa: A002 - what a person calls it
        if format not in FORMATS:
            raise VoxloopError(f'format="{format}" is unknown; it is one of {", ".join(FORMATS)}.')
        if isinstance(text, Path):
            text = opened(text, "a text").read().decode("utf-8", "replace")
        if not isinstance(text, str):
            raise VoxloopError(f"A {type(text).__name__} is no text; give str(...) of it, or log it as what it is.")
        self.text = storable(text)
        self.format = format

    @property
    def nbytes(self) -> int:
        return len(self.text) * 4

    def __repr__(self) -> str:
        return f"Text({self.text[:40]!r}{'…' if len(self.text) > 40 else ''}, {self.format})"

    def store(self, blobs: Blobs, known: Known | None = None) -> dict[str, Any]:
        """A short text itself, a long one as a blob."""
        told = {"format": self.format, "length": len(self.text)}
        # PostgreSQL holds no NUL in a text.
        if len(self.text) <= INLINE and "\0" not in self.text:
            return {**told, "text": self.text}
        return {**told, "file": kept(self.text.encode(), f"text.{FORMATS[self.format]}", blobs)}
