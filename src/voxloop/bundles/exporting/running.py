"""How an exported model is run, as its card says it: under MONAI, voxloop, TorchScript and ONNX."""

from __future__ import annotations

from collections.abc import Sequence

from voxloop.bundles.exporting.facts import Facts
from voxloop.bundles.exporting.interface import Interface, sides
from voxloop.bundles.exporting.network import Shapes


def write(interface: Interface, facts: Facts, shapes: Shapes, forms: Sequence[str]) -> str:
    """One paragraph for each form that is there."""
    said = []
    if "bundle" in forms:
        order = (
            ""
            if len(interface.channels) == 1
            else " A scan holds the channels in the order above; for files with another order say which channel is which, "
            f'such as `--channel_order "{list(reversed(range(len(interface.channels))))}"`.'
        )
        said.append(
            f"**MONAI** (`pip install monai=={facts.packages['monai']} nibabel pytorch-ignite fire`), in this folder:\n\n"
            "```\npython -m monai.bundle run --config_file configs/inference.json --dataset_dir SCANS --output_dir LABELS\n```\n\n"
            "`SCANS` is a folder of `.nii` and `.nii.gz` files, a dataset with `imagesTs`, one file, or a list of files: "
            "`\"['a.nii.gz','b.nii.gz']\"`. "
            f"`a.nii.gz` becomes `LABELS/a_pred.nii.gz`.{order} Against the labels of a dataset in the Decathlon's layout:\n\n"
            "```\npython -m monai.bundle run --config_file \"['configs/inference.json','configs/evaluate.json']\" "
            "--dataset_dir DATASET --output_dir SCORES\n```\n\n"
            "Where the labels there have other values, `--label_values` says which, in the order of the names above, without the "
            "background.\n\n"
            "**voxloop**: `voxloop predict THIS_FOLDER SCANS --out LABELS`, with the same label maps, voxel for voxel. Both compute in fp32; "
            f"in its project, {facts.ref} is run in bf16 on a CPU that multiplies it, where single voxels at a border may differ."
        )
    window = f" in windows of {sides(interface.window)}" if interface.window else ""
    sized = "" if shapes.factor == 1 else f" (each side {rule(shapes)})"
    prepared = f"a float32 tensor [batch, {len(interface.channels)}, i, j, k] prepared by the steps above{window}{sized}; out come logits"
    if "torchscript" in forms:
        said.append(
            "**TorchScript**, with torch alone: `torch.jit.load('models/model.ts')` takes "
            f"{prepared}. Its configs are inside, under `extra/`."
        )
    if "onnx" in forms:
        said.append(
            "**ONNX**, with any program that runs it: `onnxruntime.InferenceSession('models/model.onnx')` takes as `image` "
            f"{prepared} as `pred`. Channels, classes and steps are in the model's properties."
        )
    return "\n\n".join(said)


def rule(shapes: Shapes) -> str:
    """How long the side of a patch may be."""
    return f"{sides(shapes.fixed)} alone" if shapes.factor is None else f"a multiple of {shapes.factor} voxels"
