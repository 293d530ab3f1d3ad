"""Does the network fit what goes in and comes out: patches that it can halve, classes that are counted alike?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from voxloop.bundles.checking.config import Part
from voxloop.bundles.checking.finding import Finding, found, setting, shown_key
from voxloop.bundles.checking.transforms import CROPS_BY_LABEL, sides, size_of
from voxloop.bundles.checking.workflow import Engine, Workflow

# Blocks and channels of any real network; a hostile config could ask for a billion.
MOST = 4096
MOST_BLOCKS = 64


def judge(workflow: Workflow) -> Iterator[Finding]:
    said: set[str] = set()
    for engine in workflow.engines:
        for finding in _onehot(workflow, engine):
            # Training and validation usually share what comes behind the network.
            reason = finding.sentence.partition(" makes ")[2]
            if reason not in said:
                said.add(reason)
                yield finding
        yield from _divisible(workflow, engine)


def _onehot(workflow: Workflow, engine: Engine) -> Iterator[Finding]:
    channels = workflow.out_channels
    for step in engine.after:
        if step.name != "AsDiscrete" or channels is None or workflow.network is None:
            continue
        for key, number in step.each("to_onehot").items():
            if isinstance(number, int) and not isinstance(number, bool) and number != channels:
                yield found(
                    "onehot_count",
                    f"{setting(step.part.key_to('to_onehot'), step.part.block.get('to_onehot'))} makes {number} "
                    f'classes of "{key}", and '
                    f"{shown_key(workflow.network.key)} has out_channels={channels}; make them the same.",
                    engine.part.config.name,
                    step.part.key,
                )
                break


def factors(network: Part) -> list[int] | None:
    """By what each side of a patch has to be divisible, for networks of MONAI that refuse others."""
    if not network.target.path.startswith("monai.networks.nets."):
        return None
    if network.name in ("UNet", "Unet", "AttentionUnet", "DynUNet", "DynUnet"):
        strides = network.arg("strides")
        if not isinstance(strides, list) or not strides:
            return None
        each = [[one] * 3 if isinstance(one, int) else one for one in strides]
        if not all(
            isinstance(one, list) and len(one) == len(each[0]) and all(isinstance(side, int) for side in one)
            for one in each
        ):
            return None
        return [math.prod(one[axis] for one in each) for axis in range(len(each[0]))]
    if network.name == "SegResNet":
        blocks = network.arg("blocks_down")
        return [2 ** (len(blocks) - 1)] * 3 if isinstance(blocks, list) and 0 < len(blocks) < 10 else None
    if network.name == "SwinUNETR":
        return [32] * 3
    if network.name == "VNet":
        return [16] * 3
    return None


def _divisible(workflow: Workflow, engine: Engine) -> Iterator[Finding]:
    network = workflow.network
    needed = None if network is None else factors(network)
    if network is None or needed is None:
        return
    for key, value in _patches(engine):
        size = sides(value)
        if size is None or len(size) > len(needed):
            continue
        bad = [(side, by) for side, by in zip(size, needed, strict=False) if side > 0 and by > 0 and side % by]
        if bad:
            side, by = bad[0]
            yield found(
                "roi_not_divisible",
                f"{setting(key, value)}: {network.name} halves it until {side} would have to be divisible by {by}; "
                f"take {side // by * by or by} or {(side // by + 1) * by}.",
                engine.part.config.name,
                key,
            )


def _patches(engine: Engine) -> Iterator[tuple[str, Any]]:
    """The sizes in which the network is given its input."""
    if engine.inferer is not None and "SlidingWindow" in engine.inferer.name:
        yield engine.inferer.key_to("roi_size"), engine.inferer.arg("roi_size")
    if engine.role == "train":
        crops = [
            step
            for step in engine.before
            if step.name in CROPS_BY_LABEL | {"RandSpatialCrop", "RandSpatialCropSamples"}
        ]
        crops = [step for step in crops if step.part.arg("random_size", False) is not True]
        for step in crops[-1:]:
            argument = "spatial_size" if "spatial_size" in step.part.block else "roi_size"
            if size_of(step) is not None:
                yield step.part.key_to(argument), size_of(step)


def parameters(network: Part) -> int | None:
    """How many numbers a network learns, counted without making any of them; None where it is not MONAI's own or too large."""
    target, given = network.target, {name: network.arg(name) for name in network.given}
    if not target.path.startswith("monai.networks.nets.") or not _is_modest(list(given.values())):
        return None
    import torch
    from torch.overrides import TorchFunctionMode

    class _Counted(TorchFunctionMode):
        """Swin's depths come from a linspace whose values are read, which a tensor without memory does not have."""

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if getattr(func, "__name__", "") in ("normal_", "uniform_", "trunc_normal_", "fill_", "zero_"):
                # No memory, so nothing to fill; and filling it would load a compiler.
                return args[0] if args else kwargs["tensor"]
            more = {"device": "cpu"} if func is torch.linspace else {}
            return func(*args, **{**(kwargs or {}), **more})

    import warnings

    try:
        with warnings.catch_warnings(), torch.device("meta"), _Counted():
            warnings.simplefilter("ignore")
            made = target.found(**given)
        return sum(one.numel() for one in made.parameters())
    except Exception:  # whatever a network may raise about its own settings; the components' check says what is wrong
        return None


def _is_modest(value: Any) -> bool:
    """Whether the numbers are those of a real network, and nothing of it is left open."""
    if isinstance(value, list):
        return (
            len(value) <= MOST_BLOCKS
            and sum(one for one in value if isinstance(one, int)) <= MOST * 4
            and all(map(_is_modest, value))
        )
    if isinstance(value, dict):
        return len(value) <= MOST_BLOCKS and "_target_" not in value and all(map(_is_modest, value.values()))
    if isinstance(value, int | float) or value is None:
        return value is None or abs(value) <= MOST
    return isinstance(value, str) and not value.startswith("$")
