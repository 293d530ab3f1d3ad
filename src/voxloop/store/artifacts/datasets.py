"""Datasets as artifacts: a version holds the words, the splits and the digests of a dataset, never its scans, and finds them again."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from voxloop.data.decathlon import DATASET, read_dataset
from voxloop.data.formats import reference
from voxloop.data.manifest import MANIFEST, Manifest, changes, manifest_of, parse_manifest, read_manifest
from voxloop.data.splits import SPLITS, read_splits
from voxloop.errors import VoxloopError
from voxloop.store import schema
from voxloop.store.artifacts.aliases import LATEST
from voxloop.store.artifacts.versions import inside
from voxloop.store.records import ArtifactVersion

if TYPE_CHECKING:
    from voxloop.store.project import Project

KIND = "dataset"
REFERENCE = re.compile(r"[A-Za-z0-9][\w.-]*:[A-Za-z0-9][\w.-]*")
# Where a dataset has been is kept, the newest first: a disk may be mounted elsewhere tomorrow.
MOST_FOLDERS = 8
Progress = Callable[[int, int, str], None]


def record(project: Project, folder: Path, progress: Progress | None = None) -> ArtifactVersion:
    """The version of a dataset as its folder is now: a new one where anything in it has changed."""
    dataset = read_dataset(folder)
    manifest = manifest_of(dataset, memory(project), progress)
    name = name_for(project, manifest.name)
    with tempfile.TemporaryDirectory(prefix="voxloop-dataset-") as there:
        content = Path(there)
        (content / MANIFEST).write_text(manifest.as_text(), encoding="utf-8")
        for one in (DATASET, SPLITS):
            if (folder / one).is_file():
                shutil.copyfile(folder / one, content / one)
        version = project.save(content, name, KIND, None, [LATEST], {**summary(manifest), "folders": []})
    return _remember_folder(project, version, folder.resolve())


def use(project: Project, run_id: str, folder: Path, progress: Progress | None = None) -> ArtifactVersion:
    """Records a dataset as it is now, and that a run used it."""
    version = record(project, folder, progress)
    project.use(run_id, version)
    return version


def folder_of(project: Project, data: str, progress: Progress | None = None) -> Path:
    """The folder of a dataset that is given by its path, or as a version of an artifact: `spleen:v2`, `spleen:latest`."""
    return locate(project, project.artifact(data), progress) if is_reference(data) else Path(data)


def folder_at(project: Path | None, data: str, progress: Progress | None = None) -> Path:
    """The same where no project is open yet; one is only needed for a version."""
    if not is_reference(data):
        return Path(data)
    from voxloop.store.project import open_project

    with open_project(project) as opened:
        return folder_of(opened, data, progress)


def is_reference(data: str) -> bool:
    """Whether this names a version; a folder of that name comes first."""
    return REFERENCE.fullmatch(data) is not None and not Path(data).exists()


def locate(project: Project, version: ArtifactVersion, progress: Progress | None = None) -> Path:
    """A folder with exactly the content of a version: where it was, or, if that has grown since, a view of it in the cache."""
    before = manifest(project, version)
    told = ""
    for place in version.metadata.get("folders", []):
        folder = Path(place)
        if not (folder / DATASET).is_file():
            continue
        now = read_manifest(folder, memory(project), progress)
        changed = changes(before, now)
        if changed:
            more = f" (and {len(changed) - 1} more)" if len(changed) > 1 else ""
            told = told or (
                f"{version.ref} is not what {folder} holds now: {changed[0]}{more}; put the files of {version.ref} back, "
                f"or name the folder itself, which makes a new version."
            )
        elif _same_words(project, version, folder):
            return folder
        else:
            return _view(project, version, folder)
    if told:
        raise VoxloopError(told)
    was = ", ".join(version.metadata.get("folders", [])) or "nowhere on this machine"
    raise VoxloopError(f"{version.ref} was in {was}, and is not there now; bring the folder back, or name another one.")


def manifest(project: Project, version: ArtifactVersion) -> Manifest:
    """What a version of a dataset is made of; the scans need not be there."""
    if version.kind != KIND or MANIFEST not in version.files:
        raise VoxloopError(f"{version.ref} is a {version.kind}, not a dataset; name one, or a folder.")
    held = project.materialise(version)
    return parse_manifest((held / MANIFEST).read_text(encoding="utf-8"), read_splits(held))


def summary(manifest: Manifest) -> dict[str, Any]:
    """What is worth knowing of a dataset at a glance."""
    return {
        "cases": len(manifest.cases),
        "patients": len({case.patient or f"case {case.id}" for case in manifest.cases}),
        "test": len(manifest.test),
        "labels": {str(value): name for value, name in manifest.labels.items()},
        "modality": {str(channel): name for channel, name in manifest.modality.items()},
        "scan_bytes": manifest.bytes,
    }


def memory(project: Project) -> Path:
    """Where the digests of files are remembered."""
    return project.cache / "digests.json"


def name_for(project: Project, name: str) -> str:
    """A dataset's name as an artifact's; where a model bears it already, with `-data`."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._") or KIND
    if any(version.kind != KIND for version in project.artifacts(plain)):
        return f"{plain}-data"
    return plain


