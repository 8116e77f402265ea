"""Network addresses of streams: asked before OpenCV opens them, because OpenCV does not say why it cannot (refused,
unknown, not authorised), and shown without what would let anybody else watch.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import secrets
import socket
import ssl
import urllib.error
import urllib.request
from base64 import b64encode
from time import monotonic, sleep
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import cv2
import numpy as np

from alpr_app.core.errors import first_line
from alpr_app.data.frame import SourceError
from alpr_app.data.images import PictureError, decode_picture

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
    scheme = _SCHEME.match(address) if is_address(address) else None
    rest = address[scheme.end() :] if scheme else ""
    userinfo, at, _ = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")
    name, _, password = userinfo.partition(":")
    return (unquote(name), unquote(password)) if at else None


def file_name_for(address: str) -> str:
    """A bare file name that says where a stream came from."""
    shown = without_secrets(address).replace(MASK, "").partition("://")[2]
    return re.sub(r"[^\w.-]+", "_", shown).strip("_.")[:80] or "stream"


# How long an address may take to answer.
TIMEOUT_SECONDS = 5.0
# A JPEG of a camera is far smaller.
MOST_BYTES = 64 * 2**20
USER_AGENT = "alpr"
# Single pictures are asked for no more often than this, in seconds.
SNAPSHOT_SECONDS = 0.2

_RTSP_PORTS = {"rtsp": 554, "rtsps": 322, "rtmp": 1935}


def _unauthorised(shown: str, gave: bool) -> SourceError:
    if gave:
        return SourceError(f"{shown}: not authorised: user name or password is wrong")
    return SourceError(f"{shown}: not authorised: write the user name and password before the host, NAME:PASSWORD@")


def _failure(shown: str, error: Exception, timeout: float) -> SourceError:
    """What kept an address from being reached, in one line."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, socket.gaierror | UnicodeError):
        return SourceError(f"{shown}: unknown host; check the name and the network")
    if isinstance(reason, ConnectionRefusedError):
        return SourceError(f"{shown}: connection refused: the host is there, but nothing answers at this port")
    if isinstance(reason, TimeoutError):
        return SourceError(f"{shown}: no answer within {timeout:g} s")
    if isinstance(reason, ssl.SSLError):
        return SourceError(f"{shown}: no safe connection: {reason.reason or 'the certificate is not accepted'}")
    if isinstance(reason, http.client.InvalidURL):
        return SourceError(f"{shown}: this is no address of a host")
    if isinstance(reason, ConnectionError | http.client.HTTPException):
        return SourceError(f"{shown}: the connection was closed before anything came")
    # urllib gives a text where it has not even tried.
    said = getattr(reason, "strerror", None) or (first_line(reason) if isinstance(reason, Exception) else reason)
    return SourceError(f"{shown}: cannot be reached: {said}")


def _status_error(shown: str, status: int, gave: bool) -> SourceError:
    if status in (401, 407):
        return _unauthorised(shown, gave)
    if status == 403:
        return SourceError(f"{shown}: forbidden (403): this user may not watch here")
    if status in (404, 410):
        return SourceError(f"{shown}: not found ({status}): the host answers, but has no such stream")
    return SourceError(f"{shown}: the host answers with an error ({status})")


