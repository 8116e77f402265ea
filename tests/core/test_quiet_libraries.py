from __future__ import annotations

import os
import sys

import pytest

from alpr_app.core.native_libraries import quiet_libraries


def test_what_c_prints_goes_nowhere_and_comes_back_afterwards(capfd):
    os.write(2, b"before ")
    with quiet_libraries():
        os.write(2, b"between ")
    os.write(2, b"after")
    assert capfd.readouterr().err == "before after"


def test_what_python_prints_is_seen(capfd, monkeypatch):
    with os.fdopen(2, "w", closefd=False) as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        with quiet_libraries():
            os.write(2, b"C ")
            print("Python", file=sys.stderr)
        assert sys.stderr is stream
    assert capfd.readouterr().err == "Python\n"


def test_everything_is_as_before_when_something_is_raised(capfd):
    with pytest.raises(KeyError), quiet_libraries():
        raise KeyError
    os.write(2, b"seen")
    assert capfd.readouterr().err == "seen"
