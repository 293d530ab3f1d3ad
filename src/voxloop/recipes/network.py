"""Networks on the device at hand: bf16 and channels-last on processors that gain from them, plain elsewhere."""

from __future__ import annotations

import os
import time
from typing import TypeVar

import torch

# More than a thread of gloo needs to let go of its last tensor.
SETTLE_S = 0.3
Network = TypeVar("Network", bound=torch.nn.Module)


def gains_from_bf16() -> bool:
    """Whether this processor multiplies bf16 in hardware; where it has to be emulated, fp32 is the faster one."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def on_device(network: Network, device: torch.device, amp: bool = True) -> Network:
    """The same network on `device`; on a CPU its forward pass runs under bf16 autocast where that pays.

    The trainer's own `amp` is CUDA's, with a gradient scaler. bf16 has the range of fp32 and needs no scaler, so
    here it is enough to wrap the forward pass. Losses and metrics see fp32.
    """
    network = network.to(device)
    if device.type != "cpu" or not amp or not gains_from_bf16():
        return network
    network = network.to(memory_format=torch.channels_last_3d)
    inner = network.forward

    def forward(image: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = inner(image.contiguous(memory_format=torch.channels_last_3d))
        return logits.float()

    network.forward = forward
    return network


def rank_device() -> torch.device:
    """The device of this process under torchrun: its own GPU, or the CPU."""
    if torch.cuda.is_available():
        return torch.device(f"cuda:{os.environ.get('LOCAL_RANK', '0')}")
    return torch.device("cpu")


def leave_group() -> None:
    """Ends this process's part in a group of processes, once its threads have come to rest.

    After the last collective a thread of gloo lets go of a tensor, and takes the interpreter's lock for it. Where the
    interpreter is being shut down by then, the thread is ended, and the process with it: "terminate called without an active
    exception", https://github.com/pytorch/pytorch/pull/179291. Now and then a training that was done would seem to have failed.
    """
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        time.sleep(SETTLE_S)
        distributed.destroy_process_group()
