"""What a folder of label maps says of itself: `predictions.json` tells which scan each is of, and what it was made with.

So a folder that was interrupted goes on where it was, and label maps of two models never lie side by side unnoticed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from voxloop import __version__
from voxloop.data.digests import files_of
from voxloop.data.whole import write_json
from voxloop.errors import VoxloopError

if TYPE_CHECKING:
    from voxloop.inference.model import Model
    from voxloop.inference.predict import How, Prediction
    from voxloop.inference.sources import Source

NAME = "predictions.json"
# What of a bundle decides what it predicts: settings, weights, and code of its own.
DECIDES = ("configs", "models", "scripts")

# `no maps`: the label map is done, and its probabilities are still to be written.
State = Literal["missing", "no maps", "done", "other"]


@dataclass(frozen=True, slots=True)
class MadeWith:
    """The models and settings of a label map; two that are equal would make the same one."""

    models: tuple[tuple[str, str], ...]
    flips: str
    each_volume: bool

    @classmethod
    def of(cls, models: Sequence[Model], how: How, each_volume: bool = False) -> MadeWith:
        return cls(tuple((model.name, digest_of(model.folder)) for model in models), how.flips, each_volume)

    def as_dict(self) -> dict[str, Any]:
        return {
            "models": [{"name": name, "sha256": digest} for name, digest in self.models],
            "settings": {"flips": self.flips, "each_volume": self.each_volume},
        }

    def made(self, entry: dict[str, Any]) -> bool:
        """Whether an entry of predictions.json was made with the same; what models are called does not matter."""
        return entry["settings"] == self.as_dict()["settings"] and [one.get("sha256") for one in entry["models"]] == [
            digest for _, digest in self.models
        ]


class Folder:
    """A folder of label maps and what is recorded of them, read once and written after each scan."""

    def __init__(self, path: Path, made_with: MadeWith) -> None:
        self.path, self.made_with = path, made_with
        self.entries: dict[str, Any] = _read(path / NAME)

    def state(self, source: Source, target: Path, probabilities: Path | None = None) -> State:
        """Whether a label map is still to be made, is done as asked, or is none that would be made here."""
        if not target.exists() or self._was_cut_short(target):
            return "missing"
        if self.stranger(source, target) is not None:
            return "other"
        return "no maps" if probabilities is not None and not probabilities.exists() else "done"

    def stranger(self, source: Source, target: Path) -> str | None:
        """Why a label map is none that would be made here, as the end of a sentence; None where it is."""
        entry = self.entries.get(target.name)
        if entry is None:
            return f"is not recorded in {NAME}"
        if not self.made_with.made(entry):
            return f"was made by {_said(entry)}"
        if not _same_scan(entry.get("scan"), source):
            return "was made of another scan, or of this one before it changed"
        return None

    def _was_cut_short(self, target: Path) -> bool:
        """Whether the process ended while this one was being written, so that nobody knows which map is there."""
        entry = self.entries.get(target.name, {})
        return "begun" in entry and "made" not in entry and self.made_with.made(entry)

    @contextmanager
    def making(self, source: Source, target: Path) -> Iterator[None]:
        """Says what a label map is made with before it is written, so that a kill in between leaves none of unknown origin."""
        before = self.entries.get(target.name)
        self._record(target, {"case": source.case, "begun": _now(), **self.made_with.as_dict(), "voxloop": __version__})
        try:
            yield
        except VoxloopError:
            # The disk may be full for this as well.
            with suppress(VoxloopError):
                self._record(target, before)
            raise

    def finish(self, source: Source, target: Path, prediction: Prediction, probabilities: Path | None = None) -> None:
        """Records a label map that is there as a whole."""
        self._record(
            target,
            {
                **self.entries[target.name],
                "made": _now(),
                "scan": _scan(source),
                "classes": list(prediction.classes),
                "volume_ml": _rounded(prediction.volumes_ml()),
                **({"probabilities": probabilities.name} if probabilities is not None else {}),
            },
        )

    def add_maps(self, target: Path, probabilities: Path | None) -> None:
        """Records probabilities beside a label map that was done before."""
        if probabilities is not None:
            self._record(target, {**self.entries[target.name], "probabilities": probabilities.name})

    def volume_ml(self, target: Path) -> dict[str, Any]:
        """The volumes of a label map that is done."""
        volumes: dict[str, Any] = self.entries[target.name].get("volume_ml", {})
        return volumes

    def _record(self, target: Path, entry: dict[str, Any] | None) -> None:
        with _alone(self.path):
            # Read anew, as another process may have recorded scans of its own meanwhile.
            self.entries = _read(self.path / NAME)
            if entry is None:
                self.entries.pop(target.name, None)
            else:
                self.entries[target.name] = entry
            write_json(self.path / NAME, {"predictions": self.entries})


def digest_of(bundle: Path) -> str:
    """One digest of all in a bundle that decides what it predicts."""
    total = hashlib.sha256()
    for part in DECIDES:
        for file in sorted((bundle / part).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                with file.open("rb") as opened:
                    digest = hashlib.file_digest(opened, "sha256").hexdigest()
                total.update(f"{file.relative_to(bundle).as_posix()} {digest}\n".encode())
    return total.hexdigest()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Takes turns with other processes that segment into the same folder."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        # Some shares know no locks; there each process has to have a folder of its own.
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        entries = content["predictions"]
        if isinstance(entries, dict) and all(_is_entry(entry) for entry in entries.values()):
            return entries
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        pass
    raise VoxloopError(
        f"{path} cannot be read as the record of what was segmented here; move it away, and give --overwrite."
    )


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("settings"), dict)
        and isinstance(entry.get("models"), list)
        and all(isinstance(model, dict) for model in entry["models"])
    )


def _said(entry: dict[str, Any]) -> str:
    """The models and settings of an entry, in words."""
    names = " and ".join(str(one.get("name")) for one in entry.get("models", ())) or "other models"
    settings = entry.get("settings", {})
    extra = [f"flips {settings['flips']}"] if settings.get("flips") else []
    extra += ["each volume"] if settings.get("each_volume") else []
    return names + (f" ({', '.join(extra)})" if extra else "")


def _files(source: Source) -> list[Path]:
    return list(source.slices) or [file for channel in files_of(source.path) for file in channel]


def _stamp(source: Source) -> list[int]:
    """How large the scan's files are, and when the newest was written: while this stays, nobody has touched them."""
    states = [file.stat() for file in _files(source)]
    return [len(states), sum(one.st_size for one in states), max(one.st_mtime_ns for one in states)]


def _scan(source: Source) -> dict[str, Any]:
    return {"path": str(source.path.resolve()), "stamp": _stamp(source), "sha256": _digest(source)}


def _digest(source: Source) -> str:
    total = hashlib.sha256()
    for file in _files(source):
        with file.open("rb") as opened:
            total.update(hashlib.file_digest(opened, "sha256").digest())
    return total.hexdigest()


def _same_scan(recorded: Any, source: Source) -> bool:
    """By its stamp, and where that has changed, as on a copy, by its bytes."""
    with suppress(OSError, VoxloopError, AttributeError):
        return bool(recorded.get("stamp") == _stamp(source) or recorded.get("sha256") == _digest(source))
    return False


def _rounded(volumes: dict[str, float | list[float]]) -> dict[str, Any]:
    return {
        name: [round(one, 2) for one in ml] if isinstance(ml, list) else round(ml, 2) for name, ml in volumes.items()
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
