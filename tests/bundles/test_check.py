"""A bundle is explained and checked without any of it being run, however hostile it is, and sound ones are left alone."""

from __future__ import annotations

import importlib.util
import json
import os
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from tests.bundles.sound_bundle import Planted
from tests.bundles.test_check_kinds import CT, SPLEEN, write_dataset
from tests.training.bundles import write_bundle
from voxloop import recipes
from voxloop.bundles.checking import check
from voxloop.bundles.checking.config import Config
from voxloop.bundles.checking.references import judge
from voxloop.bundles.checking.targets import Targets
from voxloop.bundles.checking.values import UNKNOWN, evaluate
from voxloop.cli.main import app

BRAIN = {"0": "background", "1": "edema", "2": "non-enhancing tumor", "3": "enhancing tumour"}
MRI = {"0": "FLAIR", "1": "T1w", "2": "T1gd", "3": "T2w"}


def run(*words: str) -> Result:
    done = CliRunner().invoke(app, ["bundle", "check", *words], env={"COLUMNS": "200"})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


# -- sound bundles


@pytest.mark.parametrize(("recipe", "labels", "modality"), [("spleen_ct", SPLEEN, CT), ("brain_tumour", BRAIN, MRI)])
def test_our_own_recipes_are_sound_and_fit_their_data(
    recipe: str, labels: dict[str, str], modality: dict[str, str], tmp_path: Path
) -> None:
    data = write_dataset(tmp_path / "data", labels, modality)
    report = check(recipes.find(recipe), data=data)
    assert report.findings == ()
    assert "train.json + multi_gpu_train.json" in report.configs