class WebAddress:
    """An http or https address, asked with the user name and password that it holds."""

    def __init__(self, address: str, timeout: float = TIMEOUT_SECONDS) -> None:
        self.shown, self._timeout = without_secrets(address), timeout
        given = secrets_in(address)
        self._gave = given is not None
        try:
            parts = urlsplit(address)
            host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
            place = f"{host}:{parts.port}" if parts.port else host
            # What a browser would send: spaces and characters beyond ASCII as escapes.
            path, query = (quote(part, safe="/%:;=@&?+,!$'()*~") for part in (parts.path, parts.query))
            self._plain = urlunsplit((parts.scheme.lower(), place.encode("idna").decode(), path or "/", query, ""))
        except ValueError as error:
            raise SourceError(f"{self.shown}: this is no address of a host") from error
        # Cameras sign their certificates themselves; FFmpeg, which reads the stream, does not ask who signed it either.
        unchecked = ssl.create_default_context()
        unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
        handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=unchecked)]
        if given is not None:
            known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
            known.add_password(None, self._plain, *given)
            handlers += [urllib.request.HTTPBasicAuthHandler(known), urllib.request.HTTPDigestAuthHandler(known)]
        self._opener = urllib.request.build_opener(*handlers)

    def ask(self) -> http.client.HTTPResponse:
        """The answer, of which nothing has been read but its head. Raises SourceError."""
        try:
            request = urllib.request.Request(self._plain, headers={"User-Agent": USER_AGENT})
            answer: http.client.HTTPResponse = self._opener.open(request, timeout=self._timeout)
            return answer
        except urllib.error.HTTPError as error:
            with error:
                raise _status_error(self.shown, error.code, self._gave) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _failure(self.shown, error, self._timeout) from error

    def picture(self) -> np.ndarray:
        """The picture that the address gives now, H x W x 3 uint8 RGB. Raises SourceError."""
        try:
            with self.ask() as answer:
                content = answer.read(MOST_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            raise _failure(self.shown, error, self._timeout) from error
        if len(content) > MOST_BYTES:
            raise SourceError(f"{self.shown}: gives more than {MOST_BYTES // 2**20} MiB, which is no picture")
        try:
            return decode_picture(content, self.shown)
        except PictureError as error:
            raise SourceError(str(error)) from error


class SnapshotCapture:
    """Asks an address for one picture after the other; used as a cv2.VideoCapture is, whose pictures are BGR."""

    def __init__(self, web: WebAddress) -> None:
        self._web = web
        self._asked = -SNAPSHOT_SECONDS

    def isOpened(self) -> bool:
        return True

    def read(self) -> tuple[bool, np.ndarray]:
        """The next picture, a moment after the one before. Raises SourceError if there is none."""
        sleep(max(0.0, self._asked + SNAPSHOT_SECONDS - monotonic()))
        self._asked = monotonic()
        return True, cv2.cvtColor(self._web.picture(), cv2.COLOR_RGB2BGR)

    def get(self, prop: int) -> float:
        return 0.0

    def release(self) -> None:
        """Nothing is held between two pictures."""


def gives_single_pictures(answer: http.client.HTTPResponse) -> bool:
    """Whether an address answers with one picture, to be asked for again and again."""
    return answer.headers.get_content_maintype() == "image"


def is_video(answer: http.client.HTTPResponse) -> bool:
    """Whether what lies at an address has an end."""
    return answer.headers.get_content_maintype() != "multipart" and answer.headers.get("Content-Length") is not None


# RTSP


def check_rtsp(address: str, timeout: float = TIMEOUT_SECONDS) -> None:
    """Ask what stream there is. Raises SourceError if there is none for us."""
    shown, given = without_secrets(address), secrets_in(address)
    try:
        parts = urlsplit(address)
        host, port, scheme = parts.hostname or "", parts.port, parts.scheme.lower()
    except ValueError as error:
        raise SourceError(f"{shown}: this is no address of a host") from error
    try:
        with socket.create_connection((host, port or _RTSP_PORTS[scheme]), timeout) as connection:
            # What comes encrypted, or in another language, is left to those who speak it.
            if scheme != "rtsp":
                return
            plain = urlunsplit((scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, ""))
            status, challenges = _describe(connection, plain, 1, "")
            if status == 401 and given is not None:
                authorisation = _answer(challenges, *given, plain)
                status, _ = _describe(connection, plain, 2, f"Authorization: {authorisation}\r\n")
    except (OSError, UnicodeError) as error:
        raise _failure(shown, error, timeout) from error
    if status is None:
        raise SourceError(f"{shown}: what answers there does not speak RTSP")
    if status >= 400:
        raise _status_error(shown, status, given is not None)


def _describe(connection: socket.socket, plain: str, number: int, more: str) -> tuple[int | None, list[str]]:
    """Status of the answer, None if it is no RTSP, and how one is asked to prove who one is."""
    request = f"DESCRIBE {plain} RTSP/1.0\r\nCSeq: {number}\r\nAccept: application/sdp\r\n{more}\r\n"
    connection.sendall(request.encode())
    data = b""
    while b"\r\n\r\n" not in data and len(data) < 65536:
        part = connection.recv(4096)
        if not part:
            break
        data += part
    if not data:
        raise ConnectionResetError
    head, _, rest = data.partition(b"\r\n\r\n")
    text = head.decode("latin-1")
    if length := re.search(r"(?im)^content-length:\s*(\d+)", text):
        missing = min(int(length[1]), 65536) - len(rest)
        while missing > 0 and (part := connection.recv(min(missing, 4096))):
            missing -= len(part)
    found = re.match(r"RTSP/1\.\d (\d{3})", text)
    return (int(found[1]) if found else None), re.findall(r"(?im)^www-authenticate:\s*(.+?)\s*$", text)


def _answer(challenges: list[str], name: str, password: str, plain: str) -> str:
    """The proof that was asked for, after RFC 7617 and RFC 2617."""
    digest = next((text for text in challenges if text.lower().startswith("digest")), None)
    if digest is None:
        return "Basic " + b64encode(f"{name}:{password}".encode()).decode()
    asked = {key.lower(): value for key, value in re.findall(r'(\w+)="?([^",]*)"?', digest)}
    realm, nonce = asked.get("realm", ""), asked.get("nonce", "")
    once = secrets.token_hex(8)
    counted = ("00000001", once, "auth") if "auth" in asked.get("qop", "").split(",") else ()
    first, second = _md5(f"{name}:{realm}:{password}"), _md5(f"DESCRIBE:{plain}")
    response = _md5(":".join((first, nonce, *counted, second)))
    said = f'Digest username="{name}", realm="{realm}", nonce="{nonce}", uri="{plain}", response="{response}"'
    return said + (f', qop=auth, nc=00000001, cnonce="{once}"' if counted else "")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
