"""Listening, TLS, and the end of a service."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest
from services import READ, Waiting, ask, encoded

from alpr_app.core.errors import AlprError
from alpr_app.serving.application import Service, make_application
from alpr_app.serving.server import Certificate, Server, address_of, listen


def test_the_end_waits_for_what_was_taken(picture):
    alpr, file = Waiting(), encoded(picture())
    service = Service(alpr, workers=1)
    ready = threading.Event()
    with listen("127.0.0.1", 0) as listening, ThreadPoolExecutor(4) as pool:
        address = address_of(listening, False)
        server = Server(make_application(service), 30.0, announce=ready.set)
        thread = threading.Thread(target=server.serve_on, args=(listening,))
        thread.start()
        assert ready.wait(30)
        taken = [pool.submit(ask, address, READ, file) for _ in range(3)]
        assert alpr.begun.acquire(timeout=30)
        while service.batcher.waiting < 2:
            sleep(0.01)
        server.stop()
        # Nothing new is taken while the end is waited for.
        with pytest.raises(OSError):
            while True:
                ask(address, "/healthz")
        assert thread.is_alive()
        alpr.go_on.set()
        assert [answer.result(60).status for answer in taken] == [200] * 3
        thread.join(60)
        assert not thread.is_alive()
        service.batcher.close()


def test_a_port_that_is_taken_or_an_address_of_others_is_one_line():
    with listen("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(
            AlprError, match=rf"^cannot listen on 127.0.0.1, port {port}: .*; choose others with --host"
        ):
            listen("127.0.0.1", port)
    for host, port in (("192.0.2.1", 0), ("no such host", 0), ("127.0.0.1", 70_000)):
        with pytest.raises(AlprError, match=r"^cannot listen on "):
            listen(host, port)


def test_answers_are_sent_without_delay():
    """asyncio sets TCP_NODELAY only on sockets that name their protocol; else every answer takes 40 ms more."""
    with listen("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP


def test_an_address_is_shown_as_it_is_typed():
    with listen("127.0.0.1", 0) as listening:
        assert address_of(listening, True) == f"https://127.0.0.1:{listening.getsockname()[1]}/"
    try:
        with listen("::1", 0) as listening:
            assert address_of(listening, False) == f"http://[::1]:{listening.getsockname()[1]}/"
    except AlprError:
        pytest.skip("this computer has no IPv6")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("tls")
    chain, key = folder / "chain.pem", folder / "key.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, *names, "-out", chain, "-keyout", key], check=True, capture_output=True)
    return Certificate(chain, key)


def test_with_a_certificate_it_speaks_tls(small_alpr, picture, certificate):
    service, ready = Service(small_alpr), threading.Event()
    certificate.check()
    with listen("127.0.0.1", 0) as listening:
        address = address_of(listening, True)
        server = Server(make_application(service), 30.0, certificate, ready.set)
        thread = threading.Thread(target=server.serve_on, args=(listening,))
        thread.start()
        try:
            assert ready.wait(30)
            trusting = ssl.create_default_context(cafile=str(certificate.chain))
            opener = urllib.request.build_opener(
                urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting)
            )
            assert opener.open(f"{address}v1/read", encoded(picture()), timeout=30).status == 200
            with pytest.raises(OSError):
                ask(address, "/healthz")
        finally:
            server.stop()
            thread.join(60)
            service.batcher.close()


def test_files_that_are_no_certificate_are_one_line(certificate, tmp_path):
    other = tmp_path / "other.pem"
    other.write_text("nothing")
    with pytest.raises(AlprError, match=r"gone.pem: cannot be read: No such file"):
        Certificate(tmp_path / "gone.pem", certificate.key).check()
    for chain, key in ((other, certificate.key), (certificate.chain, other), (certificate.chain, certificate.chain)):
        with pytest.raises(AlprError, match="no certificate in PEM format that fits the key"):
            Certificate(chain, key).check()
