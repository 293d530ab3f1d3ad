"""Many scans one after the other: what is done is left alone, one that cannot be segmented does not end the night."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxloop.errors import VoxloopError
from voxloop.inference.ensemble import matched
from voxloop.inference.folder import Folder, MadeWith
from voxloop.inference.predict import How, Prediction, predict, predict_each_volume
from voxloop.inference.probabilities import write_probabilities
from voxloop.inference.saving import save
from voxloop.inference.windows import Progress
from voxloop.monai.session import last_line

if TYPE_CHECKING:
    from voxloop.inference.model import Model
    from voxloop.inference.sources import Source

PROBABILITIES = ".probabilities.nii.gz"


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one scan."""

    scan: Path
    labels: Path | None
    volume_ml: Mapping[str, Any]
    probabilities: Path | None = None
    skipped: bool = False
    error: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON; a scan that could not be segmented has its error instead."""
        if self.error is not None:
            return {"scan": str(self.scan), "labels": None, "error": self.error}
        maps = {"probabilities": str(self.probabilities)} if self.probabilities is not None else {}
        return {
            "scan": str(self.scan),
            "labels": str(self.labels),
            "volume_ml": dict(self.volume_ml),
            "skipped": self.skipped,
            **maps,
        }


def predict_all(
    models: Sequence[Model],
    targets: Mapping[Source, Path],
    out: Path,
    how: How | None = None,
    *,
    each_volume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Iterator[Row]:
    """Segments every source into its target, and tells of each as it is done.

    Models that do not mark the same are refused before the first scan is read, and so is a folder that holds label maps of other
    models or settings.
    """
    how = how or How()
    matched(models)
    # Of a file that holds several volumes, each is a scan.
    channels = None if each_volume else len(models[0].channels) or models[0].inputs
    folder = Folder(out, MadeWith.of(models, how, each_volume))
    maps = {source: out / f"{source.case}{PROBABILITIES}" if how.probabilities else None for source in targets}
    states = {source: folder.state(source, target, maps[source]) for source, target in targets.items()}
    strangers = [(source, target) for source, target in targets.items() if states[source] == "other"]
    if strangers and not overwrite:
        source, target = strangers[0]
        more = f", and {len(strangers) - 1} more are none either" if len(strangers) > 1 else ""
        raise VoxloopError(
            f"{out} holds label maps that this command would not make: {target.name} {folder.stranger(source, target)}{more}; "
            "give --overwrite to make them anew, or choose another --out."
        )
    for number, (source, target) in enumerate(targets.items()):
        heard = _of_all(progress, number, len(targets), source.path.name)
        heard(0, 1, "")
        state = "missing" if overwrite else states[source]
        if state == "done":
            yield Row(source.path, target, folder.volume_ml(target), maps[source], skipped=True)
            continue
        try:
            segment = predict_each_volume if each_volume else predict
            made = segment(models, source.open(channels), how=how, progress=heard)
            if state == "no maps":
                _write_maps(made, maps[source], heard)
                folder.add_maps(target, maps[source])
            else:
                with folder.making(source, target):
                    _write_maps(made, maps[source], heard)
                    save(made, target, slices=source.slices, model=_called(models))
                folder.finish(source, target, made, maps[source])
        except VoxloopError as error:
            yield Row(source.path, None, {}, error=str(error))
        # One scan does not end a night's work, whatever a model's own transforms or its network say of it.
        except Exception as error:
            sentence = (
                f"{source.path.name} cannot be segmented by {_called(models)} ({last_line(error)}); "
                "is it a scan of the kind that the model was trained on?"
            )
            yield Row(source.path, None, {}, error=sentence)
        else:
            yield Row(source.path, target, folder.volume_ml(target), maps[source])
    if progress is not None:
        progress(1, 1, "")


def _called(models: Sequence[Model]) -> str:
    """The models in a few words, for a file that says which one made it."""
    return models[0].name + (f" and {len(models) - 1} more" if len(models) > 1 else "")


def _write_maps(made: Prediction, path: Path | None, progress: Progress) -> None:
    if path is not None and made.probabilities is not None:
        write_probabilities(made.probabilities, made.scan, path, progress)


def _of_all(progress: Progress | None, number: int, count: int, name: str) -> Progress:
    """How far one scan is, told as how far all of them are."""

    def heard(done: int, total: int, what: str) -> None:
        if progress is not None:
            progress(1000 * number + 1000 * done // total, 1000 * count, " ".join(filter(None, (name, what))))

    return heard
