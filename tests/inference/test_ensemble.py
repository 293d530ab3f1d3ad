"""Several models, and one model asked several times: what is averaged are probabilities, and what they mark goes by name."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest
import torch
from monai.inferers import SlidingWindowInferer

from tests.data.test_grid import ORIENTATIONS, oblique, reordered
from tests.inference.models import ORGANS, TUMOUR, looking_around, model_of
from voxloop.data.formats.writing import write_volume
from voxloop.data.geometry import Geometry
from voxloop.data.scans import open_scan
from voxloop.errors import VoxloopError
from voxloop.inference.ensemble import grids_of
from voxloop.inference.flips import flips_of
from voxloop.inference.model import Model
from voxloop.inference.predict import How, Prediction, predict
from voxloop.inference.preparing import prepared_alike
from voxloop.inference.probabilities import Probabilities, write_probabilities
from voxloop.monai.output import Classes, Regions

SHAPE = (9, 11, 13)
SURE = How(probabilities=True)


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Noise, on an oblique grid that is stored along other axes."""
    noise = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    voxels, affine = reordered(noise, oblique(6.0, (1.0, 1.2, 2.0)), *ORIENTATIONS[29])  # type: ignore[arg-type]
    i, j, k = voxels.shape
    write_volume(tmp_path / "scan.nii.gz", voxels, Geometry((i, j, k), affine))
    return tmp_path / "scan.nii.gz"


def maps(prediction: Prediction) -> npt.NDArray[np.float32]:
    assert isinstance(prediction.probabilities, Probabilities)
    return np.stack([prediction.probabilities.channel(number) for number in range(len(prediction.probabilities.names))])


def model(seed: int, output: Classes | Regions = ORGANS, spacing_mm: tuple[float, float, float] | None = None) -> Model:
    network = looking_around(len(output.channels), seed)
    return model_of(network, output, spacing_mm, name=f"model {seed}")


# Flips


@pytest.mark.parametrize("output", [ORGANS, TUMOUR])
@pytest.mark.parametrize("flips", ["x", "yz", "xyz"])
def test_a_network_that_does_not_tell_left_from_right_marks_the_same_with_flips(
    scan: Path, output: Classes | Regions, flips: str
) -> None:
    """Also where windows overlap, and disagree."""
    network = looking_around(len(output.channels), alike_both_ways=True)
    inferer = SlidingWindowInferer((6, 6, 6), 2, 0.5, mode="gaussian")
    alike = model_of(network, output, inferer=inferer)
    assert (predict(alike, scan, how=How(flips)).labels == predict(alike, scan).labels).all()


def test_with_all_flips_any_network_marks_the_flipped_scan_flipped(tmp_path: Path) -> None:
    voxels, affine = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32), oblique(0.0)
    sided = replace(model(3), inferer=SlidingWindowInferer((16, 16, 16)))
    for axis in range(3):
        paths = [tmp_path / "as-it-is.nii", tmp_path / "flipped.nii"]
        for path, shown in zip(paths, (voxels, np.flip(voxels, axis)), strict=True):
            write_volume(path, shown, Geometry(SHAPE, affine))
        straight, turned = (predict(sided, path, how=How("xyz")).labels for path in paths)
        assert (np.flip(turned, axis) == straight).all()
        plain, turned_plain = (predict(sided, path).labels for path in paths)
        assert (np.flip(turned_plain, axis) != plain).any()


def test_flips_are_the_patients_and_their_probabilities_are_averaged(scan: Path) -> None:
    """x is left and right, however the model's own axes run."""
    from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged

    network, kept = looking_around(3), Compose([LoadImaged("image"), EnsureChannelFirstd("image")])
    unturned = replace(model_of(network, ORGANS, inferer=SlidingWindowInferer((16, 16, 16))), preprocess=kept)
    seen = torch.as_tensor(np.asarray(nib.load(scan).dataobj, dtype=np.float32))[None, None]
    axis = nib.aff2axcodes(nib.load(scan).affine).index("R" if "R" in nib.aff2axcodes(nib.load(scan).affine) else "L")
    with torch.inference_mode():
        both = [network(seen).softmax(1), network(seen.flip(2 + axis)).softmax(1).flip(2 + axis)]
    found = maps(predict(unturned, scan, how=How("x", probabilities=True)))
    assert np.allclose(found, ((both[0] + both[1]) / 2)[0].numpy(), atol=1e-4)


