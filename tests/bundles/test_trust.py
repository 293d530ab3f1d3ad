"""What is asked before a bundle runs, and what a person is told of it, is found in its own text; nothing of it is executed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.training.bundles import write_bundle
from voxloop import recipes
from voxloop.bundles import powers, trust
from voxloop.bundles.reading import read
from voxloop.bundles.trust import Program
from voxloop.bundles.writing import write
from voxloop.errors import VoxloopError

Config = dict[str, Any]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where trust is remembered in these tests."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A model as `voxloop train` saves it, with the numbers and names that were used."""
    (tmp_path / "weights.pt").write_bytes(b"weights")
    used = {"spacing_mm": [6, 6, 6], "roi_size": [16, 16, 16], "network_def#dropout": 0.1, "epochs": 3}
    return write(recipes.find("spleen_ct"), tmp_path / "bundle", tmp_path / "weights.pt", used, 0.5)


def edit(bundle: Path, name: str, change: Callable[[Config], None]) -> None:
    path = bundle / "configs" / name
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))


def test_a_model_that_was_trained_here_is_not_asked_about(trained: Path, home: Path) -> None:
    """It holds a recipe's code and nothing else, so where it lies and what its row says does not matter."""
    assert Program.of(trained).came_with_voxloop
    edit(
        trained,
        "inference.json",
        lambda config: config.update(class_names=["background", "Milz"], roi_size=[32, 32, 32]),
    )
    edit(trained, "metadata.json", lambda config: config.update(description="of a colleague"))
    trust.require(Program.of(trained))
    assert not home.exists(), "nothing has to be remembered"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("inference.json", lambda c: c["network_def"].update(out_channels="$__import__('os').getpid()")),
        ("inference.json", lambda c: c["imports"].append("$import subprocess")),
        ("inference.json", lambda c: c["network_def"].update(_target_="subprocess.run")),
        ("inference.json", lambda c: c["preprocessing"]["transforms"][0].update(reader="builtins.open")),
        ("inference.json", lambda c: c.update(class_names=["background", "$exit()"])),
        ("inference.json", lambda c: c.update(class_names=["background", "%/tmp/other.json#x"])),
        ("inference.json", lambda c: c.update(class_names={"_target_": "os.getpid"})),
        ("metadata.json", lambda c: c.update(description="$exit()")),
    ],
)
def test_one_text_that_no_recipe_has_makes_it_foreign(
    trained: Path, name: str, change: Callable[[Config], None]
) -> None:
    edit(trained, name, change)
    assert not Program.of(trained).came_with_voxloop


@pytest.mark.parametrize(
    "file", ["scripts/more.py", "more.so", "torch.py", "configs/extra.json", "configs/logging.conf"]
)
def test_one_file_that_no_recipe_has_makes_it_foreign(trained: Path, file: str) -> None:
    (trained / file).parent.mkdir(exist_ok=True)
    (trained / file).write_text('{"a": "$1"}')
    assert not Program.of(trained).came_with_voxloop


def test_torchscript_is_code_where_no_weights_lie_beside_it(trained: Path) -> None:
    (trained / "models" / "model.ts").write_bytes(b"a program")
    assert Program.of(trained).came_with_voxloop
    (trained / "models" / "model.pt").unlink()
    assert not Program.of(trained).came_with_voxloop


def test_a_setting_of_ones_own_does_not_make_a_model_foreign_to_whoever_trained_it(
    trained: Path, tmp_path: Path, home: Path
) -> None:
    """Elsewhere its text says nothing of who wrote it."""
    used = {"network_def#norm": "instance"}
    made = write(recipes.find("spleen_ct"), tmp_path / "own", tmp_path / "weights.pt", used, 0.5)
    assert not Program.of(made).came_with_voxloop
    trust.require(Program.of(made))
    shutil.rmtree(home)
    with pytest.raises(VoxloopError, match="own did not come with voxloop"):
        trust.require(Program.of(made))


