"""Nobody from outside: names, origins and tokens, asked of every route that there is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from tests.server.conftest import HERE, Written
from voxloop.server.app import create_app
from voxloop.server.guard import Guard, hostname
from voxloop.store import open_project

TOKEN = "käse & brot; 42"
VALUES = {
    "run_id": "unet-a",
    "series_id": "1",
    "media_id": "1",
    "part": "image",
    "case": "spleen_2",
    "digest": "a" * 64,
    "filename": "a.nii.gz",
    "path": "",
    "name": "spleen-ct",
    "ref": "spleen-ct:v1",
    "alias": "best",
    "view": "1",
}


def addresses() -> list[tuple[str, str]]:
    """Method and path of every route, found by walking the app's own table."""
    found: set[tuple[str, str]] = set()

    def walk(routes: Iterable[Any], before: str = "") -> None:
        for route in routes:
            included = getattr(route, "original_router", None)
            if included is not None:
                walk(included.routes, before + route.include_context.prefix)
            elif hasattr(route, "path"):
                path = route.path
                for name, value in VALUES.items():
                    path = path.replace(f"{{{name}:path}}", value).replace(f"{{{name}}}", value)
                found.update((method, before + path) for method in route.methods)

    app = create_app(None)
    walk(app.routes)
    paths = {path for _, path in found}
    assert {"/", "/api/openapi.json", "/api/v1/events", "/api/v1/runs/unet-a"} <= paths, sorted(paths)
    assert len(app.openapi()["paths"]) == len(paths) - 2, "the walk has missed some"
    assert not any("{" in path for _, path in found), "a new path parameter needs a value here"
    return sorted(found)


@pytest.fixture
def tokened(written: Written) -> Iterator[TestClient]:
    with (
        open_project(written.root) as project,
        TestClient(
            create_app(project, TOKEN, hosts=None), "http://gpu1.hospital.example:8765", follow_redirects=False
        ) as one,
    ):
        yield one


@pytest.mark.parametrize(("method", "path"), addresses())
def test_no_route_answers_under_another_name(client: TestClient, method: str, path: str) -> None:
    # So would ask a page of evil.example whose name was made to point to this machine.
    for host in ("evil.example", "evil.example:8765", "127.0.0.1.evil.example", "", "[::1", "127.0.0.1@evil.example"):
        answer = client.request(method, path, headers={"host": host})
        assert answer.status_code == 421, (host, answer.text)


@pytest.mark.parametrize(("method", "path"), addresses())
def test_no_route_answers_without_the_token(tokened: TestClient, method: str, path: str) -> None:
    for headers in (
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer "},
        {"authorization": "Basic " + "a" * 9},
        {"cookie": "voxloop_8765=wrong"},
        {"cookie": "a@b=1; =; voxloop_8765"},
    ):
        answer = tokened.request(method, path, headers=headers)
        assert answer.status_code == 401, (headers, answer.text)
    assert tokened.request(method, f"{path}?token=").status_code == 401
    assert tokened.request(method, f"{path}?token=wrong").status_code == 401


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8765", "localhost:9", "LOCALHOST", "[::1]:8765"])
def test_loopback_has_many_names(client: TestClient, host: str) -> None:
    assert client.get("/api/v1/project", headers={"host": host}).status_code == 200


def test_hostname_is_the_name_alone() -> None:
    assert [hostname(host) for host in ("[::1]:8765", "a.b:1", "::1", "[", "")] == ["::1", "a.b", "", "", ""]


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "https://127.0.0.1:8765.evil.example"]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_another_site_may_not_change_anything(client: TestClient, method: str, origin: str) -> None:
    assert client.request(method, "/api/v1/project", headers={"origin": origin}).status_code == 403
    # From its own page the question is heard; there is only nothing to be changed yet.
    assert client.request(method, "/api/v1/project", headers={"origin": HERE}).status_code == 405


def test_the_token_is_known_by_header(tokened: TestClient) -> None:
    said = [(b"authorization", f"Bearer {TOKEN}".encode())]
    assert tokened.get("/api/v1/project", headers=said).status_code == 200


def test_the_token_is_said_once_and_leaves_the_address(tokened: TestClient) -> None:
    answer = tokened.get("/runs", params={"token": TOKEN, "q": "a b", "empty": ""})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/runs?q=a+b&empty="
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert TOKEN not in cookie
    assert tokened.get("/api/v1/project").status_code == 200, "from then on by the cookie"
    again = tokened.get("/", params={"token": TOKEN})
    assert (again.status_code, again.headers["location"]) == (303, "/")


@pytest.mark.parametrize("path", ["//evil.example/", "/%5cevil.example/", "/a%0d%0aset-cookie:b=c", "/ä"])
def test_the_way_back_stays_on_this_server(tokened: TestClient, path: str) -> None:
    from urllib.parse import quote

    answer = tokened.get(f"http://gpu1.hospital.example:8765{path}?token={quote(TOKEN)}")
    assert answer.status_code == 303
    where = answer.headers["location"]
    assert where.startswith("/")
    assert where[1:2] not in ("/", "\\")
    assert "b=c" not in str(answer.headers.get("set-cookie"))


def test_a_served_token_does_not_open_other_names_on_loopback(written: Written) -> None:
    with open_project(written.root) as project, TestClient(create_app(project, TOKEN), HERE) as client:
        said = [(b"authorization", f"Bearer {TOKEN}".encode()), (b"host", b"evil.example")]
        assert client.get("/api/v1/project", headers=said).status_code == 421


@pytest.mark.parametrize(("token", "hosts"), [(None, None), ("", None), ("", ["localhost"])])
def test_a_guard_that_guards_nothing_is_not_made(token: str | None, hosts: list[str] | None) -> None:
    with pytest.raises(AssertionError):
        Guard(create_app(None), token, hosts)


def test_no_websocket_passes(client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/api/v1/events"):
        pass


@pytest.mark.parametrize("path", ["/", "/api/v1/project", "/api/v1/runs/none", "/api/openapi.json"])
def test_every_answer_carries_the_security_headers(client: TestClient, path: str) -> None:
    for headers in ({}, {"host": "evil.example"}):
        answer = client.get(path, headers=headers)
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers
