"""The limits of the service, and reading request bodies within them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alpr_app.core.errors import AlprError

if TYPE_CHECKING:
    from starlette.requests import Request

RETRY_SECONDS = 1
# Bodies of all requests together. More clients than fill this with slow or large uploads are refused.
HELD_BYTES = 256 * 2**20
# A body that is too large is still received, up to so many times the limit, so that its client reads the answer: one
# that is cut off while it sends reports a broken connection instead.
DISCARDED_LIMITS = 4


class Refused(AlprError):
    """A request that is not carried out. The message is the sentence for its client; `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class ServiceLimits:
    """Limits of one request.

    Attributes:
        body_bytes: Size of the body.
        pixels: Pixels of the picture, in addition to the limits of its format.
        seconds: From the head of the request to its answer.
    """

    body_bytes: int = 20_000_000
    pixels: int = 50_000_000
    seconds: float = 30.0


class BodyMemory:
    """Counts the bytes of all bodies held at once. Used by the event loop's thread only."""

    def __init__(self, total: int = HELD_BYTES) -> None:
        self._total, self._used = total, 0

    @contextmanager
    def lease(self) -> Iterator[Lease]:
        """Provide a share that is returned at the end."""
        lease = Lease(self)
        try:
            yield lease
        finally:
            self._used -= lease.taken

    def take(self, amount: int) -> None:
        """Take `amount`. Raises Refused if it is not available."""
        if self._used + amount > self._total:
            raise Refused(503, "too many uploads are under way; try again later")
        self._used += amount


class Lease:
    """The share of one request in the `BodyMemory`."""

    def __init__(self, memory: BodyMemory) -> None:
        self._memory, self.taken = memory, 0

    def take(self, amount: int) -> None:
        """Enlarge the share. Raises Refused."""
        self._memory.take(amount)
        self.taken += amount


async def read_body(request: Request, limit: int, deadline: float, lease: Lease) -> bytes:
    """Read the body of a request.

    Args:
        request: The request.
        limit: Maximum number of bytes.
        deadline: Time of the event loop.
        lease: Counts the bytes.

    Raises:
        Refused: The body is too large, is empty, ends early or comes too slowly.
    """
    from starlette.requests import ClientDisconnect

    try:
        async with asyncio.timeout_at(deadline):
            body = await _receive(request, limit, lease)
    except TimeoutError:
        raise Refused(408, "the picture did not arrive in time; send it faster or make it smaller") from None
    except ClientDisconnect:
        raise Refused(400, "the connection ended before the picture was complete") from None
    if not body:
        raise Refused(400, "the request has no body; send a picture")
    return bytes(body)


async def _receive(request: Request, limit: int, lease: Lease) -> bytearray:
    body, received = bytearray(), 0
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > DISCARDED_LIMITS * limit:
        raise _too_large(limit)
    async for chunk in request.stream():
        received += len(chunk)
        if received > limit:
            body.clear()
            if received > DISCARDED_LIMITS * limit:
                break
        else:
            lease.take(len(chunk))
            body += chunk
    if received > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> Refused:
    return Refused(413, f"the request is larger than {limit / 10**6:g} MB; make the picture smaller first")