def test_what_is_made_of_a_foreign_bundle_is_as_foreign(tmp_path: Path) -> None:
    source, made = write_bundle(tmp_path / "source"), write_bundle(tmp_path / "made", epochs=3)
    trust.vouch(Program.of(made), Program.of(source))
    assert not trust.is_trusted(Program.of(made))
    trust.require(Program.of(source), given=True)
    trust.vouch(Program.of(made), Program.of(source))
    assert trust.is_trusted(Program.of(made))


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("configs/train.json", True),
        ("scripts/deep/er.py", True),
        ("scripts/steps.pyc", True),
        ("models/model.ts", True),
        ("linked/more.py", True),
        ("models/model.pt", False),
        ("docs/README.md", False),
        ("eval/metrics.csv", False),
        ("scripts/__pycache__/steps.cpython-311.pyc", False),
    ],
)
def test_the_digest_changes_with_any_code_and_with_nothing_else(tmp_path: Path, file: str, counts: bool) -> None:
    bundle = write_bundle(tmp_path / "tiny")
    (tmp_path / "elsewhere").mkdir()
    (bundle / "linked").symlink_to(tmp_path / "elsewhere")
    before = Program.of(bundle).digest
    (bundle / file).parent.mkdir(parents=True, exist_ok=True)
    (bundle / file).write_text("{}")
    assert (Program.of(bundle).digest != before) == counts
    moved = Path(shutil.copytree(bundle, tmp_path / "copy", symlinks=True))
    assert Program.of(moved).digest == Program.of(bundle).digest, "wherever it lies"


@pytest.mark.parametrize(
    ("source", "power", "what"),
    [
        ("import requests\nrequests.get('x')", "opens network connections", "requests.get"),
        ("from urllib.request import urlopen as u\nu('x')", "opens network connections", "urllib.request.urlopen"),
        ("import subprocess as sp\nsp.run(['ls'])", "starts programs", "subprocess.run"),
        ("from os import system\nsystem('ls')", "starts programs", "os.system"),
        ("__import__('os').system('ls')", "starts programs", "os.system"),
        ("eval('1')", "runs text as code", "eval"),
        ("run = exec\n", "runs text as code", "exec"),
        ("import importlib\nimportlib.import_module('x')", "runs text as code", "importlib.import_module"),
        ("import pickle\npickle.loads(b'')", "reads pickles, which are code", "pickle.loads"),
        ("import torch\ntorch.load('x')", "reads pickles, which are code", "torch.load"),
        ("import torch\ntorch.load('x', weights_only=False)", "reads pickles, which are code", "torch.load"),
        ("import numpy as np\nnp.load('x', allow_pickle=True)", "reads pickles, which are code", "numpy.load"),
        ("import ctypes\nctypes.CDLL('x')", "loads machine code", "ctypes.CDLL"),
        ("open('x', 'w')", "writes files", "open"),
        ("mode = 'r'\nopen('x', mode)", "writes files", "open"),
        ("path.write_text('x')", "writes files", "write_text"),
        ("import shutil\nshutil.rmtree('x')", "deletes or moves files", "shutil.rmtree"),
        ("import os\nlist(map(os.remove, names))", "deletes or moves files", "os.remove"),
        ("import os\nos.environ['TOKEN']", "reads the environment, where passwords lie", "os.environ"),
    ],
)
def test_what_code_would_do_is_read_from_it(source: str, power: str, what: str) -> None:
    deeds = powers.of_script(source, "scripts/x.py").deeds
    assert (power, what) in {(deed.power, deed.what) for deed in deeds}
    line = len(source.strip().splitlines())
    assert f"scripts/x.py:{line}" in {deed.where for deed in deeds}


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.path.join('a', 'b')",
        "open('x')",
        "open('x', 'rb')",
        "import torch\ntorch.load('x', weights_only=True)",
        "import numpy as np\nnp.load('x')",
        "import re\nre.compile('x')",
        "model.eval()",
        "from subprocess import CompletedProcess\n",
    ],
)
def test_it_is_silent_on_what_harms_nobody(source: str) -> None:
    assert powers.of_script(source, "x.py").deeds == []


def test_expressions_are_read_with_the_names_that_the_config_imports() -> None:
    known = powers.imported_by("$import shutil as sh")
    deeds = powers.of_expression(
        "$sh.rmtree(@output_dir + '/x') if @clean#up else None", "train.json: run", known
    ).deeds
    assert [(deed.power, deed.what) for deed in deeds] == [("deletes or moves files", "shutil.rmtree")]
    assert powers.of_expression("$@train#trainer.run()", "x").deeds == []
    assert [deed.power for deed in powers.of_expression("$torch.hub.load('a', 'b')", "x").deeds] == [
        "opens network connections"
    ]


