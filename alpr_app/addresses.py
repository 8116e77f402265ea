"""Addresses of streams, and how they are shown: without what lets anybody else watch."""

from __future__ import annotations

import re
from urllib.parse import unquote

MASK = "***"

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
# Names of what opens a door, also within longer ones: userName, loginpas, api_key, access_token.
_SECRET = re.compile(
    r"user|usr|uname|login|account|pass|pwd|psw|passwd|token|auth|secret|credential|key|sig|session|sid$|^pw$|^u$|^p$",
    re.IGNORECASE,
)
# A name and its value anywhere behind the host: cameras take them in the path as well, user=admin_password=1_channel=1.
# Names have a largest length, or the time would grow with the square of the address's.
_PAIR = re.compile(r"([^=&;/?#]{1,80})=([^&;/?#]*?)(?=[&;/?#]|_[A-Za-z]+=|$)")

# User name and password of an address within the address, which may be escaped.
_WITHIN = re.compile(r"(://|%3A%2F%2F)(?:(?!%2F)[^/@&]){0,500}(@|%40)", re.IGNORECASE)


def is_address(text: str) -> bool:
    """Whether it is an address, not a path."""
    return _SCHEME.match(text) is not None


def without_secrets(address: str) -> str:
    """An address as it may be shown and kept: user name and password before the host left out, values of parameters
    that let one in, in the query or the path, replaced by ***. What is no address stays as it is."""
    found = _SCHEME.match(address)
    if found is None:
        return address
    rest = address[found.end() :]
    host, behind = _host(rest)
    return found[0] + host + _WITHIN.sub(rf"\1{MASK}\2", _PAIR.sub(_masked, behind))


def _host(rest: str) -> tuple[str, str]:
    """Host and port, and what follows them; without user name and password, which may hold what would end them
    (/, ?, #) where somebody did not write it as %2F."""
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    behind = rest[len(host) :]
    if "@" not in host and "@" in behind and not re.fullmatch(r"[^:]*(:\d*)?|\[[^\]]*\](:\d*)?", host):
        return _host(rest.rpartition("@")[2])
    return host.rpartition("@")[2], behind


def _masked(pair: re.Match[str]) -> str:
    name, value = pair[1], pair[2]
    return f"{name}={MASK}" if value and _SECRET.search(unquote(name)) else pair[0]


def secrets_in(address: str) -> tuple[str, str] | None:
    """User name and password before the host, decoded; None if there are none."""
    rest = address[_SCHEME.match(address).end() :] if is_address(address) else ""
    userinfo, at, _ = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")
    name, _, password = userinfo.partition(":")
    return (unquote(name), unquote(password)) if at else None


def file_name_for(address: str) -> str:
    """A bare file name that says where a stream came from."""
    shown = without_secrets(address).replace(MASK, "").partition("://")[2]
    return re.sub(r"[^\w.-]+", "_", shown).strip("_.")[:80] or "stream"
