"""Rectified plates -> text, one confidence a character, colour: network and decoding."""

from alpr_app.reader.config import ReaderConfig
from alpr_app.reader.decoding import Reading, decode
from alpr_app.reader.network import Reader

__all__ = ["Reader", "ReaderConfig", "Reading", "decode"]
