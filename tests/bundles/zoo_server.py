"""A zoo on this machine: a server with a file, good or badly behaved, under each path, and the zips that it holds."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from tests.bundles.sound_bundle import INFERENCE, METADATA, TRAIN
from tests.data.fetch.server import Answer, Mirror, respond

NAME, VERSION = "small_spleen", "0.10.0"
ARCHIVE = f"{NAME}_v{VERSION}.zip"
# Noise, so that packing leaves enough of it for a download to break off in; and no pickle, so that opening it would fail.
WEIGHTS = np.random.default_rng(0).bytes(300_000)
LICENCE = "\n                                 Apache License\n                           Version 2.0, January 2004\n"


def files(**changed: bytes | None) -> dict[str, bytes]:
    """The bundle's files; `changed` adds or, with None, takes out."""
    made: dict[str, bytes | None] = {
        "configs/train.json": json.dumps(TRAIN).encode(),
        "configs/inference.json": json.dumps(INFERENCE).encode(),
        "configs/metadata.json": json.dumps({**METADATA, "version": VERSION}).encode(),
        "models/model.pt": WEIGHTS,
        "scripts/__init__.py": b"raise SystemExit('it ran')\n",
        "LICENSE": LICENCE.encode(),
        "docs/data_license.txt": b"CC BY-SA 4.0",
        **changed,
    }
    return {name: content for name, content in made.items() if content is not None}


def zipped(content: Mapping[str, bytes], top: str = f"{NAME}/") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in content.items():
            opened.writestr(zipfile.ZipInfo(f"{top}{name}"), data, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def listing(archive: bytes, source: str = "", **more: Any) -> bytes:
    """A model_info.json with an older and a newer version."""
    old = {"checksum": "0" * 40, "source": ""}
    new = {"checksum": hashlib.sha1(archive).hexdigest(), "source": source}
    return json.dumps({f"{NAME}_v0.9.0": old, f"{NAME}_v{VERSION}": new, "other_v0.1.0": old, **more}).encode()


@contextlib.contextmanager
def serving(paths: dict[str, bytes | Mirror]) -> Iterator[tuple[str, dict[str, Mirror]]]:
    """The server's address, and what was asked of each path. Paths can be added while it serves."""
    mirrors: dict[str, Mirror] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.lstrip("/")
            content = paths.get(path)
            if path not in mirrors:
                absent = Mirror(b"", answers=[Answer(404, body=b"")] * 99)
                mirrors[path] = (
                    content if isinstance(content, Mirror) else absent if content is None else Mirror(content)
                )
            mirror = mirrors[path]
            mirror.asked.append(dict(self.headers))
            answer = mirror.answers.pop(0) if mirror.answers else Answer()
            with contextlib.suppress(ConnectionError):
                respond(self, mirror, answer)
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", mirrors
        finally:
            for mirror in mirrors.values():
                mirror.go_on.set()
            server.shutdown()
            thread.join()
