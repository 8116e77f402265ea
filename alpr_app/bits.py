"""Numbers that do not end where bytes do."""

from __future__ import annotations


class Bits:
    """Reads numbers bit by bit. Raises ValueError at the end."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        """A number of so many bits."""
        if count > self._left:
            raise ValueError("cut short")
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def number(self) -> int:
        """An unsigned Exp-Golomb number, as H.264 and AV1 have them."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)
