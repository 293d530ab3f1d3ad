"""What a model takes and what it gives, read from its inference config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from voxloop.errors import VoxloopError
from voxloop.monai.output import Classes, Regions, output_of

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Interface:
    """Channels in, classes out, and in words what happens to a scan before the network sees it."""

    channels: tuple[str, ...]
    output: Classes | Regions
    modality: str
    spacing_mm: tuple[float, ...]
    intensity_range: Range | None
    value_range: Range | None
    steps: tuple[str, ...]
    window: tuple[int, ...]
    overlap: float | None

    @property
    def logits(self) -> tuple[str, ...]:
        """What each channel of the network's output stands for."""
        return self.output.classes if isinstance(self.output, Classes) else tuple(p.name for p in self.output.parts)

    @classmethod
    def of(cls, config: Mapping[str, Any], metadata: Mapping[str, Any], name: str) -> Interface:
        """By a config that plain MONAI reads."""
        from monai.bundle import ConfigParser

        parser = ConfigParser(dict(config))
        image = _format(metadata, "inputs", "image")
        channels = tuple(_said(parser, config, "channel_names") or _named(image) or ("image",))
        steps = _steps(parser, config)
        scaled = next((step for kind, step in steps if kind == "ScaleIntensityRanged"), None)
        spacing = next((step["pixdim"] for kind, step in steps if kind == "Spacingd"), ())
        inferer = _arguments(parser, "inferer") if isinstance(config.get("inferer"), dict) else {}
        return cls(
            channels=channels,
            output=output_in(config, metadata, name),
            modality=str(image.get("modality", "n/a")),
            spacing_mm=tuple(float(one) for one in spacing),
            intensity_range=None if scaled is None else (scaled["a_min"], scaled["a_max"]),
            value_range=(scaled["b_min"], scaled["b_max"]) if scaled is not None and scaled.get("clip") else None,
            steps=tuple(words for kind, step in steps if (words := _words(kind, step))),
            window=tuple(int(one) for one in inferer.get("roi_size", ())),
            overlap=inferer.get("overlap"),
        )


def output_in(config: Mapping[str, Any], metadata: Mapping[str, Any], name: str) -> Classes | Regions:
    """What the channels of the network's output mean, by the config's names or by those of the metadata."""
    from monai.bundle import ConfigParser

    parser = ConfigParser(dict(config))
    classes = _said(parser, config, "class_names") or _named(_format(metadata, "outputs", "pred"))
    regions = _said(parser, config, "regions")
    if not classes or (regions is None and not classes[0].casefold().startswith("background")):
        raise VoxloopError(
            f"{name} does not say which class each value of its label maps is; name them in configs/inference.json, under "
            '"class_names", or copy the bundle as it is with --to files.'
        )
    return output_of(classes, regions)


def _said(parser: Any, config: Mapping[str, Any], key: str) -> Any:
    return parser.get_parsed_content(key) if key in config else None


def _format(metadata: Mapping[str, Any], way: str, key: str) -> Mapping[str, Any]:
    found = metadata.get("network_data_format", {}).get(way, {}).get(key, {})
    return found if isinstance(found, Mapping) else {}


def _named(tensor: Mapping[str, Any]) -> list[str]:
    channels = tensor.get("channel_def", {})
    return [str(channels[key]) for key in sorted(channels, key=int)]


def _steps(parser: Any, config: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for number, step in enumerate(config.get("preprocessing", {}).get("transforms", [])):
        if isinstance(step, dict):
            found.append((str(step["_target_"]), _arguments(parser, f"preprocessing#transforms#{number}")))
    return found


def _arguments(parser: Any, key: str) -> dict[str, Any]:
    names = [name for name in parser[key] if not name.startswith("_")]
    return {name: parser.get_parsed_content(f"{key}#{name}") for name in names}


def _words(kind: str, step: Mapping[str, Any]) -> str:
    """One step as a person says it; those that change nothing to be seen have no words."""
    match kind:
        case "LoadImaged" | "EnsureChannelFirstd" | "EnsureTyped":
            return ""
        case "Orientationd":
            return f"turned to {step['axcodes']}"
        case "Spacingd":
            return f"resampled to {sides(step['pixdim'])} mm ({step.get('mode', 'bilinear')})"
        case "ScaleIntensityRanged":
            clipped = ", clipped" if step.get("clip") else ""
            return f"{step['a_min']:g}..{step['a_max']:g} scaled to {step['b_min']:g}..{step['b_max']:g}{clipped}"
        case "NormalizeIntensityd":
            each = "each channel" if step.get("channel_wise") else "intensities"
            return f"{each} to mean 0 and deviation 1" + (" where it is not 0" if step.get("nonzero") else "")
        case "CropForegroundd":
            return "cropped to what is above 0"
        case "SpatialPadd":
            return f"padded to at least {sides(step['spatial_size'])} voxels"
        case _:
            return kind


def sides(numbers: Sequence[float]) -> str:
    """`1.5 × 1.5 × 2`."""
    return " × ".join(f"{number:g}" for number in numbers)
