"""The machine is watched from two sides that agree, and a part of it that is missing is no error."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tracking.children import run_script
from voxloop.tracking import gpus, machine, system
from voxloop.tracking.machine import Counters
from voxloop.tracking.system import Monitor, Sampler

LEVELS = {"system/memory", "system/memory.used", "system/process.memory", "system/disk.free"}
FLOATS = st.floats(0, 1e12)
SPEEDS = {"system/cpu", "system/process.cpu", "system/network.received", "system/network.sent"}


def test_the_first_look_has_no_speeds_and_the_second_has(tmp_path: Path) -> None:
    sampler = Sampler(tmp_path)
    assert set(sampler.sample()) >= LEVELS
    time.sleep(0.2)
    found = sampler.sample()
    assert set(found) >= LEVELS | SPEEDS
    assert 0 <= found["system/cpu"] <= 100
    assert 0 <= found["system/memory"] <= 100
    assert all(value >= 0 for value in found.values())
    assert set(system.sample()) >= LEVELS


@given(st.tuples(FLOATS, FLOATS), st.tuples(FLOATS, FLOATS), FLOATS, FLOATS)
def test_whatever_the_counters_do_a_share_is_one_and_no_speed_is_negative(
    before: tuple[float, float], now: tuple[float, float], read: float, read_later: float
) -> None:
    found = system._rates(
        Counters(totals={"read": read}, busy=before), Counters(totals={"read": read_later}, busy=now), 2.0
    )
    assert 0 <= found.get("system/cpu", 0) <= 100
    assert found["read"] >= 0


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_linux_itself_says_what_psutil_says() -> None:
    import psutil

    ours, theirs = machine.linux_counters(), machine.psutil_counters(psutil)
    assert ours.levels["system/memory"] == pytest.approx(theirs.levels["system/memory"], abs=5)
    assert ours.levels["system/process.memory"] == pytest.approx(theirs.levels["system/process.memory"], rel=0.1)
    assert ours.totals["system/network.received"] == pytest.approx(
        theirs.totals["system/network.received"], rel=0.1, abs=1e6
    )
    assert ours.totals.get("system/disk.read") == pytest.approx(theirs.totals.get("system/disk.read"), rel=0.1, abs=1e8)
    assert ours.busy is not None
    assert theirs.busy is not None
    assert ours.busy[1] == pytest.approx(theirs.busy[1] * 100, rel=0.01)


def test_another_system_without_psutil_says_what_it_can(tmp_path: Path) -> None:
    found = machine.linux_counters(tmp_path)
    assert found.levels == {}
    assert found.busy is None
    assert set(found.totals) == {"system/process.cpu"}


def test_disks_are_not_counted_again_by_their_partitions() -> None:
    whole = ["sda", "nvme0n1", "vda", "mmcblk0", "nvme1n1"]
    parts = ["sda1", "nvme0n1p1", "vda2", "mmcblk0p1", "nvme1n1p12"]
    assert [machine._is_partition(name) for name in whole + parts] == [False] * 5 + [True] * 5


def test_only_the_gpus_that_a_process_may_use_are_told() -> None:
    assert gpus.chosen(3, "GPU-8a", None)
    assert gpus.chosen(3, "GPU-8a", "1,3")
    assert gpus.chosen(3, "GPU-8a", "GPU-8")
    assert not gpus.chosen(3, "GPU-8a", "")
    assert not gpus.chosen(3, "GPU-8a", "1,-1,3")
    assert not gpus.chosen(1, "GPU-8a", "11")


def test_a_machine_without_a_gpu_or_without_its_library_has_none() -> None:
    said = run_script("""
import sys
sys.modules["pynvml"] = None
sys.modules["psutil"] = None
from voxloop.tracking import environment, gpus, system
assert gpus.sample() == {} and gpus.describe() == [] and gpus.driver() is None
assert "system/disk.free" in system.sample()
print(environment.describe_code()["gpus"])
""")
    assert said.strip() == "[]"


def test_a_monitor_looks_until_it_is_stopped() -> None:
    seen: list[tuple[float, dict[str, float]]] = []
    enough = threading.Event()

    def keep(moment: float, values: dict[str, float]) -> None:
        seen.append((moment, values))
        if len(seen) >= 3:
            enough.set()
        raise OSError("no space left")

    monitor = Monitor(keep, every_s=0.06)
    monitor.start()
    assert enough.wait(10)
    monitor.stop()
    count = len(seen)
    assert all("system/memory" in values for _, values in seen)
    assert "system/cpu" in seen[-2][1]
    time.sleep(0.2)
    assert len(seen) == count


def test_a_short_run_is_looked_at_once() -> None:
    seen: list[dict[str, float]] = []
    monitor = Monitor(lambda _, values: seen.append(values))
    monitor.start()
    monitor.stop()
    monitor.stop()
    assert len(seen) == 1


def test_a_forked_child_looks_at_nothing() -> None:
    said = run_script("""
import os
from voxloop.tracking.system import Monitor
seen = []
monitor = Monitor(lambda _, values: seen.append(os.getpid()), every_s=60)
monitor.start()
child = os.fork()
if child == 0:
    monitor.stop()
    os._exit(len(seen))
assert os.waitpid(child, 0)[1] == 0
monitor.stop()
print(len(seen))
""")
    assert said.strip() == "1"
