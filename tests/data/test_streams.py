from __future__ import annotations

import hashlib
import re
import socket

import pytest
from servers import answering, free_port, rtsp_camera, web_camera

from alpr_app.data import network, streams
from alpr_app.data.sources import Limits, entries, frames
from tests.places import FIXTURES

VIDEO = (FIXTURES / "films" / "film.mp4").read_bytes()


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Nobody waits long here."""
    monkeypatch.setattr(network, "SNAPSHOT_SECONDS", 0.01)
    monkeypatch.setattr(streams._opened, "__defaults__", (0.5,))


def read(address: str, **limits):
    """Frames, and what is said at the end, without the address."""
    found = list(frames(entries([address]), Limits(**limits)))
    errors = [str(frame.error) for frame in found if frame.error is not None]
    return [frame for frame in found if frame.error is None], errors


def test_a_stream_of_jpegs_is_read_until_its_limit():
    with web_camera() as camera:
        found, errors = read(f"{camera}/video.mjpg", frames=6)
    assert errors == []
    assert len(found) == 6
    times = [frame.time_ms for frame in found]
    assert times[0] == 0 and times == sorted(set(times))
    assert found[0].load().shape == (48, 64, 3)


def test_a_stream_is_read_for_so_many_seconds():
    with web_camera() as camera:
        found, errors = read(f"{camera}/video.mjpg", seconds=0.3)
    assert errors == [] and found
    assert found[-1].time_ms < 300


def test_a_stream_that_ends_says_so():
    with web_camera() as camera:
        found, (error,) = read(f"{camera}/few.mjpg")
        assert error == f"{camera}/few.mjpg: sends no more pictures (after {len(found)} frames)"
    assert 1 <= len(found) <= 5


def test_single_pictures_are_asked_for_again_and_again():
    with web_camera() as camera:
        found, errors = read(f"{camera}/snapshot.jpg?size=1", frames=4)
    assert errors == []
    assert len({round(float(frame.load().mean())) for frame in found}) == 4


def test_a_video_at_an_address_is_read_to_its_end():
    with web_camera(VIDEO) as camera:
        found, errors = read(f"{camera}/video")
    assert errors == []
    assert [round(frame.time_ms / 100) for frame in found] == list(range(30))


def test_user_and_password_are_given_and_never_shown():
    with web_camera() as camera:
        host = camera.removeprefix("http://")
        found, errors = read(f"http://me:geheim@{host}/secret.jpg?pwd=geheim", frames=1)
        assert (len(found), errors) == (1, [])
        assert found[0].file == f"http://{host}/secret.jpg?pwd=***"
        assert "geheim" not in repr(found[0])
        _, (wrong,) = read(f"http://me:other@{host}/secret.jpg")
        assert wrong == f"http://{host}/secret.jpg: not authorised: user name or password is wrong"
        _, (none,) = read(f"http://{host}/secret.jpg")
        assert "not authorised: write the user name and password before the host" in none


def test_what_is_wrong_with_a_web_address_is_told_apart(monkeypatch):
    def unknown(*arguments: object, **options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with web_camera() as camera:
        assert "not found (404)" in read(f"{camera}/none.jpg")[1][0]
        assert "forbidden (403)" in read(f"{camera}/forbidden")[1][0]
        assert "not a picture" in read(f"{camera}/broken.jpg")[1][0]
    assert "connection refused" in read(f"http://127.0.0.1:{free_port()}/video")[1][0]
    with answering(lambda request: None) as port:
        assert "no answer within 0.5 s" in read(f"http://127.0.0.1:{port}/video")[1][0]
    with answering(lambda request: b"SSH-2.0 hello\r\n") as port:
        (error,) = read(f"http://127.0.0.1:{port}/video")[1]
        assert error.endswith("the connection was closed before any data arrived")
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "unknown host" in read("http://no-such-camera.invalid/video")[1][0]
    assert "unknown host" in read("rtsp://no-such-camera.invalid/video")[1][0]


def test_what_is_wrong_with_an_rtsp_address_is_told_apart():
    assert "connection refused" in read(f"rtsp://127.0.0.1:{free_port()}/stream")[1][0]
    for answer, complaint in (
        (None, "no answer within 0.5 s"),
        (b"RTSP/1.0 404 Not Found\r\nCSeq: 1\r\n\r\n", "not found (404)"),
        (b"RTSP/1.0 403 Forbidden\r\nCSeq: 1\r\n\r\n", "forbidden (403)"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak RTSP"),
        (b"RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nWWW-Authenticate: Basic realm=x\r\n\r\n", "not authorised: write"),
    ):
        with answering(lambda request, answer=answer: answer) as port:
            (error,) = read(f"rtsp://127.0.0.1:{port}/stream")[1]
        assert complaint in error and error.startswith(f"rtsp://127.0.0.1:{port}/stream: ")


def test_a_stream_over_rtsp_is_read():
    with rtsp_camera((FIXTURES / "films" / "film.h264").read_bytes()) as camera:
        found, errors = read(camera, frames=5)
        assert errors == []
        assert len(found) == 5 and found[0].load().shape == (64, 96, 3)
        _, (error,) = read(camera)
    assert error.startswith(f"{camera}: sends no more pictures (after ")


@pytest.mark.parametrize("qop", ["", ', qop="auth"'])
def test_an_rtsp_server_is_given_the_proof_that_it_asks_for(qop):
    asked = []

    def answer(request: bytes) -> bytes:
        text = request.decode()
        asked.append(text)
        if "Authorization" not in text:
            return f'RTSP/1.0 401 No\r\nWWW-Authenticate: Digest realm="cam", nonce="n1"{qop}\r\n\r\n'.encode()
        given = dict(re.findall(r'(\w+)="?([^",\r]*)"?', text.partition("Digest ")[2]))

        def md5(part: str) -> str:
            return hashlib.md5(part.encode()).hexdigest()

        middle = f"n1:{given['nc']}:{given['cnonce']}:auth" if qop else "n1"
        uri = given["uri"]
        right = md5(f"{md5('me:cam:geheim')}:{middle}:{md5(f'DESCRIBE:{uri}')}")
        return b"RTSP/1.0 404 Not Found\r\n\r\n" if given["response"] == right else b"RTSP/1.0 401 No\r\n\r\n"

    with answering(answer) as port:
        # It is let in, and only then told that there is nothing.
        with pytest.raises(network.SourceError, match="not found"):
            network.check_rtsp(f"rtsp://me:geheim@127.0.0.1:{port}/stream", 1.0)
        with pytest.raises(network.SourceError, match="user name or password is wrong") as wrong:
            network.check_rtsp(f"rtsp://me:other@127.0.0.1:{port}/stream", 1.0)
    assert "other" not in str(wrong.value)
    assert all("geheim" not in text and "me:" not in text for text in asked)


def test_a_camera_that_is_not_there_is_named():
    found = list(frames([streams.camera_entry(97)]))
    assert [str(frame.error) for frame in found] == [
        "camera 97: cannot be opened; does this camera exist, and is no other program using it?"
    ]


@pytest.mark.parametrize("address", ["http://", "http://[::1/x", "rtsp://host:port/x", "http://a b/c"])
def test_an_address_that_is_none_is_one_line(address):
    found, (error,) = read(address)
    assert found == [] and error.startswith(f"{address}: ")


def test_an_address_without_a_host_says_so():
    assert read("http:///stream")[1] == ["http:///stream: cannot be reached: no host given"]
    assert read("http://a b/stream")[1] == ["http://a b/stream: this is not the address of a host"]


def test_an_error_of_the_program_is_no_proper_end_of_a_stream(monkeypatch):
    class Faulty:
        def isOpened(self):
            raise RuntimeError("a fault of the program")

        def release(self):
            pass

    monkeypatch.setattr("alpr_app.data.streams.cv2.VideoCapture", lambda *arguments: Faulty())
    # Its traceback is for those who can mend it.
    monkeypatch.setattr("threading.excepthook", lambda arguments: None)
    (frame,) = streams.stream_frames(streams.camera_entry(0))
    assert "an error in the program" in str(frame.error)
