"""A version of an artifact as files for others: all of them or none, the same bytes each time."""

from __future__ import annotations

import json
import shutil
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxloop.bundles.exporting import card, facts, metadata, network, onnx, plain, scores, torchscript
from voxloop.bundles.exporting.content import WEIGHTS, Content
from voxloop.bundles.exporting.interface import Interface, output_in
from voxloop.bundles.trust import Program, require, vouch
from voxloop.errors import VoxloopError
from voxloop.store.artifacts import versions

if TYPE_CHECKING:
    from voxloop.store import Project
    from voxloop.store.records import ArtifactVersion

Progress = Callable[[int, int, str], None]
# Where the version lies while an export is made of it.
HELD = "held"
FORMS = ("files", "bundle", "torchscript", "onnx")
# A form that is one file, so that it may be asked for by that name.
ENDINGS = {"torchscript": ".ts", "onnx": ".onnx"}
TRAIN_NOTE = (
    "A record of how the model was trained. It runs with voxloop, whose functions it calls: pip install voxloop."
)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written where; `files` are paths within it and their sizes."""

    ref: str
    target: Path
    forms: tuple[str, ...]
    files: dict[str, int]


def forms_for(version: ArtifactVersion, asked: Sequence[str] = ()) -> tuple[str, ...]:
    """The forms to write: those asked for, or a bundle of what is a model and the files of anything else."""
    forms = tuple(one for one in FORMS if one in asked)
    if unknown := [one for one in asked if one not in FORMS]:
        raise VoxloopError(f'"{unknown[0]}" is no form to export; choose among {", ".join(FORMS)}.')
    if not forms:
        return ("bundle",) if version.kind == "model" and "configs/inference.json" in version.files else ("files",)
    if "files" in forms and len(forms) > 1:
        raise VoxloopError(f"--to files copies {version.ref} as it is; leave it out to have {', '.join(forms[1:])}.")
    if forms != ("files",) and version.kind != "model":
        raise VoxloopError(f"{version.ref} is a {version.kind}, not a model; copy it with --to files.")
    return forms


def export(
    project: Project,
    version: ArtifactVersion,
    target: Path,
    forms: Sequence[str] = (),
    progress: Progress | None = None,
    authors: str | None = None,
    owner: str | None = None,
    trust: Callable[[Program], None] = require,
) -> Exported:
    """Writes a version into a new folder, a zip, or the one file that a single form is (model.ts, model.onnx).

    `authors` of the model and the `owner` of its copyright stand in its metadata; the project knows neither. Its config is
    evaluated for that: `trust` raises where it may not be.
    """
    forms = forms_for(version, forms)
    if forms == ("files",):
        versions.export(version, project.blobs, target)
        return Exported(version.ref, target, forms, {path: int(file["bytes"]) for path, file in version.files.items()})
    if target.exists():
        raise VoxloopError(f"{target} is already there; choose a new name.")
    if "onnx" in forms:
        onnx.require_installed()
    single = _single(target, forms)
    work = target.with_name(f".partial-{target.name}-{time.monotonic_ns()}")
    try:
        work.mkdir(parents=True)
        made = _Making(project, version, work, forms, progress, trust).make(authors, owner)
        if "bundle" in forms:
            # It says what the version says, without voxloop's functions: whoever trusts the one is not asked about the other.
            vouch(Program.of(made), Program.of(work / HELD))
        files = {
            path.relative_to(made).as_posix(): path.stat().st_size for path in sorted(made.rglob("*")) if path.is_file()
        }
        if single:
            (path,) = (made / one for one in files if one.endswith(single))
            path.rename(target)
            return Exported(version.ref, target, forms, {target.name: target.stat().st_size})
        if target.suffix.lower() == ".zip":
            _zip(made, work / "whole.zip", version)
            (work / "whole.zip").rename(target)
        else:
            made.rename(target)
        return Exported(version.ref, target, forms, files)
    except OSError as error:
        raise VoxloopError(
            f"{target} cannot be written ({error.strerror or error}); free some space or choose another place."
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _single(target: Path, forms: Sequence[str]) -> str | None:
    """The ending of a target that is one file of weights."""
    ending = target.suffix.lower()
    form = next((form for form, one in ENDINGS.items() if one == ending), None)
    if form is not None and tuple(forms) != (form,):
        raise VoxloopError(
            f"{target.name} is one file for --to {form} alone; name a folder or a .zip for {', '.join(forms)}."
        )
    return ending if form else None


class _Making:
    """One export on its way, in a folder that nobody else looks into."""

    def __init__(
        self,
        project: Project,
        version: ArtifactVersion,
        work: Path,
        forms: tuple[str, ...],
        progress: Progress | None,
        trust: Callable[[Program], None],
    ) -> None:
        self.project, self.version, self.work, self.forms, self.trust = project, version, work, forms, trust
        self._progress, self._done = progress, 0
        self.made = work / version.name

    def make(self, authors: str | None, owner: str | None) -> Path:
        self._tell("reading")
        held = self.work / HELD
        versions.export(self.version, self.project.blobs, held)
        self.trust(Program.of(held, name=self.version.ref))
        content = Content.read(held, self.version.ref)
        self._tell("network")
        output = output_in(content.inference, content.metadata, self.version.ref)
        inference = plain.inference(content.inference, output, self.version.ref)
        interface = Interface.of(inference, content.metadata, self.version.ref)
        loaded = network.load(inference, held / WEIGHTS, self.version.ref)
        shapes = network.shapes_of(loaded, len(interface.channels), interface.window, self.version.ref)
        known = facts.gather(self.project, self.version, content.train)
        described = metadata.write(content.metadata, known, interface, shapes, authors, owner)
        self._write_json("configs/metadata.json", described)
        for path, data in content.kept().items():
            self._write(path, data)
        self._write("docs/README.md", card.write(described, known, interface, shapes, self.forms).encode())
        if licence := _data_licence(known):
            self._write("docs/data_license.txt", licence.encode())
        if "bundle" in self.forms:
            self._write_json("configs/inference.json", inference)
            self._write_json("configs/evaluate.json", scores.write(inference, output))
            if content.train is not None:
                self._write_json("configs/train.json", {"_desc_": TRAIN_NOTE, **content.train})
            self._move(held / WEIGHTS, WEIGHTS)
        if "torchscript" in self.forms:
            self._tell("torchscript")
            inside = {"metadata.json": described, "inference.json": inference}
            script = self._place("models/model.ts")
            torchscript.write(loaded, script, inside, len(interface.channels), shapes.examples, self.version.ref)
        if "onnx" in self.forms:
            self._tell("onnx")
            said = metadata.properties(described, interface)
            graph = self._place("models/model.onnx")
            onnx.write(loaded, graph, said, len(interface.channels), shapes, self.version.ref)
        self._tell("writing")
        return self.made

    def _tell(self, what: str) -> None:
        self._done += 1
        steps = 3 + sum(form in ENDINGS for form in self.forms)
        if self._progress is not None:
            self._progress(self._done, steps, what)

    def _place(self, relative: str) -> Path:
        path = self.made / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _write(self, relative: str, content: bytes) -> None:
        self._place(relative).write_bytes(content)

    def _write_json(self, relative: str, content: Any) -> None:
        self._write(relative, (json.dumps(content, indent=4, ensure_ascii=False, allow_nan=False) + "\n").encode())

    def _move(self, source: Path, relative: str) -> None:
        source.rename(self._place(relative))


def _data_licence(known: facts.Facts) -> str:
    """What is known of the licences of the data, as the datasets themselves say."""
    return "\n".join(
        f"{one.name} ({one.ref})\nLicence: {one.licence}\n" + (f"Reference: {one.reference}\n" if one.reference else "")
        for one in known.data
        if one.licence
    )


def _zip(folder: Path, path: Path, version: ArtifactVersion) -> None:
    """With the model's folder inside, as the specification asks; every time in it is the version's own."""
    # A zip knows no year before 1980.
    when = time.gmtime(max(version.created, 315532800.0))[:6]
    with zipfile.ZipFile(path, "x", zipfile.ZIP_STORED) as archive:
        for file in sorted(one for one in folder.rglob("*") if one.is_file()):
            entry = zipfile.ZipInfo((Path(version.name) / file.relative_to(folder)).as_posix(), when)
            entry.external_attr = 0o644 << 16
            with file.open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target, 1 << 20)
