"""The configuration of the reader: everything needed to rebuild it, including its alphabet."""

from __future__ import annotations

from dataclasses import dataclass

from alpr_app.core.geometry import PLATE_HEIGHT, PLATE_WIDTH
from alpr_app.core.plate import ALPHABET, COLOURS, MAXIMUM_LENGTH
from alpr_app.data.bounded_parsing import check_bounds, shown

STEM_STRIDE = 4
# Lowest and highest value of every number: enough for networks a hundred times as large, too little for absurd ones.
BOUNDS = {
    "img_height": (4, 256),
    "img_width": (4, 1024),
    "patch_size": (1, 1024),
    "overlap": (0, 256),
    "stem_channels": (1, 512),
    "embed_dim": (1, 1024),
    "num_heads": (1, 64),
    "num_encoder_layers": (0, 48),
    "num_decoder_layers": (1, 24),
    "feedforward_ratio": (1, 16),
    "dropout": (0.0, 1.0),
    "emb_dropout": (0.0, 1.0),
    "max_length": (1, 32),
}
LONGEST_ALPHABET, MAXIMUM_COLOURS, LONGEST_COLOUR = 10_000, 64, 40


@dataclass(frozen=True)
class ReaderConfig:
    """Configuration of the reader.

    Attributes:
        img_height, img_width: Size of the rectified plate in pixels.
        patch_size: Width of a vertical strip in pixels; each strip becomes one token.
        overlap: Pixels by which a strip extends into its neighbours.
        stem_channels: Channels of two convolutions of stride 2 with a residual block, applied before the strips are
            cut; empty for strips of plain pixels as in the paper.
        embed_dim: Width of the transformer.
        num_heads: Attention heads.
        num_encoder_layers, num_decoder_layers: Depth of the transformer.
        feedforward_ratio: Width of the feed-forward layers, in units of embed_dim.
        dropout, emb_dropout: Dropout in the transformer's layers, and on the tokens.
        max_length: Maximum number of characters.
        alphabet: The characters, one class each.
        colours: The plate colours, one class each.
    """

    img_height: int = PLATE_HEIGHT
    img_width: int = PLATE_WIDTH
    patch_size: int = 8
    overlap: int = 0
    stem_channels: tuple[int, ...] = (24, 48)
    embed_dim: int = 160
    num_heads: int = 5
    num_encoder_layers: int = 4
    num_decoder_layers: int = 2
    feedforward_ratio: int = 4
    dropout: float = 0.1
    emb_dropout: float = 0.0
    max_length: int = MAXIMUM_LENGTH
    alphabet: str = ALPHABET
    colours: tuple[str, ...] = COLOURS

    def __post_init__(self) -> None:
        check_bounds(self, BOUNDS)
        step = STEM_STRIDE if self.stem_channels else 1
        if len(self.stem_channels) not in (0, 2):
            raise ValueError(f"stem_channels holds two numbers or none, not {len(self.stem_channels)}")
        for name in ("patch_size", "overlap", "img_height", "img_width"):
            if getattr(self, name) % step:
                raise ValueError(f"{name} must be a multiple of {step}, the stem's stride, not {getattr(self, name)}")
        if self.img_width % self.patch_size:
            raise ValueError(f"img_width {self.img_width} must be a multiple of patch_size {self.patch_size}")
        if self.overlap % 2:
            raise ValueError(f"overlap must be even, half of it on each side of the strip, not {self.overlap}")
        if self.embed_dim % self.num_heads:
            raise ValueError(f"embed_dim {self.embed_dim} must be a multiple of num_heads {self.num_heads}")
        self._check_texts()

    def _check_texts(self) -> None:
        """Raise ValueError for an alphabet or colours that cannot be displayed."""
        if not 1 <= len(self.alphabet) <= LONGEST_ALPHABET:
            raise ValueError(f"the alphabet holds 1 to {LONGEST_ALPHABET} characters, not {len(self.alphabet)}")
        if len(set(self.alphabet)) != len(self.alphabet):
            raise ValueError("the alphabet holds a character twice")
        strange = [character for character in self.alphabet if character.isspace() or not character.isprintable()]
        if strange:
            raise ValueError(f"the alphabet holds {strange[0]!r}, which is not a character of a plate")
        if not 1 <= len(self.colours) <= MAXIMUM_COLOURS:
            raise ValueError(f"there are 1 to {MAXIMUM_COLOURS} colours, not {len(self.colours)}")
        for colour in self.colours:
            if not 1 <= len(colour) <= LONGEST_COLOUR or not colour.isprintable():
                raise ValueError(f"{shown(colour)} is not the name of a colour")

    @property
    def tokens(self) -> int:
        """Number of vertical strips per plate."""
        return self.img_width // self.patch_size

    @property
    def blank(self) -> int:
        """The class for 'no character'; the other classes are indices into the alphabet."""
        return len(self.alphabet)