def test_a_recipe_says_which_class_and_which_channel_a_dataset_lacks(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", {"0": "background", "1": "edema"}, {"0": "FLAIR", "1": "T1w"})
    found = {(one.kind, one.key) for one in check(recipes.find("brain_tumour"), data=data).findings}
    assert found == {("data_classes", "class_names"), ("data_channels", "channel_names")}


def test_a_bundle_as_others_write_them_has_what_it_has_and_nothing_else(tmp_path: Path) -> None:
    report = check(write_bundle(tmp_path / "bundle"))
    # It infers at another spacing than it trains at.
    assert report.count("error") == 1
    assert {one.kind for one in report.findings} - {"tensorboard_missing"} == {
        "train_infer_disagree",
        "inverted_as_float",
        "metadata_missing",
        "pairs_by_order",
        "split_by_position",
        "place_of_author",
    }
    alone = {"train.json", "evaluate.json", "inference.json", "train.json + multi_gpu_train.json"}
    assert set(report.configs) == alone


def test_a_config_that_needs_another_is_checked_over_it(tmp_path: Path) -> None:
    bundle = Planted()
    bundle.configs["train_second"] = {"extra": "@optimizer", "run": ["$@train#trainer.run()"]}
    bundle.configs["cases"] = {"training": [{"image": "a.nii.gz"}]}
    report = check(bundle.write(tmp_path / "bundle"))
    assert report.configs == ("train.json", "train.json + train_second.json", "inference.json")
    assert report.findings == ()


def test_yaml_is_read_as_json_is_where_its_package_is_there(tmp_path: Path) -> None:
    bundle = Planted()
    # JSON is YAML, too; the second key is one too many.
    text = json.dumps(bundle.configs.pop("train")).replace('"epochs": 20', '"epochs": 5, "epochs": 20')
    bundle.texts = {"configs/train.yaml": text, "configs/broken.yml": "a:\n  - b\n c: d\n"}
    found = {one.kind: one.sentence for one in check(bundle.write(tmp_path / "bundle")).findings}
    if importlib.util.find_spec("yaml") is None:
        assert "pip install pyyaml" in found["unreadable"]
        return
    assert "broken.yml is not valid YAML at line 3" in found["unreadable"]
    assert "train.yaml has the key twice" in found["duplicate_key"]
    assert set(found) == {"unreadable", "duplicate_key"}


# -- nothing of it is run


def test_nothing_of_a_bundle_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = Planted()
    mark = tmp_path / "it ran"
    write = f"open({str(mark)!r}, 'w')"
    bundle.texts["scripts/__init__.py"] = f"{write}\n\n\ndef net():\n    {write}\n"
    bundle.texts["sitecustomize.py"] = write
    bundle.set("imports", ["$import os", "$import scripts", f"${write}"])
    bundle.set("initialize", [f"${write}"])
    bundle.set("network_def", {"_target_": "scripts.net"})
    bundle.set("loss", {"_target_": "subprocess.check_output", "args": ["touch", str(mark)]})
    bundle.set("optimizer", {"_target_": "voxloop.__main__.main"})
    bundle.set("epochs", f"$len([{write}]) or 20")
    root = bundle.write(tmp_path / "bundle")
    monkeypatch.chdir(root)
    monkeypatch.syspath_prepend(str(root))
    report = check(root)
    assert not mark.exists()
    (code,) = (part for part in report.story if part.heading == "Code that it would run")
    assert any("it ran" in line for line in code.lines)


def test_what_scripts_reach_for_is_named_with_its_line(tmp_path: Path) -> None:
    bundle = Planted()
    bundle.texts["scripts/fetch.py"] = "import subprocess\n\n\ndef go():\n    eval('1')\n"
    (code,) = (part for part in check(bundle.write(tmp_path / "b")).story if part.heading == "Code that it would run")
    assert [line.strip() for line in code.lines if "fetch.py line" in line] == [
        "scripts/fetch.py line 1 imports subprocess",
        "scripts/fetch.py line 5 calls eval",
    ]


@pytest.mark.parametrize(
    ("hostile", "part"),
    [
        ({f"a{n}": [f"%a{n - 1}"] * 9 for n in range(1, 9)} | {"a0": ["x"] * 9}, "grows without end"),
        ({"m": "%configs/pipe.json#x"}, "the file configs/pipe.json is not there"),
        ({"network_def": {"_target_": "UNet", "spatial_dims": 3, "channels": [10**9, 10**9], "strides": [2]}}, ""),
        ({"network_def": {"_target_": "a" * 5000}}, "nowhere"),
        ({"epochs": "$" + "(" * 3000 + ")" * 3000}, "not valid Python"),
        ({"epochs": "$9**9**9**9"}, ""),
        ({f"k{n}": f"@k{n + 1}" for n in range(3000)} | {"k3000": 1, "epochs": "@k0"}, ""),
        ({"x\x1b[31m": "@no\x07where"}, ""),
        ({"bundle_root": "/dev", "dataset_dir": ["/dev/zero"]}, ""),
    ],
    ids=["bomb", "pipe", "huge network", "long name", "brackets", "power", "long chain", "control letters", "devices"],
)
def test_a_hostile_config_is_judged_at_once(hostile: dict[str, Any], part: str, tmp_path: Path) -> None:
    bundle = Planted()
    order = {"m": None} if "m" in hostile else {}
    bundle.configs["train"] = {**order, **dict(sorted(hostile.items())), **bundle.configs["train"], **hostile}
    root = bundle.write(tmp_path / "bundle")
    os.mkfifo(root / "configs" / "pipe.json")
    report = check(root)
    told = [one.sentence for one in report.findings] + [line for part in report.story for line in part.lines]
    assert any(part in sentence for sentence in told)
    assert all(letter.isprintable() for sentence in told for letter in sentence)


def test_a_network_of_monai_is_counted_without_being_made(tmp_path: Path) -> None:
    (about, *_) = check(recipes.find("spleen_ct")).story
    assert any("UNet, 4.81 million parameters (channels: 1 in, 2 out)" in line for line in about.lines)


# -- what MONAI itself would say

NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
VALUES = st.one_of(
    st.integers(0, 9), NAMES.map("@{}".format), NAMES.map("$[@{}]".format), NAMES.map("$len([@{}])".format)
)
GRAPHS = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d"]), st.one_of(VALUES, st.lists(VALUES, max_size=2)), min_size=1
)


@given(GRAPHS)
@settings(deadline=None, max_examples=60)
def test_references_are_refused_where_monais_own_parser_refuses_them(content: dict[str, Any]) -> None:
    from monai.bundle import ConfigParser

    content = {**content, "run": "$[" + ", ".join(f"@{key}" for key in content) + "].run()"}
    kinds = {one.kind for one in judge(Config("x", Path(), json.loads(json.dumps(content)), Targets(Path())))}
    parser = ConfigParser(json.loads(json.dumps({**content, "run": content["run"].removesuffix(".run()")})))
    said = ""
    try:
        parser.get_parsed_content("run")
    except ValueError as error:
        said = str(error)
    assert ("circular" in said) <= ("circular_reference" in kinds)
    assert ("not defined" in said) <= ("reference_to_nothing" in kinds)
    assert bool(said) == bool(kinds & {"reference_to_nothing", "circular_reference"})


