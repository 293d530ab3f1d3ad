"""A scan's logits in slabs are what MONAI's sliding window gives in one piece."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from monai.inferers import Inferer, SimpleInferer, SlidingWindowInferer, SlidingWindowInfererAdapt

from tests.inference.models import looking_around
from voxloop.errors import VoxloopError
from voxloop.inference.windows import Answer, slabs

SHAPE = (7, 11, 13)
SIDES = st.tuples(*[st.integers(1, 17)] * 3)


def in_one_piece(inferer: Any, image: torch.Tensor, network: Answer, axis: int) -> torch.Tensor:
    """All slabs beside each other; there is no gap between them, and none comes twice."""
    at, pieces = 0, []
    with torch.inference_mode():
        for slab in slabs(inferer, image, network, axis):
            assert slab.start == at < slab.stop
            at = slab.stop
            # A slab is only good until the next one.
            pieces.append(slab.values.clone())
    assert at == image.shape[2 + axis]
    return torch.cat(pieces, dim=1 + axis)


def scan(shape: tuple[int, ...] = SHAPE, seed: int = 0) -> torch.Tensor:
    return torch.randn((1, 1, *shape), generator=torch.Generator().manual_seed(seed))


@settings(deadline=None, max_examples=150)
@given(
    shape=SIDES,
    roi=st.one_of(st.integers(2, 9), st.tuples(*[st.sampled_from([-1, 2, 3, 5, 8, 9])] * 3)),
    overlap=st.one_of(st.sampled_from([0.0, 0.25, 0.5, 0.9]), st.tuples(*[st.floats(0, 0.9)] * 3)),
    mode=st.sampled_from(["constant", "gaussian"]),
    sigma=st.sampled_from([0.125, 0.4]),
    padding=st.sampled_from([("constant", 0.0), ("constant", -3.0), ("replicate", 0.0), ("reflect", 0.0)]),
    batch=st.integers(1, 5),
    axis=st.integers(0, 2),
)
def test_slabs_are_what_monai_gives_in_one_piece(
    shape: tuple[int, int, int],
    roi: int | tuple[int, int, int],
    overlap: float | tuple[float, float, float],
    mode: str,
    sigma: float,
    padding: tuple[str, float],
    batch: int,
    axis: int,
) -> None:
    """Scans smaller and larger than a window, along any axis."""
    sides = (roi,) * 3 if isinstance(roi, int) else roi
    # torch reflects no further than the scan is wide.
    assume(padding[0] != "reflect" or all((b - a + 1) // 2 < a for a, b in zip(shape, sides, strict=True)))
    inferer = SlidingWindowInferer(
        roi, batch, overlap, mode=mode, sigma_scale=sigma, padding_mode=padding[0], cval=padding[1]
    )
    image, network = scan(shape), looking_around(3)
    with torch.inference_mode():
        expected = inferer(image, network)[0]
    assert torch.allclose(in_one_piece(inferer, image, network, axis), expected, atol=1e-5)


def test_a_slab_is_no_deeper_than_a_window_and_each_window_is_looked_at_once() -> None:
    """So memory does not grow with the scan's length; and the network works no more than for MONAI."""
    seen: list[int] = []
    network = looking_around(2)

    def counted(windows: torch.Tensor) -> Any:
        seen.append(len(windows))
        return network(windows)

    inferer, image = SlidingWindowInferer((4, 4, 4), 3, 0.5), scan((5, 6, 60))
    told: list[tuple[int, int, str]] = []
    with torch.inference_mode():
        for slab in slabs(inferer, image, counted, 2, lambda *one: told.append(one)):
            assert slab.stop - slab.start <= 4
    ours = sum(seen)
    seen.clear()
    inferer(image, counted)
    assert ours == sum(seen) == told[-1][0] == told[-1][1]


class Halved(Inferer):
    """An inferer that somebody wrote."""

    def __call__(self, inputs: Any, network: Any, *rest: Any, **named: Any) -> Any:
        return network(inputs, *rest, **named) / 2


class Doubled(SlidingWindowInferer):
    """One that does something of its own around MONAI's."""

    def __call__(self, inputs: Any, network: Any, *rest: Any, **named: Any) -> Any:
        return super().__call__(inputs, network, *rest, **named) * 2


@pytest.mark.parametrize("inferer", [SimpleInferer(), Halved(), Doubled((4, 4, 4)), SlidingWindowInferer((4, 4, 4))])
def test_what_an_inferer_does_of_its_own_is_kept(inferer: Any) -> None:
    image, network = scan(), looking_around(2)
    assert torch.allclose(in_one_piece(inferer, image, network, 1), inferer(image, network)[0], atol=1e-5)


def test_the_adaptive_one_and_sums_kept_elsewhere_give_the_same() -> None:
    image, network = scan(), looking_around(2)
    plain = in_one_piece(SlidingWindowInferer((4, 5, 6), 2, 0.5), image, network, 0)
    for other in (
        SlidingWindowInfererAdapt((4, 5, 6), 2, 0.5),
        SlidingWindowInferer((4, 5, 6), 2, 0.5, device=torch.device("cpu"), buffer_steps=1, buffer_dim=0),
        SlidingWindowInferer((4, 5, 6), 2, 0.5, cache_roi_weight_map=True),
    ):
        assert torch.allclose(in_one_piece(other, image, network, 0), plain, atol=1e-5)


def test_a_network_that_answers_in_other_voxels_is_left_to_monai() -> None:
    network = torch.nn.Sequential(looking_around(2), torch.nn.Upsample(scale_factor=2))
    inferer, image = SlidingWindowInferer((4, 4, 4), 2, 0.5), scan((8, 8, 8))
    with torch.inference_mode():
        (slab,) = slabs(inferer, image, network, 0)
        assert torch.equal(slab.values, inferer(image, network)[0])


def test_of_several_outputs_the_first_is_the_segmentation_and_names_are_not_guessed() -> None:
    network, image, inferer = looking_around(2), scan(), SlidingWindowInferer((8, 8, 8))
    alone = in_one_piece(inferer, image, network, 0)
    for wrapped in (lambda seen: (network(seen), 0), lambda seen: [network(seen)], lambda seen: {"out": network(seen)}):
        assert torch.equal(in_one_piece(inferer, image, wrapped, 0), alone)
    with pytest.raises(VoxloopError, match=r"several outputs \(seg, features\)"):
        in_one_piece(inferer, image, lambda seen: {"seg": network(seen), "features": network(seen)}, 0)
