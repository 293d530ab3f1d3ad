"""What an exported bundle says of its model is true, complete and the same each time, and names nobody."""

from __future__ import annotations

import io
import json
import math
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.bundle import verify_metadata, verify_net_in_out
from typer.testing import CliRunner

import voxloop as vx
from tests.bundles import trained
from voxloop.bundles.exporting import export, forms_for, network
from voxloop.cli.main import app
from voxloop.errors import VoxloopError
from voxloop.store import Project, open_project
from voxloop.store.records import ArtifactVersion

SCHEMA = Path(__file__).parent / "metadata.schema.json"
MODEL = "brain-tumour:v1"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("hospital-7")
    with open_project(home, create=True) as project:
        data = trained.make_dataset(home / "data", "brain_tumour")
        trained.trained_brain(project, data, home)
    # Nobody opens this one, so that it can be copied at any time.
    shutil.copytree(home / ".voxloop", home / "untouched")
    return home


@pytest.fixture
def project(home: Path, tmp_path: Path) -> Iterator[Project]:
    """A project of the test's own."""
    shutil.copytree(home / "untouched", tmp_path / "own" / ".voxloop")
    with open_project(tmp_path / "own") as project:
        yield project


@pytest.fixture(scope="module")
def bundle(home: Path) -> Path:
    with open_project(home) as project:
        return export(project, project.artifact(MODEL), home / "shared", ["bundle", "torchscript"]).target


