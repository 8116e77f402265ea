"""Hostile bodies: a modest number; `python -m tests.serving.hostile` sends as many as wanted."""

from __future__ import annotations

from collections import Counter

from services import READ, ask, encoded

from alpr_app.data.images import quiet_opencv
from tests.places import FIXTURES
from tests.serving.hostile import bodies, check


def test_damaged_bodies_are_answered_as_the_library_judges_them(address, small_alpr, picture):
    quiet_opencv()
    statuses = Counter(check(address, small_alpr, body) for body in bodies(150, FIXTURES / "pictures"))
    assert statuses[400] > 50 and statuses[200] > 5
    assert ask(address, READ, encoded(picture())).status == 200


def test_bodies_that_take_long_to_parse_are_refused(address):
    megabytes = 2 * 10**6
    json = {"Content-Type": "application/json"}
    multipart = {"Content-Type": "multipart/form-data; boundary=x"}
    hostile = [
        (b"[" * megabytes, json),
        (b'{"upload": ' + b"9" * megabytes + b"}", json),
        (b'{"a":' * 100_000, json),
        (b"--x\r\n" * (megabytes // 5), multipart),
        (b"\r\n" * (megabytes // 2), multipart),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * 20_000, multipart),
        (b"--x\r\n" + b"A: b\r\n" * (megabytes // 6), multipart),
        (b"--x\r\n" + b"A" * megabytes, multipart),
        (b"a=b&" * (megabytes // 4), {"Content-Type": "application/x-www-form-urlencoded"}),
        (b"upload=" + b"%" * megabytes, {"Content-Type": "application/x-www-form-urlencoded"}),
        (b"x", {"Content-Type": "multipart/form-data; boundary=" + "x" * 5000}),
    ]
    assert [ask(address, READ, *body).status for body in hostile] == [400] * len(hostile)
