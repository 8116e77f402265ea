"""What every request passes first: the token, the count of answers, and headers that keep browsers from guessing."""

from __future__ import annotations

import hmac
import ipaddress
import json
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from alpr_app.serving.metrics import ServiceMetrics

_SCHEMES = ("token", "bearer")
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
_NOT_STORED = (b"cache-control", b"no-store")


def is_loopback(host: str) -> bool:
    """Whether only this computer reaches a server that listens on `host`. A name other than localhost may be public."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_authorised(header: str, token: str) -> bool:
    """Whether an Authorization header, `Token …` or `Bearer …`, holds `token`. The time taken does not depend on how
    much of it is right."""
    scheme, _, given = header.partition(" ")
    same = hmac.compare_digest(given.strip().encode("latin-1", errors="replace"), token.encode())
    return scheme.lower() in _SCHEMES and same


class Gate:
    """ASGI middleware. token: required for pictures and metrics; None for none. measured: paths whose duration is
    measured. known: all paths of the service."""

    def __init__(
        self, app: ASGIApp, token: str | None, metrics: ServiceMetrics, measured: frozenset[str], known: frozenset[str]
    ) -> None:
        self._app, self._token, self._metrics = app, token, metrics
        self._measured, self._known = measured, known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, path = monotonic(), scope["path"]
        label = path if path in self._known else "other"

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), *_HEADERS]
                is_stored = any(name == b"cache-control" for name, _ in headers)
                message["headers"] = headers if is_stored else [*headers, _NOT_STORED]
                self._metrics.requests.labels(label, str(message["status"])).inc()
                if path in self._measured:
                    self._metrics.seconds.labels(label).observe(monotonic() - started)
            await send(message)

        if self._token is not None and _is_protected(path) and not self._has_token(scope):
            await _refuse(counted)
            return
        await self._app(scope, receive, counted)

    def _has_token(self, scope: Scope) -> bool:
        assert self._token is not None
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        return is_authorised(given.decode("latin-1"), self._token)


def _is_protected(path: str) -> bool:
    # Pages and health checks show nothing that is not in the program's source.
    return path.startswith("/v1/") or path == "/metrics"


async def _refuse(send: Send) -> None:
    sentence = "a token is required: send the header 'Authorization: Token …' with the token of this service"
    body = json.dumps({"error": sentence}, ensure_ascii=False).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"www-authenticate", b"Token"),
    ]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": body})
