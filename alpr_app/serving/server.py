"""Listens for requests until a signal ends the service, and answers those it has taken."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from alpr_app.core.errors import AlprError, reason

if TYPE_CHECKING:
    from fastapi import FastAPI

BACKLOG = 1024
# A connection without a request is closed after so many seconds, however slowly its next one arrives.
IDLE_SECONDS = 10.0
# Answers of pictures in the queue are waited for longer than that.
_SHUTDOWN_MARGIN_SECONDS = 5


@dataclass(frozen=True)
class Certificate:
    """Files in PEM format. chain: the certificate, followed by those between it and the root. key: its private key."""

    chain: Path
    key: Path

    def check(self) -> None:
        """Raise AlprError unless the two files can be used."""
        for path in (self.chain, self.key):
            try:
                path.read_bytes()
            except OSError as error:
                raise AlprError(f"{path}: cannot be read: {reason(error)}") from error
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.chain, self.key, password=lambda: "")
        except (ssl.SSLError, OSError, ValueError) as error:
            raise AlprError(
                f"{self.chain}: no certificate in PEM format that fits the key {self.key}, which must not be encrypted"
            ) from error


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens. port: 0 for a free one. Raises AlprError."""
    # With the protocol named, as socket.create_server does not: only then asyncio sends answers without delay
    # (TCP_NODELAY), and not 40 ms late.
    listening = socket.socket(
        socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP
    )
    try:
        if os.name == "posix":
            # A port can be used again at once after a restart.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
        return listening
    except (OSError, OverflowError) as error:
        listening.close()
        why = reason(error) if isinstance(error, OSError) else "there is no such port"
        raise AlprError(f"cannot listen on {host}, port {port}: {why}; choose others with --host and --port") from error


def address_of(listening: socket.socket, secure: bool) -> str:
    """Return the address of a listening socket as typed into a browser."""
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if secure else 'http'}://{shown}:{port}/"


class _Connection(H11Protocol):
    """A connection that is closed when no request has arrived in full for `IDLE_SECONDS`."""

    _idle: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_wait()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._end_wait()

    def on_response_complete(self) -> None:
        self._await_request()
        super().on_response_complete()

    def _await_request(self) -> None:
        self._end_wait()
        self._idle = self.loop.call_later(IDLE_SECONDS, self._close_idle)

    def _end_wait(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _close_idle(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP with JSON, as everything else."""
        body = b'{"error": "this is not an HTTP request"}'
        head = f"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self.transport.write(head.encode() + b"Connection: close\r\n\r\n" + body)
        self.transport.close()


class Server(uvicorn.Server):
    """A server whose `run` ends after SIGINT or SIGTERM, or `stop`, once it has answered what it has taken; a second
    SIGINT abandons that. The signal is not raised again, so that the exit status is 0.

    Args:
        application: The application.
        seconds: Maximum duration of a request.
        certificate: For TLS; None without.
        announce: Called when requests are answered.
    """

    def __init__(
        self,
        application: FastAPI,
        seconds: float,
        certificate: Certificate | None = None,
        announce: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(_config(application, seconds, certificate))
        self._announce = announce

    def serve_on(self, listening: socket.socket) -> None:
        """Serve on a listening socket, which is closed at the end."""
        self.run(sockets=[listening])

    def stop(self) -> None:
        """End as after a signal. May be called in any thread."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _config(application: FastAPI, seconds: float, certificate: Certificate | None) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=_Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=ceil(IDLE_SECONDS),
        timeout_graceful_shutdown=ceil(seconds) + _SHUTDOWN_MARGIN_SECONDS,
        ssl_certfile=None if certificate is None else str(certificate.chain),
        ssl_keyfile=None if certificate is None else str(certificate.key),
    )
