"""What the operating system counts: through psutil where it is installed, from /proc on Linux without it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SECTOR = 512
# Disks in themselves; their partitions, and what is made of them, would be counted twice.
DISKS = ("sd", "nvme", "vd", "xvd", "hd", "mmcblk")


@dataclass(frozen=True, slots=True)
class Counters:
    """What is so now, what grows, and the processors' time, busy and in all."""

    levels: dict[str, float] = field(default_factory=dict)
    totals: dict[str, float] = field(default_factory=dict)
    busy: tuple[float, float] | None = None


def counters() -> Counters:
    """The machine's counters as they stand."""
    try:
        import psutil
    except ImportError:
        return linux_counters()
    return psutil_counters(psutil)


def psutil_counters(psutil: Any) -> Counters:
    levels: dict[str, float] = {}
    totals: dict[str, float] = {}

    def cpu() -> tuple[float, float]:
        times = psutil.cpu_times()
        # Guests' time is in that of users already.
        all_of_it = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        return all_of_it - times.idle - getattr(times, "iowait", 0.0), all_of_it

    def memory() -> None:
        held = psutil.virtual_memory()
        levels["system/memory"] = float(held.percent)
        levels["system/memory.used"] = float(held.total - held.available)

    def process() -> None:
        levels["system/process.memory"] = float(psutil.Process().memory_info().rss)

    def disks() -> None:
        if (held := psutil.disk_io_counters()) is not None:
            totals["system/disk.read"], totals["system/disk.write"] = float(held.read_bytes), float(held.write_bytes)

    def network() -> None:
        held = [one for name, one in psutil.net_io_counters(pernic=True).items() if name != "lo"]
        totals["system/network.received"] = float(sum(one.bytes_recv for one in held))
        totals["system/network.sent"] = float(sum(one.bytes_sent for one in held))

    return Counters(levels, totals, _asked(cpu, memory, process, disks, network, _process_cpu(totals)))


def linux_counters(proc: Path = Path("/proc")) -> Counters:
    levels: dict[str, float] = {}
    totals: dict[str, float] = {}

    def cpu() -> tuple[float, float]:
        times = [float(number) for number in (proc / "stat").read_text().split("\n", 1)[0].split()[1:9]]
        return sum(times) - times[3] - times[4], sum(times)

    def memory() -> None:
        lines = (line.split() for line in (proc / "meminfo").read_text().splitlines())
        held = {words[0]: float(words[1]) * 1024 for words in lines}
        used = held["MemTotal:"] - held["MemAvailable:"]
        levels["system/memory"], levels["system/memory.used"] = 100 * used / held["MemTotal:"], used

    def process() -> None:
        pages = int((proc / "self" / "statm").read_text().split()[1])
        levels["system/process.memory"] = float(pages * os.sysconf("SC_PAGE_SIZE"))

    def disks() -> None:
        rows = [line.split() for line in (proc / "diskstats").read_text().splitlines()]
        held = [row for row in rows if row[2].startswith(DISKS) and not _is_partition(row[2])]
        if held:
            totals["system/disk.read"] = float(sum(int(row[5]) for row in held) * SECTOR)
            totals["system/disk.write"] = float(sum(int(row[9]) for row in held) * SECTOR)

    def network() -> None:
        rows = [line.split(":") for line in (proc / "net" / "dev").read_text().splitlines()[2:]]
        held = [row[1].split() for row in rows if row[0].strip() != "lo"]
        totals["system/network.received"] = float(sum(int(row[0]) for row in held))
        totals["system/network.sent"] = float(sum(int(row[8]) for row in held))

    return Counters(levels, totals, _asked(cpu, memory, process, disks, network, _process_cpu(totals)))


def disk_free(folder: Path | None) -> dict[str, float]:
    """The room left where a folder lies."""
    try:
        return {"system/disk.free": float(shutil.disk_usage(folder or Path.cwd()).free)}
    except OSError:
        return {}


def _process_cpu(totals: dict[str, float]) -> Callable[[], None]:
    def process_cpu() -> None:
        times = os.times()
        # In percent of one processor: 400 is four of them. Children count once they have ended.
        totals["system/process.cpu"] = 100 * (times.user + times.system + times.children_user + times.children_system)

    return process_cpu


def _asked(cpu: Callable[[], tuple[float, float]], *others: Callable[[], None]) -> tuple[float, float] | None:
    """Asks each for what it has to say, and goes on where one has nothing."""
    _quietly(others)
    try:
        return cpu()
    except Exception:  # not on this system
        return None


def _quietly(questions: Iterable[Callable[[], None]]) -> None:
    for ask in questions:
        try:
            ask()
        except Exception:  # not on this system, or not for this user
            continue


def _is_partition(name: str) -> bool:
    return "p" in name.lstrip("nvmeblkc") if name.startswith(("nvme", "mmcblk")) else name[-1].isdigit()
