"""The reader's network, after MaskOCR (Lyu et al., Text Recognition with Masked Encoder-Decoder Pretraining, 2022):
vertical strips of the plate become the tokens of a ViT encoder, and one query per character attends to them in a
decoder. There is no language model: queries never see each other's readings.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from alpr_app.networks.layers import ConvBlock, ResidualBlock
from alpr_app.networks.reader.config import STEM_STRIDE, ReaderConfig


class StripEmbedding(nn.Module):
    """Plates (B, 3, H, W) -> one token per vertical strip (B, T, D).

    A ViT on plain strips needs far more plates than a few thousand; the convolutional stem (Xiao et al., Early
    Convolutions Help Transformers See Better, 2021) gives it local features to start with.
    """

    def __init__(self, config: ReaderConfig) -> None:
        super().__init__()
        self.config = config
        step, channels = 1, 3
        self.stem: nn.Module = nn.Identity()
        if config.stem_channels:
            first, channels = config.stem_channels
            step = STEM_STRIDE
            self.stem = nn.Sequential(
                ConvBlock(3, first, stride=2), ConvBlock(first, channels, stride=2), ResidualBlock(channels)
            )
        height = config.img_height // step
        width, overlap = config.patch_size // step, config.overlap // step
        # One convolution over the whole height: a linear layer on each strip.
        self.strips = nn.Conv2d(channels, config.embed_dim, (height, width + overlap), (height, width))
        self.padding = (overlap - overlap // 2, overlap // 2)

    def forward(self, plates: Tensor) -> Tensor:
        features = self.stem(plates)
        if any(self.padding):
            features = functional.pad(features, self.padding)
        strips: Tensor = self.strips(features)
        return strips.squeeze(2).transpose(1, 2)


def _lengths(rows: Tensor) -> tuple[int, int]:
    """L and D of (B, L, D) as plain numbers: an exported graph would derive them from shapes in every call."""
    return int(rows.shape[1]), int(rows.shape[2])


class Attention(nn.Module):
    """Multi-head attention of queries to a memory. Both are rows, (B * Q, D) and (B * M, D), because a linear layer on
    rows is exported as one step; queries alike for the whole batch may be (Q, D)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.width = heads, width // heads
        # The default value as a number: an exported graph would derive it from shapes in every call.
        self.scale = self.width**-0.5
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.output = nn.Linear(width, width)
        self.fused: nn.Linear | None = None

    def _split(self, projected: Tensor, length: int, parts: int) -> tuple[Tensor, ...]:
        """(B * L, parts * D) -> parts of (B, heads, L, D / heads)."""
        heads = projected.view(-1, length, parts * self.heads, self.width).transpose(1, 2)
        return heads.split(self.heads, dim=1) if parts > 1 else (heads,)

    def forward(self, queries: Tensor, query_length: int, memory: Tensor, memory_length: int) -> Tensor:
        """Return (B * Q, D). query_length and memory_length: Q and M."""
        if self.fused is not None and queries is memory:
            query, key, value = self._split(self.fused(memory), memory_length, 3)
        else:
            (query,) = self._split(self.query(queries), query_length, 1)
            key, value = self._split(self.key_value(memory), memory_length, 2)
        mixed = functional.scaled_dot_product_attention(query, key, value, scale=self.scale)
        output: Tensor = self.output(mixed.transpose(1, 2).reshape(-1, self.output.in_features))
        return output

    def fuse(self) -> None:
        """Merge the two projections into one for self-attention."""
        width = self.query.in_features
        self.fused = nn.Linear(width, 3 * width)
        with torch.no_grad():
            self.fused.weight.copy_(torch.cat([self.query.weight, self.key_value.weight]))
            self.fused.bias.copy_(torch.cat([self.query.bias, self.key_value.bias]))


class FeedForward(nn.Sequential):
    def __init__(self, width: int, ratio: int) -> None:
        super().__init__(nn.Linear(width, width * ratio), nn.GELU(approximate="tanh"), nn.Linear(width * ratio, width))


