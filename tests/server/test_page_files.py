"""The page for every address that is not the API's, whether it is built or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.server.conftest import HERE, Written
from voxloop.server.app import create_app
from voxloop.store import open_project

Shown = Callable[[Path], AbstractContextManager[TestClient]]


@pytest.fixture
def shown(written: Written) -> Shown:
    """A client of a server whose page lies in a folder."""

    @contextmanager
    def client(folder: Path) -> Iterator[TestClient]:
        with open_project(written.root) as project, TestClient(create_app(project, folder=folder), HERE) as one:
            yield one

    return client


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "page"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>the page")
    (folder / "favicon.svg").write_text("<svg/>")
    (folder / "assets" / "index-1a2b.js").write_text("let a = 1")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "out.txt").symlink_to(tmp_path / "secret.txt")
    return folder


@pytest.mark.parametrize("path", ["/", "/runs", "/runs/abc", "/viewer?run=a&case=b&step=1", "/apricot", "/a/b.c"])
def test_every_address_that_the_page_makes_up_is_the_page(shown: Shown, built: Path, path: str) -> None:
    with shown(built) as client:
        answer = client.get(path)
        assert (answer.status_code, answer.text) == (200, "<!doctype html>the page")
        assert answer.headers["cache-control"] == "no-cache", "a new version must be seen at once"
        assert client.head(path).status_code == 200


def test_files_are_served_as_what_they_are(shown: Shown, built: Path) -> None:
    with shown(built) as client:
        script = client.get("/assets/index-1a2b.js")
        assert script.headers["content-type"].startswith("text/javascript")
        assert "immutable" in script.headers["cache-control"]
        assert client.get("/favicon.svg").headers["content-type"].startswith("image/svg+xml")


def test_a_script_that_is_gone_is_not_the_page(shown: Shown, built: Path) -> None:
    with shown(built) as client:
        answer = client.get("/assets/index-old.js")
        assert answer.status_code == 404
        assert "reload" in answer.json()["detail"]


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/out.txt", "/assets/../../secret.txt"]
)
def test_nothing_beside_the_page_is_served(shown: Shown, built: Path, path: str) -> None:
    with shown(built) as client:
        assert "secret" not in client.get(path).text


def test_a_page_that_is_not_built_says_how_to_build_it(shown: Shown, tmp_path: Path) -> None:
    with shown(tmp_path / "nothing") as client:
        answer = client.get("/runs")
        assert answer.status_code == 503
        assert "make web" in answer.text
        assert client.get("/api/v1/project").status_code == 200, "the API works all the same"
