"""The token, and who can reach the service."""

from __future__ import annotations

import pytest
from services import PLATE_READER, READ, ask, encoded, running

from alpr_app.serving.application import Service
from alpr_app.serving.gate import is_authorised, is_loopback


@pytest.fixture(scope="module")
def guarded(small_alpr):
    with running(Service(small_alpr, token="one-two-three")) as address:
        yield address


@pytest.mark.parametrize("scheme", ["Token", "Bearer", "token"])
def test_pictures_and_metrics_need_the_token(guarded, picture, scheme):
    file = encoded(picture())
    for path, body in ((READ, file), (PLATE_READER, file), ("/metrics", None)):
        for wrong in ({}, {"Authorization": f"{scheme} one-two-thre"}, {"Authorization": "one-two-three"}):
            answer = ask(guarded, path, body, wrong)
            assert (answer.status, answer.headers["www-authenticate"]) == (401, "Token")
            assert answer.error.startswith("a token is required")
        assert ask(guarded, path, body, {"Authorization": f"{scheme} one-two-three"}).status == 200


def test_pages_and_health_checks_need_none(guarded):
    assert [ask(guarded, path).status for path in ("/", "/docs", "/openapi.json", "/healthz", "/readyz")] == [200] * 5


def test_no_other_way_to_write_a_path_gets_round_the_token(guarded, picture):
    for path in (
        "//v1/read",
        "/v1//read",
        "/v1/read/",
        "/%76%31/read",
        "/V1/read",
        "/x/../v1/read",
        "/v1/read?token=x",
    ):
        assert ask(guarded, path, encoded(picture())).status in (401, 404)


def test_an_odd_header_is_a_wrong_token():
    assert is_authorised("Token abc", "abc") and is_authorised("bearer  abc ", "abc")
    for header in ("", "Token", "Token ", "Basic abc", "Token ä", "Token abc d", "Tokenabc", "\xff\xfe"):
        assert not is_authorised(header, "abc")


@pytest.mark.parametrize(
    ("host", "alone"),
    [
        ("127.0.0.1", True),
        ("127.5.6.7", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.5", False),
        ("", False),
        ("localhost.example.org", False),
    ],
)
def test_only_loopback_addresses_count_as_private(host, alone):
    assert is_loopback(host) is alone


def test_tokens_are_compared_in_constant_time(monkeypatch):
    compared = []
    monkeypatch.setattr(
        "hmac.compare_digest", lambda first, second: compared.append((first, second)) or first == second
    )
    assert is_authorised("Token abc", "abc") and not is_authorised("Basic abd", "abc")
    assert compared == [(b"abc", b"abc"), (b"abd", b"abc")]
