"""A network as TorchScript with the bundle's configs inside, as `python -m monai.bundle ckpt_export` writes it."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxloop.errors import VoxloopError

if TYPE_CHECKING:
    import torch

TOLERANCE = 1e-5
# torch aligns what it stores, so that tensors can be mapped into memory as they lie.
ALIGNED = 64
# Where each line of code came from, with the paths of the machine that wrote it.
DEBUG = re.compile(r"\.debug_pkl$")


def write(
    network: torch.nn.Module,
    path: Path,
    files: Mapping[str, Any],
    channels: int,
    shapes: Sequence[Sequence[int]],
    name: str,
) -> None:
    """Writes `path` (model.ts) and holds it to the network's own answers; `files` go to extra/, as JSON."""
    import torch

    with _names_from_the_beginning():
        try:
            script = torch.jit.script(network)
        except Exception as error:  # whatever Python a network is made of
            raise VoxloopError(
                f"{name}: its network cannot be said in TorchScript ({str(error).strip().splitlines()[0]}); "
                "export it with --to bundle or --to onnx."
            ) from error
        extra = {key: json.dumps(value).encode() for key, value in files.items()}
        torch.jit.save(script, str(path), extra)
    _without_paths(path)
    loaded = torch.jit.load(str(path), map_location="cpu")
    for shape in shapes:
        image = torch.randn(1, channels, *shape, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            worst = float((loaded(image) - network(image)).abs().max())
        if not worst <= TOLERANCE:
            raise VoxloopError(
                f"{name}: its TorchScript answers otherwise than its network, by {worst:g}; export it with --to bundle."
            )


@contextmanager
def _names_from_the_beginning() -> Iterator[None]:
    """TorchScript numbers the classes of a process; counted anew, the same network is the same bytes each time.

    Everything that it remembers goes together: the names of one registry mean nothing in another.
    """
    import weakref

    import torch
    from torch.jit import _recursive, _state

    fresh: list[tuple[Any, str, Any]] = [
        (_state, "_python_cu", torch._C.CompilationUnit()),
        (_state, "_jit_caching_layer", weakref.WeakKeyDictionary()),
        (_state, "_jit_function_overload_caching", weakref.WeakKeyDictionary()),
        (_recursive, "concrete_type_store", _recursive.ConcreteTypeStore()),
    ]
    before = [(module, name, getattr(module, name)) for module, name, _ in fresh]
    try:
        for module, name, value in fresh:
            setattr(module, name, value)
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


def _without_paths(path: Path) -> None:
    """The same archive without its debug files; torch reads one without them."""
    bare = path.with_name(f"{path.name}.bare")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(bare, "w", zipfile.ZIP_STORED) as target:
        for one in source.infolist():
            if DEBUG.search(one.filename):
                continue
            entry = zipfile.ZipInfo(one.filename)
            start = target.fp.tell() + zipfile.sizeFileHeader + len(entry.filename.encode())  # type: ignore[union-attr,attr-defined]
            # An extra field of its own: two bytes of id ("FB", as torch writes it), two of length, and as many as are missing.
            missing = -(start + 4) % ALIGNED
            entry.extra = b"FB" + missing.to_bytes(2, "little") + b"Z" * missing
            target.writestr(entry, source.read(one))
    bare.replace(path)
