"""The first convolutions of a network over several columns of the picture at once, for arithmetic in 8 bits.

A picture has three channels and a first layer few more, but a processor multiplies numbers of 8 bits in groups of four
and adds them to sixteen sums at a time. So neighbouring columns become channels of one: eight columns of the picture
with three channels each are one column with 24, and four columns of a layer with eight channels are one with 32. Pixels
lie in memory in this order already, so nothing is moved, and the results are the same numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx

# Columns of the picture that become one, the best first: the first convolutions must make single ones of them.
COLUMNS = (8, 4)


def merge_columns(model: onnx.ModelProto) -> list[str]:
    """Let the convolutions at the start of an exported network take several columns at once, in place.

    Args:
        model: A network whose input (B, H, W, 3) goes through a transposition and a cast into convolutions, as
            `export_onnx` makes it; W is a multiple of the merged columns.

    Returns:
        The names of the changed convolutions. A model that begins otherwise, or whose strides do not fit, stays as it
        is, and there are none.
    """
    from onnx import helper, numpy_helper

    graph = model.graph
    transposition = _only_reader(graph, graph.input[0].name)
    cast = _only_reader(graph, transposition.output[0]) if transposition else None
    if transposition is None or cast is None or (transposition.op_type, cast.op_type) != ("Transpose", "Cast"):
        return []
    at_once, layers = next(
        ((columns, layers) for columns in COLUMNS if (layers := _layers(graph, cast.output[0], columns))), (0, [])
    )
    if not layers:
        return []
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for convolution, columns in layers:
        kernel, bias = (weights[name] for name in convolution.input[1:])
        attributes = _attributes(convolution)
        merged, padding = _merged_kernel(kernel, attributes["strides"][1], attributes["pads"][1], columns)
        attributes |= {
            "kernel_shape": list(merged.shape[2:]),
            "strides": [attributes["strides"][0], 1],
            "pads": [attributes["pads"][0], padding[0], attributes["pads"][2], padding[1]],
        }
        del convolution.attribute[:]
        convolution.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
        # Under names of their own, because layers may share what is equal.
        for place, values in enumerate((merged, np.tile(bias, len(merged) // len(bias))), start=1):
            name = f"{convolution.name}/merged_{place}"
            graph.initializer.append(numpy_helper.from_array(values, name))
            convolution.input[place] = name
    used = {name for node in graph.node for name in node.input}
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in used]:
        graph.initializer.remove(tensor)
    shape = numpy_helper.from_array(np.array([0, 0, -1, 3 * at_once], np.int64), "/merged_columns/shape")
    graph.initializer.append(shape)
    reshape = helper.make_node("Reshape", [graph.input[0].name, shape.name], ["/merged_columns"], "/merged_columns")
    graph.node.insert(0, reshape)
    transposition.input[0] = reshape.output[0]
    # The shapes between the layers are others now.
    del graph.value_info[:]
    return [convolution.name for convolution, _ in layers]


def _layers(graph: onnx.GraphProto, source: str, columns: int) -> list[tuple[onnx.NodeProto, int]]:
    """The convolutions from `source` on, if the first is to take so many columns as one, and how many each takes, until
    the last yields single ones; none if something else comes before that."""
    layers: list[tuple[onnx.NodeProto, int]] = []
    while columns > 1:
        node = _only_reader(graph, source)
        if node is None or node.op_type != "Conv" or len(node.input) != 3:
            return []
        attributes = _attributes(node)
        width, stride = attributes["kernel_shape"][1], attributes["strides"][1]
        padding = attributes["pads"][1] + attributes["pads"][3]
        # With more or less padding than that, there would not be one result for every stride.
        if attributes["group"] != 1 or columns % stride or not -stride <= padding - width < 0:
            return []
        layers.append((node, columns))
        columns //= stride
        source = node.output[0]
        relu = _only_reader(graph, source)
        if relu is not None and relu.op_type == "Relu":
            source = relu.output[0]
    return layers


def _merged_kernel(kernel: np.ndarray, stride: int, left: int, columns: int) -> tuple[np.ndarray, tuple[int, int]]:
    """Return the kernel (O, I, h, w) of a convolution for `columns` columns taken as one, and its padding on the left
    and on the right. It yields columns / stride columns as one."""
    outputs, channels, height, width = kernel.shape
    at_once = columns // stride
    first, last = -left // columns, (stride * (at_once - 1) - left + width - 1) // columns
    merged = np.zeros((at_once, outputs, columns, channels, height, last - first + 1), kernel.dtype)
    for column in range(at_once):
        for offset in range(width):
            wide, within = divmod(stride * column - left + offset, columns)
            merged[column, :, within, :, :, wide - first] = kernel[..., offset]
    return merged.reshape(at_once * outputs, columns * channels, height, -1), (-first, last)


def _only_reader(graph: onnx.GraphProto, tensor: str) -> onnx.NodeProto | None:
    """The node that reads the numbers of a tensor, if there is just one."""
    readers = [node for node in graph.node if tensor in node.input and node.op_type != "Shape"]
    return readers[0] if len(readers) == 1 else None


def _attributes(convolution: onnx.NodeProto) -> dict[str, Any]:
    from onnx import helper

    return {attribute.name: helper.get_attribute_value(attribute) for attribute in convolution.attribute}
