"""ONNX models that multiply matrices in 8 bits: dynamic quantisation, after Jacob et al., Quantization and Training of
Neural Networks for Efficient Integer-Arithmetic-Only Inference, 2018."""

from __future__ import annotations

from alpr_app.engine.common import temporary_folder


def with_int8(model: bytes) -> bytes:
    """An ONNX `model` with its matrix products in 8 bits: the weights are rounded here, what they are multiplied with
    in every call, by the range it has there. So a picture's results depend a little on those it is in a batch with.

    Convolutions stay as they are: where the processor has no instructions for 8 bits, they would be slower in them.
    """
    # Only here: it takes longer to import than a network to run.
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with temporary_folder() as folder:
        prepared, made = folder / "prepared.onnx", folder / "int8.onnx"
        quant_pre_process(onnx.load_from_string(model), str(prepared), skip_symbolic_shape=True, skip_optimization=True)
        # Unsigned: sums of signed products overflow on processors without instructions of their own for 8 bits.
        quantize_dynamic(prepared, made, op_types_to_quantize=["MatMul"], weight_type=QuantType.QUInt8)
        return made.read_bytes()
