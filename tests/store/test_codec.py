"""A chunk gives back every bit that went into it, and takes little room."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from voxloop.store import codec

sizes = st.integers(0, 300)
integers = st.integers(-(2**63), 2**63 - 1)


@given(data=st.data(), size=sizes)
def test_every_bit_comes_back(data: st.DataObject, size: int) -> None:
    steps = data.draw(arrays(np.int64, size, elements=integers))
    # Bits, not floats: NaN carries a payload that a comparison of floats would not see.
    bits = data.draw(arrays(np.uint64, size, elements=st.integers(0, 2**64 - 1)))
    times = data.draw(arrays(np.int64, size, elements=integers))
    epochs = data.draw(arrays(np.int32, size, elements=st.integers(-(2**31), 2**31 - 1)))
    back = codec.unpack(codec.pack(steps, bits.view(np.float64), times, epochs))
    assert (back[0] == steps).all()
    assert (back[1].view(np.uint64) == bits).all()
    assert (back[2] == times).all()
    assert (back[3] == epochs).all()


def test_a_random_walk_of_doubles_with_times_takes_nine_bytes_a_point() -> None:
    rng = np.random.default_rng(0)
    count = 4096
    values = rng.normal(size=count).cumsum()
    times = 1_700_000_000_000_000 + rng.integers(900, 1100, count).cumsum()
    packed = codec.pack(np.arange(count), values, times, np.full(count, -1, np.int32))
    assert len(packed) / count <= 9.0


def test_a_chunk_of_another_format_is_not_guessed_at() -> None:
    packed = codec.pack(np.arange(3), np.zeros(3), np.arange(3), np.zeros(3, np.int32))
    with pytest.raises(ValueError, match="format 9"):
        codec.unpack(b"\x09" + packed[1:])
