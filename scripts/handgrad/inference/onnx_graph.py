"""Build an ONNX graph node by node, and express activations by its operators."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from onnx import NodeProto, TensorProto, helper, numpy_helper

from handgrad.network.activations import Array


class GraphBuilder:
    """Collects the nodes and constants of a graph. A value is named by a text. dtype: of the numbers it is given."""

    def __init__(self, dtype: DTypeLike) -> None:
        self.dtype = np.dtype(dtype)
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def add(self, operator: str, *inputs: str | float, output: str = "", **attributes: Any) -> str:
        """Add a node and return the name of its output. inputs: names of values, or numbers."""
        names = [value if isinstance(value, str) else self.constant(np.array(value, self.dtype)) for value in inputs]
        output = output or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, names, [output], **attributes))
        return output

    def constant(self, array: Array) -> str:
        """Add a constant and return its name."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def cast(self, value: str, dtype: DTypeLike) -> str:
        """Convert a value to a dtype."""
        return self.add("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def layer(self, value: str, weights: Array, factor: float = 1.0) -> str:
        """Add value @ weights[:, 1:]' * factor + weights[:, 0], computed in the dtype of the builder."""
        product = self.add("MatMul", value, self._matrix(weights[:, 1:].T))
        if factor != 1:
            product = self.add("Mul", product, factor)
        return self.add("Add", product, self._matrix(weights[:, 0]))

    def _matrix(self, weights: Array) -> str:
        name = self.constant(weights)
        return name if weights.dtype == self.dtype else self.cast(name, self.dtype)


def _softplus(g: GraphBuilder, a: str) -> str:
    """max(a, 0) + log(1 + e^-|a|); onnxruntime has no Softplus for float64."""
    decaying = g.add("Exp", g.add("Neg", g.add("Abs", a)))
    return g.add("Add", g.add("Relu", a), g.add("Log", g.add("Add", decaying, 1)))


def _cos(g: GraphBuilder, a: str) -> str:
    """1 - 2 sin(a/2)^2. a/2 is exact, also for large a. Older versions of onnxruntime have no Cos for float64."""
    sine = g.add("Sin", g.add("Mul", a, 0.5))
    return g.add("Sub", 1, g.add("Mul", g.add("Mul", sine, sine), 2))


def _one_plus_decay(g: GraphBuilder, a: str) -> str:
    """1 + e^-a, the denominator of sigmoid and silu. onnxruntime's Sigmoid is less accurate in float32."""
    return g.add("Add", g.add("Exp", g.add("Neg", a)), 1)


def _gelu(g: GraphBuilder, a: str) -> str:
    """a/2 (1 + tanh(sqrt(2/pi) (a + 0.044715 a^3)))."""
    cube = g.add("Mul", g.add("Mul", a, a), g.add("Mul", a, 0.044715))
    curve = g.add("Tanh", g.add("Mul", g.add("Add", a, cube), float(np.sqrt(2 / np.pi))))
    return g.add("Mul", g.add("Mul", a, 0.5), g.add("Add", curve, 1))


#: the ONNX form of each activation: adds nodes for h(a) and returns the name of the result
ONNX_ACTIVATIONS: dict[str, Callable[[GraphBuilder, str], str]] = {
    "softplus": _softplus,
    "tanh": lambda g, a: g.add("Tanh", a),
    "cos": _cos,
    "relu": lambda g, a: g.add("Relu", a),
    "sigmoid": lambda g, a: g.add("Div", 1, _one_plus_decay(g, a)),
    "gelu": _gelu,
    "silu": lambda g, a: g.add("Div", a, _one_plus_decay(g, a)),
    "sin": lambda g, a: g.add("Sin", a),
}
