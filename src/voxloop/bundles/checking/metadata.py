"""Does metadata.json say what the bundle specification asks for, and the same as the network?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from voxloop.bundles.checking.finding import Finding, found, setting
from voxloop.bundles.checking.workflow import Workflow

REQUIRED = (
    "schema", "version", "monai_version", "pytorch_version", "numpy_version", "task", "description", "authors", "copyright",
    "network_data_format",
)  # fmt: skip
PACKAGES = ("required_packages_version", "optional_packages_version")


def judge(metadata: Any, name: str) -> Iterator[Finding]:
    """What can be said of the file alone."""
    if not isinstance(metadata, dict):
        yield found(
            "metadata_invalid", f"{name} holds a {type(metadata).__name__}, not a block of fields; write it anew.", name
        )
        return
    for field in REQUIRED:
        if field not in metadata:
            yield found("metadata_missing", f"{name} has no {field}, which bundles have to have; add it.", name, field)
    if not any(field in metadata for field in PACKAGES):
        yield found(
            "metadata_missing",
            f"{name} has no required_packages_version, which says what else is needed; add it.",
            name,
            PACKAGES[0],
        )
    if PACKAGES[1] in metadata:
        yield found(
            "deprecated_name",
            f"{name}: {PACKAGES[1]} is called {PACKAGES[0]} now; rename it.",
            name,
            PACKAGES[1],
        )
    for field in ("version", "monai_version", "pytorch_version", "numpy_version"):
        said = metadata.get(field, "")
        if not isinstance(said, str):
            yield found(
                "metadata_invalid",
                f'{name}: {setting(field, said)} is not a text; write it in quotes, as "1.4.0".',
                name,
                field,
            )
    yield from _newer(metadata.get("monai_version"), name)
    yield from _formats(metadata.get("network_data_format", {}), name)


def _newer(said: Any, name: str) -> Iterator[Finding]:
    from importlib.metadata import PackageNotFoundError, version

    try:
        here = version("monai")
    except PackageNotFoundError:
        return
    wanted = _numbers(said) if isinstance(said, str) else ()
    if wanted and wanted > _numbers(here):
        yield found(
            "newer_monai",
            f"{name}: {setting('monai_version', said)}, and MONAI {here} is installed; run: pip install "
            f'"monai>={said}"',
            name,
            "monai_version",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(one) for one in re.findall(r"\d{1,9}", version.partition("rc")[0])[:3])


def _formats(formats: Any, name: str) -> Iterator[Finding]:
    if not isinstance(formats, dict):
        yield found(
            "metadata_invalid", f"{name}: network_data_format is no block of inputs and outputs; write it as one.", name
        )
        return
    for side in ("inputs", "outputs"):
        listed = formats.get(side, {})
        if not isinstance(listed, dict):
            yield found(
                "metadata_invalid", f"{name}: network_data_format#{side} is no block of names; write it as one.", name
            )
            continue
        for what, form in listed.items():
            key = f"network_data_format#{side}#{what}"
            channels = form.get("channel_def", {}) if isinstance(form, dict) else None
            if not isinstance(channels, dict) or not all(str(one).isdecimal() for one in channels):
                yield found(
                    "metadata_invalid",
                    f'{name}: {key} needs channel_def as {{"0": "background", …}}; write it so.',
                    name,
                    key,
                )
                continue
            count = form.get("num_channels")
            if count is not None and (not isinstance(count, int) or isinstance(count, bool)):
                yield found(
                    "metadata_invalid",
                    f"{name}: {setting(f'{key}#num_channels', count)} is no number; correct it.",
                    name,
                    key,
                )
            elif count is not None and channels and count != len(channels):
                yield found(
                    "metadata_channels",
                    f"{name}: {setting(f'{key}#num_channels', count)}, and channel_def names {len(channels)}; "
                    "correct the one that is wrong.",
                    name,
                    key,
                )


def channels(metadata: dict[str, Any], side: str, what: str) -> dict[int, str]:
    """What the channels of an input or output are called; empty where the metadata do not say."""
    try:
        named = metadata["network_data_format"][side][what]["channel_def"]
        return {int(number): str(name) for number, name in named.items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}


def against_network(workflow: Workflow, metadata: dict[str, Any], name: str) -> Iterator[Finding]:
    """Counts only: which names are right, only a person knows."""
    network = workflow.network
    for side, what, argument, count in (
        ("inputs", "image", "in_channels", workflow.in_channels),
        ("outputs", "pred", "out_channels", workflow.out_channels),
    ):
        try:
            said = metadata["network_data_format"][side][what]["num_channels"]
        except (KeyError, TypeError):
            said = None
        named = channels(metadata, side, what)
        said = said if isinstance(said, int) else len(named) or None
        if network is None or count is None or said is None or said == count:
            continue
        yield found(
            "metadata_network",
            f"{name} says {said} channels for {what}, and the config has "
            f"{setting(network.key_to(argument), count)}; correct the one that is wrong.",
            name,
            f"network_data_format#{side}#{what}",
        )
