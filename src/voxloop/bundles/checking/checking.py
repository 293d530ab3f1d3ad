"""The check itself: read, merge, judge, explain. Nothing of the bundle is executed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from voxloop.bundles import settings
from voxloop.bundles.checking import (
    code,
    components,
    dataset,
    inference,
    metadata,
    network,
    references,
    training,
    transforms,
)
from voxloop.bundles.checking.config import Config
from voxloop.bundles.checking.finding import Finding, found, ranked
from voxloop.bundles.checking.plan import Files, Merged
from voxloop.bundles.checking.report import Report
from voxloop.bundles.checking.story import told
from voxloop.bundles.checking.targets import Targets
from voxloop.bundles.checking.workflow import Workflow
from voxloop.bundles.fetching import large_files
from voxloop.data.decathlon import Dataset, read_dataset
from voxloop.errors import VoxloopError


def check(root: Path, configs: Sequence[Path] = (), data: Path | None = None, arguments: Sequence[str] = ()) -> Report:
    """Says what a bundle does and what is wrong with it, without running any of it.

    `configs` are merged and checked as one; by default every config is, with the overlays on what they are meant for.

    >>> report = check(Path("spleen_ct_segmentation"), arguments=["dataset_dir=Task09_Spleen"])       # doctest: +SKIP
    >>> [finding.sentence for finding in report.findings if finding.severity == "error"]             # doctest: +SKIP
    """
    began = time.monotonic()
    root = root.resolve()
    files = Files.of(root, configs)
    groups = [tuple(configs)] if configs else files.groups()
    # A setting is checked against the first config, and set in every one that has its key.
    changes = _changes(files, groups, arguments)
    merged = [files.merged(paths, _those_of(files, paths, changes)) for paths in groups]
    findings = [*files.findings, *(finding for one in merged for finding in one.findings)]
    if not merged:
        findings.append(
            found(
                "nothing_to_run",
                f"{root.name} has no config that can be run; add configs/train.json or name one with --config.",
                root.name,
            )
        )
    meta, meta_name = _metadata(files)
    findings += metadata.judge(meta, meta_name) if meta is not None else [_without_metadata(root)]
    known = meta if isinstance(meta, dict) else {}
    targets = Targets(root)
    flows = [
        (one, Workflow.of(Config(one.name, root, one.content, targets))) for one in merged if one.content is not None
    ]
    given = None if data is None else read_dataset(data)
    for one, flow in flows:
        findings += _judged(one, flow, known, meta_name, given)
    findings += _together(flows)
    if all(content is not None for content in files.contents.values()):
        findings += _weights(flows, root)
    findings += code.judge_scripts(root)
    findings += code.asked_for(known, meta_name)
    return Report(
        root,
        tuple(one.name for one in merged),
        tuple(ranked(findings)),
        told(root, [flow for _, flow in flows], known),
        time.monotonic() - began,
    )


def _judged(
    one: Merged, flow: Workflow, meta: dict[str, Any], meta_name: str, data: Dataset | None
) -> Iterator[Finding]:
    yield from references.judge(flow.config)
    yield from components.judge(flow.config)
    yield from transforms.judge(flow, meta)
    yield from network.judge(flow)
    yield from training.judge(flow, meta)
    yield from inference.judge(flow)
    yield from code.judge(flow.config, one.several)
    yield from metadata.against_network(flow, meta, meta_name)
    if data is not None:
        yield from dataset.judge(flow, meta, data)


def _together(flows: Sequence[tuple[Merged, Workflow]]) -> Iterator[Finding]:
    """What shows only when training and inference are held against each other."""
    by_stem = {one.paths[0].stem: flow for one, flow in flows if len(one.paths) == 1}
    if "train" in by_stem and "inference" in by_stem:
        yield from inference.compared(by_stem["train"], by_stem["inference"])


def _weights(flows: Sequence[tuple[Merged, Workflow]], root: Path) -> Iterator[Finding]:
    """Weights that are neither there nor made by any config; a config that cannot be read might make them."""
    made = {path for _, flow in flows for path in inference.written(flow)}
    large = {(root / path).resolve() for path in _large_files(root)}
    for _, flow in flows:
        yield from inference.weights(flow, made, large)


def _large_files(root: Path) -> list[str]:
    """The paths that a bundle's large_files says are to be fetched besides."""
    try:
        return [one.path for one in large_files.listed(root)]
    except VoxloopError:
        # Fetching says what is wrong with it.
        return []


def _metadata(files: Files) -> tuple[Any, str]:
    path = files.metadata
    return (None, "metadata.json") if path is None else (files.contents[path], path.name)


def _without_metadata(root: Path) -> Finding:
    return found(
        "metadata_missing",
        f"{root.name} has no configs/metadata.json that can be read; add one.",
        "metadata.json",
        "",
        "error",
    )


def _changes(files: Files, groups: Sequence[tuple[Path, ...]], arguments: Sequence[str]) -> dict[str, Any]:
    if not arguments or not groups:
        return {}
    everything: dict[str, Any] = {}
    for paths in reversed(groups):
        everything |= files.merged(paths).content or {}
    return settings.overrides(arguments, everything)


def _those_of(files: Files, paths: Sequence[Path], changes: dict[str, Any]) -> dict[str, Any]:
    keys = {key.lstrip("+").replace("::", "#").split("#")[0] for path in paths for key in (files.contents[path] or {})}
    return {key: value for key, value in changes.items() if key.split("#")[0] in keys}
