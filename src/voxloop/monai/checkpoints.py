"""What a training saves into its checkpoint folders becomes artifact versions of its run, as it appears."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxloop.tracking import Run

ENDINGS = (".pt", ".pth", ".ckpt", ".ts", ".safetensors", ".onnx")
Stamp = tuple[int, int]


@dataclass
class Checkpoints:
    """Watches folders. What was there before the run began is not the run's, until it changes."""

    run: Run
    name: str
    folders: Iterable[Path]
    _known: dict[Path, Stamp] = field(default_factory=dict)
    _before_validation: dict[Path, Stamp] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._known = self._stamps()

    def validation_begins(self) -> None:
        self._before_validation = self._stamps()

    def validated(self, evaluator: Any) -> None:
        """What a validation saved while it became the best is the best."""
        state = evaluator.state
        name = getattr(state, "key_metric_name", None)
        score = state.metrics.get(name)
        if not isinstance(score, int | float):
            return self.look(state.epoch)
        about = {"metric": name, "score": float(score)}
        became_best = getattr(state, "best_metric_epoch", -1) == state.epoch
        for path, stamp in self._stamps().items():
            if self._before_validation.get(path) == stamp or self._known.get(path) == stamp:
                continue
            aliases = ["best"] if became_best and self._beats_all(about, evaluator) else []
            self._keep(path, stamp, state.epoch, aliases, about)
        return self.look(state.epoch)

    def look(self, epoch: int | None = None) -> None:
        """Saves whatever is new since the last look, in the order in which it was written."""
        new = [(path, stamp) for path, stamp in self._stamps().items() if self._known.get(path) != stamp]
        for path, stamp in sorted(new, key=lambda one: one[1]):
            self._keep(path, stamp, epoch, [], {})

    def _keep(self, path: Path, stamp: Stamp, epoch: int | None, aliases: list[str], about: Mapping[str, Any]) -> None:
        self._known[path] = stamp
        metadata = {"file": path.name, **({} if epoch is None else {"epoch": epoch}), **about}
        self.run.save(path, name=self.name, kind="checkpoint", aliases=["latest", *aliases], metadata=metadata)

    def _beats_all(self, about: Mapping[str, Any], evaluator: Any) -> bool:
        """`best` moves only to a checkpoint that beats every earlier one, of other runs too, by the same metric."""
        better = getattr(evaluator, "metric_cmp_fn", lambda score, other: score > other)
        earlier = [
            version.metadata["score"]
            for version in self.run.project.artifacts(self.name)
            if version.metadata.get("metric") == about["metric"]
        ]
        return all(better(about["score"], score) or about["score"] == score for score in earlier)

    def _stamps(self) -> dict[Path, Stamp]:
        found: dict[Path, Stamp] = {}
        for folder in self.folders:
            for path in folder.rglob("*") if folder.is_dir() else ():
                if path.suffix in ENDINGS and path.is_file():
                    stat = path.stat()
                    found[path] = (stat.st_mtime_ns, stat.st_size)
        return found
