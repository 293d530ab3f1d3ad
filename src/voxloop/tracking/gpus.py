"""NVIDIA's GPUs as their driver knows them, through nvidia-ml-py; where that or a GPU is missing, there are none."""

from __future__ import annotations

import os
import threading
from typing import Any

_lock = threading.Lock()
_started: dict[int, Any] = {}


def sample() -> dict[str, float]:
    """How busy, full, hot and hungry each GPU is that this process may use, under its number in `nvidia-smi`."""
    nvml = _nvml()
    found: dict[str, float] = {}
    for number, handle in _handles(nvml):
        name = f"system/gpu.{number}"
        for ask in (_utilisation, _memory, _temperature, _power):
            try:
                found.update({f"{name}.{key}": value for key, value in ask(nvml, handle).items()})
            except Exception:  # a part of a GPU, or an old one, does not tell everything
                continue
    return found


def describe() -> list[dict[str, Any]]:
    """The GPUs that this process may use: number, name, memory."""
    nvml = _nvml()
    found = []
    for number, handle in _handles(nvml):
        try:
            name = nvml.nvmlDeviceGetName(handle)
            memory = int(nvml.nvmlDeviceGetMemoryInfo(handle).total)
            found.append(
                {"number": number, "name": name.decode() if isinstance(name, bytes) else name, "memory": memory}
            )
        except Exception:  # as above
            continue
    return found


def driver() -> str | None:
    """The driver's version."""
    nvml = _nvml()
    try:
        version = nvml.nvmlSystemGetDriverVersion() if nvml is not None else None
    except Exception:  # as above
        return None
    return version.decode() if isinstance(version, bytes) else version


def chosen(number: int, uuid: str, visible: str | None) -> bool:
    """Whether CUDA_VISIBLE_DEVICES lets a process use a GPU."""
    if visible is None:
        return True
    wanted = [part.strip() for part in visible.split(",")]
    # CUDA stops reading at the first that is none.
    end = next((at for at, part in enumerate(wanted) if part in ("", "-1", "NoDevFiles")), len(wanted))
    return any(part == str(number) or (not part.isdigit() and uuid.startswith(part)) for part in wanted[:end])


def _nvml() -> Any:
    """NVML, started once in each process; None where there is none."""
    with _lock:
        if os.getpid() not in _started:
            _started.clear()
            _started[os.getpid()] = _start()
        return _started[os.getpid()]


def _start() -> Any:
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # no package, no driver, or none that this process may ask
        return None
    return pynvml


def _handles(nvml: Any) -> list[tuple[int, Any]]:
    if nvml is None:
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    found = []
    try:
        for number in range(nvml.nvmlDeviceGetCount()):
            handle = nvml.nvmlDeviceGetHandleByIndex(number)
            uuid = nvml.nvmlDeviceGetUUID(handle)
            if chosen(number, uuid.decode() if isinstance(uuid, bytes) else uuid, visible):
                found.append((number, handle))
    except Exception:  # the driver went away, as when it is updated
        return found
    return found


def _utilisation(nvml: Any, handle: Any) -> dict[str, float]:
    return {"utilisation": float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)}


def _memory(nvml: Any, handle: Any) -> dict[str, float]:
    held = nvml.nvmlDeviceGetMemoryInfo(handle)
    return {"memory": 100 * held.used / held.total, "memory.used": float(held.used)}


def _temperature(nvml: Any, handle: Any) -> dict[str, float]:
    return {"temperature": float(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))}


def _power(nvml: Any, handle: Any) -> dict[str, float]:
    return {"power": nvml.nvmlDeviceGetPowerUsage(handle) / 1000}
