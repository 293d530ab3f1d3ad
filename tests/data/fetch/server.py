"""A mirror on this machine that behaves as it is told, well or badly, answer by answer."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    """How one request is answered. By default as a good server answers it."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    drop_after: int | None = None
    silent_after: int | None = None
    claim: int | None = None
    chunked: bool = False
    shift: int = 0


@dataclass
class Mirror:
    """The file that it has, whether it knows ranges, the answers to come, and the requests that came."""

    content: bytes
    etag: str | None = '"v1"'
    modified: str | None = None
    ranges: bool = True
    honours_if_range: bool = True
    answers: list[Answer] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)
    url: str = ""


@contextlib.contextmanager
def serving(mirror: Mirror) -> Iterator[Mirror]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            mirror.asked.append(dict(self.headers))
            mirror.paths.append(self.path)
            answer = mirror.answers.pop(0) if mirror.answers else Answer()
            with contextlib.suppress(ConnectionError):
                respond(self, mirror, answer)
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        mirror.url = f"http://127.0.0.1:{server.server_port}/msd"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield mirror
        finally:
            mirror.go_on.set()
            server.shutdown()
            thread.join()


def respond(handler: BaseHTTPRequestHandler, mirror: Mirror, answer: Answer) -> None:
    first, whole = 0, len(mirror.content)
    asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    if asked and mirror.ranges and answer.status is None and same_version(handler, mirror):
        first = int(asked[1])
        if first >= whole:
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{whole}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
    body = mirror.content[first + answer.shift :] if answer.body is None else answer.body
    handler.send_response(answer.status or (206 if first else 200))
    if first:
        handler.send_header("Content-Range", f"bytes {first + answer.shift}-{whole - 1}/{whole}")
    if mirror.etag and answer.status is None:
        handler.send_header("ETag", mirror.etag)
    if mirror.modified and answer.status is None:
        handler.send_header("Last-Modified", mirror.modified)
    if answer.chunked:
        handler.send_header("Transfer-Encoding", "chunked")
    else:
        handler.send_header("Content-Length", str(len(body) if answer.claim is None else answer.claim))
    for name, value in answer.headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    sent = body[: answer.drop_after if answer.silent_after is None else answer.silent_after]
    if answer.chunked:
        for at in range(0, len(sent), 50_000):
            piece = sent[at : at + 50_000]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        if answer.drop_after is None:
            handler.wfile.write(b"0\r\n\r\n")
    else:
        handler.wfile.write(sent)
    handler.wfile.flush()
    if answer.silent_after is not None:
        mirror.go_on.wait(30)


def same_version(handler: BaseHTTPRequestHandler, mirror: Mirror) -> bool:
    condition = handler.headers.get("If-Range")
    return not mirror.honours_if_range or condition in (None, mirror.etag, mirror.modified)
