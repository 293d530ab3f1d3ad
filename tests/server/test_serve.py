"""Real servers in processes of their own: how fast they answer, what they say when they can't, how they end."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import voxloop as vx

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
# Other work may keep this machine busy; how fast it is alone is measured by `make bench`.
PATIENCE_S = 20.0


@pytest.fixture
def project(tmp_path: Path) -> Path:
    vx.Run(name="one", project=tmp_path).finish()
    return tmp_path


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def command(folder: Path, port: int, *more: str) -> list[str]:
    return [sys.executable, "-m", "voxloop", "serve", "--project", str(folder), "--port", str(port), "--no-open", *more]


@contextmanager
def running(folder: Path, port: int, *more: str) -> Iterator[subprocess.Popen[str]]:
    """A server that answers, and is gone afterwards."""
    server = subprocess.Popen(
        command(folder, port, *more), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=ENVIRONMENT
    )
    try:
        until = time.monotonic() + PATIENCE_S
        while True:
            assert server.poll() is None, server.communicate()[0]
            assert time.monotonic() < until, f"no answer within {PATIENCE_S} s"
            try:
                ask(port, "/")
                break
            except ConnectionError:
                time.sleep(0.02)
        yield server
    finally:
        if server.poll() is None:
            server.kill()
        server.communicate()


def ask(port: int, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@contextmanager
def listening(port: int) -> Iterator[Any]:
    """An open stream of events, past its first comment."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/api/v1/events")
        answer = connection.getresponse()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.fp.readline().strip()
        yield answer
    finally:
        connection.close()


def finish(server: subprocess.Popen[str]) -> tuple[float, str]:
    started = time.monotonic()
    server.send_signal(signal.SIGINT)
    said, _ = server.communicate(timeout=PATIENCE_S)
    return time.monotonic() - started, said


def test_a_server_answers_and_ctrl_c_ends_it_without_a_word(project: Path) -> None:
    port = free_port()
    with running(project, port) as server:
        status, body = ask(port, "/api/v1/project")
        assert (status, json.loads(body)["runs"]) == (200, 1)
        took, said = finish(server)
    assert server.returncode == 0
    assert took < 5
    assert said.splitlines() == [f"Voxloop shows {project} at http://127.0.0.1:{port}/", "Press Ctrl-C to stop."]


def test_ctrl_c_ends_a_server_whose_events_are_watched(project: Path) -> None:
    port = free_port()
    with running(project, port) as server, listening(port) as events, listening(port):
        took, said = finish(server)
        assert events.fp.read().endswith(b"0\r\n\r\n"), "the stream was ended, not cut off"
    assert server.returncode == 0
    assert took < 5
    assert len(said.splitlines()) == 2, said


def test_a_change_by_another_process_is_heard_within_two_seconds(project: Path) -> None:
    port = free_port()
    program = f"""
import time
import voxloop as vx
run = vx.Run(name="two", project={str(project)!r})
time.sleep(1.5)
print(time.time(), flush=True)
run.log({{"loss": 0.5}}, step=1)
time.sleep(3)
run.finish()
"""
    with running(project, port), listening(port) as events:
        writer = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
        try:
            assert writer.stdout is not None
            logged = float(writer.stdout.readline())
            heard = 0.0
            while heard < logged:
                if events.fp.readline().startswith(b"event: change"):
                    heard = time.time()
            assert heard - logged < 2.0
        finally:
            writer.kill()
            writer.communicate()


def test_listeners_that_leave_are_forgotten(project: Path) -> None:
    port = free_port()
    with running(project, port) as server:
        for _ in range(20):
            with listening(port):
                pass
        descriptors = Path(f"/proc/{server.pid}/fd")
        if not descriptors.is_dir():
            pytest.skip("Open files are counted in /proc, which this system lacks.")
        until = time.monotonic() + 5
        while (left := sum("socket" in str(one.readlink()) for one in descriptors.iterdir() if one.is_symlink())) > 10:
            assert time.monotonic() < until, f"{left} sockets are still open"
            time.sleep(0.1)


def refused(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=ENVIRONMENT)
    assert done.returncode == 1, done
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def test_a_port_that_a_voxloop_has_names_its_project(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    port = free_port()
    with running(project, port):
        line = refused(*command(project, port))
    assert line == (
        f"voxloop: Port {port} on 127.0.0.1 is taken by a voxloop that shows {project}; "
        f"open http://127.0.0.1:{port}/, or choose another port with --port."
    )


def test_a_port_that_another_program_has_is_named(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = refused(*command(project, port))
    assert f"Port {port} on 127.0.0.1 is taken by another program" in line
    assert "--port" in line


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--port", "70000"], "no port 70000"),
        (["--host", "203.0.113.7"], "203.0.113.7"),
        (["--host", "no.such.name.invalid"], "no.such.name.invalid"),
        (["--host", "0.0.0.0", "--token", ""], "token is empty"),
        (["--project", "/nowhere/at/all"], "No folder is at /nowhere/at/all"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(project: Path, more: list[str], says: str) -> None:
    assert says in refused(*command(project, free_port(), *more))


def test_another_address_makes_a_token_and_prints_it(project: Path) -> None:
    port = free_port()
    with running(project, port, "--host", "0.0.0.0") as server:
        assert ask(port, "/api/v1/project")[0] == 401
        assert server.stdout is not None
        token = server.stdout.readline().strip().partition("?token=")[2]
        assert len(token) >= 32
        assert ask(port, "/api/v1/project", {"authorization": f"Bearer {token}"})[0] == 200
