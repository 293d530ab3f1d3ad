"""How values are spread is counted where they lie, by numpy and torch alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import voxloop as vx
from tests.tracking.children import run_script
from voxloop.store.blobs import Blobs


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int64", "uint8", "bool"])
def test_a_tensor_is_counted_as_the_array_of_its_values(blobs: Blobs, dtype: str) -> None:
    import torch

    values = torch.arange(-40, 200).to(getattr(torch, dtype))
    array = values.float().numpy() if dtype == "bfloat16" else values.numpy()
    one, other = vx.Distribution(values, 16).store(blobs), vx.Distribution(array, 16).store(blobs)
    assert one["counts"] == other["counts"]
    for key in ("low", "high", "count", "min", "max", "mean", "std"):
        assert one[key] == pytest.approx(other[key], rel=1e-5), key


def test_numbers_are_those_of_numpy(blobs: Blobs) -> None:
    values = np.random.default_rng(0).normal(3, 2, 10_000)
    data = vx.Distribution(values, 32).store(blobs)
    assert data["counts"] == np.histogram(values, 32)[0].tolist()
    assert data["mean"] == pytest.approx(values.mean())
    assert data["std"] == pytest.approx(values.std())


def test_more_values_than_a_32_bit_float_counts_are_counted(blobs: Blobs) -> None:
    import torch

    assert sum(vx.Distribution(torch.zeros(2**24 + 3, dtype=torch.float32)).store(blobs)["counts"]) == 2**24 + 3


@pytest.mark.parametrize("values", [[5.0], [1e300, 1e300], [-1e308, 1e308], [0.0, 5e-324], [1.0, 1.0 + 2**-52]])
def test_odd_ranges_lose_no_value(blobs: Blobs, values: list[float]) -> None:
    import torch

    for given in (np.array(values), torch.tensor(values, dtype=torch.float64)):
        data = vx.Distribution(given).store(blobs)
        assert sum(data["counts"]) == len(values)
        assert data["low"] < data["high"] or values == [0.0, 5e-324]


def test_the_numbers_of_a_histogram_are_told_from_its_bins(blobs: Blobs) -> None:
    data = vx.Distribution.from_histogram([0, 1, 3, 0], [0, 1, 2, 4, 9]).store(blobs)
    assert (data["count"], data["min"], data["max"]) == (4, 1, 4)
    assert data["mean"] == (1.5 + 3 * 3) / 4


def test_a_network_is_told_by_its_parameters_and_gradients() -> None:
    import torch

    network = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(2, 1, bias=False))
    assert list(vx.parameters(network)) == ["parameters/0.weight", "parameters/0.bias", "parameters/1.weight"]
    assert vx.gradients(network) == {}
    network(torch.ones(1, 3)).sum().backward()
    found = vx.gradients(network, prefix="grad/")
    assert list(found) == ["grad/0.weight", "grad/0.bias", "grad/1.weight"]
    assert found["grad/0.weight"].histogram.count == 6
    assert network[0].weight.grad is not None


def test_a_sparse_or_complex_tensor_is_refused_in_a_sentence() -> None:
    import torch

    odd: list[Any] = [torch.zeros(3, dtype=torch.complex64), torch.eye(3).to_sparse()]
    for values in odd:
        with pytest.raises(vx.VoxloopError, match="The histogram of this tensor cannot be made"):
            vx.Distribution(values)


def test_logging_imports_neither_torch_nor_a_plotting_library() -> None:
    said = run_script("""
import sys, tempfile
from pathlib import Path
import numpy as np
import voxloop as vx
from voxloop.store.blobs import Blobs
blobs = Blobs(Path(tempfile.mkdtemp()))
for medium in (vx.Distribution(np.arange(9.0)), vx.Text("a"), vx.Table({"a": [1]}), vx.Audio([0.0], rate=1)):
    medium.store(blobs)
print([name for name in ("torch", "monai", "matplotlib", "plotly", "pandas", "pyarrow", "PIL", "rich", "psutil") if name in sys.modules])
""")
    assert said.strip() == "[]"
