"""A sound as it is logged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from voxloop.errors import VoxloopError
from voxloop.store.contents.sound import pack_wav, unpack_wav
from voxloop.tracking.media.protocol import Known, register
from voxloop.tracking.media.snapshot import File, copied, kept, opened, sides
from voxloop.tracking.params import text

if TYPE_CHECKING:
    from voxloop.store.blobs import Blobs

MOST_CHANNELS = 32
WHOLE = (np.uint8, np.int16, np.int32)


@register
class Audio:
    """Samples at a rate, or a file, which is kept byte for byte.

        vx.Audio(samples, rate=16000)

    The shorter axis holds the channels. Floats lie between -1 and 1 and become 16 bits; with `exact=True` they are kept as
    they are. Whole numbers of 8 (unsigned), 16 and 32 bits are kept.
    """

    kind: ClassVar[str] = "audio"

    def __init__(
        self, samples: str | Path | Any, rate: int | None = None, caption: str | None = None, exact: bool = False
    ) -> None:
        self.caption = None if caption is None else text(caption)
        self.file: File | None = None
        if isinstance(samples, str | Path):
            self.file = opened(samples, "a sound")
            self.samples, self.rate = _known(self.file)
            return
        if not isinstance(rate, int | np.integer) or isinstance(rate, bool) or not 0 < rate < 2**31:
            raise VoxloopError(f"rate={rate!r} is none; give the samples per second, such as rate=16000.")
        self.rate = int(rate)
        self.samples = _columns(copied(samples, "A sound"), exact)

    @property
    def nbytes(self) -> int:
        return self.file.nbytes if self.file is not None else 0 if self.samples is None else self.samples.nbytes

    def __repr__(self) -> str:
        if self.samples is None:
            return f"Audio({self.file.path.name if self.file else ''})"
        return f"Audio({len(self.samples) / (self.rate or 1):.1f} s, {self.rate} Hz, {self.samples.shape[1]} channels)"

    def store(self, blobs: Blobs, known: Known | None = None) -> dict[str, Any]:
        """Puts the sound into the blob store and answers with what names it."""
        if self.file is not None:
            audio = self.file.store(blobs, {} if known is None else known)
        else:
            assert self.samples is not None, "a sound is of a file or of samples"
            audio = kept(pack_wav(self.samples, self.rate or 0), "audio.wav", blobs)
        held = self.samples
        return {
            "audio": audio,
            "rate": self.rate,
            "channels": None if held is None else held.shape[1],
            "samples": None if held is None else len(held),
            "duration_s": None if held is None or not self.rate else len(held) / self.rate,
            "caption": self.caption,
        }


def _known(file: File) -> tuple[npt.NDArray[Any] | None, int | None]:
    """The samples of a small WAV, as views of what is held anyway; of other files, nothing is known here."""
    if file.content is None:
        return None, None
    try:
        return unpack_wav(file.content)
    except ValueError:
        return None, None


def _columns(samples: npt.NDArray[Any], exact: bool) -> npt.NDArray[Any]:
    """Samples × channels, of a type that a WAV holds."""
    if samples.ndim == 1:
        samples = samples[:, None]
    elif samples.ndim == 2 and samples.shape[0] < samples.shape[1]:
        samples = samples.T
    if samples.ndim != 2 or 0 in samples.shape or samples.shape[1] > MOST_CHANNELS:
        raise VoxloopError(
            f"A sound has the shape {sides(samples.shape)}; it is a row of samples, or one for each of up to {MOST_CHANNELS} channels."
        )
    if samples.dtype in WHOLE:
        return samples
    if samples.dtype.kind != "f":
        raise VoxloopError(
            f"A sound of {samples.dtype} is none that a WAV holds; convert it to int16, or to floats between -1 and 1."
        )
    if exact:
        return (
            samples.astype(np.float32 if samples.dtype.itemsize < 4 else np.float64)
            if samples.dtype.itemsize not in (4, 8)
            else samples
        )
    loudest = float(np.abs(samples).max())
    if not loudest <= 1:
        raise VoxloopError(
            f"The loudest sample is {loudest:g}, and 16 bits hold -1 to 1; divide by it, or give exact=True to keep it as it is."
        )
    return np.rint(samples.astype(np.float64) * 32767).astype(np.int16)