def _remember_folder(project: Project, version: ArtifactVersion, folder: Path) -> ArtifactVersion:
    known = [str(one) for one in version.metadata.get("folders", [])]
    # A view in the cache only points at where the dataset is.
    if known[:1] == [str(folder)] or folder.is_relative_to(project.cache.resolve()):
        return version
    folders = [str(folder), *(one for one in known if one != str(folder))][:MOST_FOLDERS]
    table = schema.versions
    here = (table.c.name == version.name) & (table.c.version == version.version)
    with project.writing() as connection:
        told: Mapping[str, Any] = connection.execute(sa.select(table.c.metadata).where(here)).scalar() or {}
        connection.execute(table.update().where(here).values(metadata={**told, "folders": folders}))
    return project.artifact(version.ref)


def _same_words(project: Project, version: ArtifactVersion, folder: Path) -> bool:
    held = project.materialise(version)
    return all(
        (held / one).is_file() == (folder / one).is_file()
        and (not (held / one).is_file() or (held / one).read_bytes() == (folder / one).read_bytes())
        for one in (DATASET, SPLITS)
    )


def _view(project: Project, version: ArtifactVersion, folder: Path) -> Path:
    """A folder with a version's own words and splits, whose scans are links to those of another folder."""
    place = hashlib.sha256(str(folder).encode()).hexdigest()[:8]
    target = project.cache / "datasets" / f"{version.digest[:16]}-{place}"
    if target.is_dir():
        return target
    partial = target.with_name(f".partial-{target.name}-{time.monotonic_ns()}")
    held, content = project.materialise(version), manifest(project, version)
    try:
        partial.mkdir(parents=True)
        for one in (DATASET, SPLITS):
            if (held / one).is_file():
                shutil.copyfile(held / one, partial / one)
        for case in (*content.cases, *content.test):
            for file in filter(None, (case.image, case.label)):
                relative = inside(version, file.path)
                _link(folder / relative, partial / relative)
        partial.rename(target)
    except OSError as error:
        # Another process may have been faster, and made the same.
        if not target.is_dir():
            raise VoxloopError(
                f"Cannot make a view of {version.ref} in {project.cache}: {error.strerror or error}; free some space and try again."
            ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def _link(source: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if source.name.lower().endswith(reference.ENDING):
        # Its paths may be relative to its own folder.
        reference.write_reference(path, reference.read_reference(source))
    else:
        path.symlink_to(source)


def versions(project: Project, name: str) -> list[dict[str, Any]]:
    """The versions of a dataset, oldest first, with what is known of each and how many runs used it."""
    return [
        {
            "ref": version.ref,
            "created": version.created,
            "cases": version.metadata.get("cases"),
            "folders": version.metadata.get("folders", []),
            "used_by": len(project.users(version)),
        }
        for version in project.artifacts(name)
        if version.kind == KIND
    ]
