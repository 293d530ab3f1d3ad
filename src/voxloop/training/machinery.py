"""What a training runs on, as far as it decides the last bit of a sum; and which of that is otherwise now."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any


def machinery(ranks: int) -> dict[str, Any]:
    """Plain texts and numbers, by what a person calls them."""
    import ignite
    import monai
    import numpy as np
    import torch

    import voxloop
    from voxloop.recipes.network import gains_from_bf16

    return {
        "voxloop": voxloop.__version__,
        "torch": str(torch.__version__),
        "MONAI": monai.__version__,
        "ignite": ignite.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "processor": f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
        "bf16": gains_from_bf16(),
        "threads": torch.get_num_threads(),
        "processes": ranks,
        "GPU": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "CUDA": torch.version.cuda or "none",
    }


def flags() -> dict[str, Any]:
    """The switches of torch that choose between algorithms."""
    import torch

    cudnn = torch.backends.cudnn
    return {
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "warn_only": torch.is_deterministic_algorithms_warn_only_enabled(),
        "cudnn": {name: bool(getattr(cudnn, name)) for name in ("enabled", "benchmark", "deterministic", "allow_tf32")},
        "matmul": torch.get_float32_matmul_precision(),
    }


def set_flags(state: Mapping[str, Any]) -> None:
    import torch

    torch.use_deterministic_algorithms(state["deterministic"], warn_only=state["warn_only"])
    for name, value in state["cudnn"].items():
        setattr(torch.backends.cudnn, name, value)
    torch.set_float32_matmul_precision(state["matmul"])


def changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """`threads 8 -> 2`: everything that is otherwise than it was."""
    return [
        f"{name} {before.get(name, 'unknown')} -> {value}" for name, value in now.items() if before.get(name) != value
    ]
