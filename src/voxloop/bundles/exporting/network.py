"""The network of a bundle in fp32 on the CPU, as it is defined and not as some machine runs it; and which scans it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxloop.bundles.weights import read_weights
from voxloop.errors import VoxloopError

if TYPE_CHECKING:
    import torch

# No network in use halves a volume more often than six times.
MOST = 64


def load(config: Mapping[str, Any], weights: Path, name: str) -> torch.nn.Module:
    """`network_def` with its weights, ready to be run or written."""
    from monai.bundle import ConfigParser

    if "network_def" not in config:
        raise VoxloopError(f'{name}: configs/inference.json has no "network_def"; name the network so, as MONAI asks.')
    network: torch.nn.Module = ConfigParser(dict(config)).get_parsed_content("network_def")
    state = read_weights(weights, name)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise VoxloopError(
            f"{name}: models/model.pt does not fit its network_def ({str(error).splitlines()[-1].strip()}); "
            "export the version that was trained with these settings."
        ) from error
    return network.float().cpu().eval()


@dataclass(frozen=True, slots=True)
class Shapes:
    """Which patches a network takes: every side a multiple of `factor`, or one shape alone."""

    factor: int | None
    fixed: tuple[int, ...] = ()

    @property
    def rule(self) -> list[int | str]:
        """As the specification of bundles writes it."""
        if self.factor is None:
            return list(self.fixed)
        return ["*" if self.factor == 1 else f"{self.factor}*n"] * 3

    @property
    def examples(self) -> tuple[tuple[int, ...], ...]:
        """Patches that an exported network is held to."""
        return (self.fixed,) if self.factor is None else _probes(self.factor)


def shapes_of(network: torch.nn.Module, channels: int, window: Sequence[int], name: str) -> Shapes:
    """Tried out, for a network says it nowhere: equal sides, then odd multiples, which no side survives that is halved too often."""
    for side in (2**power for power in range(MOST.bit_length())):
        if all(_takes(network, channels, shape) for shape in _probes(side)):
            return Shapes(side)
    if window and _takes(network, channels, window):
        return Shapes(None, tuple(window))
    raise VoxloopError(
        f"{name}: its network takes no patch of the size {tuple(window)} that its inferer gives it; train it again with "
        "a size that its strides divide."
    )


def _probes(side: int) -> tuple[tuple[int, ...], ...]:
    return (side, side, side), (side, 3 * side, 2 * side)


def _takes(network: torch.nn.Module, channels: int, shape: Sequence[int]) -> bool:
    import torch

    try:
        with torch.inference_mode():
            return tuple(network(torch.zeros(1, channels, *shape)).shape[2:]) == tuple(shape)
    except (RuntimeError, ValueError):
        # torch says so in many words: sizes that do not match, or a norm over one voxel.
        return False
