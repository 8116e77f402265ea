"""An object store and a web server on this computer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def object_store() -> Iterator[Any]:
    """A client of an S3 store with the bucket `pictures`; the environment names the store."""
    pytest.importorskip("s3fs", reason="needs s3fs, of the extra 'remote'")
    moto = pytest.importorskip("moto.server", reason="needs moto, of the extra 'test'")
    import boto3
    import s3fs

    from alpr_app.data import object_store as module

    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (
            ("AWS_ACCESS_KEY_ID", "name"),
            ("AWS_SECRET_ACCESS_KEY", "geheim"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL", f"http://{host}:{port}"),
        ):
            patch.setenv(name, value)
        for forget in (module._file_system.cache_clear, s3fs.S3FileSystem.clear_instance_cache):
            forget()
        client = boto3.client("s3")
        client.create_bucket(Bucket="pictures")
        yield client
    server.stop()
    module._file_system.cache_clear()
    s3fs.S3FileSystem.clear_instance_cache()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Nothing."""


@contextmanager
def web_server(folder: Path) -> Iterator[str]:
    """The address of a server of these files, without a slash behind it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
