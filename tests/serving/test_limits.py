"""What the service refuses, and that it says so at once."""

from __future__ import annotations

import http.client
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from time import sleep
from urllib.parse import urlsplit

import numpy as np
import pytest
from services import READ, Waiting, ask, encoded, running

from alpr_app.serving.application import Service
from alpr_app.serving.limits import BodyMemory, ServiceLimits


@pytest.fixture(scope="module")
def small(small_alpr):
    """A service that takes 10,000 bytes and 5,000 pixels."""
    with running(Service(small_alpr, limits=ServiceLimits(10_000, 5_000, 30.0))) as address:
        yield address


def test_a_body_that_is_too_large_is_refused_in_one_sentence(small):
    answer = ask(small, READ, bytes(30_000))
    assert (answer.status, answer.error) == (413, "the request is larger than 0.01 MB; make the picture smaller first")


def test_a_body_without_a_length_is_counted(small):
    answer = ask(small, READ, iter([bytes(4_000)] * 6))
    assert answer.status == 413


def test_an_endless_body_is_cut_off(small):
    host, port = urlsplit(small).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"POST /v1/read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(OSError):
            for _ in range(10_000):
                connection.sendall(b"1000\r\n" + bytes(4096) + b"\r\n")


def test_a_length_beyond_everything_is_refused_before_the_body_comes(small):
    connection = http.client.HTTPConnection(urlsplit(small).netloc, timeout=30)
    connection.putrequest("POST", READ)
    connection.putheader("Content-Length", str(10**15))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_a_picture_with_too_many_pixels_is_refused_by_its_header(small, picture):
    answer = ask(small, READ, encoded(np.zeros((100, 51, 3), np.uint8)))
    assert answer.status == 413
    assert answer.error == "the picture: 51 x 100 pixels, 0.005 million are allowed; make it smaller first"
    assert ask(small, READ, encoded(np.zeros((100, 50, 3), np.uint8))).status == 200


def test_the_limits_of_each_format_hold_too(address):
    # A PNG that claims 30000 x 30000 pixels.
    claimed = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + 2 * (30000).to_bytes(4, "big") + b"\x08\x02\0\0\0" + bytes(4)
    answer = ask(address, READ, claimed + b"\0\0\0\0IEND" + bytes(4))
    assert answer.status == 400 and "100 million are allowed" in answer.error


def test_overload_is_answered_at_once_with_the_time_to_try_again(picture):
    alpr, file = Waiting(), encoded(picture())
    service = Service(alpr, queue=2)
    with running(service) as address, ThreadPoolExecutor(3) as pool:
        first = pool.submit(ask, address, READ, file)
        assert alpr.begun.acquire(timeout=30)
        others = [pool.submit(ask, address, READ, file) for _ in range(2)]
        while service.batcher.waiting < 2:
            sleep(0.01)
        answer = ask(address, READ, file)
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert answer.error == "too many pictures are waiting; try again later"
        # The process itself is well.
        assert ask(address, "/healthz").status == 200
        assert b'alpr_requests_total{path="/v1/read",status="503"}' in ask(address, "/metrics").body
        alpr.go_on.set()
        assert [done.result(60).status for done in (first, *others)] == [200] * 3
        assert ask(address, READ, file).status == 200


def test_uploads_share_a_limited_memory(small_alpr, picture):
    service = Service(small_alpr, memory=BodyMemory(50_000))
    with running(service) as address:
        assert ask(address, READ, bytes(60_000)).status == 503
        # It was given back.
        for _ in range(3):
            assert ask(address, READ, bytes(40_000)).error == "the picture: not a picture"


def test_a_body_that_comes_too_slowly_is_given_up(small_alpr):
    with running(Service(small_alpr, limits=ServiceLimits(seconds=0.5))) as address:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
        connection.putrequest("POST", READ)
        connection.putheader("Content-Length", "1000")
        connection.endheaders(b"a little")
        answer = connection.getresponse()
        assert answer.status == 408 and b"did not arrive in time" in answer.read()
        connection.close()


def test_a_picture_that_is_not_read_in_time_is_answered(picture):
    alpr = Waiting()
    with running(Service(alpr, limits=ServiceLimits(seconds=0.5))) as address:
        answer = ask(address, READ, encoded(picture()))
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert answer.error == "the picture was not read in time; try again later"
        alpr.go_on.set()


def test_a_client_that_goes_away_costs_nobody_else_anything(small_alpr, picture):
    file = encoded(picture())
    with running(Service(small_alpr)) as address:
        host, port = urlsplit(address).netloc.split(":")
        for sent in (
            b"",
            b"POST /v1/read HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nhalf",
            b"\x16\x03\x01 no HTTP",
        ):
            with socket.create_connection((host, int(port))) as connection:
                connection.sendall(sent)
        assert ask(address, READ, file).status == 200


def test_a_connection_without_a_request_is_closed(small_alpr, monkeypatch):
    monkeypatch.setattr("alpr_app.serving.server.IDLE_SECONDS", 0.3)
    with running(Service(small_alpr)) as address:
        host, port = urlsplit(address).netloc.split(":")
        for sent in (b"", b"GET / HTTP/1.1\r\nHos"):
            with socket.create_connection((host, int(port)), timeout=30) as connection:
                connection.sendall(sent)
                assert connection.recv(100) == b""
        # One that sends a header every now and then is closed too.
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            stopped = threading.Event()

            def trickle():
                while not stopped.is_set():
                    try:
                        connection.sendall(b"GET" if stopped.is_set() else b"X")
                    except OSError:
                        return
                    sleep(0.05)

            thread = threading.Thread(target=trickle)
            thread.start()
            try:
                assert connection.recv(100) in (b"",)
            except ConnectionError:
                pass
            finally:
                stopped.set()
                thread.join()


def test_what_is_no_http_is_answered_in_json(address):
    host, port = urlsplit(address).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        answer = connection.recv(1000)
    assert answer.startswith(b"HTTP/1.1 400 ") and answer.endswith(b'{"error": "this is not an HTTP request"}')
