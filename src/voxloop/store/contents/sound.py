"""Samples as WAV, and back: whole numbers as PCM, floats as they are."""

from __future__ import annotations

import io
import struct
import wave
from typing import Any

import numpy as np
import numpy.typing as npt

PCM, FLOAT = 1, 3
HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")


def pack_wav(samples: npt.NDArray[Any], rate: int) -> bytes:
    """Samples × channels of uint8, int16, int32, float32 or float64 as a WAV file."""
    samples = np.ascontiguousarray(samples, samples.dtype.newbyteorder("<"))
    channels, width = samples.shape[1], samples.dtype.itemsize
    if samples.dtype.kind == "f":
        # The standard library writes whole numbers only.
        body = samples.tobytes()
        told = (FLOAT, channels, rate, rate * channels * width, channels * width, width * 8)
        return HEADER.pack(b"RIFF", 36 + len(body), b"WAVE", b"fmt ", 16, *told, b"data", len(body)) + body
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return buffer.getvalue()


def unpack_wav(content: bytes) -> tuple[npt.NDArray[Any], int]:
    """Samples × channels and the rate; ValueError where these bytes are no WAV of whole samples."""
    form, body = _chunks(content)
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", form)
    dtypes = {(PCM, 8): "u1", (PCM, 16): "<i2", (PCM, 32): "<i4", (FLOAT, 32): "<f4", (FLOAT, 64): "<f8"}
    if (kind, bits) not in dtypes or not channels:
        raise ValueError(f"format {kind} of {bits} bits")
    dtype = np.dtype(dtypes[kind, bits])
    whole = len(body) // (dtype.itemsize * channels) * channels
    return np.frombuffer(body, dtype, whole).reshape(-1, channels), rate


def _chunks(content: bytes) -> tuple[bytes, bytes]:
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise ValueError("no RIFF/WAVE file")
    found: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        found.setdefault(name, content[at + 8 : at + 8 + size])
        # Chunks begin at even places.
        at += 8 + size + size % 2
    if len(found.get(b"fmt ", b"")) < 16 or b"data" not in found:
        raise ValueError("no format or no samples")
    return found[b"fmt "], found[b"data"]
