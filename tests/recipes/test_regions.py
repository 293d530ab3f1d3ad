"""Regions are unions of classes: into channels and back without loss, as NumPy says, whatever numbers a dataset uses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from monai.data import MetaTensor
from monai.transforms import ConvertToMultiChannelBasedOnBratsClasses

from voxloop import recipes
from voxloop.errors import VoxloopError
from voxloop.monai.output import Classes, Regions, output_of
from voxloop.recipes.memory import cache_rate, free_bytes_here
from voxloop.recipes.regions import ClassesOfLabelsd, LabelsOfRegionsd, RegionsOfLabelsd, Sample, TakeChannelsd

CONFIG = json.loads((recipes.find("brain_tumour") / "configs" / "train.json").read_text())
CLASSES, REGIONS, CHANNELS = CONFIG["class_names"], CONFIG["regions"], CONFIG["channel_names"]
SHAPE = (3, 5, 7)
EDEMA, CORE, ENHANCING = 1, 2, 3
maps = hnp.arrays(np.uint8, SHAPE, elements=st.integers(0, 3))
masks = hnp.arrays(np.bool_, (3, *SHAPE))


def output() -> Regions:
    return Regions.of(CLASSES, REGIONS)


def oracle(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Tumour core, whole tumour, enhancing tumour on the Decathlon's numbers."""
    return np.stack([(labels == CORE) | (labels == ENHANCING), labels > 0, labels == ENHANCING])


@settings(deadline=None, max_examples=30)
@given(labels=maps)
def test_regions_are_what_numpy_says_and_lose_nothing(labels: npt.NDArray[np.uint8]) -> None:
    regions = output().of_labels(labels)
    assert np.array_equal(regions, oracle(labels))
    assert np.array_equal(output().painted(regions), labels)


@settings(deadline=None, max_examples=30)
@given(on=masks)
def test_regions_that_a_network_does_not_nest_still_give_one_class_a_voxel(on: npt.NDArray[np.bool_]) -> None:
    """What enhances is enhancing tumour, the rest of the core is not enhancing, the rest of the whole is edema."""
    core, whole, enhancing = on
    expected = np.where(enhancing, ENHANCING, np.where(core, CORE, np.where(whole, EDEMA, 0)))
    assert np.array_equal(output().painted(on), expected)
    logits = torch.from_numpy(np.where(on, 0.1, -0.1))
    assert np.array_equal(output().of_logits(logits), expected)
    assert np.array_equal(output().of_channels(torch.sigmoid(logits).numpy()), expected)


@settings(deadline=None, max_examples=10)
@given(labels=maps)
def test_the_transforms_do_the_same_and_keep_where_the_voxels_are(labels: npt.NDArray[np.uint8]) -> None:
    affine = torch.diag(torch.tensor([1.0, 2.0, 3.0, 1.0], dtype=torch.float64))
    sample: Sample = {"label": MetaTensor(torch.from_numpy(labels)[None], affine=affine)}
    there = RegionsOfLabelsd("label", CLASSES, REGIONS)(sample)
    assert there["label"].dtype == torch.float32
    assert np.array_equal(there["label"].numpy() > 0.5, oracle(labels))
    back = LabelsOfRegionsd("label", CLASSES, REGIONS)(there)
    assert np.array_equal(back["label"][0].numpy(), labels)
    assert torch.equal(back["label"].affine, affine)


def test_monais_own_transform_knows_other_numbers_and_would_find_no_enhancing_tumour() -> None:
    """Why names decide: on the Decathlon's numbers it takes edema for the core, and nothing enhances."""
    labels = np.array([[[0, EDEMA, CORE, ENHANCING]]], np.uint8)
    theirs = np.asarray(ConvertToMultiChannelBasedOnBratsClasses()(torch.from_numpy(labels)[None]))
    assert not theirs[2].any()
    assert theirs[0, 0, 0, 1]
    assert not theirs[0, 0, 0, 2]
    assert output().of_labels(labels)[:, 0, 0].tolist() == [
        [False, False, True, True],
        [False, True, True, True],
        [False, False, False, True],
    ]