NUMBERS = st.integers(-50, 50)
EXPRESSIONS = st.recursive(
    st.one_of(NUMBERS.map(str), st.sampled_from(["names", "sizes", "len(names)", "sizes[0]", "names[1:]", "True"])),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "and", "or"]), inner).map(lambda one: f"({one[0]} {one[1]} {one[2]})"),
        st.lists(inner, max_size=3).map(lambda one: f"[{', '.join(one)}]"),
        inner.map(lambda one: f"(not {one})"),
        st.tuples(inner, inner, inner).map(lambda one: f"({one[0]} if {one[1]} else {one[2]})"),
    ),
    max_leaves=6,
)  # fmt: skip


@given(EXPRESSIONS)
@settings(deadline=None, max_examples=80)
def test_an_expression_comes_to_what_python_makes_of_it_or_to_nothing(expression: str) -> None:
    known = {"names": ["background", "spleen"], "sizes": [96, 96, 64]}
    said = evaluate(expression.replace("names", "@names").replace("sizes", "@sizes"), known.get)
    if said is not UNKNOWN:
        assert said == eval(expression, {}, dict(known))  # a text that this test made


@given(st.text(alphabet=string.printable, max_size=40))
@settings(deadline=None, max_examples=80)
def test_any_text_may_stand_in_an_expression(text: str) -> None:
    evaluate(text, {"a": 1}.get)


# -- in plain words


def test_transforms_are_told_in_their_order_and_in_words(tmp_path: Path) -> None:
    report = check(Planted().write(tmp_path / "bundle"))
    training = next(part for part in report.story if part.heading == "train.json: it trains")
    assert [line.strip() for line in training.lines] == [
        "20 epochs, 2 scans at a time.",
        "Loss: DiceCELoss (to_onehot_y=true, softmax=true).",
        "Optimizer: Adam (lr=0.01).",
        "Learning rate: StepLR (step_size=10), stepped each epoch.",
        "Validates every 2 epochs.",
        "Each scan, before:",
        "1. loads the image and the label",
        "2. puts the channel axis first (the image and the label)",
        "3. turns the image and the label to RAS",
        "4. resamples to 1.5 x 1.5 x 2.0 mm (bilinear for the image, nearest for the label)",
        "5. scales intensities of the image from -57..164 to 0..1, clipped",
        "6. pads to at least 32 x 32 x 32 voxels",
        "7. takes 2 crops of 32 x 32 x 32 voxels at random, centred on label or background 1 : 1",
        "8. mirrors along axis 0, in 50 % of cases",
        "Each output, after:",
        "1. takes the strongest class and makes one channel of each of 2 classes (the prediction); makes one channel of each of "
        "2 classes (the label)",
    ]
    validation = next(part for part in report.story if part.heading == "train.json: it validates")
    assert "Saves weights (the best by its first metric) in ./models." in validation.lines


# -- the command


def test_a_person_reads_what_it_is_and_what_is_wrong(tmp_path: Path) -> None:
    bundle = Planted()
    bundle.set("train#trainer#max_epochs", "@epoch")
    root = str(bundle.write(tmp_path / "bundle"))
    short, explained = run(root), run(root, "--explain")
    assert (short.exit_code, explained.exit_code) == (1, 1)
    assert "Small spleen" in short.stdout
    assert 'train#trainer#max_epochs="@epoch" refers to "epoch"' in short.stdout
    assert "loads the image" not in short.stdout
    assert "loads the image" in explained.stdout
    assert "after the data were cached" in explained.stdout


def test_a_program_reads_json_and_the_exit_code(tmp_path: Path) -> None:
    bundle = Planted()
    bundle.set("dataset_dir", "/nowhere/Task09_Spleen")
    root = str(bundle.write(tmp_path / "bundle"))
    relaxed, strict = run(root, "--json"), run(root, "--json", "--strict")
    said = json.loads(relaxed.stdout)
    assert (relaxed.exit_code, strict.exit_code) == (0, 1)
    assert said["counts"] == {"error": 0, "warning": 1, "note": 0}
    assert said["findings"][0]["key"] == "dataset_dir"
    # A setting is checked as if it were set, in every config that has its key.
    assert run(root, "dataset_dir=data", "--strict").exit_code == 0
    with pytest.raises(Exception, match='did you mean "dataset_dir"'):
        run(root, "dataset_dirr=data")


def test_configs_that_are_named_are_merged_and_checked_alone(tmp_path: Path) -> None:
    bundle = Planted()
    bundle.configs["mine"] = {"train#trainer#max_epochs": 5}
    bundle.set("handlers#0#load_path", "models/best.pt", "inference")
    root = str(bundle.write(tmp_path / "bundle"))
    said = json.loads(run(root, "-c", "train.json", "-c", "mine.json", "--json").stdout)
    assert said["configs"] == ["train.json + mine.json"]
    assert list(said["kinds"]) == ["scheduler_never_fires"]