class EncoderLayer(nn.Module):
    """Pre-norm transformer layer (Dosovitskiy et al., ViT, 2021)."""

    def __init__(self, config: ReaderConfig) -> None:
        super().__init__()
        width = config.embed_dim
        self.attention_norm = nn.LayerNorm(width)
        self.attention = Attention(width, config.num_heads)
        self.feedforward_norm = nn.LayerNorm(width)
        self.feedforward = FeedForward(width, config.feedforward_ratio)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        length, width = _lengths(tokens)
        rows = tokens.reshape(-1, width)
        normed = self.attention_norm(rows)
        rows = rows + self.dropout(self.attention(normed, length, normed, length))
        rows = rows + self.dropout(self.feedforward(self.feedforward_norm(rows)))
        output: Tensor = rows.view(-1, length, width)
        return output


class DecoderLayer(nn.Module):
    """Cross-attention of the character queries to the strips, self-attention among the queries, feed-forward."""

    def __init__(self, config: ReaderConfig) -> None:
        super().__init__()
        width = config.embed_dim
        self.cross_norm = nn.LayerNorm(width)
        self.cross_attention = Attention(width, config.num_heads)
        self.self_norm = nn.LayerNorm(width)
        self.self_attention = Attention(width, config.num_heads)
        self.feedforward_norm = nn.LayerNorm(width)
        self.feedforward = FeedForward(width, config.feedforward_ratio)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, queries: Tensor, tokens: Tensor) -> Tensor:
        """queries: (B, Q, D), or (1, Q, D) for all alike. tokens: (B, T, D). Returns (B, Q, D)."""
        length, width = _lengths(queries)
        memory_length, _ = _lengths(tokens)
        normed = self.cross_norm(queries).view(-1, width)
        seen = self.dropout(self.cross_attention(normed, length, tokens.reshape(-1, width), memory_length))
        rows = (queries + seen.view(-1, length, width)).view(-1, width)
        normed = self.self_norm(rows)
        rows = rows + self.dropout(self.self_attention(normed, length, normed, length))
        rows = rows + self.dropout(self.feedforward(self.feedforward_norm(rows)))
        output: Tensor = rows.view(-1, length, width)
        return output


class Encoder(nn.Module):
    """Plates (B, 3, H, W), RGB from 0 to 1 -> tokens (B, T, D)."""

    def __init__(self, config: ReaderConfig) -> None:
        super().__init__()
        self.embedding = StripEmbedding(config)
        self.places = nn.Parameter(torch.empty(1, config.tokens, config.embed_dim))
        self.dropout = nn.Dropout(config.emb_dropout)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.num_encoder_layers))
        self.norm = nn.LayerNorm(config.embed_dim)
        nn.init.trunc_normal_(self.places, std=0.02)

    def embed(self, plates: Tensor) -> Tensor:
        """Embed the strips as tokens with their positions."""
        tokens: Tensor = self.dropout(self.embedding(plates) + self.places)
        return tokens

    def transform(self, tokens: Tensor) -> Tensor:
        """Apply the transformer to all or some of the tokens that `embed` returns."""
        for layer in self.layers:
            tokens = layer(tokens)
        normed: Tensor = self.norm(tokens)
        return normed

    def forward(self, plates: Tensor) -> Tensor:
        return self.transform(self.embed(plates))


class Reader(nn.Module):
    """The whole reader: plates (B, 3, H, W), RGB from 0 to 1 -> character logits (B, max_length, alphabet + blank) and
    colour logits (B, colours)."""

    def __init__(self, config: ReaderConfig) -> None:
        super().__init__()
        self.config = config
        width, classes = config.embed_dim, len(config.alphabet) + 1
        self.encoder = Encoder(config)
        self.queries = nn.Parameter(torch.empty(1, config.max_length, width))
        self.decoder = nn.ModuleList(DecoderLayer(config) for _ in range(config.num_decoder_layers))
        self.norm = nn.LayerNorm(width)
        self.characters = nn.Linear(width, classes)
        self.colour = nn.Linear(width, len(config.colours))
        nn.init.trunc_normal_(self.queries, std=0.02)

    def decode(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens of the encoder (B, T, D) -> character and colour logits."""
        queries: Tensor = self.queries
        for layer in self.decoder:
            queries = layer(queries, tokens)
        length, width = _lengths(queries)
        characters: Tensor = self.characters(self.norm(queries).view(-1, width))
        return characters.view(-1, length, self.characters.out_features), self.colour(tokens.mean(dim=1))

    def forward(self, plates: Tensor) -> tuple[Tensor, Tensor]:
        return self.decode(self.encoder(plates))
