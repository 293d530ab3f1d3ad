"""A bundle of somebody else as a model: the parts that its own inference run is made of, found by what they are for."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxloop.bundles import repairs
from voxloop.bundles.modules import OwnModules
from voxloop.bundles.settings import MARKS
from voxloop.errors import VoxloopError
from voxloop.inference.loading.finishing import Finishing, flattened, takes_strongest
from voxloop.inference.loading.guard import quiet_author, told
from voxloop.inference.loading.meaning import channels_of, meaning_of, spellings_of
from voxloop.inference.loading.weights import load_state, load_torchscript
from voxloop.inference.model import Model
from voxloop.monai.bundle import META, parts
from voxloop.monai.quiet import quiet_readers

if TYPE_CHECKING:
    import torch

# Where the parts of an inference run are: in its evaluator first, for that is what runs, then under the ids of MONAI's own
# `InferProperties`, then under those of bundles that keep a `validate` block.
PLACES = {
    "preprocessing": ("dataset::transform", "preprocessing", "validate::dataset::transform", "validate::preprocessing"),
    "network": ("evaluator::network", "network", "network_def", "net", "validate::evaluator::network"),
    "inferer": ("evaluator::inferer", "inferer", "validate::evaluator::inferer", "validate::inferer"),
    "postprocessing": ("evaluator::postprocessing", "postprocessing", "validate::evaluator::postprocessing"),
    "device": ("evaluator::device", "device", "validate::evaluator::device"),
    "amp": ("evaluator::amp", "amp", "validate::evaluator::amp"),
}
# With one of these, the network is shown what a person has clicked.
CLICKS = re.compile(r"Guidance|DeepEdit|Deepgrow|DeepGrow|Interaction|Click|PointPrompt|Vista3d|VistaPre|Prompt")
OWN_STEPS = ("prepare_batch", "iteration_update")
WEIGHTS = "model.pt"
TORCHSCRIPT = "model.ts"


def load(parser: Any, folder: Path, name: str, device: str | None) -> Model:
    """Builds the parts from a config that was read and not yet parsed; nothing of its data or engines is made."""
    import torch

    config = parser.get()
    _require_no_clicks(config, name)
    _require_plain(config, name)
    modules, notes = OwnModules(folder), repairs.mend(config)
    _at_home(parser, folder)
    place = _place(config, "device")
    if device is not None and place is not None:
        parser[place] = f"$torch.device('{device}')"
        if "device" in config:
            parser["device"] = f"$torch.device('{device}')"
    with modules.entered(), quiet_author(), told(name, "reading its inference config"), quiet_readers():
        parser.parse()
        target = torch.device(device) if device is not None else torch.device(_part(parser, "device") or "cpu")
        network = _network(parser, folder, name, target)
        preprocess = flattened(_required(parser, "preprocessing", name))
        inferer = _part(parser, "inferer") or _simple_inferer()
        after = _part(parser, "postprocessing")
        amp = bool(_part(parser, "amp")) and target.type == "cuda"
    metadata = config.get(META) or {}
    steps = flattened(after)
    meaning = meaning_of(metadata, takes_strongest(steps), name)
    counted, channels = channels_of(metadata)
    inputs = _inputs(config) or counted
    channels = channels if inputs in (None, len(channels)) else ()
    if inputs and inputs > 1 and not channels:
        notes.append(
            f"{name} does not say what its {inputs} channels are called, so a scan's are taken in their order."
        )
    key = _image_key(preprocess)
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
        preprocess=_Preparing(name, preprocess, key, inputs or 1, inside),
        inferer=_Inferring(name, inferer, amp, inside),
        inputs=inputs,
        channels=channels,
        spellings={**meaning.spellings, **spellings_of(channels)},
        finish=Finishing(name, meaning.output, steps, key, inside, notes),
        notes=notes,
    )


class _Preparing:
    """A bundle's own preprocessing, for one file: its channels go in one by one, as its author's datalist has them."""

    def __init__(
        self, name: str, steps: Sequence[Any], key: str, inputs: int, inside: Callable[[], AbstractContextManager[None]]
    ) -> None:
        from monai.transforms import Compose

        self.name, self.key, self.inputs, self.inside = name, key, inputs, inside
        self.compose = Compose(list(steps))

    def __call__(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        path = Path(sample["image"])
        order = list(sample.get("channel_order") or range(self.inputs))
        with self.inside(), _files(path, order) as files, told(self.name, f"its preprocessing of {path.name}"):
            prepared = dict(self.compose({self.key: files}))
        image = prepared.get(self.key)
        if not hasattr(image, "affine"):
            raise VoxloopError(
                f"{self.name}: its preprocessing loses where the voxels of {path.name} are, so it cannot predict here."
            )
        prepared["image"] = image
        return prepared


class _Inferring:
    """A bundle's own inferer, in the precision of its own run."""

    def __init__(self, name: str, inferer: Any, amp: bool, inside: Callable[[], AbstractContextManager[None]]) -> None:
        self.name, self.inferer, self.amp, self.inside = name, inferer, amp, inside

    def __call__(self, batch: torch.Tensor, network: Any, *more: Any, **options: Any) -> Any:
        import torch

        precision = torch.autocast("cuda") if self.amp else nullcontext()
        with self.inside(), precision, told(self.name, "its network"):
            found = self.inferer(batch, network, *more, **options)
        if isinstance(found, list | tuple):
            # Deep supervision: the first is the whole one.
            found = found[0]
        if not isinstance(found, torch.Tensor) or found.ndim != 5:
            raise VoxloopError(f"{self.name} gives no volume ({type(found).__name__}), so it segments nothing here.")
        return found


