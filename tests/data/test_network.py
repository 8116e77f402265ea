from __future__ import annotations

import pytest

from alpr_app.data.network import file_name_for, is_address, secrets_in, without_secrets
from alpr_app.viewer.workers.live import address_name


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://host:554/stream?x=1", "rtsp://host:554/stream?x=1"),
        ("rtsp://user:secret@host:554/stream", "rtsp://host:554/stream"),
        ("rtsp://user:se@cret@host/stream", "rtsp://host/stream"),
        ("rtsp://user:se/cret@host/stream", "rtsp://host/stream"),
        ("rtsp://user:se?cret@host/stream", "rtsp://host/stream"),
        ("RTSP://User:Secret@Host/", "RTSP://Host/"),
        ("http://host/v.cgi?user=me&pwd=secret&channel=1", "http://host/v.cgi?user=***&pwd=***&channel=1"),
        ("http://host/v?loginuse=me&loginpas=secret", "http://host/v?loginuse=***&loginpas=***"),
        ("http://host/v?access_token=secret#part", "http://host/v?access_token=***#part"),
        ("http://host/v?PASSWORD=secret;size=2", "http://host/v?PASSWORD=***;size=2"),
        ("http://host/v?p%77d=secret", "http://host/v?p%77d=***"),
        ("rtsp://host/user=me_password=secret_channel=1.sdp", "rtsp://host/user=***_password=***_channel=1.sdp"),
        ("http://host/v?of=rtsp://me:secret@other/x", "http://host/v?of=rtsp://***@other/x"),
        ("http://host/v?of=rtsp%3A%2F%2Fme%3Asecret%40other%2Fx", "http://host/v?of=rtsp%3A%2F%2F***%40other%2Fx"),
        ("http://host/v?of=http%3A%2F%2Fother%2Fa%40b", "http://host/v?of=http%3A%2F%2Fother%2Fa%40b"),
        ("http://host/@garden", "http://host/@garden"),
        ("http://[::1]:8080/v?token=secret", "http://[::1]:8080/v?token=***"),
    ],
)
def test_what_opens_a_camera_is_not_shown(address, shown):
    assert without_secrets(address) == shown == address_name(address)
    assert "secret" not in file_name_for(address)


@pytest.mark.parametrize("part", ["a", "a_", "_a", "%3A%2F%2F", "="])
def test_an_address_of_a_megabyte_is_gone_through_in_one_go(part):
    """In time that grows with the square of its length, this would take hours."""
    address = "rtsp://host/" + part * (2**20 // len(part))
    assert without_secrets(address) == address


def test_paths_are_no_addresses():
    assert not is_address("C:/pictures/a.jpg") and not is_address("a://"[1:]) and is_address("rtsp://host")
    assert without_secrets("pictures/password=1.jpg") == "pictures/password=1.jpg"


def test_user_and_password_are_found_for_those_who_need_them():
    assert secrets_in("rtsp://me:a%40b@host/x") == ("me", "a@b")
    assert secrets_in("rtsp://host/a@b") is None
    assert secrets_in("film.mp4") is None
