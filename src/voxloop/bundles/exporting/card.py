"""docs/README.md of an exported bundle: a model card made of facts, in the order in which somebody asks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from voxloop.bundles.exporting import running
from voxloop.bundles.exporting.facts import Facts, one_line
from voxloop.bundles.exporting.figures import Figures
from voxloop.bundles.exporting.interface import Interface, sides
from voxloop.bundles.exporting.metadata import INTENDED, label_values
from voxloop.bundles.exporting.network import Shapes
from voxloop.monai.output import Regions

Row = Sequence[object]


def write(metadata: Mapping[str, Any], facts: Facts, interface: Interface, shapes: Shapes, forms: Sequence[str]) -> str:
    """The card, the same text for the same facts. `forms` are the files of weights that come with it."""
    parts = [
        f"# {metadata['name']}\n\n{one_line(metadata['description'])}\n\nModel {facts.ref}, version {facts.version}, "
        f"of {facts.date}. {INTENDED}",
        "## What it takes\n\n" + _takes(interface, shapes),
        "## What it gives\n\n" + _gives(interface),
        "## What it learned from\n\n" + _learned(facts),
        "## How it was trained\n\n" + _trained(facts),
        "## How good it is\n\n" + _quality(facts),
        "## How to run it\n\n" + running.write(interface, facts, shapes, forms),
        "## Limits\n\n" + _limits(facts, interface),
        "## Where it comes from\n\n" + _lineage(facts),
        "## Licence\n\n" + _licence(facts),
    ]
    if metadata["references"]:
        parts.append("## References\n\n" + "\n".join(f"- {one_line(one)}" for one in metadata["references"]))
    return "\n\n".join(parts) + "\n"


def _takes(interface: Interface, shapes: Shapes) -> str:
    unit = "Hounsfield units" if interface.modality == "CT" else "intensities as the scanner gives them"
    count = len(interface.channels)
    channels = "one channel" if count == 1 else f"{count} channels in this order: {', '.join(interface.channels)}"
    window = f"{sides(interface.window)} voxels" if interface.window else "the whole scan"
    if interface.window and interface.overlap is not None:
        window += f", overlapping by {interface.overlap:g}"
    rows: list[Row] = [
        ("scan", f"{interface.modality}, three axes, {channels}; {unit}; NIfTI, of any orientation and spacing"),
        *((f"step {number}", step) for number, step in enumerate(interface.steps, start=1)),
        ("window", window),
        ("side of a patch", "any" if shapes.factor == 1 else running.rule(shapes)),
    ]
    return _table(("", ""), rows)


def _gives(interface: Interface) -> str:
    said = "A label map on the scan's own grid, one uint8 a voxel:\n\n" + _table(
        ("value", "name"), list(enumerate(interface.output.classes))
    )
    if isinstance(interface.output, Regions):
        names = interface.output.classes
        made = [(part.name, ", ".join(names[value] for value in part.values)) for part in interface.output.parts]
        said += "\n\nThe network marks regions, which overlap; the map shows of what they are made:\n\n"
        said += _table(("region", "made of"), made)
    return said


def _learned(facts: Facts) -> str:
    if not facts.data:
        return "The project does not know from which dataset."
    rows: list[Row] = []
    for one in facts.data:
        rows += [
            ("dataset", f"{one.name}, version {one.ref}"),
            ("labelled cases", one.cases),
            ("labels", ", ".join(f"{value} {name}" for value, name in one.labels.items())),
            ("modality", ", ".join(one.modality.values())),
            ("licence", one.licence or "not stated by the dataset"),
        ]
        if one.reference:
            rows.append(("reference", one.reference))
    if facts.trained is not None:
        rows.append(
            ("split", f"{facts.split or 'default'}: {facts.trained} to learn from, {facts.validated} to validate")
        )
    return _table(("", ""), rows)


def _trained(facts: Facts) -> str:
    rows: list[Row] = [("recipe", facts.recipe or "not recorded")]
    if facts.epochs is not None:
        took = f" in {_duration(facts.seconds)}" if facts.seconds is not None else ""
        rows.append(("length", f"{_count(facts.epochs, 'epoch')}{took}"))
    if facts.epoch is not None:
        rows.append(("best epoch", facts.epoch))
    if facts.dice is not None:
        rows.append(("Dice in its own validation", f"{facts.dice:.4f}"))
    said = _table(("", ""), rows)
    if facts.settings is None:
        return said + "\n\nAll settings are in `configs/train.json`."
    if not facts.settings:
        return said + "\n\nAll settings are the recipe's own; they are in `configs/train.json`."
    changed = [(f"`{key}`", _value(before), _value(after)) for key, (before, after) in facts.settings.items()]
    return f"{said}\n\nSettings other than the recipe's:\n\n{_table(('setting', 'recipe', 'used'), changed)}"


def _value(value: Any) -> str:
    return "" if value is None else f"`{one_line(json.dumps(value, ensure_ascii=False))}`"


def _quality(facts: Facts) -> str:
    if facts.figures:
        return "\n\n".join(_evaluation(one) for one in facts.figures)
    if facts.dice is None:
        return "It has not been evaluated."
    among = f" over {_count(facts.validated, 'case')}" if facts.validated else ""
    return (
        f"It has not been evaluated. In its own validation{among}, from which the best epoch was chosen, it had a mean Dice of "
        f"{facts.dice:.4f} at the spacing of the training: expect less elsewhere."
    )


def _evaluation(figures: Figures) -> str:
    head = f"**{one_line(figures.dataset)}** ({figures.ref}), {figures.part} of split {figures.split}, {_count(figures.cases, 'case')}"
    warning = f", **{figures.relation}**" if figures.relation else ""
    rows = [
        (
            name,
            figures.metrics.get(key, {}).get("title") or key,
            _number(values.get("mean")),
            " to ".join(_number(one) for one in values.get("ci", ())),
            _number(values.get("median")),
            _number(values.get("sd")),
            values.get("n", ""),
            figures.metrics.get(key, {}).get("unit") or "",
        )
        for name, metrics in figures.summary.items()
        for key, values in metrics.items()
    ]
    columns = ("class", "metric", "mean", "95 % interval", "median", "deviation", "cases", "unit")
    return f"{head}{warning}:\n\n{_table(columns, rows)}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _duration(seconds: float) -> str:
    """Of two units, the larger ones."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else ""


