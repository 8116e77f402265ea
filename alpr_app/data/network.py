"""Network addresses of streams: contacted before OpenCV opens them, because OpenCV does not report why it fails
(refused, unknown host, not authorised), and shown without their credentials.
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
# Parameter names of credentials, also as parts of longer names: userName, loginpas, api_key, access_token.
_SECRET = re.compile(
    r"user|usr|uname|login|account|pass|pwd|psw|passwd|token|auth|secret|credential|key|sig|session|sid$|^pw$|^u$|^p$",
    re.IGNORECASE,
)
# A name and its value anywhere after the host: some cameras take them in the path, user=admin_password=1_channel=1.
# The length of names is limited, or matching would take time quadratic in the length of the address.
_PAIR = re.compile(r"([^=&;/?#]{1,80})=([^&;/?#]*?)(?=[&;/?#]|_[A-Za-z]+=|$)")

# User name and password of an address embedded in the address, possibly escaped.
_WITHIN = re.compile(r"(://|%3A%2F%2F)(?:(?!%2F)[^/@&]){0,500}(@|%40)", re.IGNORECASE)


def is_address(text: str) -> bool:
    """Whether `text` is an address rather than a path."""
    return _SCHEME.match(text) is not None


def without_secrets(address: str) -> str:
    """Return an address that may be shown and stored: without the user name and password before the host, and with the
    values of credential parameters in query or path replaced by ***. Text that is not an address stays as it is."""
    found = _SCHEME.match(address)
    if found is None:
        return address
    rest = address[found.end() :]
    host, behind = _host(rest)
    return found[0] + host + _WITHIN.sub(rf"\1{MASK}\2", _PAIR.sub(_masked, behind))


def _host(rest: str) -> tuple[str, str]:
    """Split into host with port and the rest, without user name and password. These may contain /, ? or # if the user
    did not escape them."""
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    behind = rest[len(host) :]
    if "@" not in host and "@" in behind and not re.fullmatch(r"[^:]*(:\d*)?|\[[^\]]*\](:\d*)?", host):
        return _host(rest.rpartition("@")[2])
    return host.rpartition("@")[2], behind


def _masked(pair: re.Match[str]) -> str:
    name, value = pair[1], pair[2]
    return f"{name}={MASK}" if value and _SECRET.search(unquote(name)) else pair[0]


def secrets_in(address: str) -> tuple[str, str] | None:
    """Return the user name and password before the host, decoded; None if there are none."""
    scheme = _SCHEME.match(address) if is_address(address) else None
    rest = address[scheme.end() :] if scheme else ""
    userinfo, at, _ = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")
    name, _, password = userinfo.partition(":")
    return (unquote(name), unquote(password)) if at else None


def file_name_for(address: str) -> str:
    """Return a file name that tells where a stream came from."""
    shown = without_secrets(address).replace(MASK, "").partition("://")[2]
    return re.sub(r"[^\w.-]+", "_", shown).strip("_.")[:80] or "stream"


# Time limit for an address to answer.
TIMEOUT_SECONDS = 5.0
# Far larger than a camera's JPEG.
MAXIMUM_BYTES = 64 * 2**20
USER_AGENT = "alpr"
# Minimum interval between requests for single pictures.
SNAPSHOT_SECONDS = 0.2

_RTSP_PORTS = {"rtsp": 554, "rtsps": 322, "rtmp": 1935}


def _unauthorised(shown: str, gave: bool) -> SourceError:
    if gave:
        return SourceError(f"{shown}: not authorised: user name or password is wrong")
    return SourceError(f"{shown}: not authorised: write the user name and password before the host, NAME:PASSWORD@")


def _failure(shown: str, error: Exception, timeout: float) -> SourceError:
    """Describe in one line why an address cannot be reached."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, socket.gaierror | UnicodeError):
        return SourceError(f"{shown}: unknown host; check the name and the network")
    if isinstance(reason, ConnectionRefusedError):
        return SourceError(f"{shown}: connection refused: the host is there, but nothing answers at this port")
    if isinstance(reason, TimeoutError):
        return SourceError(f"{shown}: no answer within {timeout:g} s")
    if isinstance(reason, ssl.SSLError):
        return SourceError(f"{shown}: no secure connection: {reason.reason or 'the certificate is not accepted'}")
    if isinstance(reason, http.client.InvalidURL):
        return SourceError(f"{shown}: this is not the address of a host")
    if isinstance(reason, ConnectionError | http.client.HTTPException):
        return SourceError(f"{shown}: the connection was closed before any data arrived")
    # urllib gives a text for requests that it refuses itself.
    description = getattr(reason, "strerror", None) or (first_line(reason) if isinstance(reason, Exception) else reason)
    return SourceError(f"{shown}: cannot be reached: {description}")


def _status_error(shown: str, status: int, gave: bool) -> SourceError:
    if status in (401, 407):
        return _unauthorised(shown, gave)
    if status == 403:
        return SourceError(f"{shown}: forbidden (403): this user has no access")
    if status in (404, 410):
        return SourceError(f"{shown}: not found ({status}): the host has no such stream")
    return SourceError(f"{shown}: the host reports an error ({status})")


