"""A network as ONNX, for any program that runs ONNX: every side of a patch may have any length that the network takes."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxloop.errors import VoxloopError

if TYPE_CHECKING:
    import torch

    from voxloop.bundles.exporting.network import Shapes

# onnxruntime adds in another order than torch does.
TOLERANCE = 1e-4
SIDES = ("i", "j", "k")


def require_installed() -> None:
    """Refuses before the long work begins."""
    missing = [name for name in ("onnx", "onnxscript") if importlib.util.find_spec(name) is None]
    if missing:
        raise VoxloopError(f"{' and '.join(missing)} is not installed, which ONNX needs: pip install 'voxloop[onnx]'.")


def write(
    network: torch.nn.Module,
    path: Path,
    properties: Mapping[str, str],
    channels: int,
    shapes: Shapes,
    name: str,
) -> None:
    """Writes `path` (model.onnx), checks it, and holds it to the network's own answers where onnxruntime is installed."""
    import onnx

    model = _exported(network, channels, shapes, name)
    _without_origins(model)
    onnx.helper.set_model_props(model, dict(properties))
    try:
        onnx.checker.check_model(model, full_check=True)
    except onnx.checker.ValidationError as error:
        raise VoxloopError(
            f"{name}: its network came out as ONNX that is not valid ({error}); export it with --to torchscript."
        ) from error
    # In the order of the fields and keys, so that the same model is the same bytes.
    path.write_bytes(model.SerializeToString(deterministic=True))
    _compare(network, path, channels, shapes.examples, name)


def _exported(network: torch.nn.Module, channels: int, shapes: Shapes, name: str) -> Any:
    import torch
    from torch.export import Dim

    if shapes.factor is None:
        sides, example = {}, shapes.fixed
    else:
        sides = {axis: shapes.factor * Dim(side) for axis, side in enumerate(SIDES, start=2)}
        # Sides that are alike in the example would be taken for one and the same.
        example = tuple(shapes.factor * times for times in (2, 3, 4))
    try:
        with _quiet():
            program = torch.onnx.export(
                network,
                (torch.zeros(2, channels, *example),),
                dynamo=True,
                input_names=["image"],
                output_names=["pred"],
                dynamic_shapes=({0: Dim("batch"), **sides},),
                verbose=False,
            )
    except Exception as error:  # of torch.export, onnxscript or the network
        said = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise VoxloopError(
            f"{name}: its network cannot be said in ONNX ({said.strip()}); export it with --to torchscript."
        ) from error
    assert program is not None, "a program comes back where dynamo is asked for"
    return program.model_proto


def _without_origins(model: Any) -> None:
    """The exporter notes for each node the lines of code that it came from, with the paths of this machine."""
    graphs = [model.graph, *model.functions]
    for graph in graphs:
        for part in (
            graph,
            *graph.node,
            *getattr(graph, "input", ()),
            *getattr(graph, "output", ()),
            *graph.value_info,
        ):
            if hasattr(part, "metadata_props") and not isinstance(part, str):
                del part.metadata_props[:]
        for node in graph.node:
            node.doc_string = ""
    del model.metadata_props[:]


def _compare(network: torch.nn.Module, path: Path, channels: int, shapes: Sequence[Sequence[int]], name: str) -> None:
    if importlib.util.find_spec("onnxruntime") is None:
        return
    import onnxruntime
    import torch

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for shape in shapes:
        image = torch.randn(1, channels, *shape, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            expected = network(image).numpy()
        (answer,) = session.run(None, {"image": image.numpy()})
        worst = float(abs(answer - expected).max())
        if not worst <= TOLERANCE * max(1.0, float(abs(expected).max())):
            raise VoxloopError(
                f"{name}: its ONNX answers otherwise than its network, by {worst:g}; export it with --to torchscript."
            )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What the exporter says of its own progress and of packages that no network here needs."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