def test_exclusive_classes_are_parts_of_one_value() -> None:
    spleen = output_of(["background", "spleen"])
    assert isinstance(spleen, Classes)
    assert [(part.name, part.values) for part in spleen.parts] == [("spleen", (1,))]
    assert spleen.of_logits(torch.tensor([0.0, 2.0]).reshape(2, 1, 1, 1)).item() == 1


@pytest.mark.parametrize(
    ("regions", "part"),
    [
        ({"all": ["a", "b"]}, 'needs exactly one class .* "all" has 2'),
        ({"one": ["a"], "same": ["a"], "all": ["a", "b"]}, None),
        ({"one": ["a"], "two": ["b"], "all": ["a", "b"]}, '"all" has 0'),
        ({"one": ["c"]}, 'made of "c", which is no class; the classes are: a, b'),
        ({"one": ["background"]}, 'made of "background"'),
    ],
)
def test_regions_that_one_map_cannot_show_are_refused(regions: dict[str, list[str]], part: str | None) -> None:
    if part is None:
        Regions.of(["background", "a", "b"], regions)
        return
    with pytest.raises(VoxloopError, match=part):
        Regions.of(["background", "a", "b"], regions)


def test_a_label_that_nobody_named_is_refused() -> None:
    """Otherwise a stray 2 in a dataset that calls 7 the core would become the core."""
    named = ClassesOfLabelsd("label", [0, 1, 4, 7], [0, 3, 1, 2])
    given = torch.tensor([0.0, 7.0, 4.0, 1.0]).reshape(1, 4, 1, 1)
    assert named({"label": given})["label"].flatten().tolist() == [0, 2, 1, 3]
    with pytest.raises(VoxloopError, match="label holds the label 2, which"):
        named({"label": given.clamp(max=2)})


def test_channels_are_taken_by_the_order_that_a_sample_says() -> None:
    take = TakeChannelsd("image", CHANNELS)
    image = torch.arange(5.0).reshape(5, 1, 1, 1)
    taken = take({"image": image, "channel_order": [4, 0, 3, 1]})
    assert taken["image"].flatten().tolist() == [4, 0, 3, 1]
    assert set(taken) == {"image"}
    assert take({"image": image[:4]})["image"].flatten().tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(("count", "order"), [(3, None), (5, None), (3, [0, 1, 2, 3])])
def test_a_scan_with_other_channels_is_refused(count: int, order: list[int] | None) -> None:
    sample: Sample = {"image": torch.zeros(count, 2, 2, 2), **({"channel_order": order} if order else {})}
    with pytest.raises(VoxloopError, match=f"image has {count} channels, and 4 are needed"):
        TakeChannelsd("image", CHANNELS)(sample)


def test_scans_stay_in_memory_as_far_as_half_of_it_holds_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import nibabel as nib

    nib.save(nib.Nifti1Image(np.zeros((10, 10, 10, 4), np.int16), np.diag([2.0, 2.0, 2.0, 1.0])), tmp_path / "a.nii.gz")
    data = {
        "training": [{"image": str(tmp_path / "a.nii.gz")}] * 3,
        "validation": [{"image": str(tmp_path / "a.nii.gz")}],
    }
    needed = 4 * 20**3 * (4 * 4 + 1)
    for free, expected in ((needed * 4, 1.0), (needed, 0.5), (0, 0.0)):
        assert cache_rate(data, [1, 1, 1], [16, 16, 16], free) == pytest.approx(expected)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert cache_rate(data, [1, 1, 1], [16, 16, 16], needed) == pytest.approx(0.25)


def test_free_memory_is_the_machines_or_the_containers(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 3000 kB\nMemAvailable: 2000 kB\n")
    assert free_bytes_here(tmp_path, tmp_path) == 2000 * 1024
    (tmp_path / "memory.max").write_text("max\n")
    assert free_bytes_here(tmp_path, tmp_path) == 2000 * 1024
    (tmp_path / "memory.max").write_text("5000\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert free_bytes_here(tmp_path, tmp_path) == 4000
    assert free_bytes_here(tmp_path / "none", tmp_path / "none") == float("inf"), "another system: as if all were free"
