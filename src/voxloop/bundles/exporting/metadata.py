"""metadata.json of an exported bundle: everything that the MONAI Bundle Specification asks, from what is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voxloop.bundles.exporting.facts import Facts
from voxloop.bundles.exporting.figures import Figures
from voxloop.bundles.exporting.interface import Interface
from voxloop.bundles.exporting.network import Shapes
from voxloop.monai.output import Classes

SCHEMA = "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json"
INTENDED = "Research and teaching only. It is not a medical device, and not for diagnosis."
UNKNOWN = "not recorded"
# What runs the bundle beside MONAI, torch and numpy.
NEEDED = ("nibabel", "pytorch-ignite", "fire")


def write(
    base: Mapping[str, Any],
    facts: Facts,
    interface: Interface,
    shapes: Shapes,
    authors: str | None = None,
    owner: str | None = None,
) -> dict[str, Any]:
    """The recipe's metadata with what this model really is in place of what the recipe could say.

    Who trained it and whose it is nobody knows but a person; the recipe's authors are named as no more than that.
    """
    return {
        **base,
        "schema": base.get("schema", SCHEMA),
        "version": facts.version,
        "changelog": facts.history,
        "monai_version": facts.packages["monai"],
        "pytorch_version": facts.packages["torch"],
        "numpy_version": facts.packages["numpy"],
        "required_packages_version": {name: facts.packages[name] for name in NEEDED if name in facts.packages},
        "name": str(base.get("name", facts.name)),
        "task": str(base.get("task", f"Segmentation of {', '.join(interface.logits)}")),
        "description": str(base.get("description", f"The model {facts.ref}.")),
        "authors": authors or f"{base.get('authors', UNKNOWN)} (the recipe)",
        "copyright": owner or f"{base.get('copyright', UNKNOWN)} (the recipe)",
        "data_source": data_source(facts),
        "data_type": "nibabel",
        "image_classes": image_classes(interface),
        "label_classes": f"single channel: {label_values(interface)}",
        "pred_classes": pred_classes(interface),
        "eval_metrics": eval_metrics(facts),
        "intended_use": INTENDED,
        "references": list(base.get("references", [])),
        "network_data_format": _format(interface, shapes),
        "voxloop": {
            "model": facts.ref,
            "model_digest": facts.digest,
            "run": facts.run,
            "commit": facts.commit,
            "config_digest": facts.config_digest,
            "datasets": [{"ref": one.ref, "digest": one.digest} for one in facts.data],
        },
    }


def data_source(facts: Facts) -> str:
    """The datasets that it learned from."""
    said = [
        f"{one.name} ({one.ref}, {one.cases} labelled cases{f'; {one.licence}' if one.licence else ''}"
        f"{f'; {one.reference}' if one.reference else ''})"
        for one in facts.data
    ]
    return "; ".join(said) or UNKNOWN


def image_classes(interface: Interface) -> str:
    count = len(interface.channels)
    what = interface.modality if count == 1 else f"{interface.modality}: {', '.join(interface.channels)}"
    return f"{count} channel{'s' if count > 1 else ''}, {what}; {', '.join(interface.steps) or 'as it is'}"


def label_values(interface: Interface) -> str:
    return ", ".join(f"{value} is {name}" for value, name in enumerate(interface.output.classes))


def pred_classes(interface: Interface) -> str:
    channels = ", ".join(f"{number} is {name}" for number, name in enumerate(interface.logits))
    if isinstance(interface.output, Classes):
        return f"{len(interface.logits)} channels of logits, the strongest wins: {channels}"
    return f"{len(interface.logits)} channels of logits, each on where it is above 0, which may overlap: {channels}"


def eval_metrics(facts: Facts) -> dict[str, Any]:
    """`mean_dice` as other bundles have it, then every evaluation; without one, what the training saw, and said so."""
    if not facts.figures:
        return {} if facts.dice is None else {"val_mean_dice": round(facts.dice, 4)}
    first = facts.figures[0]
    headline = {} if first.mean_dice is None else {"mean_dice": round(first.mean_dice, 4)}
    return {**headline, "evaluations": [_evaluation(one) for one in facts.figures]}


def _evaluation(figures: Figures) -> dict[str, Any]:
    return {
        "dataset": figures.dataset,
        "version": figures.ref,
        "split": figures.split,
        "part": figures.part,
        "cases": figures.cases,
        "independence": figures.relation or "cases that its training never saw",
        "metrics": figures.metrics,
        "classes": figures.summary,
    }


def _format(interface: Interface, shapes: Shapes) -> dict[str, Any]:
    classes = isinstance(interface.output, Classes)
    shared = {
        "type": "image",
        "spatial_shape": shapes.rule,
        "dtype": "float32",
        "is_patch_data": bool(interface.window),
    }
    return {
        "inputs": {
            "image": {
                **shared,
                "format": "hounsfield" if interface.modality == "CT" else "magnitude",
                "modality": interface.modality,
                "num_channels": len(interface.channels),
                "value_range": list(interface.value_range or ()),
                "channel_def": _numbered(interface.channels),
            }
        },
        "outputs": {
            "pred": {
                **shared,
                "format": "labels" if classes else "classes",
                "modality": interface.modality,
                "num_channels": len(interface.logits),
                # Logits have no range.
                "value_range": [],
                "channel_def": _numbered(interface.logits),
            }
        },
        "post_processed_outputs": {
            "pred": {
                "type": "image",
                "format": "segmentation",
                "modality": interface.modality,
                "num_channels": 1,
                "spatial_shape": ["*"] * 3,
                "dtype": "uint8",
                "value_range": [0, len(interface.output.classes) - 1],
                "is_patch_data": False,
                "channel_def": {"0": label_values(interface)},
            }
        },
    }


def _numbered(names: tuple[str, ...]) -> dict[str, str]:
    return {str(number): name for number, name in enumerate(names)}


def properties(metadata: Mapping[str, Any], interface: Interface) -> dict[str, str]:
    """What travels inside a model file of a form that holds texts only."""
    return {
        "name": str(metadata["name"]),
        "version": str(metadata["version"]),
        "task": str(metadata["task"]),
        "intended_use": INTENDED,
        "channels": ", ".join(interface.channels),
        "outputs": str(metadata["pred_classes"]),
        "classes": label_values(interface),
        "preprocessing": "; ".join(interface.steps),
        "window": " ".join(str(side) for side in interface.window),
        "model": str(metadata["voxloop"]["model"]),
    }
