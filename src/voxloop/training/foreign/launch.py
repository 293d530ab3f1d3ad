"""Starting the process of a bundle, passing signals on to it, and finding out how it ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from voxloop.store import open_project
from voxloop.training.foreign.job import BundleJob

# Windows knows no SIGHUP.
STOPPING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@dataclass(frozen=True, slots=True)
class Ended:
    """How it went. `run_id` is the tracked run, if it came so far; `error` a sentence."""

    exit_code: int
    run_id: str | None
    name: str | None
    status: str | None
    error: str | None


def run(job: BundleJob, project: Path | None = None, processes: int = 1) -> Ended:
    """Runs a bundle to its end; what it prints passes through, and signals reach it once."""
    with open_project(project, create=True) as opened:
        root = opened.root
    with tempfile.TemporaryDirectory(prefix="voxloop-bundle-") as answers, _signals_for() as (heard, reached):
        process = subprocess.Popen(
            _command(processes),
            cwd=job.root,
            env=_environment(job, root, Path(answers)),
            stdin=subprocess.DEVNULL,
            # Ctrl-C goes to the foreground group; out of it, the bundle hears it once, from us.
            start_new_session=True,
        )
        reached(process)
        return _ended(process.wait(), processes, heard, Path(answers), root)


def _command(processes: int) -> list[str]:
    module = "voxloop.training.foreign.process" if processes == 1 else "voxloop.training.foreign.several"
    return [sys.executable, "-m", module, *([str(processes)] if processes > 1 else [])]


def _environment(job: BundleJob, project: Path, answers: Path) -> dict[str, str]:
    # The working folder changes, so what was relative to ours is made absolute.
    earlier = [str(Path(entry).absolute()) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(job.root), *earlier]),
        "VOXLOOP_PROJECT": str(project),
        "VOXLOOP_BUNDLE_JOB": job.as_text(),
        "VOXLOOP_BUNDLE_ANSWERS": str(answers),
    }


@contextmanager
def _signals_for() -> Iterator[tuple[list[int], Callable[[subprocess.Popen[bytes]], None]]]:
    """Signals that ask us to stop are remembered, and passed on to the process as soon as there is one."""
    heard: list[int] = []
    processes: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int) -> None:
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGINT if number == signal.SIGINT else signal.SIGTERM)

    def hear(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        pass_on(number)

    def reached(process: subprocess.Popen[bytes]) -> None:
        processes.append(process)
        if heard:
            pass_on(heard[-1])

    before = {one: signal.signal(one, hear) for one in STOPPING}
    try:
        yield heard, reached
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _ended(code: int, processes: int, heard: Sequence[int], answers: Path, project: Path) -> Ended:
    told = [json.loads(path.read_text()) for path in answers.glob("*.json")]
    run: dict[str, str] = next((one for one in told if "run_id" in one), {})
    errors = sorted((one for one in told if "error" in one), key=lambda one: float(one["time"]))
    first = next((one for one in told if "first" in one), {"first": 0, "exit_code": code})
    # torchrun says 1 whatever stopped it.
    exit_code = 0 if code == 0 else 128 + heard[0] if heard else code if code > 0 else 128 - code
    if not exit_code or heard:
        return Ended(exit_code, run.get("run_id"), run.get("name"), _status(run, None, project), None)
    sentence = _sentence(first["exit_code"], errors, f"Process {first['first']}" if processes > 1 else "The bundle")
    last_line = errors[0]["last_line"] if errors and first["exit_code"] > 0 else sentence
    if run and errors:
        kept = project / "runs" / run["run_id"] / "error.txt"
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(errors[0]["trace"], encoding="utf-8")
        sentence = f"{sentence.rstrip('.')}; the whole traceback is in {kept}."
    return Ended(exit_code, run.get("run_id"), run.get("name"), _status(run, last_line, project), sentence)


def _sentence(code: int, errors: Sequence[Mapping[str, str]], who: str) -> str:
    """Why it ended. A process that was killed has no word of its own, and others know only that it is gone."""
    if code == -signal.SIGKILL:
        return f"{who} was killed, often for want of memory; lower batch size, crop or cache_rate."
    if code < 0:
        return f"{who} was ended by {signal.Signals(-code).name}; what it printed may tell why."
    return errors[0]["error"] if errors else f"{who} ended with exit code {code}."


def _status(run: Mapping[str, str], error: str | None, project: Path) -> str | None:
    """How the run ended. One that was stopped because another process failed did not get interrupted: it failed."""
    from voxloop.tracking import Run

    if not run:
        return None
    with open_project(project) as opened:
        opened.recover()
        record = opened.run(run["run_id"])
    # A run that finished is whole, even where a process stumbles on its way out.
    if error is None or record.status in ("crashed", "finished") or record.params.get("error") == error:
        return record.status
    again = Run(resume=record.id, project=project)
    again.params["error"] = error
    again.finish("failed")
    return "failed"
