"""Attention as ONNX Runtime's own operator: one node where an exported graph would have a dozen that reshape, turn and
multiply, each of which costs more than its arithmetic at the length of a plate."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.onnx import register_custom_op_symbolic, symbolic_helper

from alpr_app.networks.reader.network import Attention

OPERATOR = "com.microsoft::MultiHeadAttention"


@torch.library.custom_op("alpr_app::attend", mutates_args=())
def attend(queries: Tensor, keys: Tensor, values: Tensor, heads: int, scale: float) -> Tensor:
    """Multi-head attention of projected queries (B, Q, D), keys and values (B, M, D)."""
    split = (projected.unflatten(2, (heads, -1)).transpose(1, 2) for projected in (queries, keys, values))
    return functional.scaled_dot_product_attention(*split, scale=scale).transpose(1, 2).flatten(2)


@symbolic_helper.parse_args("v", "v", "v", "i", "f")
def _exported(graph: Any, queries: Any, keys: Any, values: Any, heads: int, scale: float) -> Any:
    """The operator in a graph; torch does not publish the types of graphs and their values."""
    return graph.op(OPERATOR, queries, keys, values, num_heads_i=heads, scale_f=scale).setType(queries.type())


class ExportedAttention(nn.Module):
    """`Attention` that is fused already, with the operator in place of its steps."""

    def __init__(self, attention: Attention) -> None:
        super().__init__()
        self.attention = attention

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        attention = self.attention
        # Parts of a stated width: a graph would work out those of `chunk` in every call.
        width = attention.query.out_features
        if queries is memory:
            projected = attention.fused(memory).split([width] * 3, dim=2)
        else:
            projected = (attention.query(queries), *attention.key_value(memory).split([width] * 2, dim=2))
        return attention.output(attend(*projected, attention.heads, attention.scale))


def use_operator(network: nn.Module, opset: int) -> None:
    """Replace every fused `Attention` within `network`, which is to be exported for `opset`."""
    register_custom_op_symbolic("alpr_app::attend", _exported, opset)
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, Attention):
                setattr(module, name, ExportedAttention(child))