def test_axes_are_said_in_letters() -> None:
    assert [flips_of(said) for said in (None, "none", "all", "x", "zy", "X,Z", "xx")] == [
        *("", "", "xyz", "x", "yz", "xz", "x"),
    ]
    with pytest.raises(VoxloopError, match='"left" names no axes to flip; say all, or some of x'):
        flips_of("left")


# Ensembles


@pytest.mark.parametrize("output", [ORGANS, TUMOUR])
def test_a_model_with_itself_is_that_model(scan: Path, output: Classes | Regions) -> None:
    one = model(1, output)
    assert (predict([one, one], scan).labels == predict(one, scan).labels).all()


@pytest.mark.parametrize("output", [ORGANS, TUMOUR])
def test_an_ensemble_is_the_mean_of_what_each_model_gives_alone(scan: Path, output: Classes | Regions) -> None:
    """Whatever windows each looks through."""
    models = [model(1, output), model(2, output), model(3, output)]
    models[1] = replace(models[1], inferer=SlidingWindowInferer((5, 6, 7), 3, 0.6, mode="gaussian"))
    models[2] = replace(models[2], inferer=SlidingWindowInferer((16, 16, 16)))
    alone = np.mean([maps(predict(one, scan, how=SURE)) for one in models], axis=0)
    together = predict(models, scan, how=SURE)
    assert np.allclose(maps(together), alone, atol=1e-4)
    assert (together.labels == output.of_channels(alone)).mean() > 0.999
    assert (predict(models, scan).labels == together.labels).all()


def test_folds_of_one_training_are_shown_one_preparation_of_the_scan(scan: Path) -> None:
    folds, finer = [model(1), model(2)], model(1, ORGANS, (1.0, 1.0, 1.0))
    assert prepared_alike(*folds)
    assert not prepared_alike(folds[0], finer)
    (grid,) = grids_of(folds, open_scan(scan), scan, None)
    assert grid.members[0].prepared is grid.members[1].prepared
    assert [len(grid.members) for grid in grids_of([*folds, finer], open_scan(scan), scan, None)] == [2, 1]


def test_classes_are_matched_by_their_names_in_any_order_and_spelling(scan: Path) -> None:
    one, other = model(1), model(2)
    turned = looking_around(3, 2)
    with torch.no_grad():
        for weights in turned.parameters():
            weights.copy_(weights[[0, 2, 1]].clone())
    shuffled = model_of(turned, Classes(("Background", "SPLEEN", "Liver")))
    assert (predict([one, shuffled], scan).labels == predict([one, other], scan).labels).all()
    assert predict([one, shuffled], scan).classes == ("background", "liver", "spleen")


def test_models_that_mark_different_things_are_refused(scan: Path) -> None:
    regions = Regions.of(("background", "edema", "core"), {"whole": ["edema", "core"], "inner": ["edema"]})
    for first, other, said in [
        (ORGANS, Classes(("background", "liver")), "marks liver, spleen, and model 2 liver;"),
        (ORGANS, Classes(("background", "liver", "kidney")), "and model 2 liver, kidney;"),
        (ORGANS, Classes(("background", "liver", "liver")), "have to mark the same"),
        (TUMOUR, Classes(("background", "edema", "core")), "the regions whole, inner, and model 2 edema, core;"),
        (TUMOUR, regions, "have to mark the same"),
    ]:
        with pytest.raises(VoxloopError, match=said):
            predict([model(1, first), model(2, other)], scan)  # type: ignore[arg-type]