def _limits(facts: Facts, interface: Interface) -> str:
    cases = _count(facts.trained, "case") if facts.trained is not None else "an unknown number of cases"
    names = ", ".join(one.name for one in facts.data) or "a dataset that is not recorded"
    return (
        f"- Trained on {cases} of {names}. Other scanners, protocols, patients and diseases than there were not seen.\n"
        f"- It knows no other class than {label_values(interface)}, and gives an answer for every scan, also for one of another "
        "part of the body.\n"
        "- Every label map has to be looked at by a person. It is not a medical device."
    )


def _lineage(facts: Facts) -> str:
    where = "of the training" if facts.recorded else "of the export; those of the training are not recorded"
    packages = ", ".join(f"{name} {version}" for name, version in facts.packages.items())
    rows: list[Row] = [
        ("model", f"{facts.ref}, `{facts.digest}`"),
        ("run", facts.run or "not recorded"),
        *(("dataset", f"{one.ref}, `{one.digest}`") for one in facts.data),
        ("settings", f"`{facts.config_digest}`" if facts.config_digest else "not recorded"),
        ("code", f"`{facts.commit}`" if facts.commit else "not recorded"),
        (f"versions {where}", packages),
    ]
    return _table(("", "SHA-256 where there is one"), rows)


def _licence(facts: Facts) -> str:
    said = "Configs and code: see `LICENSE`. The weights come from the data above"
    known = [f"{one.name} under {one.licence}" for one in facts.data if one.licence]
    if known:
        return f"{said}: {'; '.join(known)} (`docs/data_license.txt`). Whoever passes them on has to keep to that."
    return f"{said}, whose licence is not recorded: ask those who own the data before passing them on."


def _table(columns: Sequence[str], rows: Sequence[Row]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(content: object) -> str:
    return " ".join(str(content).replace("|", "/").split())
