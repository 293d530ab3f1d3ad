"""The engines of a config and what each works with: data, transforms before and after, inferer, handlers, metrics."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from voxloop.bundles.checking.config import Config, Part
from voxloop.bundles.checking.values import UNKNOWN

LABEL = re.compile(r"(^|_)(label|labels|seg|segmentation|mask|gt|truth)(_|$)", re.IGNORECASE)
Role = Literal["train", "validate", "infer"]


@dataclass(frozen=True)
class Step:
    """One transform: `name` without the d of dictionaries, `keys` None where they cannot be told."""

    part: Part
    name: str
    keys: tuple[str, ...] | None

    @classmethod
    def of(cls, part: Part) -> Step:
        name = part.name
        name = name.removesuffix("Dict") if name.endswith("Dict") else name[:-1] if name[-1:] in ("d", "D") else name
        said = part.arg("keys")
        keys = [said] if isinstance(said, str) else said
        known = isinstance(keys, list) and all(isinstance(key, str) for key in keys)
        return cls(part, name, tuple(keys) if known else None)

    def each(self, argument: str) -> dict[str, Any]:
        """An argument by key, as MONAI deals a list out to the keys."""
        value = self.part.arg(argument)
        keys = self.keys or ()
        if isinstance(value, list) and len(value) == len(keys):
            return dict(zip(keys, value, strict=True))
        return dict.fromkeys(keys, value)

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(key for key in self.keys or () if LABEL.search(key))

    @property
    def images(self) -> tuple[str, ...]:
        return tuple(key for key in self.keys or () if not LABEL.search(key))

    @property
    def is_monai(self) -> bool:
        return self.part.target.path.startswith("monai.")


@dataclass(frozen=True)
class Engine:
    """What trains, validates or infers. Steps are empty where they cannot be told."""

    role: Role
    part: Part
    loader: Part | None
    dataset: Part | None
    before: Sequence[Step]
    after: Sequence[Step]
    inferer: Part | None
    handlers: Sequence[Part]
    metrics: dict[str, Part]

    @property
    def key(self) -> str:
        return self.part.key

    def number(self, argument: str) -> int | None:
        value = self.part.arg(argument)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def before_with(self, name: str) -> list[Step]:
        return [step for step in self.before if step.name == name]

    def after_with(self, name: str) -> list[Step]:
        return [step for step in self.after if step.name == name]

    def handlers_called(self, name: str) -> list[Part]:
        return [handler for handler in self.handlers if handler.name == name]


@dataclass(frozen=True)
class Workflow:
    """A config with its engines, and the one network that they use."""

    config: Config
    engines: Sequence[Engine]
    network: Part | None

    @classmethod
    def of(cls, config: Config) -> Workflow:
        parts = [part for part in config.parts() if part.name.endswith(("Trainer", "Evaluator"))]
        trains = any(part.name.endswith("Trainer") for part in parts)
        engines = [_engine(part, trains) for part in parts]
        return cls(config, engines, _network(config))

    def role(self, role: Role) -> Engine | None:
        return next((engine for engine in self.engines if engine.role == role), None)

    @property
    def loss(self) -> Part | None:
        trainer = self.role("train")
        return None if trainer is None else trainer.part.part("loss_function")

    @property
    def segments(self) -> bool:
        """Whether labels are classes: by the loss, or a one-hot or argmax behind the network."""
        loss = self.loss
        if loss is not None and re.search(r"Dice|Tversky|CrossEntropy|Focal|Jaccard", loss.name):
            return True
        return any(step.name == "AsDiscrete" for engine in self.engines for step in engine.after)

    @property
    def out_channels(self) -> int | None:
        return _count(self.network, "out_channels")

    @property
    def in_channels(self) -> int | None:
        return _count(self.network, "in_channels")


def _count(network: Part | None, name: str) -> int | None:
    value = UNKNOWN if network is None else network.arg(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _engine(part: Part, trains: bool) -> Engine:
    trainer = part.name.endswith("Trainer")
    side = "train" if trainer else "val"
    loader = part.part(f"{side}_data_loader")
    dataset = None if loader is None else loader.part("dataset") or _behind(loader)
    metrics: dict[str, Part] = {}
    for argument in (f"key_{side}_metric", "additional_metrics"):
        said = part.arg(argument, {})
        if isinstance(said, dict):
            for name, one in said.items():
                made = part.config.part(
                    one, f"{part.config.key_of(part.block.get(argument), part.key_to(argument))}::{name}"
                )
                if made is not None:
                    metrics[str(name)] = made
    return Engine(
        "train" if trainer else "validate" if trains else "infer",
        part,
        loader,
        dataset,
        [] if dataset is None else _steps(dataset, "transform"),
        _steps(part, "postprocessing"),
        part.part("inferer"),
        _handlers(part, f"{side}_handlers"),
        metrics,
    )


def _behind(loader: Part) -> Part | None:
    """The dataset inside of an expression, as in `$ConcatDataset([@train#dataset] * @repeats)`."""
    from voxloop.bundles.checking.references import references_of

    for one in sorted(references_of(loader.block.get("dataset"))):
        part = loader.config.part(f"@{one}", one)
        if part is not None and "transform" in part.block:
            return part
    return None


def _handlers(part: Part, argument: str) -> list[Part]:
    known = part.parts(argument)
    if known or argument not in part.block:
        return known
    # An expression such as a slice by rank: all that it takes from.
    from voxloop.bundles.checking.references import references_of

    return [one for ref in sorted(references_of(part.block[argument])) for one in part.config_parts(f"@{ref}", ref)]


def _steps(owner: Part, argument: str) -> list[Step]:
    made = owner.part(argument)
    if made is None:
        return []
    if made.name != "Compose":
        return [Step.of(made)]
    steps = []
    for part in made.parts("transforms"):
        if part.name in ("Compose", "OneOf", "SomeOf"):
            steps += [Step.of(inner) for inner in part.parts("transforms")]
        else:
            steps.append(Step.of(part))
    return steps


def _network(config: Config) -> Part | None:
    for key in ("network_def", "network", "net"):
        part = config.part(config.content.get(key), key)
        if part is not None and part.name != "DistributedDataParallel":
            return part
    return None
