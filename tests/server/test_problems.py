"""Wrong questions get a sentence and the right status; nothing a client sends makes the server fail."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.server.conftest import HERE, Written
from voxloop.server.app import create_app
from voxloop.store import open_project


def problem(client: TestClient, address: str, status: int) -> str:
    answer = client.get(f"/api/v1{address}")
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"title", "detail"}
    return str(answer.json()["detail"])


def test_an_unknown_run_names_the_nearest(client: TestClient) -> None:
    for tail in ("", "/series", "/cases", "/volumes", "/volumes/spleen_2"):
        assert "unet-old" in problem(client, f"/runs/unet-oldd{tail}", 404)


def test_an_unknown_case_step_or_series_is_named(client: TestClient, written: Written) -> None:
    assert '"liver_7"' in problem(client, f"/runs/{written.run_id}/volumes/liver_7", 404)
    assert "1, 2, 3" in problem(client, f"/runs/{written.run_id}/volumes/spleen_2?step=9", 404)
    assert "test/scan" in problem(client, f"/runs/{written.run_id}/volumes/spleen_2?name=test/scan", 404)
    assert "4711" in problem(client, "/series/4711/points", 404)


@pytest.mark.parametrize(
    ("address", "names"),
    [
        ("/runs?limit=1000000000", "limit"),
        ("/runs?limit=0", "limit"),
        ("/runs?offset=-1", "offset"),
        ("/runs?offset=99999999999999999999", "offset"),
        ("/series/one/points", "series_id"),
        ("/series/99999999999999999999/points", "series_id"),
        ("/series/1/points?max=3", "max"),
        ("/series/1/points?max=1e9", "max"),
        ("/series/1/points?from=99999999999999999999", "from"),
        ("/runs/unet-a/volumes/spleen_2?step=99999999999999999999", "step"),
        ("/runs/unet-a/volumes/spleen_2?step=last", "step"),
    ],
)
def test_a_number_out_of_bounds_is_named(client: TestClient, address: str, names: str) -> None:
    assert problem(client, address, 422).startswith(f"{names}: ")


@pytest.mark.parametrize("digest", ["abc", "..", "%2e%2e", "z" * 64, "A" * 64, "a" * 63, "a" * 65, "%00" * 64])
def test_a_digest_is_64_hexadecimal_digits_or_nothing(client: TestClient, digest: str) -> None:
    assert client.get(f"/api/v1/blobs/{digest}/scan.nii.gz").status_code == 404


def test_a_missing_blob_says_so(client: TestClient) -> None:
    assert "missing" in problem(client, f"/blobs/{'a' * 64}/scan.nii.gz", 404)


@pytest.mark.parametrize("name", ["..%2f..%2fvoxloop.db", "%2e%2e", "..%5c..%5cvoxloop.db", "%2fetc%2fpasswd"])
def test_the_file_name_of_a_blob_leads_nowhere(client: TestClient, written: Written, name: str) -> None:
    link = client.get(f"/api/v1/runs/{written.run_id}/volumes/spleen_2").json()["image"]["url"]
    scan = client.get(link).content
    answer = client.get(f"{link.rpartition('/')[0]}/{name}")
    # Either it is no address at all, or it is the blob that the digest names.
    assert answer.status_code == 404 or answer.content == scan


def test_what_the_api_does_not_have_is_a_problem_and_not_the_page(client: TestClient) -> None:
    for address in ("/api", "/api/", "/api/v1", "/api/v2/runs", "/api/v1/runz", "/api/v1/runs/"):
        answer = client.get(address)
        assert answer.status_code == 404, address
        assert answer.json()["title"] == "Not found"
    answer = client.post("/api/v1/runs", json={})
    assert (answer.status_code, answer.json()["title"]) == (405, "Method not allowed")


@pytest.fixture
def broken(written: Written, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    with open_project(written.root) as project:

        def fail() -> int:
            raise RuntimeError("the secret of the disk")

        monkeypatch.setattr(project, "count_runs", fail)
        with TestClient(create_app(project), HERE) as client:
            yield client


def test_a_failure_is_told_without_its_traceback_and_logged_with_it(
    broken: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "voxloop.server"):
        answer = broken.get("/api/v1/project")
    assert answer.status_code == 500
    assert set(answer.json()) == {"title", "detail"}
    assert "secret" not in answer.text
    assert "content-security-policy" in answer.headers
    assert "the secret of the disk" in caplog.text


HOSTILE = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(word=HOSTILE, number=st.integers())
@example(word="\0", number=2**64)
@example(word="'; drop table runs; --", number=-(2**63))
@example(word="%", number=0)
@example(word="_" * 3000, number=2**63)
def test_no_word_and_no_number_makes_the_server_fail(client: TestClient, word: str, number: int) -> None:
    from urllib.parse import quote

    said = quote(word, safe="")
    for address in (
        f"/api/v1/runs/{said}",
        f"/api/v1/runs/unet-a/cases?metric={said}",
        f"/api/v1/runs/unet-a/volumes/{said}?step={number}&name={said}",
        f"/api/v1/series/{number}/points?from={number}&to={number}&max=10",
        f"/api/v1/runs?limit={number}&offset={number}",
        f"/api/v1/blobs/{said}/{said}",
        f"/{said}",
    ):
        assert client.get(address).status_code in (200, 404, 422, 503), address


def test_the_database_is_never_served(client: TestClient, written: Written) -> None:
    head = (written.root / "voxloop.db").read_bytes()[:16]
    up = "/".join([".."] * 12)
    for address in (
        f"/{up}{written.root}/voxloop.db",
        f"/{up}{written.root}/voxloop.db".replace("..", "%2e%2e"),
        f"//{Path(written.root, 'voxloop.db')}",
    ):
        assert head not in client.get(address).content
