"""Starting the process of a bundle, passing signals on to it, and finding out how it ended."""

from __future__ import annotations

import json
import os
import re
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

LOST_PEER = re.compile(r"by (remote )?peer|NCCL|remote process exited")
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
    # torchrun says 1 whatever stopped it.
    exit_code = 0 if code == 0 else 128 + heard[0] if heard else code if code > 0 else 128 - code
    error = _sentence(code, errors, len(errors) < processes) if exit_code and not heard else None
    if error is not None and run and errors:
        kept = project / "runs" / run["run_id"] / "error.txt"
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(errors[0]["trace"], encoding="utf-8")
        error = f"{error.rstrip('.')}; the whole traceback is in {kept}."
    return Ended(exit_code, run.get("run_id"), run.get("name"), _status(run, errors, error, project), error)


def _sentence(code: int, errors: Sequence[Mapping[str, str]], some_silent: bool) -> str:
    """The error that came first; of a process that died without a word, others know only that it is gone."""
    if errors:
        said = errors[0]["error"]
        if some_silent and LOST_PEER.search(said):
            return (
                f"A process died without a word, often for want of memory, and the others lost it ({said.rstrip('.')})."
            )
        return said
    if code == -signal.SIGKILL:
        return "The bundle was killed, often for want of memory; lower its batch size, crop or cache_rate."
    return f"The bundle ended with exit code {code}." if code > 0 else f"The bundle was ended by signal {-code}."


def _status(
    run: Mapping[str, str], errors: Sequence[Mapping[str, str]], error: str | None, project: Path
) -> str | None:
    """How the run ended. One that was stopped because another process failed did not get interrupted: it failed."""
    from voxloop.tracking import Run

    if not run:
        return None
    with open_project(project) as opened:
        opened.recover()
        record = opened.run(run["run_id"])
    if error is None or record.status == "crashed" or (record.status == "failed" and "error" in record.params):
        return record.status
    again = Run(resume=record.id, project=project)
    again.params["error"] = errors[0]["last_line"] if errors else error
    again.finish("failed")
    return "failed"
