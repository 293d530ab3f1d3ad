"""A dataset's versions, splits and cases as the API's answers."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path
from typing import Any

from voxloop.server.datasets.checks import Checks
from voxloop.server.datasets.known import Known, folder_of
from voxloop.server.models import datasets as models
from voxloop.store import ArtifactVersion


def summary(known: Known, versions: list[ArtifactVersion], version: ArtifactVersion) -> models.DatasetSummary:
    manifest = known.manifest(version)
    told = version.metadata
    return models.DatasetSummary(
        name=version.name,
        ref=version.ref,
        version=version.version,
        created=version.created,
        cases=len(manifest.cases),
        patients=_patients(manifest.cases),
        test=len(manifest.test),
        labels={str(value): name for value, name in manifest.labels.items()},
        modality={str(channel): name for channel, name in manifest.modality.items()},
        scan_bytes=manifest.bytes,
        splits={name: {part: len(ids) for part, ids in split.parts.items()} for name, split in manifest.splits.items()},
        folders=[
            models.DatasetFolder(path=place, there=(Path(place) / "dataset.json").is_file())
            for place in told.get("folders", [])
        ],
        versions=len(versions),
        used_by=len({run for one in versions for run in known.project.users(one)}),
    )


def dataset(known: Known, version: ArtifactVersion) -> models.Dataset:
    versions = known.versions(version.name)
    return models.Dataset(
        **summary(known, versions, version).model_dump(),
        aliases=list(version.aliases),
        all_versions=[_version(known, one, before) for one, before in zip(versions, [None, *versions], strict=False)],
        split_list=_splits(known, version),
    )


def _version(known: Known, version: ArtifactVersion, before: ArtifactVersion | None) -> models.DatasetVersion:
    manifest = known.manifest(version)
    runs = [known.project.run(run) for run in known.project.users(version)]
    changed = None if before is None else known.difference(before, version)
    return models.DatasetVersion(
        version=version.version,
        ref=version.ref,
        aliases=list(version.aliases),
        created=version.created,
        cases=len(manifest.cases),
        patients=_patients(manifest.cases),
        test=len(manifest.test),
        scan_bytes=manifest.bytes,
        there=folder_of(version) is not None,
        runs=[
            models.DatasetRun(id=run.id, name=run.name, status=run.status, created=run.created)
            for run in sorted(runs, key=lambda run: -run.created)
        ],
        difference=None
        if changed is None
        else models.DatasetDifference(
            added=list(changed.added),
            removed=list(changed.removed),
            rescanned=list(changed.rescanned),
            relabelled=list(changed.relabelled),
            words=list(changed.words),
        ),
    )


def _patients(cases: Any) -> int:
    # A case whose patient is not known stands for itself.
    return len({(case.patient is None, case.patient or case.id) for case in cases})


def _splits(known: Known, version: ArtifactVersion) -> list[models.DatasetSplit]:
    from voxloop.store.artifacts.dataset_changes import leaks

    manifest = known.manifest(version)
    ids = {case.id for case in manifest.cases}
    return [
        models.DatasetSplit(
            name=name,
            made={key: value for key, value in split.made.items() if isinstance(value, str | int | float | None)},
            parts={part: len(cases) for part, cases in split.parts.items()},
            left_out=len(ids - split.cases()),
            unknown=sorted(split.cases() - ids),
            leaks=[
                models.DatasetLeak(patient=patient, parts=parts) for patient, parts in leaks(manifest, split).items()
            ],
        )
        for name, split in manifest.splits.items()
    ]


def cases(known: Known, version: ArtifactVersion, report: dict[str, Any] | None) -> models.DatasetCases:
    manifest = known.manifest(version)
    parts = sorted({part for split in manifest.splits.values() for part in split.parts}, key=_order)
    place: dict[str, dict[str, int]] = {
        name: {case: parts.index(part) for part, ids in split.parts.items() for case in ids}
        for name, split in manifest.splits.items()
    }
    severity = {one["kind"]: one["severity"] for one in (report or {}).get("kinds", [])}
    found: dict[str, Counter[str]] = {}
    for one in (report or {}).get("findings", []):
        if one["case"] is not None:
            found.setdefault(one["case"], Counter())[severity[one["kind"]]] += 1
    numbers, tests = (report or {}).get("cases", {}), (report or {}).get("test", {})
    everything = [(case, False) for case in manifest.cases] + [(case, True) for case in manifest.test]
    return models.DatasetCases(
        parts=parts,
        splits={
            name: [-1 if test else placed.get(case.id, -1) for case, test in everything]
            for name, placed in place.items()
        },
        checked=report is not None,
        cases=[
            models.DatasetCase(
                id=case.id,
                test=test,
                patient=case.patient,
                bytes=case.image.bytes + (case.label.bytes if case.label is not None else 0),
                numbers=None
                if (one := (tests if test else numbers).get(case.id)) is None
                else models.CaseNumbers(**one),
                findings={} if test and case.id in numbers else dict(found.get(case.id, {})),
            )
            for case, test in everything
        ],
    )


def _order(part: str) -> tuple[int, str]:
    from voxloop.data.splits import PARTS

    return (PARTS.index(part) if part in PARTS else len(PARTS), part)


def check(
    version: ArtifactVersion, folder: Path | None, checks: Checks, report: dict[str, Any] | None, changed: list[str]
) -> models.DatasetCheck:
    job = checks.job
    return models.DatasetCheck(
        folder=None if folder is None else str(folder),
        job=None
        if job is None
        else models.CheckJob(
            ref=job.ref,
            mine=job.folder == folder,
            began=job.began,
            done=job.done,
            total=job.total,
            case=job.case,
            stopping=job.stopping,
        ),
        fault=None if folder is None else checks.fault(folder),
        report=None
        if report is None
        else models.CheckReport(
            made=report["made"],
            seconds=report["seconds"],
            looked_at=report["looked_at"],
            changed=changed,
            kinds=[models.FindingKind(**one) for one in report["kinds"]],
            findings=[models.DatasetFinding(**one) for one in report["findings"]],
        ),
        command=None if folder is None else f"voxloop data check {shlex.quote(str(folder))}",
        fix_command=None
        if folder is None
        else f"voxloop data check {shlex.quote(str(folder))} --fix {shlex.quote(f'{folder}-mended')}",
    )
