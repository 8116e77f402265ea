"""Damage done to bytes and texts, by chance but the same for the same seed: what disks, networks and people do."""

from __future__ import annotations

import random
import re

# Where a number decides how much is read, made or gone through.
EDGES = (0, 1, 2, 3, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1)
ODD_NUMBERS = ("0", "-1", "1e19", "1e308", "1e999", "NaN", "Infinity", "-0.0", "9" * 20, "0.5", "true", "null", '""')
ODD_TEXTS = ("", "\x00", "\x1b[2J", "\r\n", "=1+1", "../..", "\ud800", "𝔸" * 9, "京" * 300, '"', "[" * 60, "\\")
# The bytes behind which a file's head mostly ends: there damage is refused at once.
HEAD = 64


def damage(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """`data` with one to four things done to it. others: files to take pieces of."""
    content = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 4))):
        if content:
            rng.choice(_ON_BYTES)(content, others, rng)
    return bytes(content)


def _place(content: bytearray, rng: random.Random) -> int:
    """Three times in four behind the head."""
    if len(content) > HEAD and rng.random() < 0.75:
        return rng.randrange(HEAD, len(content))
    return rng.randrange(len(content))


def _flip(content: bytearray, others: list[bytes], rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 2, 8))):
        content[_place(content, rng)] ^= 1 << rng.randrange(8)


def _overwrite(content: bytearray, others: list[bytes], rng: random.Random) -> None:
    start = _place(content, rng)
    for place in range(start, min(len(content), start + rng.choice((1, 2, 4, 16, 200)))):
        content[place] = rng.randrange(256)


def _number(content: bytearray, others: list[bytes], rng: random.Random) -> None:
    """A field of 1, 2, 4 or 8 bytes becomes a number that is at the edge of something."""
    size = rng.choice((1, 2, 4, 8))
    start = _place(content, rng)
    value = rng.choice(EDGES) % 256**size
    content[start : start + size] = value.to_bytes(size, rng.choice(("little", "big")))


def _cut(content: bytearray, others: list[bytes], rng: random.Random) -> None:
    del content[_place(content, rng) :]


def _leave_out(content: bytearray, others: list[bytes], rng: random.Random) -> None:
    start = _place(content, rng)
    del content[start : start + rng.choice((1, 2, 7, 64, 1000))]


def _repeat(content: bytearray, others: list[bytes], rng: random.Random) -> None:
    start = _place(content, rng)
    piece = content[start : start + rng.choice((2, 20, 300))]
    content[start:start] = piece * rng.choice((1, 2, 50))


def _splice(content: bytearray, others: list[bytes], rng: random.Random) -> None:
    other = rng.choice(others)
    start, length = rng.randrange(len(other) or 1), rng.choice((4, 40, 400, 4000))
    place = _place(content, rng)
    content[place : place + length] = other[start : start + length]


def _insert(content: bytearray, others: list[bytes], rng: random.Random) -> None:
    place = _place(content, rng)
    content[place:place] = bytes([rng.choice((0, 255, 0x20, rng.randrange(256)))]) * rng.choice((1, 3, 64, 5000))


_ON_BYTES = (_flip, _flip, _overwrite, _number, _number, _cut, _leave_out, _repeat, _splice, _insert)


def damage_text(text: str, others: list[str], rng: random.Random) -> str:
    """The same for what people type: words, numbers, lines and values are changed as wholes."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        text = rng.choice(_ON_TEXT)(text, others, rng)
    return text


def _other_number(text: str, others: list[str], rng: random.Random) -> str:
    numbers = list(re.finditer(r"-?\d+(?:\.\d+)?(?:[eE]-?\d+)?", text))
    if not numbers:
        return text
    found = rng.choice(numbers)
    return text[: found.start()] + rng.choice(ODD_NUMBERS) + text[found.end() :]


def _other_word(text: str, others: list[str], rng: random.Random) -> str:
    words = list(re.finditer(r"\w+", text))
    if not words:
        return rng.choice(ODD_TEXTS)
    found = rng.choice(words)
    other = rng.choice((rng.choice(ODD_TEXTS), rng.choice(words).group(), "x"))
    return text[: found.start()] + other + text[found.end() :]


def _other_character(text: str, others: list[str], rng: random.Random) -> str:
    place = rng.randrange(len(text) + 1)
    other = rng.choice((chr(rng.randrange(32, 127)), chr(rng.randrange(0x110000)), rng.choice('[]{}",:=#&|-_ \t')))
    return text[:place] + other + text[place + rng.choice((0, 1)) :]


def _other_lines(text: str, others: list[str], rng: random.Random) -> str:
    lines = text.splitlines(keepends=True) or [""]
    place = rng.randrange(len(lines))
    foreign = rng.choice(others).splitlines(keepends=True) or [""]
    changed = rng.choice(([], [lines[place]] * 3, [rng.choice(foreign)], [lines[-1]]))
    return "".join(lines[:place] + changed + lines[place + 1 :])


def _cut_text(text: str, others: list[str], rng: random.Random) -> str:
    return text[: rng.randrange(len(text) + 1)]


_ON_TEXT = (_other_number, _other_number, _other_word, _other_word, _other_character, _other_lines, _cut_text)
