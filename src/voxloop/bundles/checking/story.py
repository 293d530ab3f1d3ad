"""A bundle in plain words: what it trains and infers, on what, with what, and which code it would run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from voxloop.bundles.checking import code, inference
from voxloop.bundles.checking.config import Part
from voxloop.bundles.checking.metadata import channels
from voxloop.bundles.checking.network import parameters
from voxloop.bundles.checking.report import Paragraph
from voxloop.bundles.checking.values import UNKNOWN
from voxloop.bundles.checking.words import by, sentence
from voxloop.bundles.checking.workflow import Engine, Workflow

SHOWN = 12
MOST_NAMED = 25


def told(root: Path, flows: Sequence[Workflow], metadata: dict[str, Any]) -> list[Paragraph]:
    """The paragraphs, those that there is something to say for."""
    paragraphs = [Paragraph(str(metadata.get("name") or root.name), tuple(_about(root, flows, metadata)))]
    # Overlays repeat what they lie on.
    for flow in [flow for flow in flows if " + " not in flow.config.name]:
        paragraphs += [Paragraph(f"{flow.config.name}: {heading}", tuple(lines)) for heading, lines in _flow(flow)]
    paragraphs.append(Paragraph("What it needs", tuple(_needs(root, flows, metadata))))
    paragraphs.append(Paragraph("Code that it would run", tuple(_code(root, flows))))
    return [one for one in paragraphs if one.lines]


def _about(root: Path, flows: Sequence[Workflow], metadata: dict[str, Any]) -> Iterator[str]:
    for field in ("description", "intended_use"):
        if isinstance(metadata.get(field), str):
            yield _line(metadata[field])
    for what, side, name in (("Input channels", "inputs", "image"), ("Output channels", "outputs", "pred")):
        named = channels(metadata, side, name)
        if named:
            shown = [f"{number} {_line(called)}" for number, called in sorted(named.items())]
            rest = f" and {len(shown) - MOST_NAMED} more" if len(shown) > MOST_NAMED else ""
            yield f"{what}: {', '.join(shown[:MOST_NAMED])}{rest}."
    network = next((flow.network for flow in flows if flow.network is not None), None)
    if network is not None:
        yield _network(network)


def _network(network: Part) -> str:
    count = parameters(network)
    size = (
        f", {count / 1e6:.2f} million parameters"
        if count is not None and count >= 1e4
        else f", {count} parameters"
        if count is not None
        else ""
    )
    ends = [
        f"{network.arg(name)} {word}"
        for name, word in (("in_channels", "in"), ("out_channels", "out"))
        if isinstance(network.arg(name), int)
    ]
    return f"The network is a {network.name}{size}{' (channels: ' + ', '.join(ends) + ')' if ends else ''}."


def _flow(flow: Workflow) -> Iterator[tuple[str, list[str]]]:
    for engine in flow.engines:
        if engine.role == "train":
            yield "it trains", list(_training(flow, engine))
        elif engine.role == "validate":
            yield "it validates", list(_validation(engine))
        else:
            yield "it infers", list(_validation(engine))


def _training(flow: Workflow, engine: Engine) -> Iterator[str]:
    epochs, loader = engine.number("max_epochs"), engine.loader
    batch = None if loader is None else loader.arg("batch_size")
    scans = "some scans" if not isinstance(batch, int) else "1 scan" if batch == 1 else f"{batch} scans"
    yield f"{epochs if epochs is not None else 'A number of'} epochs, {scans} at a time."
    if flow.loss is not None:
        yield f"Loss: {flow.loss.name}{_given(flow.loss)}."
    optimizer = engine.part.part("optimizer")
    if optimizer is not None:
        yield f"Optimizer: {optimizer.name}{_given(optimizer)}."
    for handler in engine.handlers_called("LrScheduleHandler"):
        schedule = handler.part("lr_scheduler")
        if schedule is not None:
            each = "epoch" if handler.arg("epoch_level") is not False else "iteration"
            yield f"Learning rate: {schedule.name}{_given(schedule)}, stepped each {each}."
    for handler in engine.handlers_called("ValidationHandler"):
        yield f"Validates every {handler.arg('interval')} epochs."
    yield from _steps("Each scan, before", engine.before)
    yield from _steps("Each output, after", engine.after)
    yield from _kept(engine)


def _validation(engine: Engine) -> Iterator[str]:
    if engine.inferer is not None:
        window = (
            f" of {by(engine.inferer.arg('roi_size'))} voxels, {_share(engine.inferer.arg('overlap'))}"
            if "SlidingWindow" in engine.inferer.name
            else ""
        )
        yield f"Inferer: {engine.inferer.name}{window}."
    yield from _steps("Each scan, before", engine.before)
    yield from _steps("Each output, after", engine.after)
    if engine.metrics:
        yield f"Metrics: {', '.join(f'{name} ({metric.name})' for name, metric in engine.metrics.items())}."
    yield from _kept(engine)


def _share(overlap: Any) -> str:
    return f"overlapping by {overlap * 100:g} %" if isinstance(overlap, int | float) else "overlapping"


def _steps(heading: str, steps: Sequence[Any]) -> Iterator[str]:
    if steps:
        yield f"{heading}:"
        for number, step in enumerate(steps, start=1):
            yield f"  {number}. {_line(sentence(step))}"


def _kept(engine: Engine) -> Iterator[str]:
    for handler in engine.handlers:
        where = handler.arg("save_dir", None)
        if handler.name == "CheckpointSaver":
            when = (
                "the best by its first metric"
                if handler.arg("save_key_metric") is True
                else "the last"
                if handler.arg("save_final") is True
                else "some"
            )
            yield f"Saves weights ({when}) in {where if isinstance(where, str) else 'its save_dir'}."
        elif handler.name == "MetricsSaver":
            yield f"Saves metrics in {where if isinstance(where, str) else 'its save_dir'}."


def _given(part: Part) -> str:
    plain = {name: part.arg(name) for name in part.given if not isinstance(part.given[name], dict)}
    shown = [
        f"{name}={json.dumps(value)}" for name, value in plain.items() if value is not UNKNOWN and _is_short(value)
    ]
    return f" ({', '.join(shown)})" if shown else ""


def _is_short(value: Any) -> bool:
    return isinstance(value, bool | int | float) or (
        isinstance(value, str) and len(value) < 30 and not value.startswith(("$", "@"))
    )


def _needs(root: Path, flows: Sequence[Workflow], metadata: dict[str, Any]) -> Iterator[str]:
    versions = [
        f"{name} {metadata[key]}"
        for name, key in (("MONAI", "monai_version"), ("PyTorch", "pytorch_version"))
        if isinstance(metadata.get(key), str)
    ]
    listed = metadata.get("required_packages_version") or metadata.get("optional_packages_version") or {}
    versions += [f"{name} {version}" for name, version in listed.items()] if isinstance(listed, dict) else []
    if versions:
        yield f"Made with {_line(', '.join(versions))}."
    places = {
        key: value
        for flow in flows
        for key, value in flow.config.content.items()
        if key.endswith("_dir") and isinstance(value, str)
    }
    for key, value in places.items():
        if "dataset" in key or "data" in key:
            yield f"Data: {_line(f'{key}={value}')}."
    globs = {
        match
        for flow in flows
        for _, text in flow.config.texts()
        if "glob" in text
        for match in re.findall(r"'(/[^']*\*[^']*)'", text)
    }
    if globs:
        yield f"Below it: {', '.join(sorted(globs))}."
    if isinstance(metadata.get("data_source"), str):
        yield f"Source of its data: {_line(metadata['data_source'])}."
    weights = {path for flow in flows for _, path in inference.loaded(flow)}
    for path in sorted(weights):
        shown = path.relative_to(root) if path.is_relative_to(root) else path
        yield f"Weights: {shown}{'' if path.is_file() else ', which is not there yet'}."
    yield from _memory(root)


def _memory(root: Path) -> Iterator[str]:
    """What its README says of GPU memory, in its own words."""
    try:
        text = (root / "docs" / "README.md").read_text(encoding="utf-8", errors="replace")[:100_000]
    except OSError:
        return
    for line in text.splitlines():
        if re.search(r"\d+\s*GB", line) and re.search(r"gpu|memory", line, re.IGNORECASE):
            yield f'Its README says: "{_line(line.strip(" -*#"))}"'
            return


def _code(root: Path, flows: Sequence[Workflow]) -> Iterator[str]:
    packages = sorted({top for flow in flows for top in code.imports(flow.config)})
    if packages:
        yield f"Imports: {', '.join(packages)}."
    expressions = {
        text
        for flow in flows
        for _, text in flow.config.texts()
        if text.startswith("$") and not text.startswith("$import")
    }
    calls = sorted(text for text in expressions if "(" in text)
    if expressions:
        yield f"{len(expressions)} expressions in Python, {len(calls)} of which call something:"
        yield from (f"  {_line(text.replace('::', '#'))}" for text in calls[:SHOWN])
        if len(calls) > SHOWN:
            yield f"  and {len(calls) - SHOWN} more"
    for path, tree, _ in code.scripts(root):
        lines = len(path.read_text(encoding="utf-8", errors="replace").splitlines())
        yield f"{path.relative_to(root)}: {lines} lines{'' if tree is not None else ', not valid Python'}."
    risks = code.risky(root)
    if risks:
        yield "Look at these first:"
        yield from (f"  {_line(one)}" for one in risks)


def _line(text: str) -> str:
    """One line that a terminal may print."""
    shown = "".join(letter if letter.isprintable() else " " for letter in " ".join(text.split()))
    return shown if len(shown) <= 200 else shown[:199] + "…"
