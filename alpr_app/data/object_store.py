"""Pictures in object stores (s3://, gs:// and others) and on web servers, through fsspec.

An address of an object store is always a stored picture, a tar file or, with a slash at its end or as a pattern, all
pictures below it. An http address may be a camera as well, so the caller decides (`is_stored`).
"""

from __future__ import annotations

import asyncio
import io
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

from alpr_app.core.errors import MissingPackage, first_line
from alpr_app.data.file_types import is_archive_name, kind_of_name
from alpr_app.data.folders import LeftOut
from alpr_app.data.frame import Frame, SourceError
from alpr_app.data.network import without_secrets

# A picture from a store or an archive lies in memory before it is decoded, several at once.
MAXIMUM_BYTES = 64 * 2**20
WEB = ("http", "https")
# Schemes with which FFmpeg opens streams (rtsp, rtmp, udp, ftp and so on) are not among them.
OBJECT_STORES = (
    *("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "oci"),
    *("hdfs", "webhdfs", "sftp", "ssh", "smb"),
)
_PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "http": "aiohttp", "https": "aiohttp", "gs": "gcsfs", "gcs": "gcsfs"}
_PACKAGES |= {"az": "adlfs", "abfs": "adlfs", "abfss": "adlfs", "adl": "adlfs", "oss": "ossfs", "oci": "ocifs"}
_PACKAGES |= {"sftp": "paramiko", "ssh": "paramiko", "smb": "smbprotocol", "hdfs": "pyarrow", "webhdfs": "requests"}
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"]+")
_PAGE = 1000
# Of pages that link to pages, which might go on for ever.
_MAXIMUM_DEPTH = 32


def scheme_of(address: str) -> str:
    """Return the scheme of an address in lower case."""
    return address.partition("://")[0].lower()


def is_stored(address: str, web: bool) -> bool:
    """Whether an address names stored pictures and not a live source. web: whether http addresses do; a tar file
    always does."""
    scheme = scheme_of(address)
    return scheme in OBJECT_STORES or (scheme in WEB and (web or is_archive_name(address)))


def shown(address: str) -> str:
    """Return an address as it may be shown. Keys of object stores stay whole: parts such as key=5 are folders."""
    if scheme_of(address) in WEB:
        return without_secrets(address)
    scheme, _, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


@lru_cache
def _file_system(scheme: str, host: str) -> Any:
    """Return the file system of a scheme. `host` is part of the cache's key: some file systems are bound to one."""
    try:
        import fsspec
        from fsspec.core import url_to_fs

        if scheme in OBJECT_STORES[:2] or scheme in WEB:
            # Listings are not kept in memory, and several threads ask at once.
            return fsspec.filesystem("s3" if scheme == "s3a" else scheme, use_listings_cache=False)
        return url_to_fs(f"{scheme}://{host}")[0]
    except ImportError as error:
        package = _PACKAGES[scheme]
        remedy = "pip install 'alpr-app[remote]'" if package in ("s3fs", "aiohttp") else f"pip install fsspec {package}"
        raise MissingPackage(f"{scheme}:// addresses need another package: {remedy}") from error


def _located(address: str) -> tuple[Any, str]:
    """Return the file system of an address, and the path in it."""
    if "::" in address:
        # fsspec would take it for a chain of file systems.
        raise SourceError(f"{shown(address)}: an address with '::' cannot be read")
    scheme, _, rest = address.partition("://")
    system = _file_system(scheme.lower(), rest.partition("/")[0])
    return system, system._strip_protocol(f"{scheme.lower()}://{rest}")


def _failures() -> tuple[type[Exception], ...]:
    """Return what a file system may raise. Only classes of packages that are loaded can be raised."""
    found: list[type[Exception]] = [OSError, ValueError, asyncio.TimeoutError]
    for module, names in (
        ("botocore.exceptions", ("BotoCoreError", "ClientError")),
        ("aiohttp", ("ClientError",)),
        ("google.auth.exceptions", ("GoogleAuthError",)),
        ("gcsfs.retry", ("HttpError",)),
        ("azure.core.exceptions", ("AzureError",)),
        ("paramiko", ("SSHException",)),
    ):
        if module in sys.modules:
            found += [getattr(sys.modules[module], name) for name in names]
    return tuple(found)


def _failed(address: str, error: Exception) -> SourceError:
    """Return the error that says in one line, without credentials, why an address cannot be read."""
    name = shown(address)
    status = getattr(error, "status", None)
    if isinstance(error, FileNotFoundError) or status in (404, 410):
        return SourceError(f"{name}: not found; check the address")
    if isinstance(error, PermissionError) or status in (401, 403):
        return SourceError(f"{name}: no access; check the credentials in the environment")
    if isinstance(error, asyncio.TimeoutError | TimeoutError):
        return SourceError(f"{name}: no answer; check the network")
    description = (isinstance(error, OSError) and error.strerror) or first_line(error)
    return SourceError(f"{name}: cannot be read: {_ADDRESS.sub(lambda match: shown(match[0]), str(description))}")


def open_object(address: str) -> io.BufferedReader:
    """Open a stored file for reading from its beginning. Raises SourceError or MissingPackage."""
    system, path = _located(address)
    try:
        return io.BufferedReader(_Translated(system.open(path, "rb"), address), 2**20)
    except _failures() as error:
        raise _failed(address, error) from error


class _Translated(io.RawIOBase):
    """A file of a store whose failures are OSErrors without credentials: its readers need not know the store."""

    def __init__(self, file: Any, address: str) -> None:
        self._file, self._address = file, address

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        try:
            data = self._file.read(len(buffer))
        except _failures() as error:
            raise OSError(str(_failed(self._address, error)).removeprefix(f"{shown(self._address)}: ")) from error
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def fetched(entry: Frame) -> Frame:
    """Return a stored picture with its content, or with the error; any other entry as it is. Raises MissingPackage."""
    if entry.address is None or entry.content is not None or entry.error is not None:
        return entry
    try:
        return replace(entry, content=_content(entry.address))
    except SourceError as error:
        return replace(entry, error=error)