def test_a_network_with_more_channels_than_names_is_refused(scan: Path) -> None:
    unnamed = model_of(looking_around(4), ORGANS, name="four")
    with pytest.raises(VoxloopError, match="four gives 4 channels for 3 of a name"):
        predict(unnamed, scan)


@pytest.mark.parametrize("output", [ORGANS, TUMOUR])
def test_models_of_different_spacing_are_averaged_on_the_scans_own_grid(scan: Path, output: Classes | Regions) -> None:
    models = [model(1, output), model(2, output, (2.0, 2.0, 2.0)), model(3, output, (1.5, 3.0, 1.5))]
    alone = np.mean([maps(predict(one, scan, how=SURE)) for one in models], axis=0)
    together = predict(models, scan, how=SURE)
    assert np.allclose(maps(together), alone, atol=1e-5)
    assert (together.labels == output.of_channels(maps(together))).all()
    assert (predict(models, scan).labels == together.labels).all()


def test_on_another_grid_too_classes_go_by_name(scan: Path) -> None:
    turned = looking_around(3, 2)
    with torch.no_grad():
        for weights in turned.parameters():
            weights.copy_(weights[[0, 2, 1]].clone())
    shuffled = model_of(turned, Classes(("background", "spleen", "liver")), (2.0, 2.0, 2.0))
    plain = model(2, ORGANS, (2.0, 2.0, 2.0))
    assert (predict([model(1), shuffled], scan).labels == predict([model(1), plain], scan).labels).all()


