"""Each tracker by its plain interface: what a script would write. Runs in the tracker's own environment, imports Voxloop only for Voxloop."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Log = Callable[[str, float, int], object]
Run = tuple[Log, Callable[[], object]]


class Voxloop:
    package = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, name: str, params: dict[str, Any]) -> Run:
        import voxloop as vx

        run = vx.Run(name=name, params=params, project=self.folder, console=False)
        return lambda key, value, step: run.log({key: value}, step=step), run.finish

    def read(self, name: str, key: str) -> list[float]:
        import voxloop as vx

        with vx.open(self.folder) as project:
            (series,) = project.series_of(project.run(name).id, key)
            values: list[float] = project.points(series.id).values.tolist()
            return values


class Tensorboard:
    package = "tensorboard==2.21.0"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, name: str, params: dict[str, Any]) -> Run:
        import time

        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        writer = EventFileWriter(str(self.folder / name))

        def log(key: str, value: float, step: int) -> None:
            summary = Summary(value=[Summary.Value(tag=key, simple_value=value)])
            writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))

        for number, key in enumerate(params):
            log(f"params/{key}", float(number), 0)
        return log, writer.close

    def read(self, name: str, key: str) -> list[float]:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        events = EventAccumulator(str(self.folder / name), size_guidance={"scalars": 0})
        events.Reload()
        return [event.value for event in events.Scalars(key)]


class Trackio:
    package = "trackio==0.43.0"

    def __init__(self, folder: Path) -> None:
        os.environ["TRACKIO_DIR"] = str(folder)

    def start(self, name: str, params: dict[str, Any]) -> Run:
        import trackio

        trackio.init(project="bench", name=name, config=params)
        return lambda key, value, step: trackio.log({key: value}, step=step), trackio.finish

    def read(self, name: str, key: str) -> list[float]:
        from trackio.sqlite_storage import SQLiteStorage

        return [row[key] for row in SQLiteStorage.get_logs("bench", name) if key in row]


class Aim:
    """Without reading: a run is found only after `aim storage reindex`, which takes longer than any of this."""

    package = "aim==3.29.1"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, name: str, params: dict[str, Any]) -> Run:
        import aim

        run = aim.Run(repo=str(self.folder), system_tracking_interval=None, capture_terminal_logs=False)
        run["params"] = params
        return lambda key, value, step: run.track(value, name=key, step=step), run.close


class Wandb:
    package = "wandb==0.31.0"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        os.environ |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_CONSOLE": "off"}

    def start(self, name: str, params: dict[str, Any]) -> Run:
        import wandb

        run = wandb.init(project="bench", name=name, config=params, dir=str(self.folder), reinit="finish_previous")
        return lambda key, value, step: run.log({key: value}, step=step), run.finish


TRACKERS: dict[str, Any] = {kind.__name__.lower(): kind for kind in (Voxloop, Tensorboard, Trackio, Aim, Wandb)}


def measure(name: str, folder: Path, points: int, small_runs: int) -> dict[str, float]:
    import random
    import statistics
    import time

    def size() -> int:
        # What a tracker puts in order behind a script's back is in order by then.
        time.sleep(3)
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    tracker = TRACKERS[name](folder)
    chance, value, walk = random.Random(0), 0.0, []
    for _ in range(points):
        value += chance.gauss(0, 1)
        walk.append(value)
    log, finish = tracker.start("warm", {"lr": 0.1})
    log("loss", 0.0, 0)
    finish()
    found: dict[str, float] = {}

    before = size()
    started = time.perf_counter()
    log, finish = tracker.start("walk", {"lr": 0.1})
    for step, value in enumerate(walk):
        log("loss", value, step)
    finish()
    found["points a second"] = points / (time.perf_counter() - started)
    found["bytes a point"] = (size() - before) / points

    log, finish = tracker.start("calls", {"lr": 0.1})
    costs = []
    for step, value in enumerate(walk[: min(points, 20_000)]):
        began = time.perf_counter_ns()
        log("loss", value, step)
        costs.append(time.perf_counter_ns() - began)
    finish()
    found["log, p50, us"] = statistics.median(costs) / 1000

    if hasattr(tracker, "read"):
        tracker.read("walk", "loss")
        started = time.perf_counter()
        back = tracker.read("walk", "loss")
        found["read, ms"] = (time.perf_counter() - started) * 1000
        assert len(back) == points, f"{name} gave back {len(back)} of {points} points"

    before = size()
    started = time.perf_counter()
    for number in range(small_runs):
        log, finish = tracker.start(f"small-{number}", {f"p{key}": key * 0.1 for key in range(10)})
        for step in range(100):
            for key in range(5):
                log(f"m{key}", step * 0.5, step)
        finish()
    found["small run, ms"] = (time.perf_counter() - started) / small_runs * 1000
    found["small run, kB"] = (size() - before) / small_runs / 1000
    return found


if __name__ == "__main__":
    import json

    tracker, where, count, runs = sys.argv[1:]
    with open(os.dup(1), "w") as out:  # noqa: PTH123 - what trackers print themselves goes to stderr
        os.dup2(2, 1)
        print(json.dumps(measure(tracker, Path(where), int(count), int(runs))), file=out)