def test_a_person_is_told_what_this_bundle_would_do(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "tiny")
    (bundle / "scripts" / "fetch.py").write_text(
        "import requests\n\n\ndef get():\n    return requests.get('http://x')\n"
    )
    edit(
        bundle, "train.json", lambda config: config.update(cleanup={"_target_": "shutil.rmtree", "path": "@output_dir"})
    )
    (bundle / "scripts" / "fast.so").write_bytes(b"\0")
    asked: list[str] = []

    def say_yes(why: str) -> bool:
        asked.append(why)
        return True

    trust.require(Program.of(bundle), ask=say_yes)
    (why,) = asked
    assert why.startswith("tiny did not come with voxloop, and a bundle is a program that runs with your rights")
    assert "name 3 classes outside MONAI and PyTorch (scripts.LossFile, scripts.steps.Contrastd, shutil.rmtree)" in why
    assert "it has 4 Python files of" in why
    assert "opens network connections (requests.get in scripts/fetch.py:5)" in why
    assert "deletes or moves files (shutil.rmtree in configs/train.json: cleanup::_target_)" in why
    assert "writes files (open in scripts/__init__.py:" in why
    assert "What scripts/fast.so would do cannot be read here." in why
    assert "\n" not in why


def test_where_nothing_grave_is_found_that_is_said_as_what_it_is(tmp_path: Path) -> None:
    """Reading proves nothing: a bundle that means harm hides it."""
    told = Program.of(write_bundle(tmp_path / "tiny")).why
    assert "Nothing was found that opens a network connection, starts a program or deletes a file" in told
    assert told.endswith("which proves nothing.")


def test_the_whole_of_it_is_there_for_a_program(tmp_path: Path) -> None:
    said = Program.of(write_bundle(tmp_path / "tiny")).reading.as_dict()
    assert json.loads(json.dumps(said)) == said
    assert said["expressions"] > 20
    assert said["imports"] == ["ignite", "monai", "os", "scipy", "torch"]
    assert {"power", "what", "where"} == set(said["deeds"][0])


def test_what_is_no_python_is_said_to_be_unread_and_nothing_is_run(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "tiny")
    (bundle / "scripts" / "odd.py").write_text("this is (no python")
    (bundle / "scripts" / "deep.py").write_text("x = " + "(" * 5000 + ")" * 5000)
    (bundle / "configs" / "half.json").write_text('{"a": ')
    edit(bundle, "train.json", lambda config: config.update(odd="$this is (none"))
    found = read(bundle, Program.of(bundle).files)
    assert set(found.unread) == {
        "scripts/odd.py",
        "scripts/deep.py",
        "configs/half.json",
        "the expression at odd in configs/train.json",
    }


def test_neither_training_nor_going_on_runs_what_nobody_trusts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle of somebody else, and a run whose settings somebody else wrote."""
    from typer.testing import CliRunner

    import voxloop as vx
    from voxloop.cli.main import app
    from voxloop.data.phantom import make_spleen

    monkeypatch.chdir(tmp_path)
    write_bundle(tmp_path / "theirs")
    make_spleen(tmp_path / "data", cases=2, seed=1, size="small", test_cases=0)
    done = CliRunner().invoke(app, ["train", "theirs", "--data", "data"])
    assert "theirs did not come with voxloop" in str(done.exception)
    job = {
        "recipe": "spleen_ct",
        "data": str(tmp_path / "data"),
        "preset": "quick",
        "split": "default",
        "overrides": {"seed": "$exit()"},
    }
    # Finished, or stopped before it had a state of its own: neither has one here.
    sentences = {"finished": "The states of run imported are not in", "interrupted": "was not trained in this project"}
    for status, sentence in sentences.items():
        with vx.Run(name="imported", params={"job": job}, project=tmp_path / ".voxloop") as run:
            run.finish(status)
        done = CliRunner().invoke(app, ["train", "--resume", run.id])
        assert sentence in str(done.exception)
