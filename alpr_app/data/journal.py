"""Which entries a run has finished, so that an interrupted one can be continued: every entry once, none lost."""

from __future__ import annotations

import hashlib
import os
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from alpr_app.core.errors import AlprError, reason
from alpr_app.data.atomic_files import append_whole

_DIGEST_BYTES = 16
# Digest of the entry's key, length of the results up to its end, whether it failed.
_RECORD = struct.Struct("<16sQ?")
_MAGIC = b"alpr-1\r\n"
_HEADER_BYTES = 40


class OutputError(AlprError):
    """Results cannot be written; the message names the file."""


def digest_of(key: str) -> bytes:
    """Return the 16 bytes that stand for an entry's key."""
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()


class Done:
    """The entries that an interrupted run had finished.

    Usually the entries come once more in the same order; then both are walked through side by side and nothing is held
    in memory. From the first difference on, as in a folder with new pictures, the remaining digests are.

    Args:
        digests: Digests of the finished entries, in the order in which they were finished.
        others: How often each digest of more finished entries is there.
    """

    def __init__(self, digests: Iterator[bytes] | None = None, others: Mapping[bytes, int] | None = None) -> None:
        self._digests = iter(()) if digests is None else digests
        self._others: Counter[bytes] = Counter(others)
        self._next = next(self._digests, None)

    def take(self, key: str) -> bool:
        """Whether an entry was finished. An entry that is given twice counts twice."""
        digest = digest_of(key)
        if digest == self._next:
            self._next = next(self._digests, None)
            return True
        others = self.rest()
        if not others.get(digest):
            return False
        others[digest] -= 1
        return True

    def rest(self) -> Counter[bytes]:
        """Return how often each digest is left that has not been taken."""
        if self._next is not None:
            self._others.update((self._next, *self._digests))
            self._next = None
        return self._others


class Journal:
    """A file beside growing results with one record per finished entry.

    An entry's results are written first, then its record. What follows the last record in the results is therefore of
    an entry that is read again, and is cut off.

    Args:
        path: The journal.
        results: The growing file of results.
        target: The file that the results become, which is named in errors.
        settings: Everything that decides what is written for an entry, apart from the entry.
        resume: Whether to continue an earlier journal if there is one.

    Attributes:
        length: Length of the results up to the last record.
        failed: Whether an entry failed.
        done: The entries that have records.

    Raises:
        OutputError: The journal cannot be written, or is of a run with other settings.
    """

    def __init__(self, path: Path, results: Path, target: Path, settings: str, resume: bool) -> None:
        self.path, self.results, self.target = path, results, target
        self.length, self.failed, self.done = 0, False, Done()
        header = _MAGIC + hashlib.sha256(settings.encode("utf-8", "surrogatepass")).digest()
        try:
            if path.is_symlink():
                raise OutputError(f"{path}: this is a link; remove it or name another file")
            count = self._recorded(header) if resume and results.exists() else None
            if count is None:
                path.unlink(missing_ok=True)
                self._file = path.open("xb", buffering=0)
                append_whole(self._file, header)
            else:
                self._file = path.open("r+b", buffering=0)
                self._file.truncate(_HEADER_BYTES + count * _RECORD.size)
                self.done = Done(self._digests(count))
        except OSError as error:
            self.remove()
            raise OutputError(f"{target}: cannot be written: {reason(error)}") from error

    def _recorded(self, header: bytes) -> int | None:
        """Count the records whose results are there; None if no run has begun. Sets `length` and `failed`."""
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            if self.results.stat().st_size:
                remedy = "rename it, or begin again without --resume"
                raise OutputError(
                    f"{self.results}: cannot be continued, {self.path.name} is missing; {remedy}"
                ) from None
            return None
        with file:
            found = file.read(_HEADER_BYTES)
            if len(found) < _HEADER_BYTES:
                return None
            if found != header:
                remedy = "continue with those, or begin again without --resume"
                raise OutputError(f"{self.results}: was begun with other models or options; {remedy}")
            size, count = self.results.stat().st_size, 0
            while len(record := file.read(_RECORD.size)) == _RECORD.size:
                _, length, failed = _RECORD.unpack(record)
                if length > size:
                    # After a power failure, the last results may be missing.
                    break
                count, self.length, self.failed = count + 1, length, self.failed or failed
            return count

    def _digests(self, count: int) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            file.seek(_HEADER_BYTES)
            for _ in range(count):
                yield file.read(_RECORD.size)[:_DIGEST_BYTES]

    def add(self, key: str, length: int, failed: bool) -> None:
        """Record that all results of an entry are within the first `length` bytes. Raises OutputError."""
        self.failed = self.failed or failed
        try:
            append_whole(self._file, _RECORD.pack(digest_of(key), length, failed))
        except OSError as error:
            raise OutputError(f"{self.target}: cannot be written: {reason(error)}") from error

    def close(self) -> None:
        """Close the file; it stays."""
        self._file.close()

    def remove(self) -> None:
        """Remove the file, once the results are complete or there are none."""
        with suppress(AttributeError):
            self._file.close()
        with suppress(OSError):
            os.unlink(self.path)
