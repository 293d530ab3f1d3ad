"""A network as ONNX answers as it does in torch, for every patch that it takes, and says what it is."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from monai.networks.nets import SegResNet, UNet

from voxloop.bundles.exporting import onnx as as_onnx
from voxloop.bundles.exporting.network import Shapes
from voxloop.errors import VoxloopError


def nets() -> dict[str, tuple[torch.nn.Module, int]]:
    """Those of the recipes, small."""
    torch.manual_seed(0)
    unet = UNet(3, 1, 2, channels=[4, 8], strides=[2], num_res_units=1, norm="batch")
    segresnet = SegResNet(3, 8, 4, 3, dropout_prob=0.2, blocks_down=[1, 1], blocks_up=[1])
    return {"unet": (unet.eval(), 1), "segresnet": (segresnet.eval(), 4)}


@pytest.mark.parametrize("name", ["unet", "segresnet"])
def test_answers_are_those_of_torch_on_every_patch_and_batch(name: str, tmp_path: Path) -> None:
    net, channels = nets()[name]
    path = tmp_path / "model.onnx"
    as_onnx.write(net, path, {"classes": "0 is background", "channels": "CT"}, channels, Shapes(2), "m:v1")
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert {one.key: one.value for one in model.metadata_props} == {"classes": "0 is background", "channels": "CT"}
    assert b"site-packages" not in path.read_bytes(), "where the code of the network lies is nobody's business"
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for shape in ((1, 2, 2, 2), (1, 10, 6, 14), (3, 8, 8, 8)):
        image = torch.randn(shape[0], channels, *shape[1:], generator=torch.Generator().manual_seed(1))
        with torch.inference_mode():
            expected = net(image).numpy()
        (answer,) = session.run(None, {"image": image.numpy()})
        assert np.allclose(answer, expected, atol=1e-5), shape


def test_without_the_package_one_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxscript" else found(name))
    with pytest.raises(VoxloopError, match=r"onnxscript is not installed, .* pip install 'voxloop\[onnx\]'"):
        as_onnx.require_installed()


def test_a_network_that_cannot_be_said_in_onnx_is_refused(tmp_path: Path) -> None:
    class Moody(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> Any:
            return image if float(image.sum()) > 0 else -image

    with pytest.raises(VoxloopError, match=r"m:v1: its network cannot be said in ONNX .* --to torchscript"):
        as_onnx.write(Moody(), tmp_path / "model.onnx", {}, 1, Shapes(1), "m:v1")
    assert not list(tmp_path.iterdir())
