"""Who may ask: this machine only, or whoever knows the token. Names, origins and headers are checked before any route."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
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
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    # No other site may show a scan in a page of its own, even where it could not read it.
    (b"cross-origin-resource-policy", b"same-origin"),
]


class Guard:
    """Stands in front of the app. `hosts` are the names it answers to; None for any name, which only a token allows."""

    def __init__(self, app: App, token: str | None = None, hosts: Collection[str] | None = LOOPBACK) -> None:
        assert token or hosts is not None, "any name without a token lets everyone in"
        assert token != "", "an empty token is one that everyone knows"
        self.app = app
        self.token = token
        self.hosts = None if hosts is None else frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            # Nothing here speaks WebSocket, so none passes unseen.
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *HEADERS]
            await send(message)

        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        app = self._stopped(scope, headers) or self.app
        await app(scope, receive, send_with_headers)

    def _stopped(self, scope: Scope, headers: dict[str, str]) -> App | None:
        """The answer to a request that may not pass."""
        host = headers.get("host", "")
        if self.hosts is not None and hostname(host) not in self.hosts:
            # A page of another site whose name was made to point here would send its own name.
            return _refusal(
                421, "Wrong host", f'This server does not answer as "{host[:100]}"; open it as http://127.0.0.1.'
            )
        origin = headers.get("origin")
        if scope["method"] not in ("GET", "HEAD", "OPTIONS") and origin is not None and urlsplit(origin).netloc != host:
            return _refusal(403, "Wrong origin", "Another site may not change anything here.")
        if self.token is None:
            return None
        query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        if scope["method"] == "GET" and any(key == "token" and _same(value, self.token) for key, value in query):
            return self._welcome(scope, [(key, value) for key, value in query if key != "token"])
        if self._knows(scope, headers):
            return None
        return _refusal(401, "Token needed", "Open the address that `voxloop serve` printed; it holds the token.")

    def _welcome(self, scope: Scope, query: list[tuple[str, str]]) -> App:
        # Once by the address, from then on by a cookie: the token leaves the address bar and the history.
        # One slash in front, or the address of another server could be smuggled into the path.
        where = "/" + quote(scope["path"].lstrip("/\\")) + (f"?{urlencode(query)}" if query else "")
        # Lax, not Strict: a link in a colleague's message must still be logged in after the redirect.
        cookie = f"{_cookie(scope)}={_proof(self.token or '')}; Path=/; HttpOnly; SameSite=Lax"
        return _reply(303, b"", [(b"location", where.encode()), (b"set-cookie", cookie.encode())])

    def _knows(self, scope: Scope, headers: dict[str, str]) -> bool:
        assert self.token is not None
        kind, _, said = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            # Header bytes were read as latin-1; the token was typed as UTF-8.
            return _same(said.strip().encode("latin-1").decode("utf-8", "replace"), self.token)
        cookies = (one.strip().partition("=") for one in headers.get("cookie", "").split(";"))
        return any(name == _cookie(scope) and _same(value, _proof(self.token)) for name, _, value in cookies)


def hostname(host: str) -> str:
    """The name in a Host header: `[::1]:8765` is `::1`."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _cookie(scope: Scope) -> str:
    # Browsers keep cookies by name without port; two projects served beside each other must not log each other out.
    server = scope.get("server") or ("", "")
    return f"voxloop_{server[1]}"


def _proof(token: str) -> str:
    """What the cookie holds: plain letters whatever the token holds, and not the token itself."""
    return hashlib.sha256(b"voxloop cookie " + token.encode()).hexdigest()


def _same(said: str, token: str) -> bool:
    return hmac.compare_digest(said.encode("utf-8", "replace"), token.encode("utf-8", "replace"))


def _refusal(status: int, title: str, detail: str) -> App:
    body = json.dumps({"title": title, "detail": detail}).encode()
    return _reply(status, body, [(b"content-type", b"application/json")])


def _reply(status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> App:
    async def reply(scope: Scope, receive: Receive, send: Send) -> None:
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
        await send({"type": "http.response.body", "body": body})

    return reply