class Unnamed:
    """Channels of which nobody says what they are."""

    classes = ("background", "a")
    names: ClassVar = {1: "a"}
    parts = ()

    def of_logits(self, logits: torch.Tensor) -> npt.NDArray[np.uint8]:
        return np.asarray(logits[0] > 0, dtype=np.uint8)

    def of_channels(self, channels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        return np.asarray(channels[0] > 0.5, dtype=np.uint8)


def test_what_a_bundle_of_others_does_after_its_network_is_done_alone_and_said_to_be_left_out_of_an_ensemble(
    scan: Path,
) -> None:
    def finish(logits: torch.Tensor, prepared: Any, geometry: Geometry) -> npt.NDArray[np.uint8]:
        assert tuple(logits.shape[1:]) == tuple(prepared["image"].shape[1:])
        return np.full(geometry.shape, 2, np.uint8)

    own, plain = replace(model(1), finish=finish), model(1)
    assert (predict(own, scan).labels == 2).all()
    assert (predict(own, scan, how=SURE).labels == 2).all()
    assert own.notes == []
    assert (predict([own, plain], scan).labels == predict(plain, scan).labels).all()
    assert own.notes == ["model 1: what it does after its network is left out, because its probabilities are averaged."]
    unnamed = replace(own, output=Unnamed())
    assert (predict(unnamed, scan).labels == 2).all()
    for ask in (lambda: predict(unnamed, scan, how=SURE), lambda: predict([plain, unnamed], scan)):
        with pytest.raises(VoxloopError, match="model 1 does not say what its regions are made of"):
            ask()


# Probabilities


@pytest.mark.parametrize("spacing_mm", [None, (2.0, 2.0, 2.0)])
@pytest.mark.parametrize("output", [ORGANS, TUMOUR])
def test_asking_for_probabilities_changes_no_label(
    scan: Path, output: Classes | Regions, spacing_mm: tuple[float, float, float] | None
) -> None:
    one = model(1, output, spacing_mm)
    sure = predict(one, scan, how=SURE)
    assert (sure.labels == predict(one, scan).labels).all()
    assert predict(one, scan).probabilities is None
    if spacing_mm is None:
        assert (output.of_channels(maps(sure)) == sure.labels).all()
    if output is ORGANS:
        assert np.allclose(maps(sure).sum(axis=0), 1, atol=1e-5)


def test_a_file_of_probabilities_keeps_the_scans_header_and_names_its_channels(scan: Path, tmp_path: Path) -> None:
    prediction = predict(model(1, TUMOUR), scan, how=SURE)
    assert prediction.probabilities is not None
    told: list[tuple[int, int, str]] = []
    path = tmp_path / "new" / "scan.probabilities.nii.gz"
    written = nib.load(write_probabilities(prediction.probabilities, scan, path, lambda *one: told.append(one)))
    source = nib.load(scan)
    assert written.shape == (*source.shape, 2)
    assert np.allclose(np.moveaxis(written.get_fdata(), -1, 0), maps(prediction), atol=1 / 65535)
    for name in ("sform_code", "qform_code", "srow_x", "srow_y", "srow_z", "quatern_b", "qoffset_x"):
        assert np.array_equal(written.header[name], source.header[name]), name
    assert written.header.get_zooms()[:3] == source.header.get_zooms()
    (meaning,) = [json.loads(extension.get_content()) for extension in written.header.extensions]
    assert meaning == {"channels": {"0": "whole", "1": "inner"}}
    assert told[-1][:2] == (1000, 1000)
    assert [one.name for one in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(("ending", "endian"), [(".nrrd", "<"), (".nii", ">")])
def test_probabilities_of_any_scan_are_written(tmp_path: Path, ending: str, endian: str) -> None:
    """Of one without a NIfTI header, and of one whose bytes stand the other way round."""
    affine = oblique(7.0)
    voxels = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    path = tmp_path / f"scan{ending}"
    if endian == "<":
        write_volume(path, voxels, Geometry(SHAPE, affine))
    else:
        nib.save(nib.Nifti1Image(voxels, affine, nib.Nifti1Header(endianness=">")), path)
        assert nib.load(path).header.endianness == ">"
    prediction = predict(model(1), path, how=SURE)
    assert prediction.probabilities is not None
    written = nib.load(write_probabilities(prediction.probabilities, path, tmp_path / "maps.nii.gz"))
    assert np.allclose(written.affine, affine, atol=1e-4)
    assert np.allclose(np.moveaxis(written.get_fdata(), -1, 0), maps(prediction), atol=1 / 65535)


def test_what_a_model_did_not_look_at_is_background(tmp_path: Path) -> None:
    """The recipes crop air away; there the background is certain, and no region is."""
    from monai.transforms import Compose, CropForegroundd

    voxels = np.zeros((12, 12, 12), np.float32)
    voxels[3:8, 4:9, 5:10] = 1.0
    write_volume(tmp_path / "scan.nii", voxels, Geometry((12, 12, 12), np.diag([2.0, 2.0, 2.0, 1.0])))
    for output, certain in ((ORGANS, [1, 0, 0]), (TUMOUR, [0, 0])):
        whole = model(1, output)
        steps: Any = whole.preprocess
        cropped = replace(whole, preprocess=Compose([*steps.transforms, CropForegroundd("image", source_key="image")]))
        prediction = predict(cropped, tmp_path / "scan.nii", how=SURE)
        assert not prediction.labels[voxels == 0].any()
        for number, value in enumerate(certain):
            assert (maps(prediction)[number][voxels == 0] == value).all()


def test_regions_and_classes_average_as_numbers_do() -> None:
    """`mean` of logits has the mean of their probabilities, also where those are all but certain."""
    chance = torch.Generator().manual_seed(0)
    answers = [torch.randn((2, 3, 4, 5, 6), generator=chance) * scale for scale in (0.1, 5.0, 80.0)]
    for output in (ORGANS, Regions.of(("background", "a", "b", "c"), {one: [one] for one in "abc"})):
        for count in range(1, 4):
            for chosen in itertools.combinations(answers, count):
                mean = output.mean(iter(chosen))
                assert torch.isfinite(mean).all()
                likely = torch.stack([output.probabilities(one[0]) for one in chosen]).mean(dim=0)
                assert torch.allclose(output.probabilities(mean[0]), likely, atol=1e-6)