def _content(address: str) -> bytes:
    system, path = _located(address)
    try:
        if scheme_of(address) in WEB:
            # A server may state no size, or a wrong one.
            with system.open(path, "rb") as file:
                content: bytes = file.read(MAXIMUM_BYTES + 1)
        else:
            content = _beginning_of(system, path)
    except _failures() as error:
        raise _failed(address, error) from error
    if len(content) > MAXIMUM_BYTES:
        raise SourceError(f"{shown(address)}: larger than {MAXIMUM_BYTES // 2**20} MiB, too large for a stored picture")
    if not content:
        raise SourceError(f"{shown(address)}: the file is empty")
    return content


def _beginning_of(system: Any, path: str) -> bytes:
    """Return an object, or a little more than is allowed of it, in a single request."""
    try:
        content: bytes = system.cat_file(path, start=0, end=MAXIMUM_BYTES + 1)
        return content
    except _failures():
        # Stores refuse a range of an empty object.
        if system.size(path) == 0:
            return b""
        raise


def object_entries(address: str, recursive: bool, left_out: LeftOut) -> Iterator[Frame]:
    """Yield the entries that an address of an object store or a web server names: one picture or tar file, or what lies
    below it if it ends in a slash or is a pattern (*.jpg). Files below it that are not pictures by their suffix are
    counted and left out. Raises MissingPackage."""
    try:
        if "*" in address and scheme_of(address) not in WEB:
            yield from _matches(address)
        elif address.endswith("/") or not _names_file(address):
            yield from _below(address, recursive, left_out)
        else:
            yield _entry(address, address.rpartition("/")[2])
    except SourceError as error:
        yield replace(_entry(address, address), error=error)


def _entry(address: str, within: str) -> Frame:
    name = re.sub(r"[^\w./=-]+", "_", shown(within).partition("://")[2] or within.partition("?")[0]).strip("/")
    parts = (part for part in name.split("/") if part not in ("", ".", ".."))
    return Frame(shown(address), "/".join(parts) or "picture", address=address)


def _names_file(address: str) -> bool:
    """Whether an address names a single file. Only where the suffix does not tell, the store is asked."""
    if scheme_of(address) in WEB or is_archive_name(address) or kind_of_name(address):
        return True
    system, path = _located(address)
    try:
        return not system.isdir(path)
    except _failures() as error:
        raise _failed(address, error) from error


def _matches(address: str) -> Iterator[Frame]:
    system, path = _located(address)
    scheme = scheme_of(address)
    try:
        found = sorted(system.glob(path))
    except _failures() as error:
        raise _failed(address, error) from error
    if not found:
        raise SourceError(f"{shown(address)}: nothing matches it")
    for name in found:
        yield _entry(f"{scheme}://{name}", name.rpartition("/")[2])


def _below(address: str, recursive: bool, left_out: LeftOut) -> Iterator[Frame]:
    prefix = address.rstrip("/") + "/"
    others, empty = 0, True
    for name in _names_below(prefix, recursive):
        base = re.split(r"[?#]", name, maxsplit=1)[0] if scheme_of(address) in WEB else name
        if base.rpartition("/")[2].startswith("."):
            continue
        if kind_of_name(base) is None:
            others += 1
            continue
        empty = False
        yield _entry(prefix + name, name)
    if others:
        left_out(shown(address), others)
    if empty:
        remedy = "" if recursive else "; --recursive looks further down"
        raise SourceError(f"{shown(address)}: no pictures here{remedy}")


def _names_below(prefix: str, recursive: bool) -> Iterator[str]:
    """Yield the names of the files below `prefix`, relative to it, in the order of their bytes."""
    system, path = _located(prefix)
    path = path.rstrip("/")
    try:
        if scheme_of(prefix) in WEB:
            yield from _links(system, prefix, recursive)
        elif scheme_of(prefix) in ("s3", "s3a"):
            yield from _pages_of_s3(system, path, recursive)
        else:
            for name in sorted(system.find(path, maxdepth=None if recursive else 1)):
                yield name.removeprefix(path).lstrip("/")
    except _failures() as error:
        raise _failed(prefix, error) from error


def _links(system: Any, page: str, recursive: bool, inside: str = "") -> Iterator[str]:
    """Yield what a page links to below itself; with `recursive`, pages that end in a slash are followed."""
    here = page + inside
    for link in sorted(system.ls(here, detail=False)):
        name = link.removeprefix(here)
        if name == link or name.startswith(("?", "#", "../")) or not name.strip("/"):
            continue
        if not name.endswith("/"):
            yield inside + name
        elif recursive and inside.count("/") < _MAXIMUM_DEPTH:
            yield from _links(system, page, recursive, inside + name)


def _pages_of_s3(system: Any, path: str, recursive: bool) -> Iterator[str]:
    """Yield the names below a prefix page by page. s3fs itself would hold all of them in memory."""
    bucket, _, key = path.partition("/")
    prefix = f"{key}/" if key else ""
    options = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": _PAGE} | ({} if recursive else {"Delimiter": "/"})
    while True:
        page = system.call_s3("list_objects_v2", **options)
        for item in page.get("Contents", ()):
            # Some tools make empty objects that stand for folders.
            if not item["Key"].endswith("/"):
                yield item["Key"].removeprefix(prefix)
        if not page.get("IsTruncated"):
            return
        options["ContinuationToken"] = page["NextContinuationToken"]
