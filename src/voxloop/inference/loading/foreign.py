"""A bundle of somebody else as a model: the parts that its own inference run is made of, found by what they are for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from voxloop.bundles import repairs
from voxloop.bundles.modules import OwnModules
from voxloop.errors import VoxloopError
from voxloop.inference.loading.finishing import Finishing, flattened, takes_strongest
from voxloop.inference.loading.guard import quiet_author, told
from voxloop.inference.loading.meaning import channels_of, meaning_of, spellings_of
from voxloop.inference.loading.networks import network_of
from voxloop.inference.loading.places import at_home, built, image_key, inputs_of, place_of, required
from voxloop.inference.loading.steps import Inferring, Preparing
from voxloop.inference.model import Model
from voxloop.monai.bundle import META, parts
from voxloop.monai.quiet import quiet_readers

# With one of these, the network is shown what a person has clicked.
CLICKS = re.compile(r"Guidance|DeepEdit|Deepgrow|DeepGrow|Interaction|Click|PointPrompt|Vista3d|VistaPre|Prompt")
OWN_STEPS = ("prepare_batch", "iteration_update")


def load(parser: Any, folder: Path, name: str, device: str | None) -> Model:
    """Builds the parts from a config that was read and not yet parsed; nothing of its data or engines is made."""
    import torch

    config = parser.get()
    _require_no_clicks(config, name)
    _require_plain(config, name)
    modules, notes = OwnModules(folder), repairs.mend(config)
    at_home(parser, folder)
    place = place_of(config, "device")
    if device is not None and place is not None:
        parser[place] = f"$torch.device('{device}')"
        if "device" in config:
            parser["device"] = f"$torch.device('{device}')"
    with modules.entered(), quiet_author(), told(name, "reading its inference config"), quiet_readers():
        parser.parse()
        target = torch.device(device) if device is not None else torch.device(built(parser, "device") or "cpu")
        network = network_of(parser, folder, name, target)
        preprocess = flattened(required(parser, "preprocessing", name))
        inferer = built(parser, "inferer") or _simple_inferer()
        after = built(parser, "postprocessing")
        amp = bool(built(parser, "amp")) and target.type == "cuda"
    metadata = config.get(META) or {}
    steps = flattened(after)
    meaning = meaning_of(metadata, takes_strongest(steps), name)
    counted, channels = channels_of(metadata)
    inputs = inputs_of(config) or counted
    channels = channels if inputs in (None, len(channels)) else ()
    if inputs and inputs > 1 and not channels:
        notes.append(
            f"{name} does not say what its {inputs} channels are called, so a scan's are taken in their order."
        )
    key = image_key(preprocess)
    notes += meaning.notes

    @contextmanager
    def inside() -> Iterator[None]:
        with modules.entered(), quiet_author():
            yield

    return Model(
        name=name,
        folder=folder,
        output=meaning.output,
        network=network,
        device=target,
        preprocess=Preparing(name, preprocess, key, inputs or 1, inside),
        inferer=Inferring(name, inferer, amp, inside),
        inputs=inputs,
        channels=channels,
        spellings={**meaning.spellings, **spellings_of(channels)},
        finish=Finishing(name, meaning.output, steps, key, inside, notes),
        notes=notes,
    )


def _simple_inferer() -> Any:
    from monai.inferers import SimpleInferer

    return SimpleInferer()


def _require_no_clicks(config: Any, name: str) -> None:
    for _, part in parts(config):
        target = str(part.get("_target_", ""))
        if CLICKS.search(target.rpartition(".")[2]):
            raise VoxloopError(
                f"{name} is shown where a person clicks ({target.rpartition('.')[2]}), so it cannot predict alone; use it where one can "
                'click, or run its own inference with "voxloop bundle run".'
            )


def _require_plain(config: Any, name: str) -> None:
    """Refuses what would be another result than its own run's: engines with steps of their own, and networks of images."""
    engine = config.get("evaluator")
    for step in OWN_STEPS if isinstance(engine, dict) else ():
        if engine.get(step) is not None:
            raise VoxloopError(
                f'{name}: its evaluator has {step} of its own, which only its own engine can run; use "voxloop bundle run '
                f'--config inference.json".'
            )
    for place in ("network_def", "network", "net"):
        block = config.get(place)
        sides = (block.get("spatial_dims") or block.get("dimensions")) if isinstance(block, dict) else None
        if sides == 2:
            raise VoxloopError(f"{name} segments images of two axes, and a scan has three; it cannot predict here.")