class WebAddress:
    """An http or https address, requested with the user name and password that it contains."""

    def __init__(self, address: str, timeout: float = TIMEOUT_SECONDS) -> None:
        self.shown, self._timeout = without_secrets(address), timeout
        given = secrets_in(address)
        self._gave = given is not None
        try:
            parts = urlsplit(address)
            host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
            place = f"{host}:{parts.port}" if parts.port else host
            # As a browser sends it: spaces and non-ASCII characters escaped.
            path, query = (quote(part, safe="/%:;=@&?+,!$'()*~") for part in (parts.path, parts.query))
            self._plain = urlunsplit((parts.scheme.lower(), place.encode("idna").decode(), path or "/", query, ""))
        except ValueError as error:
            raise SourceError(f"{self.shown}: this is not the address of a host") from error
        # Cameras use self-signed certificates, and FFmpeg, which reads the stream, does not verify them either.
        unchecked = ssl.create_default_context()
        unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
        handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=unchecked)]
        if given is not None:
            known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
            known.add_password(None, self._plain, *given)
            handlers += [urllib.request.HTTPBasicAuthHandler(known), urllib.request.HTTPDigestAuthHandler(known)]
        self._opener = urllib.request.build_opener(*handlers)

    def request(self) -> http.client.HTTPResponse:
        """Send a request and return the answer, of which only the head has been read. Raises SourceError."""
        try:
            wanted = urllib.request.Request(self._plain, headers={"User-Agent": USER_AGENT})
            answer: http.client.HTTPResponse = self._opener.open(wanted, timeout=self._timeout)
            return answer
        except urllib.error.HTTPError as error:
            with error:
                raise _status_error(self.shown, error.code, self._gave) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _failure(self.shown, error, self._timeout) from error

    def picture(self) -> np.ndarray:
        """Fetch the current picture, H x W x 3 uint8 RGB. Raises SourceError."""
        try:
            with self.request() as answer:
                content = answer.read(MAXIMUM_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            raise _failure(self.shown, error, self._timeout) from error
        if len(content) > MAXIMUM_BYTES:
            raise SourceError(f"{self.shown}: sends more than {MAXIMUM_BYTES // 2**20} MiB, too much for a picture")
        try:
            return decode_picture(content, self.shown)
        except PictureError as error:
            raise SourceError(str(error)) from error


class SnapshotCapture:
    """Requests one picture after another from an address, with the interface of cv2.VideoCapture (pictures are BGR)."""

    def __init__(self, web: WebAddress) -> None:
        self._web = web
        self._requested = -SNAPSHOT_SECONDS

    def isOpened(self) -> bool:
        return True

    def read(self) -> tuple[bool, np.ndarray]:
        """Fetch the next picture, at the earliest `SNAPSHOT_SECONDS` after the last one. Raises SourceError."""
        sleep(max(0.0, self._requested + SNAPSHOT_SECONDS - monotonic()))
        self._requested = monotonic()
        return True, cv2.cvtColor(self._web.picture(), cv2.COLOR_RGB2BGR)

    def get(self, prop: int) -> float:
        return 0.0

    def set(self, prop: int, value: float) -> bool:
        return False

    def release(self) -> None:
        """Do nothing: no connection is held between two pictures."""


def gives_single_pictures(answer: http.client.HTTPResponse) -> bool:
    """Whether an address answers with a single picture, which is then requested repeatedly."""
    return answer.headers.get_content_maintype() == "image"


def is_video(answer: http.client.HTTPResponse) -> bool:
    """Whether an address answers with data of known length, not an endless stream."""
    return answer.headers.get_content_maintype() != "multipart" and answer.headers.get("Content-Length") is not None


# RTSP


def check_rtsp(address: str, timeout: float = TIMEOUT_SECONDS) -> None:
    """Ask an RTSP server to describe the stream. Raises SourceError if it is missing or access is denied."""
    shown, given = without_secrets(address), secrets_in(address)
    try:
        parts = urlsplit(address)
        host, port, scheme = parts.hostname or "", parts.port, parts.scheme.lower()
    except ValueError as error:
        raise SourceError(f"{shown}: this is not the address of a host") from error
    try:
        with socket.create_connection((host, port or _RTSP_PORTS[scheme]), timeout) as connection:
            # Encrypted connections and other protocols are left to FFmpeg.
            if scheme != "rtsp":
                return
            plain = urlunsplit((scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, ""))
            status, challenges = _describe(connection, plain, 1, "")
            if status == 401 and given is not None:
                authorisation = _authorisation(challenges, *given, plain)
                status, _ = _describe(connection, plain, 2, f"Authorization: {authorisation}\r\n")
    except (OSError, UnicodeError) as error:
        raise _failure(shown, error, timeout) from error
    if status is None:
        raise SourceError(f"{shown}: the host does not speak RTSP")
    if status >= 400:
        raise _status_error(shown, status, given is not None)


def _describe(connection: socket.socket, plain: str, number: int, more: str) -> tuple[int | None, list[str]]:
    """Return the status of the answer (None if it is not RTSP) and its authentication challenges."""
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


def _authorisation(challenges: list[str], name: str, password: str, plain: str) -> str:
    """Return the Authorization header for the challenges, after RFC 7617 (Basic) and RFC 2617 (Digest)."""
    digest = next((text for text in challenges if text.lower().startswith("digest")), None)
    if digest is None:
        return "Basic " + b64encode(f"{name}:{password}".encode()).decode()
    asked = {key.lower(): value for key, value in re.findall(r'(\w+)="?([^",]*)"?', digest)}
    realm, nonce = asked.get("realm", ""), asked.get("nonce", "")
    once = secrets.token_hex(8)
    counted = ("00000001", once, "auth") if "auth" in asked.get("qop", "").split(",") else ()
    first, second = _md5(f"{name}:{realm}:{password}"), _md5(f"DESCRIBE:{plain}")
    response = _md5(":".join((first, nonce, *counted, second)))
    header = f'Digest username="{name}", realm="{realm}", nonce="{nonce}", uri="{plain}", response="{response}"'
    return header + (f', qop=auth, nc=00000001, cnonce="{once}"' if counted else "")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
