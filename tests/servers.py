"""Small cameras on this computer: what they send is decided by the test."""

from __future__ import annotations

import base64
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np


def jpeg(grey: int, size: tuple[int, int] = (48, 64)) -> bytes:
    """A picture of one grey."""
    return cv2.imencode(".jpg", np.full((*size, 3), grey, np.uint8))[1].tobytes()


class Camera(BaseHTTPRequestHandler):
    """/video.mjpg sends JPEGs without end, /few.mjpg five of them, /snapshot.jpg one, /video a file; /secret.jpg wants
    the user `me` with the password `geheim`; /broken.jpg is no picture, /forbidden is not for anybody."""

    count = 0
    video = b""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/secret.jpg":
            proof = base64.b64encode(b"me:geheim").decode()
            if self.headers.get("Authorization") != f"Basic {proof}":
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                self.end_headers()
                return
        if path in ("/snapshot.jpg", "/secret.jpg"):
            self._send("image/jpeg", jpeg(10 * (self.next() % 20)))
        elif path == "/broken.jpg":
            self._send("image/jpeg", b"no picture")
        elif path == "/video":
            self._send("video/mp4", self.video)
        elif path in ("/video.mjpg", "/few.mjpg"):
            self._stream(None if path == "/video.mjpg" else 5)
        else:
            self.send_error(403 if path == "/forbidden" else 404)

    def next(self) -> int:
        type(self).count += 1
        return self.count

    def _send(self, kind: str, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, pictures: int | None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        stopped, sent = self.server.stopped, 0
        try:
            while sent != pictures and not stopped.wait(0.01):
                content = jpeg(10 * (sent % 20))
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(content)}\r\n\r\n"
                self.wfile.write(head.encode() + content + b"\r\n")
                sent += 1
        except OSError:
            # Whoever watched has gone.
            return

    def log_message(self, *arguments: object) -> None:
        """Nothing."""


@contextmanager
def web_camera(video: bytes = b"") -> Iterator[str]:
    """The address of a running `Camera`, without a slash behind it."""
    handler = type("TestCamera", (Camera,), {"video": video})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads, server.stopped = True, threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.stopped.set()
        server.shutdown()
        server.server_close()


@contextmanager
def answering(answer: Callable[[bytes], bytes | None]) -> Iterator[int]:
    """The port of a server that answers every request as told; None: never."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0.05)
    stopped = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection:
            connection.settimeout(0.05)
            while not stopped.is_set():
                try:
                    request = connection.recv(65536)
                except TimeoutError:
                    continue
                except OSError:
                    return
                if not request:
                    return
                said = answer(request)
                if said is not None:
                    connection.sendall(said)

    def accept() -> None:
        while not stopped.is_set():
            try:
                connection, _ = listening.accept()
            except TimeoutError:
                continue
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        stopped.set()
        thread.join(2)
        listening.close()


_HEARING = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def hearing_ctrl_c(*arguments: str) -> list[str]:
    """The command that runs Python with these arguments so that it hears Ctrl-C: tests that run in the background
    ignore it, and so would what they start. A `preexec_fn` would fork this process, which has threads of many libraries
    and may not survive that."""
    return [sys.executable, "-c", _HEARING, *arguments]


def free_port() -> int:
    """A port at which nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def _units(raw: bytes) -> list[bytes]:
    """The parts of a raw H.264 stream."""
    return [part.rstrip(b"\0") for part in raw.split(b"\0\0\x01") if part.strip(b"\0")]


def _rtsp_conversation(connection: socket.socket, raw: bytes, port: int) -> None:
    """Answer what a player asks, then send the stream in the same connection (RFC 2326, RFC 6184)."""
    units = _units(raw)
    parameters = ",".join(base64.b64encode(unit).decode() for unit in units if unit[0] & 0x1F in (7, 8))
    sdp = (
        f"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
        f"a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;sprop-parameter-sets={parameters}\r\n"
        "a=control:track\r\n"
    )
    reader = connection.makefile("rb")
    while line := reader.readline():
        method = line.split()[0].decode()
        number = b"0"
        while (header := reader.readline()) not in (b"\r\n", b""):
            if header.lower().startswith(b"cseq"):
                number = header.partition(b":")[2].strip()
        more, body = "", ""
        if method == "OPTIONS":
            more = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
        elif method == "DESCRIBE":
            base = f"rtsp://127.0.0.1:{port}/stream/"
            more, body = f"Content-Base: {base}\r\nContent-Type: application/sdp\r\n", sdp
        elif method == "SETUP":
            more = "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
        else:
            more = "Session: 1\r\n"
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        connection.sendall(f"RTSP/1.0 200 OK\r\nCSeq: {number.decode()}\r\n{more}{length}\r\n{body}".encode())
        if method == "PLAY":
            break
    else:
        return
    time = 0
    for sequence, unit in enumerate(units):
        is_frame = unit[0] & 0x1F in (1, 5)
        head = bytes((0x80, 0x80 * is_frame + 96)) + sequence.to_bytes(2, "big") + time.to_bytes(4, "big")
        packet = head + b"\0\0\0\1" + unit
        connection.sendall(b"$\0" + len(packet).to_bytes(2, "big") + packet)
        time += 9000 * is_frame


@contextmanager
def rtsp_camera(raw: bytes) -> Iterator[str]:
    """The address of a stream of these H.264 frames, which then ends."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                _rtsp_conversation(connection, raw, port)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"rtsp://127.0.0.1:{port}/stream"
    finally:
        listening.close()
