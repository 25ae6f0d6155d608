"""Convert a trained model to ONNX.

The model has one input, ``x``: uint8 [N, H, W] or [N, C, H, W] for pixels, float32 [N, D] for features. The scaling of
the inputs is part of the model. Its outputs are ``probabilities`` [N, K], ``label`` int64 [N] and ``class``, the name
of the class, a string [N].
"""

import json

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, ValueInfoProto, helper

from handgrad.common.errors import HandgradError
from handgrad.inference.onnx_graph import ONNX_ACTIVATIONS, GraphBuilder
from handgrad.network.activations import ACTIVATIONS
from handgrad.storage.run_reader import TrainedModel

#: the lowest versions with Softmax over the last axis, and with a LabelEncoder from integers to strings
OPSETS = {"": 13, "ai.onnx.ml": 2}
IR_VERSION = 7


def onnx_model(model: TrainedModel) -> ModelProto:
    """Return the ONNX model of a run, checked by ``onnx.checker``.

    It computes in the dtype of the run. Only for a periodic activation, it computes the hidden layer in float64: with
    raw pixels, pre-activations can be so large that rounding in float32 would change probabilities by more than 1e-5.

    Raises HandgradError if the activation has no ONNX form.
    """
    graph = _graph(model)
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    proto = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="handgrad")
    helper.set_model_props(proto, metadata(model))
    onnx.checker.check_model(proto, full_check=True)
    return proto


def metadata(model: TrainedModel) -> dict[str, str]:
    """Return the metadata of the ONNX model: what identifies the run, and the meaning of inputs and classes."""
    return {
        "dataset": model.run.dataset,
        "run": model.run.name,
        "content_sha256": model.attributes["content_sha256"],
        "data_content_sha256": model.attributes["data_content"],
        "class_names": json.dumps(model.class_names, ensure_ascii=False),
        "inputs": model.spec.to_json(),
        "input_names": json.dumps(model.spec.names, ensure_ascii=False),
    }


def input_shape(model: TrainedModel) -> tuple[int, ...]:
    """Return the shape of one example: that of an image, or (D,)."""
    return model.spec.image_shape or (model.W.W1.shape[1] - 1,)


def _graph(model: TrainedModel) -> onnx.GraphProto:
    kind = TensorProto.UINT8 if model.spec.max_value is not None else TensorProto.FLOAT
    dtype = helper.np_dtype_to_tensor_dtype(model.W.W1.dtype)
    outputs = [
        _value("probabilities", dtype, len(model.class_names)),
        _value("label", TensorProto.INT64),
        _value("class", TensorProto.STRING),
    ]
    g = _nodes(model)
    return helper.make_graph(g.nodes, "handgrad", [_value("x", kind, *input_shape(model))], outputs, g.constants)


def _value(name: str, kind: int, *shape: int) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, ["N", *shape])


def _nodes(model: TrainedModel) -> GraphBuilder:
    """Return the forward pass, in the letters of ``network.model``."""
    activation, (W1, W2) = model.run.activation, model.W
    if activation not in ONNX_ACTIVATIONS:
        raise HandgradError(
            f"activation {activation}: has no ONNX form, expected one of {', '.join(ONNX_ACTIVATIONS)}; "
            "add it to ONNX_ACTIVATIONS in scripts/handgrad/inference/onnx_graph.py"
        )
    g = GraphBuilder(np.float64 if ACTIVATIONS[activation].periodic else W1.dtype)
    scaling = model.scaling.astype(W1.dtype).astype(g.dtype)
    value = g.cast(g.add("Flatten", "x"), g.dtype)
    if scaling.center is not None:
        value = g.add("Sub", value, g.constant(scaling.center))
    if scaling.scale is not None:
        value = g.add("Mul", value, g.constant(scaling.scale))
    if scaling.shift is not None:
        value = g.add("Add", value, g.constant(scaling.shift))
    hidden = ONNX_ACTIVATIONS[activation](g, g.layer(value, W1, scaling.factor))
    if g.dtype != W2.dtype:
        hidden, g.dtype = g.cast(hidden, W2.dtype), W2.dtype
    S = g.layer(hidden, W2)
    g.add("Softmax", S, output="probabilities", axis=-1)
    g.add("ArgMax", S, output="label", axis=1, keepdims=0)
    labels = range(len(model.class_names))
    names = {"keys_int64s": list(labels), "values_strings": list(model.class_names)}
    g.add("LabelEncoder", "label", output="class", domain="ai.onnx.ml", **names)
    return g
