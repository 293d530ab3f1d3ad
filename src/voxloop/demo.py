"""The demo: the whole loop on phantoms. Every step looks first whether it is done, so the demo can be run again."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxloop.errors import VoxloopError

if TYPE_CHECKING:
    from rich.console import Console

    from voxloop.store import Project

CASES = 16
UNSEEN_CASES = 4
TRAINING = "demo"
EVALUATION = "demo-unseen"


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo made, and how good it became."""

    folder: Path
    project: Path
    run: str
    model: str
    validation_dice: float
    unseen_dice: float
    threshold_dice: float
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        return {key: str(value) if isinstance(value, Path) else value for key, value in asdict(self).items()}


def run_demo(folder: Path, console: Console) -> Demo:
    """Phantoms, a short training, an evaluation on phantoms never seen; says in plain words what it does."""
    from voxloop.store import open_project

    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    console.print("[bold]Voxloop demo[/bold]: a spleen model from nothing. Synthetic scans, nothing is downloaded.\n")
    console.print(
        f"[bold]1/3  Scans[/bold]: {CASES} synthetic abdominal CTs to learn from, {UNSEEN_CASES} more to be judged by."
    )
    data = folder / "Task09_Spleen"
    unseen = folder / "Task09_Unseen"
    threshold = _phantoms(data, CASES, 0, console)
    _phantoms(unseen, UNSEEN_CASES, 1000, console)
    console.print(
        f"     The best plain HU threshold finds the spleen with a Dice of {threshold:.2f}: learning is needed.\n"
    )
    with open_project(folder, create=True) as project:
        console.print(
            "[bold]2/3  Training[/bold]: the recipe spleen_ct, preset quick (3 mm), on this machine. Ctrl-C is safe."
        )
        run, model, dice = _train(project, data, console)
        console.print(f"     Best validation Dice {dice:.3f}, kept as {model}.\n")
        console.print(
            "[bold]3/3  Evaluation[/bold]: at each scan's own resolution, on scans that the training never saw."
        )
        result = _evaluate(project, model, unseen, console)
    seconds = time.monotonic() - started
    console.print(f"\n[bold]Done in {seconds:.0f} s[/bold]. Dice on unseen scans: [bold]{result:.3f}[/bold].")
    console.print(f"  the page          voxloop serve --project {folder}")
    console.print(f"  the runs          voxloop runs --project {folder}")
    console.print(f"  segment a scan    voxloop predict {model} {unseen}/imagesTs --out labels --project {folder}")
    console.print("  Not a medical device: for research and teaching, not for diagnosis.\n")
    return Demo(folder, folder / ".voxloop", run, model, dice, result, threshold, seconds)


def _phantoms(folder: Path, cases: int, seed: int, console: Console) -> float:
    """Makes a phantom dataset, or takes the one that is there; answers with the threshold's Dice."""
    from rich.progress import Progress

    from voxloop.data.phantom import make_spleen

    there = (folder / "dataset.json").is_file()
    with Progress(console=console, transient=True, disable=there) as progress:
        task = progress.add_task(f"     {folder.name}", total=None)
        report = make_spleen(
            folder,
            cases,
            seed,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    said = "already there." if there else f"{cases} scans, the spleen fills {report.foreground:.2%} of each on average."
    console.print(f"     {folder.name}: {said}")
    return report.threshold_dice


def _train(project: Project, data: Path, console: Console) -> tuple[str, str, float]:
    from voxloop.training.train import Job, prepare, train

    earlier = [run for run in project.runs() if run.name == TRAINING]
    for run in earlier:
        made = [version for version in project.artifacts("spleen-ct") if version.run_id == run.id]
        if run.status == "finished" and made:
            console.print("     already trained.")
            return run.id, made[-1].ref, float(made[-1].metadata["dice"])
    unfinished = [run for run in earlier if run.status in ("interrupted", "crashed")]
    if any(run.status == "running" for run in earlier):
        raise VoxloopError(
            f"A demo is training in {data.parent} right now; wait for it, or choose another folder with --out."
        )
    if unfinished:
        console.print("     going on with the training that was interrupted.")
        trained = train(Job.of(unfinished[0]), project, resume=unfinished[0].id, console=console)
    else:
        trained = train(prepare("spleen_ct", data, "quick", "default", []), project, name=TRAINING, console=console)
    return trained.run_id, trained.model, trained.best_dice


def _evaluate(project: Project, model: str, unseen: Path, console: Console) -> float:
    from voxloop.inference.evaluation import evaluate_tracked

    for run in project.runs():
        if run.name == EVALUATION and run.status == "finished" and run.params.get("model") == model:
            done = [series for series in project.series_of(run.id, "eval/mean_dice") if not series.context]
            if done and done[0].last is not None:
                console.print("     already evaluated.")
                return float(done[0].last)
    result = evaluate_tracked(model, unseen, project, part="all", name=EVALUATION)
    for case in result.cases:
        console.print(f"     {case.case:<12} Dice {case.mean_dice:.3f}")
    return result.mean_dice