@contextmanager
def _files(path: Path, order: Sequence[int]) -> Iterator[str | list[str]]:
    """A file as it is, or each of its channels as a file: what loads several files stacks them, channels first."""
    if len(order) < 2:
        yield str(path)
        return
    import nibabel as nib

    source = nib.load(path)
    with tempfile.TemporaryDirectory(prefix="voxloop-channels-") as folder:
        names = []
        for number, channel in enumerate(order):
            header = source.header.copy()
            header.set_data_dtype(np.float32)
            header.set_slope_inter(1, 0)
            voxels = np.asarray(source.dataobj[..., channel], dtype=np.float32)
            target = Path(folder) / f"{number:02d}-{path.name.removesuffix('.gz')}"
            # Without an affine the header keeps both of its matrices.
            nib.save(nib.Nifti1Image(voxels, None, header), target)
            names.append(str(target))
        yield names


def _network(parser: Any, folder: Path, name: str, device: torch.device) -> torch.nn.Module:
    import torch

    loader = _checkpoint_loader(parser)
    weights = _weights_path(parser, folder, loader)
    script = folder / "models" / TORCHSCRIPT
    if weights is None and script.is_file():
        return load_torchscript(script, name, device).eval()
    network = _required(parser, "network", name)
    if not isinstance(network, torch.nn.Module):
        raise VoxloopError(f"{name}: its network is {type(network).__name__}, no network of PyTorch.")
    if isinstance(network, torch.jit.ScriptModule):
        # Its own config loads it, weights and all.
        return network.to(device).eval()
    if weights is None:
        raise VoxloopError(
            f"{name} has no models/{WEIGHTS} and no models/{TORCHSCRIPT}; get its weights (its large_files.yml says from where), or train "
            'it with "voxloop bundle run".'
        )
    block = parser.get(loader) if loader else {}
    names = list(block.get("load_dict") or {"model": None})
    strict = block.get("strict", True) is not False and block.get("strict_shape", True) is not False
    load_state(network, weights, name, str(names[0]), strict)
    return network.to(device).eval()


def _checkpoint_loader(parser: Any) -> str | None:
    """Where the config loads its weights."""
    found = [
        key
        for key, part in parts(parser.get())
        if str(part.get("_target_", "")).rpartition(".")[2] == "CheckpointLoader" and "load_path" in part
    ]
    return found[0] if found else None


def _weights_path(parser: Any, folder: Path, loader: str | None) -> Path | None:
    """The file that the bundle's own run loads, where it is there; else the usual one."""
    if loader is not None:
        said = Path(str(parser.get_parsed_content(f"{loader}::load_path")))
        if said.is_file():
            return said
    usual = folder / "models" / WEIGHTS
    return usual if usual.is_file() else None


def _part(parser: Any, what: str) -> Any:
    place = _place(parser.get(), what)
    return None if place is None else parser.get_parsed_content(place)


def _required(parser: Any, what: str, name: str) -> Any:
    part = _part(parser, what)
    if part is None:
        raise VoxloopError(
            f"{name}: its inference config has no {what} under {', '.join(PLACES[what][:3])}, which prediction needs."
        )
    return part


def _place(config: Any, what: str) -> str | None:
    return next((place for place in PLACES[what] if _at(config, place) is not None), None)


def _at(config: Any, key: str) -> Any:
    for step in key.split("::"):
        config = config.get(step) if isinstance(config, dict) else None
    return config


def _at_home(parser: Any, folder: Path) -> None:
    """The bundle's root is where it lies, and so are files that its config names from there."""
    parser["bundle_root"] = str(folder)
    for key, value in list(parser.get().items()):
        if (
            key != "bundle_root"
            and isinstance(value, str)
            and value
            and not value.startswith(MARKS)
            and "/" in value
            and not Path(value).is_absolute()
            and (folder / value).exists()
        ):
            parser[key] = str(folder / value)


def _image_key(steps: Sequence[Any]) -> str:
    """Under which name the first step wants the scan's file."""
    keys = getattr(steps[0], "keys", None) if steps else None
    return str(keys[0]) if isinstance(keys, tuple) and keys else "image"


def _inputs(config: Any) -> int | None:
    for place in ("network_def", "network", "net"):
        block = config.get(place)
        said = block.get("in_channels") if isinstance(block, dict) else None
        if isinstance(said, int) and not isinstance(said, bool):
            return said
    return None


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