def metadata_of(bundle: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((bundle / "configs" / "metadata.json").read_text())
    return content


def card_of(bundle: Path) -> str:
    return " ".join((bundle / "docs" / "README.md").read_text().split())


def evaluated(
    project: Project, mean: float, part: str = "validation", dataset: str = "Other", patient: str = ""
) -> None:
    """An evaluation as `voxloop evaluate` stores one."""
    numbers = {"mean": mean, "sd": 0.1, "median": mean, "q1": 0.5, "q3": 0.9, "n": 7, "absent": 1, "ci": [0.25, 0.875]}
    alone = {"mean": math.nan, "sd": None, "n": 0, "absent": 8, "ci": [None, None]}
    content = {
        "voxloop": "evaluation",
        "version": 1,
        "model": MODEL,
        "dataset": {"name": f"{dataset} hospital", "ref": f"{dataset}:v2"},
        "split": "default",
        "part": part,
        "scoring": {},
        "metrics": {"dice": {"title": "Dice", "unit": "", "better": "higher"}},
        "cases": [{"case": patient, "classes": {"whole tumour": {"dice": mean}}}] * 8,
        "summary": {
            "whole tumour": {"dice": numbers},
            "tumour core": {"dice": {**numbers, "mean": mean + 0.1}},
            "enhancing tumour": {"dice": alone},
        },
    }
    with vx.Run(name="judged", experiment="evaluation", project=project.root) as run:
        run.use(MODEL)
        folder = project.root / "evaluation"
        folder.mkdir(exist_ok=True)
        (folder / "evaluation.json").write_text(json.dumps(content))
        run.save(folder, name=f"evaluation-{run.id}", kind="evaluation")


def test_monai_finds_the_metadata_complete_and_true(bundle: Path) -> None:
    meta = bundle / "configs" / "metadata.json"
    verify_metadata(meta_file=str(meta), filepath=SCHEMA)
    verify_net_in_out(
        "network_def", meta_file=str(meta), config_file=str(bundle / "configs" / "inference.json"), device="cpu", n=3
    )


@pytest.mark.parametrize("gone", ["task", "data_source", "network_data_format", "intended_use"])
def test_our_schema_misses_what_is_missing(bundle: Path, tmp_path: Path, gone: str) -> None:
    content = metadata_of(bundle)
    del content[gone]
    (tmp_path / "metadata.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match="Failed validating"):
        verify_metadata(meta_file=str(tmp_path / "metadata.json"), filepath=SCHEMA)


def test_the_metadata_says_what_was_really_used(bundle: Path, home: Path) -> None:
    said = metadata_of(bundle)
    with open_project(home) as project:
        version = project.artifact(MODEL)
        run = project.run(str(version.run_id))
        packages = run.environment["packages"]
        data = project.used(run.id)[0]
    assert said["version"] == "1.0.0"
    assert list(said["changelog"]) == ["1.0.0"]
    assert said["monai_version"] == packages["monai"]
    assert said["pytorch_version"] == packages["torch"].partition("+")[0]
    assert "voxloop" not in said["required_packages_version"]
    assert said["eval_metrics"] == {"val_mean_dice": 0.25}
    assert said["voxloop"]["run"] == run.id
    assert said["voxloop"]["datasets"] == [{"ref": data.ref, "digest": data.digest}]
    image, pred = (said["network_data_format"][way] for way in ("inputs", "outputs"))
    assert image["image"]["channel_def"] == {"0": "FLAIR", "1": "T1w", "2": "T1gd", "3": "T2w"}
    assert pred["pred"]["channel_def"] == {"0": "tumour core", "1": "whole tumour", "2": "enhancing tumour"}
    assert said["label_classes"].endswith("1 is edema, 2 is non-enhancing tumour, 3 is enhancing tumour")


@pytest.mark.parametrize(("strides", "side"), [([2], 2), ([2, 2], 4), ([1], 1), ([2, 1, 2], 4)])
@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_the_rule_for_the_side_of_a_patch_is_the_networks_own(strides: list[int], side: int, norm: str) -> None:
    from monai.networks.nets import UNet

    channels = [2] * (len(strides) + 1)
    unet = UNet(3, 1, 2, channels, strides, num_res_units=1, norm=norm).eval()
    shapes = network.shapes_of(unet, 1, (16, 16, 16), "m:v1")
    # An instance norm has nothing to compare where only one voxel is left.
    expected = side * 2 if norm == "instance" and side > 1 else 2 if norm == "instance" else side
    assert shapes.factor == expected
    for shape in ((expected, 5 * expected, 2 * expected), (3 * expected,) * 3):
        assert tuple(unet(torch.zeros(1, 1, *shape)).shape[2:]) == shape


def test_a_network_of_one_size_says_that_size() -> None:
    class Fixed(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return image.reshape(1, 2, 6, 7, 8)[:, :1]

    shapes = network.shapes_of(Fixed(), 2, (6, 7, 8), "m:v1")
    assert (shapes.rule, shapes.examples) == ([6, 7, 8], ((6, 7, 8),))
    with pytest.raises(VoxloopError, match="takes no patch of the size"):
        network.shapes_of(Fixed(), 2, (5, 5, 5), "m:v1")


def test_without_an_evaluation_the_card_says_whose_figures_it_has(bundle: Path) -> None:
    card = card_of(bundle)
    assert "It has not been evaluated. In its own validation" in card
    assert "0.2500 at the spacing of the training" in card


def test_the_card_tells_what_it_was_made_of(bundle: Path) -> None:
    card = card_of(bundle)
    for words in (
        "| dataset | Clinic brain_tumour, version Clinic-brain_tumour:v1 |",
        "| labelled cases | 4 |",
        "| licence | CC-BY-SA 4.0 |",
        "| `network_def#blocks_down` | `[1, 2, 2, 4]` | `[1, 1]` |",
        "| `spacing_mm` | `[1.0, 1.0, 1.0]` | `[6, 6, 6]` |",
        "| best epoch | 3 |",
        "4 channels in this order: FLAIR, T1w, T1gd, T2w",
        "resampled to 6 × 6 × 6 mm",
        "| 3 | enhancing tumour |",
        "python -m monai.bundle run --config_file configs/inference.json",
        "torch.jit.load('models/model.ts')",
        "not a medical device",
    ):
        assert words in card, words
    assert "ONNX" not in card, "none came with it"
    assert "`epochs`" not in card, "that is the recipe's own"
    assert (
        (bundle / "docs" / "data_license.txt")
        .read_text()
        .startswith("Clinic brain_tumour (Clinic-brain_tumour:v1)\nLicence: CC-BY-SA 4.0")
    )
    assert "Apache License" in (bundle / "LICENSE").read_text()


def test_the_newest_evaluation_of_each_part_is_told_and_the_strictest_first(project: Project, tmp_path: Path) -> None:
    evaluated(project, 0.3)
    evaluated(project, 0.6, patient=trained.PATIENTS[0])
    evaluated(project, 0.9, part="all", dataset="Clinic-brain_tumour")
    evaluated(project, 0.8, dataset="Clinic-brain_tumour")
    with vx.Run(name="used for something else", project=project.root) as run:
        run.use(MODEL)
    bundle = export(project, project.artifact(MODEL), tmp_path / "bundle").target
    said = metadata_of(bundle)["eval_metrics"]
    assert said["mean_dice"] == pytest.approx(0.65), "0.3 is out of date, and 0.9 is of what it learned from"
    assert [(one["version"], one["part"], one["cases"]) for one in said["evaluations"]] == [
        ("Other:v2", "validation", 8),
        ("Clinic-brain_tumour:v2", "validation", 8),
        ("Clinic-brain_tumour:v2", "all", 8),
    ]
    assert said["evaluations"][0]["classes"]["whole tumour"]["dice"]["ci"] == [0.25, 0.875]
    card = card_of(bundle)
    assert "**Other hospital** (Other:v2), validation of split default, 8 cases:" in card
    assert "| whole tumour | Dice | 0.6 | 0.25 to 0.875 | 0.6 | 0.1 | 7 |" in card
    assert "validation of split default, 8 cases, **the cases that its best epoch was chosen by**" in card
    assert "(Clinic-brain_tumour:v2), all of split default, 8 cases, **some of which it learned from**" in card
    assert trained.PATIENTS[0] not in (bundle / "configs" / "metadata.json").read_text()


@pytest.mark.parametrize(
    "content", ['{"voxloop": "evaluation", "version": 7}', '{"voxloop": "evaluation", "version": 1}', "{"]
)
def test_an_evaluation_that_cannot_be_read_is_not_left_out_in_silence(
    project: Project, tmp_path: Path, content: str
) -> None:
    with vx.Run(name="judged", experiment="evaluation", project=project.root) as run:
        run.use(MODEL)
        (tmp_path / "evaluation.json").write_text(content)
        run.save(tmp_path / "evaluation.json", name="evaluation-x", kind="evaluation")
    with pytest.raises(VoxloopError, match="evaluation-x:v1"):
        export(project, project.artifact(MODEL), tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_no_path_machine_case_or_patient_gets_out(bundle: Path, home: Path) -> None:
    """Also not from within the archives that model files are."""
    with open_project(home) as project:
        (run,) = project.runs()
        host, user = run.environment["host"], Path.home()
    assert str(home) in (home / "data" / "dataset.json").read_text(), "it was there to get out"
    hidden = [str(home), home.name, str(user) + "/", "site-packages", "imagesTr/", *trained.PATIENTS]
    hidden += [patient.replace("-", " ") for patient in trained.PATIENTS] + [host]
    for path, data in all_bytes(bundle):
        for one in hidden:
            assert one.encode() not in data, (path, one)


def all_bytes(folder: Path) -> list[tuple[str, bytes]]:
    found = []
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        data = path.read_bytes()
        found.append((str(path.relative_to(folder)), data))
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                found += [(f"{path.name}/{name}", archive.read(name)) for name in archive.namelist()]
    return found


def test_the_same_version_is_the_same_bytes(bundle: Path, project: Project, tmp_path: Path) -> None:
    """Also where the process has written another network between."""
    torch.jit.script(torch.nn.Sequential(torch.nn.Conv3d(1, 2, 3), torch.nn.PReLU(), torch.nn.GroupNorm(1, 2)))
    version = project.artifact(MODEL)
    again = export(project, version, tmp_path / "again", ["torchscript", "bundle"]).target
    assert all_bytes(again) == all_bytes(bundle)
    zips = [export(project, version, tmp_path / name, ["bundle"]).target.read_bytes() for name in ("a.zip", "b.zip")]
    assert zips[0] == zips[1]
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert "brain-tumour/configs/metadata.json" in archive.namelist(), (
            "a folder of the model's name, as the specification asks"
        )
        assert archive.testzip() is None


@pytest.mark.parametrize(
    ("target", "asked", "sentence"),
    [
        ("there", ["bundle"], "there is already there"),
        ("out", ["bundle", "files"], "leave it out to have bundle"),
        ("out", ["keras"], '"keras" is no form to export; choose among files, bundle, torchscript, onnx'),
        ("out.ts", ["bundle", "torchscript"], "is one file for --to torchscript alone"),
        ("out.onnx", ["torchscript"], "is one file for --to onnx alone"),
    ],
)
def test_what_makes_no_export_is_refused_in_a_sentence(
    project: Project, tmp_path: Path, target: str, asked: list[str], sentence: str
) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(VoxloopError, match=re.escape(sentence)):
        export(project, project.artifact(MODEL), tmp_path / target, asked)
    assert not list(tmp_path.glob("out*"))


def test_data_are_copied_and_no_model(project: Project, tmp_path: Path) -> None:
    dataset = project.artifact("Clinic-brain_tumour:v1")
    assert forms_for(dataset) == ("files",)
    with pytest.raises(VoxloopError, match="is a dataset, not a model; copy it with --to files"):
        export(project, dataset, tmp_path / "out", ["bundle"])
    assert set(export(project, dataset, tmp_path / "out").files) == set(dataset.files)


def changed(project: Project, work: Path, **parts: Any) -> ArtifactVersion:
    """The model with other content in its configs."""
    shutil.copytree(project.materialise(project.artifact(MODEL)), work, copy_function=shutil.copyfile)
    for name, change in parts.items():
        path = work / "configs" / f"{name}.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    return project.save(work, "other", "model", None)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"class_names": None, "regions": None}, "does not say which class each value"),
        (
            {"inferer": {"_target_": "voxloop.mine.Inferer"}},
            'asks for "voxloop.mine.Inferer", which plain MONAI does not have',
        ),
        ({"atlas": "/mnt/clinic/atlas.nii.gz"}, 'holds the path "/mnt/clinic/atlas.nii.gz"'),
        (
            {"network_def": {"_target_": "SegResNet", "in_channels": 4, "out_channels": 3}},
            "does not fit its network_def",
        ),
    ],
)
def test_a_model_that_cannot_be_shared_as_it_is_says_why_and_leaves_nothing(
    project: Project, tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    version = changed(project, tmp_path / "work", inference=change)
    with pytest.raises(VoxloopError, match=re.escape(sentence)):
        export(project, version, tmp_path / "out" / "bundle", trust=lambda program: None)
    assert not list((tmp_path / "out").iterdir())


def test_a_model_of_somebody_else_is_not_evaluated_without_a_word(project: Project, tmp_path: Path) -> None:
    version = changed(project, tmp_path / "work", inference={"bundle_root": "$open('sprung', 'w')"})
    with pytest.raises(VoxloopError, match="did not come with voxloop"):
        export(project, version, tmp_path / "out" / "bundle")
    assert not Path("sprung").exists()
    assert not list((tmp_path / "out").iterdir())


def test_damaged_weights_are_found_and_leave_nothing(project: Project, tmp_path: Path) -> None:
    version = project.artifact(MODEL)
    blob = project.blobs.path(version.files["models/model.pt"]["digest"])
    blob.chmod(0o644)
    blob.write_bytes(blob.read_bytes()[:-1] + b"?")
    with pytest.raises(VoxloopError, match=r"models/model\.pt"):
        export(project, version, tmp_path / "out" / "bundle")
    assert not list((tmp_path / "out").iterdir())


def test_a_model_whose_run_is_gone_is_exported_with_what_is_left(project: Project, tmp_path: Path) -> None:
    project.delete_run(str(project.artifact(MODEL).run_id))
    bundle = export(project, project.artifact(MODEL), tmp_path / "bundle").target
    verify_metadata(meta_file=str(bundle / "configs" / "metadata.json"), filepath=SCHEMA)
    assert "those of the training are not recorded" in card_of(bundle)
    assert "not recorded" in metadata_of(bundle)["data_source"]


def test_the_command(project: Project, tmp_path: Path) -> None:
    words = ["models", "export", "brain-tumour:best", "--project", str(project.root.parent)]
    done = CliRunner().invoke(app, [*words, "-o", str(tmp_path / "out"), "--authors", "Ward 7", "--json"])
    said = json.loads(done.stdout)
    assert (said["ref"], said["forms"]) == (MODEL, ["bundle"])
    assert set(said["files"]) == {
        str(one.relative_to(tmp_path / "out")) for one in (tmp_path / "out").rglob("*") if one.is_file()
    }
    assert metadata_of(tmp_path / "out")["authors"] == "Ward 7"
    done = CliRunner().invoke(app, [*words, "--to", "torchscript", "-o", str(tmp_path / "net.ts")])
    assert "torchscript; 1 file, " in done.stdout
    with zipfile.ZipFile(tmp_path / "net.ts") as archive:
        assert any(name.endswith("extra/inference.json") for name in archive.namelist())
