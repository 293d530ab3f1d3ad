"""The process in which a foreign bundle runs: `python -m voxloop.training.foreign.process`, one per rank."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from voxloop.bundles import repairs
from voxloop.bundles.modules import on_path
from voxloop.errors import VoxloopError
from voxloop.inference.loading.guard import missing_package, needs, root_of
from voxloop.monai.bundle import Bundle, parts
from voxloop.monai.caution import Caution
from voxloop.monai.session import held, last_line
from voxloop.training.foreign.data import doubts
from voxloop.training.foreign.job import BundleJob, Checked, check

INTERRUPTED = 128 + signal.SIGINT


def main() -> int:
    job = BundleJob.of_text(os.environ.pop("VOXLOOP_BUNDLE_JOB"))
    answers = Path(os.environ.pop("VOXLOOP_BUNDLE_ANSWERS"))
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, _stop_once)
    # First of all, so that its scripts are imported as they can be read, not as a .pyc beside them says.
    on_path(job.root)
    try:
        run(job, answers)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # all that a foreign program may raise
        _tell_error(job, answers, error)
        return 1
    return 0


def _stop_once(number: int, frame: FrameType | None) -> None:
    """Ends what runs; torchrun asks more than once, and the second time the run is already being written down."""
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


def run(job: BundleJob, answers: Path) -> None:
    """What `python -m monai.bundle run` does, inside a run of ours."""
    from monai.bundle import ConfigWorkflow

    from voxloop.monai.quiet import quiet_readers
    from voxloop.recipes.network import SETTLE_S
    from voxloop.training.explain import explain

    checked = check(job)
    with explain(job.root.name, {}):
        workflow = ConfigWorkflow(
            config_file=[str(path) for path in job.configs],
            meta_file=str(_metadata(job.root)),
            run_id=checked.run_id,
            tracking=_settings(checked),
            **checked.overrides,
        )
    bundle = Bundle.of(workflow.parser, job.root)
    unsure = doubts(bundle)
    for sentence in [*repairs.mend(workflow.parser.get()), *unsure]:
        _say(sentence)
    # What the parser had resolved of the config as it was.
    workflow.parser.ref_resolver.reset()
    with explain(job.root.name, bundle.config), _tracked(job, checked, bundle, unsure, answers), quiet_readers():
        _leave_out_tensorboard(workflow.parser)
        workflow.initialize()
        workflow.run()
        if "RANK" in os.environ:
            # As our own recipes do before they leave their group: a bundle may end its process right after this.
            time.sleep(SETTLE_S)
        workflow.finalize()


def _metadata(root: Path) -> Path:
    folder = root / "configs"
    return next(path for path in sorted(folder.glob("metadata.*")) if path.suffix in (".json", ".yaml", ".yml"))


def _settings(checked: Checked) -> dict[str, Any]:
    """The tracking settings, as far as MONAI can add them to this bundle's handlers.

    It would replace the handlers that stand inside their engine, and it cannot add to ones that are an expression.
    """
    from voxloop.monai import SETTINGS

    tracking: dict[str, Any] = json.loads(SETTINGS.read_text())
    for role, place in tracking["handlers_id"].items():
        inside = "train_handlers" if role == "trainer" else "val_handlers"
        engine, handlers = _at(checked.config, place["id"]), _at(checked.config, place["handlers"])
        if isinstance(engine, dict) and isinstance(engine.get(inside), list):
            place["handlers"] = f"{place['id']}#{inside}"
        elif engine is not None and isinstance(handlers, str):
            del tracking["configs"][role]
            _say(f"{place['handlers']} is an expression that nothing can be added to, so {place['id']} is not tracked.")
    return tracking


def _at(config: Any, key: str) -> Any:
    for step in key.split("#"):
        config = config.get(step) if isinstance(config, dict) else None
    return config


@contextmanager
def _tracked(job: BundleJob, checked: Checked, bundle: Bundle, unsure: Sequence[str], answers: Path) -> Iterator[None]:
    """One run for everything that the bundle does in this process; only the first of several processes writes it."""
    if int(os.environ.get("RANK", "0")) > 0:
        yield
        return
    from voxloop.tracking import Run

    params = {**bundle.params(), "run_id": checked.run_id, "overrides": dict(checked.overrides)}
    if unsure:
        params["doubts"] = list(unsure)
    tracked = Run(name=job.name or bundle.name, experiment=bundle.name, params=params)
    (answers / "run.json").write_text(json.dumps({"run_id": tracked.id, "name": tracked.name}))
    with held(tracked, Caution()):
        yield


def _leave_out_tensorboard(parser: Any) -> None:
    """Without the package tensorboard its handlers cannot be made; each is replaced by one that does nothing."""
    if importlib.util.find_spec("tensorboard") is not None:
        return
    names = set()
    for key, part in list(parts(parser.get())):
        target = str(part.get("_target_", "")).rsplit(".", 1)[-1]
        if target.startswith("TensorBoard"):
            parser[key] = {"_target_": "voxloop.monai.LeftOut"}
            names.add(target)
    if names:
        _say(
            f"tensorboard is not installed, so {' and '.join(sorted(names))} is left out; what it would show is tracked."
        )


def _say(sentence: str) -> None:
    """Once, of several processes."""
    if int(os.environ.get("RANK", "0")) == 0:
        print(f"voxloop: {sentence}", file=sys.stderr)


def _tell_error(job: BundleJob, answers: Path, error: Exception) -> None:
    """Says to the starting process what went wrong; of several processes it tells the one that failed first."""
    rank = os.environ.get("RANK", "0")
    line, cause = last_line(error), root_of(error)
    sentence = str(error) if isinstance(error, VoxloopError) else f"{job.root.name}: {line}"
    if not isinstance(error, VoxloopError) and (package := missing_package(cause)):
        sentence = needs(job.root.name, package)
    told = {
        "error": sentence,
        "last_line": line,
        "trace": "".join(traceback.format_exception(error)),
        "time": time.time(),
    }
    (answers / f"error-{rank}.json").write_text(json.dumps(told))


if __name__ == "__main__":
    sys.exit(main())
