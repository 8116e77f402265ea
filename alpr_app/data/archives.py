"""Pictures in tar files, as WebDataset packs them: read one after another straight from the archive.

Nothing is unpacked to the disk, and neither the size of an archive nor what its headers claim decides how much memory
is taken.
"""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, cast

from alpr_app.core.errors import first_line, reason
from alpr_app.data.file_types import BEGINNING, kind_of
from alpr_app.data.folders import LeftOut
from alpr_app.data.frame import Frame, SourceError
from alpr_app.data.object_store import MAXIMUM_BYTES, open_object

# Headers that hold the name or attributes of the next member; tarfile reads them whole.
_EXTENDED = (
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
)
_MAXIMUM_EXTENDED_BYTES = 2**20
_BUFFER_BYTES = 2**18


class _Header(tarfile.TarInfo):
    """A header that is checked before anything is read on its word. tarfile itself takes damage for the end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        try:
            header = super().frombuf(buf, encoding, errors)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except (tarfile.EmptyHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError("cut short; the end of the archive is missing") from error
        except tarfile.HeaderError as error:
            raise tarfile.ReadError("damaged; what follows cannot be read") from error
        if header.size < 0 or (header.type in _EXTENDED and header.size > _MAXIMUM_EXTENDED_BYTES):
            raise tarfile.ReadError("damaged; a header claims an impossible size")
        return header


def members(archive: Frame, left_out: LeftOut) -> Iterator[Frame]:
    """Yield the pictures in a tar file (plain, gzip or bzip2) with their content, each called ARCHIVE/MEMBER.

    An archive that is damaged or cut short yields what precedes the damage and an entry with an error. So does a member
    that is too large for a picture. `left_out` is called with the number of members that are neither pictures nor
    videos.
    """
    others = 0
    try:
        with _opened(archive) as stream, tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header) as tar:
            while (member := tar.next()) is not None:
                # tarfile would keep every header.
                tar.members = []  # type: ignore[attr-defined]
                if member.isdir():
                    continue
                entry = _entry(archive, tar, member) if member.isreg() else None
                if entry is None:
                    others += 1
                else:
                    yield entry
    except SourceError as error:
        yield replace(archive, error=error)
    except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error) as error:
        yield replace(archive, error=SourceError(f"{archive.file}: {_explained(error)}"))
    if others:
        left_out(archive.file, others)


def _opened(archive: Frame) -> BinaryIO:
    """Open an archive and undo its compression. tarfile would do that too, but with unlimited memory."""
    try:
        if archive.address is None:
            file: io.BufferedReader = open(archive.file, "rb")  # noqa: SIM115 (the caller closes it)
        else:
            file = open_object(archive.address)
        beginning = file.peek(3)[:3]
    except (OSError, ValueError) as error:
        raise SourceError(f"{archive.file}: cannot be opened: {reason(error)}") from error
    if beginning.startswith(b"\x1f\x8b"):
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if beginning.startswith(b"BZh"):
        return cast(BinaryIO, bz2.BZ2File(file))
    return file


def _entry(archive: Frame, tar: tarfile.TarFile, member: tarfile.TarInfo) -> Frame | None:
    """Return the entry of a member; None if it is neither a picture nor a video."""
    file = tar.extractfile(member)
    if file is None:
        return None
    beginning = file.read(BEGINNING)
    if kind_of(member.name, beginning) is None:
        return None
    name = f"{archive.file}/{member.name}"
    entry = Frame(name, f"{archive.within}/{_safe(member.name)}")
    if member.size > MAXIMUM_BYTES:
        limit = f"larger than {MAXIMUM_BYTES // 2**20} MiB, too large for a picture in an archive; unpack it"
        return replace(entry, error=SourceError(f"{name}: {limit}"))
    return replace(entry, content=beginning + file.read(MAXIMUM_BYTES))


def _safe(name: str) -> str:
    """Return a member's name as a relative path that leads nowhere else, for pictures written under it."""
    parts = name.replace("\\", "/").replace(":", "_").split("/")
    return "/".join(part for part in parts if part not in ("", ".", "..")) or "member"


def _explained(error: Exception) -> str:
    if isinstance(error, EOFError) or "unexpected end of data" in str(error):
        return "cut short; the end of the archive is missing"
    return reason(error) if isinstance(error, OSError) else first_line(error)
