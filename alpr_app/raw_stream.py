"""The rate of a raw H.264 stream, which has no container that would say it: from its sequence parameter set (ITU-T
H.264, 7.3.2.1 and E.1)."""

from __future__ import annotations

from alpr_app.bits import Bits

# What describes the frames comes first; texts of encoders may stand before it.
_LOOKED_AT = 2**16
# No set is longer.
_SET_BYTES = 2048
# Profiles whose sets say more of colours.
_HIGH_PROFILES = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)
_WITH_OWN_SIZE = 255


def rate_of_h264(path: str) -> float | None:
    """Frames a second that a raw H.264 stream says it has; None if it does not, or is something else."""
    try:
        with open(path, "rb") as file:
            beginning = file.read(_LOOKED_AT)
    except OSError:
        return None
    if not beginning.startswith((b"\0\0\x01", b"\0\0\0\x01")):
        return None
    for unit in beginning.split(b"\0\0\x01")[1:]:
        if unit[:1] and unit[0] & 0x9F == 7:
            try:
                return _rate(Bits(unit[1:_SET_BYTES].replace(b"\0\0\x03", b"\0\0")))
            except ValueError:
                return None
    return None


def _rate(bits: Bits) -> float | None:
    profile = bits.take(8)
    bits.take(16)
    bits.number()
    if profile in _HIGH_PROFILES:
        _pass_colours(bits)
    bits.number()
    order = bits.number()
    if order == 0:
        bits.number()
    elif order == 1:
        bits.take(1)
        bits.number()
        bits.number()
        for _ in range(bits.number()):
            bits.number()
    # Reference frames, a flag, width, height; then whether there are whole frames only, and the crop.
    bits.number()
    bits.take(1)
    bits.number()
    bits.number()
    if not bits.take(1):
        bits.take(1)
    bits.take(1)
    if bits.take(1):
        for _ in range(4):
            bits.number()
    return _usage_rate(bits) if bits.take(1) else None


def _pass_colours(bits: Bits) -> None:
    chroma = bits.number()
    if chroma == 3:
        bits.take(1)
    bits.number()
    bits.number()
    bits.take(1)
    if bits.take(1):
        for place in range(12 if chroma == 3 else 8):
            if bits.take(1):
                _pass_scaling_list(bits, 16 if place < 6 else 64)


def _pass_scaling_list(bits: Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            number = bits.number()
            # Signed numbers: 1, -1, 2, -2 and so on.
            following = (last + (number + 1) // 2 * (1 if number % 2 else -1)) % 256
        last = following or last


def _usage_rate(bits: Bits) -> float | None:
    """The rate in the video usability information."""
    if bits.take(1) and bits.take(8) == _WITH_OWN_SIZE:
        bits.take(32)
    if bits.take(1):
        bits.take(1)
    if bits.take(1):
        bits.take(4)
        if bits.take(1):
            bits.take(24)
    if bits.take(1):
        bits.number()
        bits.number()
    if not bits.take(1):
        return None
    ticks, scale = bits.take(32), bits.take(32)
    # A tick is half a frame.
    return scale / (2 * ticks) if ticks else None
