"""A run says what code made it, and none of its secrets."""

from __future__ import annotations

import json
import os
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from tests.tracking.children import run_script
from voxloop.tracking import environment, git, packages
from voxloop.tracking.secrets import masked, without_login, without_secrets


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    run_git(folder, "init", "-q", "-b", "trunk")
    (folder / "train.py").write_text("lr = 1\n")
    (folder / "weights.bin").write_bytes(bytes(range(256)))
    run_git(folder, "add", ".")
    run_git(folder, "commit", "-q", "-m", "one")
    return folder


def run_git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    return subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def test_it_is_told_at_once_and_is_json() -> None:
    told = environment.describe()
    assert {"command", "python", "host", "system", "cpus", "cpu", "memory", "pid", "variables"} <= set(told)
    assert told["memory"] > 1 << 28
    json.dumps([told, environment.describe_code()], allow_nan=False)


def test_every_package_is_told_with_the_version_that_pip_knows() -> None:
    found = packages.installed()
    for name in ("numpy", "nibabel", "sqlalchemy", "pytest", "pytorch-ignite"):
        assert found[name] == metadata.version(name)
    known = {str(one.metadata["Name"]).replace("_", "-").replace(".", "-").lower() for one in metadata.distributions()}
    assert known <= set(found)


def test_the_commit_the_branch_and_the_change_are_told(repository: Path) -> None:
    commit = run_git(repository, "rev-parse", "HEAD")
    run_git(repository, "remote", "add", "origin", "https://me:ghp_0123456789012345678901234567@example.org/a.git")
    assert git.describe(repository) == {
        "commit": commit,
        "branch": "trunk",
        "dirty": False,
        "remote": "https://example.org/a.git",
    }
    assert git.diff(repository) is None


def test_a_change_is_told_as_a_patch_without_binary_files(repository: Path) -> None:
    (repository / "train.py").write_text("lr = 2\n")
    (repository / "weights.bin").write_bytes(bytes(300))
    (repository / "new.txt").write_text("not tracked")
    told = git.describe(repository)
    assert told is not None
    assert told["dirty"] is True
    patch = git.diff(repository)
    assert patch is not None
    assert "-lr = 1\n+lr = 2\n" in patch
    assert "Binary files a/weights.bin and b/weights.bin differ" in patch
    assert "\0" not in patch


def test_a_huge_change_is_cut_off(repository: Path) -> None:
    (repository / "train.py").write_text("x = 1\n" * 400_000)
    patch = git.diff(repository)
    assert patch is not None
    assert git.MOST <= len(patch) < git.MOST + 200
    assert patch.endswith("the rest was left out]\n")


def test_where_there_is_no_repository_no_commit_and_no_git_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert git.describe(tmp_path) is None
    assert git.diff(tmp_path) is None
    empty = tmp_path / "empty"
    empty.mkdir()
    run_git(empty, "init", "-q", "-b", "trunk")
    assert git.describe(empty) == {"commit": None, "branch": "trunk", "dirty": False, "remote": None}
    monkeypatch.setenv("PATH", "")
    (tmp_path / "other").mkdir()
    assert git.describe(tmp_path / "other") is None
    assert git.describe(tmp_path / "nowhere") is None


def test_a_folder_that_was_removed_does_not_end_a_run(tmp_path: Path) -> None:
    said = run_script(
        """
import os, sys
os.mkdir(sys.argv[1]); os.chdir(sys.argv[1]); os.rmdir(sys.argv[1])
from voxloop.tracking import environment
print(environment.describe()["folder"], environment.describe_code()["git"], environment.diff())
""",
        tmp_path / "gone",
    )
    assert said.strip() == "None None None"


def test_variables_are_named_and_few_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setenv("NCCL_SOCKET_IFNAME", "internal")
    monkeypatch.setenv("VOXLOOP_TOKEN", "hidden")
    monkeypatch.setenv("MY_PASSWORD", "hidden")
    told = environment.describe()["variables"]
    assert told["CUDA_VISIBLE_DEVICES"] == "0,1"
    assert told["NCCL_SOCKET_IFNAME"] is None
    assert told["VOXLOOP_TOKEN"] is None
    assert "MY_PASSWORD" not in told
    assert "hidden" not in json.dumps(told)
    assert list(told) == sorted(told)
    assert set(told) <= set(os.environ)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--token=abc"], ["--token=***"]),
        (["--token", "abc", "--lr", "1"], ["--token", "***", "--lr", "1"]),
        (["password=a b", "lr=1"], ["password=***", "lr=1"]),
        (["--wandb-api-key", "abc"], ["--wandb-api-key", "***"]),
        (["logger.apiKey=abc", "db.secretKey=x"], ["logger.apiKey=***", "db.secretKey=***"]),
        (["AWS_SECRET_ACCESS_KEY=x"], ["AWS_SECRET_ACCESS_KEY=***"]),
        (["--use-auth", "--epochs=3"], ["--use-auth", "--epochs=3"]),
        (
            ["max_tokens=5", "tokenizer=a", "author=b", "--key=image"],
            ["max_tokens=5", "tokenizer=a", "author=b", "--key=image"],
        ),
        (["postgresql://me:pw@host/db"], ["postgresql://***@host/db"]),
        (["--store=postgresql://me:pw@host/db"], ["--store=postgresql://***@host/db"]),
        (["hf_abcdefghijklmnopqrstuvwxyz"], ["***"]),
        (["data/hf_small", "sk-lr"], ["data/hf_small", "sk-lr"]),
        ([], []),
    ],
)
def test_secrets_of_a_command_line_are_left_out(arguments: list[str], told: list[str]) -> None:
    assert without_secrets(arguments) == told


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://me:pw@example.org/a.git", "https://example.org/a.git"),
        ("https://token@example.org/a.git?private_token=x", "https://example.org/a.git"),
        ("ssh://git@example.org/a.git", "ssh://example.org/a.git"),
        ("git@example.org:me/a.git", "git@example.org:me/a.git"),
        ("/srv/a.git", "/srv/a.git"),
    ],
)
def test_an_address_is_told_without_who_logs_in(url: str, told: str) -> None:
    assert without_login(url) == told
    assert masked(masked(url)) == masked(url)
