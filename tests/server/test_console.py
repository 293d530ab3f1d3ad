"""What a run printed, over HTTP: any range of its lines, what came since, where a text stands, and all of it as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

import voxloop as vx
from tests.server.conftest import HERE
from voxloop.server.api.console import LONGEST
from voxloop.server.app import create_app
from voxloop.store import Project, console, open_project, schema


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    root = tmp_path_factory.mktemp("printed")
    with vx.Run(name="../talker\r\n é", project=root, console=False, system_s=None):
        pass
    with open_project(root) as opened:
        yield opened


@pytest.fixture
def client(project: Project) -> Iterator[TestClient]:
    with TestClient(create_app(project), HERE) as one:
        yield one


def print_into(project: Project, pieces: list[str], start: int = 0) -> str:
    """Gives the run these pieces of output, from a number on."""
    run_id = project.runs()[0].id
    table = schema.console
    with project.writing() as connection:
        connection.execute(table.delete().where(table.c.number >= start))
        for number, text in enumerate(pieces, start):
            connection.execute(table.insert().values(run_id=run_id, number=number, time=100.0 + number, text=text))
    return run_id


def asked(client: TestClient, run_id: str, **params: Any) -> dict[str, Any]:
    answer = client.get(f"/api/v1/runs/{run_id}/console/lines", params=params)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    assert len(said["texts"]) == len(said["times"])
    return said


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("a\nb", max_size=8), max_size=6), st.integers(0, 12), st.integers(1, 12), st.integers(0, 6))
def test_any_range_is_a_range_of_the_whole(
    project: Project, pieces: list[str], first: int, count: int, known: int
) -> None:
    """Wherever the pieces were cut, and however much was known before."""
    run_id = print_into(project, pieces)
    whole = "".join(pieces)
    all_lines = whole.removesuffix("\n").split("\n") if whole else []
    with project.reading() as connection:
        index = console.index(connection, run_id)
        assert index.total == len(all_lines)
        found = console.lines(connection, run_id, index, first, count)
        assert [line.text for line in found] == all_lines[first : first + count]
    print_into(project, pieces[:known])
    with project.reading() as connection:
        before = console.index(connection, run_id)
    print_into(project, pieces)
    with project.reading() as connection:
        since = console.index(connection, run_id, before.mark)
        assert since.total == len(all_lines)
        assert [line.text for line in console.lines(connection, run_id, since, 0, 99)] == all_lines[since.first :]


def test_the_end_comes_first_and_then_what_came_since(client: TestClient, project: Project) -> None:
    run_id = print_into(project, ["".join(f"line {n}\n" for n in range(1000))])
    tail = asked(client, run_id, count=3)
    assert (tail["total"], tail["first"], tail["texts"]) == (1000, 997, ["line 997", "line 998", "line 999"])
    assert asked(client, run_id, since=tail["mark"]) == {**tail, "first": 1000, "texts": [], "times": []}
    print_into(project, ["more\nand more\n"], start=1)
    news = asked(client, run_id, since=tail["mark"])
    assert (news["total"], news["first"], news["texts"]) == (1002, 1000, ["more", "and more"])
    assert news["times"] == [101.0, 101.0]
    part = asked(client, run_id, **{"from": 998, "count": 3})
    assert part["texts"] == ["line 998", "line 999", "more"]
    assert asked(client, run_id, **{"from": 5000})["texts"] == []
    for wrong in ("1", "a.b", "1.1.1", "9" * 16 + ".0"):
        assert client.get(f"/api/v1/runs/{run_id}/console/lines", params={"since": wrong}).status_code == 422


def test_a_text_is_found_through_colours_and_capitals(client: TestClient, project: Project) -> None:
    run_id = print_into(project, ["epoch 1\n\x1b[1;31mnew \x1b[0mBest\n", "nothing\nNEW BEST", " again\n"])

    def hits(text: str) -> Any:
        return client.get(f"/api/v1/runs/{run_id}/console/hits", params={"text": text}).json()

    assert hits("new best") == {"total": 2, "lines": [1, 3]}
    assert hits("[31m") == {"total": 0, "lines": []}
    assert hits("best again")["lines"] == [3]
    assert hits(".*")["total"] == 0, "a text is a text, never a pattern"


def test_what_would_choke_a_page_is_cut_and_progress_is_resolved(client: TestClient, project: Project) -> None:
    run_id = print_into(project, ["x" * (LONGEST + 1234) + "\n 10 %\r 90 %\r100 %\r\nwindows\r\n"])
    long, bar, windows = asked(client, run_id)["texts"]
    assert len(long) < LONGEST + 100
    assert "1,234 more characters" in long
    assert (bar, windows) == ("100 %", "windows")
    assert client.get(f"/api/v1/runs/{run_id}/console").json()["text"].startswith("x" * (LONGEST + 1234) + "\n")


def test_all_of_it_is_a_file_of_a_harmless_name(client: TestClient, project: Project) -> None:
    run_id = print_into(project, [f"\x1b[32mpiece {n}\x1b[0m\n" for n in range(console.BATCH + 2)])
    answer = client.get(f"/api/v1/runs/{run_id}/console.txt")
    assert answer.headers["content-disposition"] == 'attachment; filename="talker.log"'
    assert answer.text == "".join(f"piece {n}\n" for n in range(console.BATCH + 2))
    coloured = client.get(f"/api/v1/runs/{run_id}/console.txt", params={"colours": True}).text
    assert coloured.startswith("\x1b[32mpiece 0\x1b[0m\n")
    assert client.get("/api/v1/runs/nobody/console.txt").status_code == 404
