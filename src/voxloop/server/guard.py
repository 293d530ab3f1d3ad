"""Who may ask: this machine only, or whoever knows the token. Names, origins and headers are checked before any route."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
COOKIE = "voxloop_token"
POLICY = "; ".join(
    [
        "default-src 'self'",
        # The viewer decodes volumes in workers that it makes itself.
        "script-src 'self' 'wasm-unsafe-eval' blob:",
        "worker-src 'self' blob:",
        "connect-src 'self' blob: data:",
        "img-src 'self' blob: data:",
        "font-src 'self' data:",
        "style-src 'self' 'unsafe-inline'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
]


class Guard:
    """Stands in front of the app."""

    def __init__(self, app: App, token: str | None = None, hosts: Collection[str] = LOOPBACK) -> None:
        self.app = app
        self.token = token
        self.hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "")
        if self.token is None and hostname(host) not in self.hosts:
            # A page of another site whose name was made to point here would send its own name.
            await _refuse(
                send,
                421,
                "Wrong host",
                f'This server does not answer as "{host[:100]}"; open it as http://127.0.0.1.',
            )
            return
        origin = headers.get("origin")
        if scope["method"] not in ("GET", "HEAD", "OPTIONS") and origin is not None and urlsplit(origin).netloc != host:
            await _refuse(send, 403, "Wrong origin", "Another site may not change anything here.")
            return
        query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))
        if self.token is not None and not self._knows(headers):
            if _same(query.pop("token", ""), self.token):
                # Once by the address, from then on by a cookie: the token leaves the address bar and the history.
                where = scope["path"] + (f"?{urlencode(query)}" if query else "")
                cookie = f"{COOKIE}={self.token}; Path=/; HttpOnly; SameSite=Strict"
                await _reply(send, 303, b"", [(b"location", where.encode()), (b"set-cookie", cookie.encode())])
                return
            await _refuse(
                send,
                401,
                "Token needed",
                "Open the address that `voxloop serve` printed; it holds the token.",
            )
            return

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *HEADERS]
            await send(message)

        await self.app(scope, receive, send_with_headers)

    def _knows(self, headers: dict[str, str]) -> bool:
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        said = bearer if kind.lower() == "bearer" else cookie.value if cookie is not None else ""
        return self.token is not None and _same(said, self.token)


def hostname(host: str) -> str:
    """The name in a Host header: `[::1]:8765` is `::1`."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _same(said: str, token: str) -> bool:
    return hmac.compare_digest(said.encode(), token.encode())


async def _refuse(send: Send, status: int, title: str, detail: str) -> None:
    import json

    body = json.dumps({"title": title, "detail": detail}).encode()
    await _reply(send, status, body, [(b"content-type", b"application/json")])


async def _reply(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length, *HEADERS]})
    await send({"type": "http.response.body", "body": body})
