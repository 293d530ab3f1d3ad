"""Asking a server for a file from some byte on, and what it may answer: a part, the whole, another time, no."""

from __future__ import annotations

import http.client
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from email.message import Message
from typing import IO, Any
from urllib.parse import quote, urlsplit

from voxloop.data.fetch.parts import Version
from voxloop.errors import VoxloopError

# Busy, or broken for a moment.
ANOTHER_TIME = (408, 425, 429, 500, 502, 503, 504)
LONGEST_PAUSE_S = 60.0


class DroppedError(Exception):
    """The file did not come whole this time, and another try may bring the rest, or all of it `anew`."""

    def __init__(self, why: str, pause_s: float = 0.0, anew: bool = False) -> None:
        super().__init__(why)
        self.pause_s, self.anew = pause_s, anew


@dataclass(frozen=True, slots=True)
class Answer:
    """Bytes from `first` on, of a file that is described by `version`."""

    url: str
    first: int
    version: Version
    _response: http.client.HTTPResponse

    def continues(self, version: Version) -> bool:
        """Whether these bytes are of the version that a part is of, as far as both say."""
        pairs = zip(astuple(self.version), astuple(version), strict=True)
        return all(mine is None or theirs is None or mine == theirs for mine, theirs in pairs)

    def read(self, count: int) -> bytes:
        """What has arrived, at most `count`; nothing at the end."""
        try:
            # `read` would wait for all of it, and lose it when the connection drops.
            return self._response.read1(count)
        except (OSError, http.client.HTTPException) as error:
            raise DroppedError(_reason(error)) from error


@contextmanager
def ask(url: str, first: int, version: Version, silence_s: float, answered: bool) -> Iterator[Answer]:
    """Opens the file at a place. Raises DroppedError where another try may help, and a sentence where none will.

    A server that has `answered` before may be away for a moment; one that never has is not there.
    """
    request = urllib.request.Request(require_address(url))
    request.add_header("User-Agent", "voxloop")
    # Packed on the way it would be other bytes, with other places.
    request.add_header("Accept-Encoding", "identity")
    if first:
        request.add_header("Range", f"bytes={first}-")
        if version.condition:
            request.add_header("If-Range", version.condition)
    try:
        response = urllib.request.build_opener(_OnlyHttp).open(request, timeout=silence_s)
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(url, error, first) from error
    except http.client.InvalidURL as error:
        raise VoxloopError(f"{url} is no address ({error}); check --mirror.") from error
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(url, error, answered) from error
    with response:
        yield _answer(url, response)


def require_address(url: str) -> str:
    """The address as it can be sent; refused where it is none."""
    try:
        split = urlsplit(url)
        _ = split.port
    except ValueError as error:
        raise VoxloopError(f"{url} is no address ({error}); check --mirror.") from error
    if "@" in split.netloc:
        raise VoxloopError(
            f"The address of {split.hostname} has a name or password in it, which is not sent; name a mirror that needs none."
        )
    if split.scheme not in ("http", "https") or not split.hostname:
        raise VoxloopError(f"{url} is no http or https address; check --mirror.")
    return quote(url, safe=":/?#[]@!$&'()*+,;=%~")


class _OnlyHttp(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme not in ("http", "https"):
            fp.close()
            raise VoxloopError(
                f"{req.full_url} sends on to {_shown(newurl)}, which is no http or https address; check --mirror."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _answer(url: str, response: http.client.HTTPResponse) -> Answer:
    headers = response.headers
    etag, modified = headers.get("ETag"), headers.get("Last-Modified")
    if response.status == 200:
        return Answer(url, 0, Version(etag, modified, _length(headers)), response)
    if response.status == 206:
        said = re.fullmatch(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", headers.get("Content-Range", "").strip())
        # A part of nobody knows where: as if it were of another file.
        first, whole = (int(said[1]), said[3]) if said else (-1, "*")
        return Answer(url, first, Version(etag, modified, None if whole == "*" else int(whole)), response)
    raise VoxloopError(f"{url} answers {response.status} {_shown(response.reason)}, which is no file; check --mirror.")


def _length(headers: Message) -> int | None:
    said = headers.get("Content-Length", "")
    # A length beside chunks is not to be believed.
    if headers.get("Transfer-Encoding") or not re.fullmatch(r"\d{1,18}", said):
        return None
    return int(said)


def _refusal(url: str, error: urllib.error.HTTPError, first: int) -> Exception:
    if error.code in ANOTHER_TIME:
        wait = error.headers.get("Retry-After", "")
        return DroppedError(
            f"{error.code} {_shown(error.reason)}", min(float(wait), LONGEST_PAUSE_S) if wait.isdecimal() else 0.0
        )
    if error.code == 416 and first:
        return DroppedError("the server has a shorter file now", anew=True)
    if error.code in (404, 410):
        return VoxloopError(
            f"{url} is not there ({error.code}); check --mirror, the folder or address under which it lies."
        )
    return VoxloopError(
        f"{url} is refused ({error.code} {_shown(error.reason)}); check --mirror, or get the file by hand and name it with --archive."
    )


def _unreachable(url: str, error: Exception, answered: bool) -> Exception:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    cut = isinstance(cause, ConnectionResetError | BrokenPipeError | http.client.HTTPException)
    if isinstance(cause, ssl.SSLCertVerificationError) or not (cut or answered):
        return VoxloopError(
            f"{urlsplit(url).hostname} cannot be reached ({_reason(cause)}); check the connection and its proxy (HTTPS_PROXY), name a --mirror, "
            "or get the file by hand and name it with --archive."
        )
    return DroppedError(_reason(cause))


def _reason(error: object) -> str:
    if isinstance(error, TimeoutError):
        return "silence"
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return _shown(said)


def _shown(said: object) -> str:
    """What a server or a library says, as one line that a terminal may print."""
    return "".join(letter if letter.isprintable() else " " for letter in str(said))[:120]
