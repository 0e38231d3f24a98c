"""The BERT encoder of all-MiniLM-L6-v2, and of models built as it is, as an ONNX graph without weights.

Initialisers are named as the tensors of model.safetensors, and onnxruntime gets those tensors directly, so
nothing is converted and nothing is cached on disk: building the graph takes a few milliseconds. Sequences of
one call have equal length, hence there is no padding and no attention mask. Dense layers run on [batch * length, d]
with the weights as PyTorch stores them (Gemm, transB). Operators of the domain com.microsoft are onnxruntime's
fused ones; Gelu is the exact one (erf), as in BERT.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import onnx
from onnx import TensorProto, helper

from vrag.grid import FloatArray

LAYERS = 6
HEADS = 12
EPSILON = 1e-12
DIM = 384
TOKEN_TYPE = "token_type"  # the one row of the token type table that is used, added to each token

_FUSED = "com.microsoft"
_TOKENS = ("ids", "positions")
_CONSTANTS = {"rows": [-1, DIM], "dim": [DIM]}


def minilm_graph(weights: Mapping[str, FloatArray]) -> tuple[bytes, list[str]]:
    """Serialised ONNX model, and the names of the tensors that must be supplied when the session is made.

    Inputs: `ids` int64 [batch, length] and `positions` int64 [batch, length], length <= 512.
    Output: `tokens` float32 [batch, length, 384], the last hidden state.

    Args:
        weights: Every tensor of the model by its name; only names and shapes are used.
    """
    nodes = _Nodes()
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"]) for name in _TOKENS]
    return _graph(nodes, _embeddings(nodes), LAYERS, inputs, weights)


def layers_graph(weights: Mapping[str, FloatArray], layers: int) -> tuple[bytes, list[str]]:
    """The encoder's layers alone, for a model whose embeddings are made elsewhere; as `minilm_graph` gives it.

    Input: `embedded` float32 [batch, length, 384], with layer normalisation. Output: `tokens`, as there.

    Args:
        weights: As there.
        layers: How many there are.
    """
    nodes = _Nodes()
    nodes.add("Shape", ["embedded"], "shape")
    hidden = nodes.add("Reshape", ["embedded", "rows"], "flat")
    embedded = helper.make_tensor_value_info("embedded", TensorProto.FLOAT, ["batch", "length", DIM])
    return _graph(nodes, hidden, layers, [embedded], weights)


def _graph(
    nodes: _Nodes, hidden: str, layers: int, inputs: Sequence[onnx.ValueInfoProto], weights: Mapping[str, FloatArray]
) -> tuple[bytes, list[str]]:
    """The whole model, from the nodes that make `hidden` [batch * length, d]."""
    for layer in range(layers):
        hidden = _layer(nodes, hidden, f"encoder.layer.{layer}.")
    nodes.add("Reshape", [hidden, "shape"], "tokens")
    used = [name for name in weights if name in nodes.inputs]
    graph = helper.make_graph(
        nodes.nodes,
        "encoder",
        inputs,
        [helper.make_tensor_value_info("tokens", TensorProto.FLOAT, ["batch", "length", DIM])],
        [_constant(name, values) for name, values in _CONSTANTS.items() if name in nodes.inputs]
        + [_external(name, weights[name].shape) for name in used],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(_FUSED, 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return bytes(model.SerializeToString()), used


class _Nodes:
    """Nodes in order of execution, each with one output named by the caller."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.inputs: set[str] = set()

    def add(self, op: str, inputs: Sequence[str], output: str, domain: str = "", **attributes: Any) -> str:
        """A node; the name of its output."""
        self.nodes.append(helper.make_node(op, inputs, [output], domain=domain, **attributes))
        self.inputs.update(inputs)
        return output

    def fused(self, op: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """A node of the fused operators that onnxruntime brings."""
        return self.add(op, inputs, output, _FUSED, **attributes)

    def dense(self, hidden: str, name: str) -> str:
        """A linear layer called `name`."""
        return self.add("Gemm", [hidden, f"{name}.weight", f"{name}.bias"], f"{name}:out", transB=1)

    def norm(self, hidden: str, residual: str, name: str, *bias: str) -> str:
        """The layer normalisation of a sum, called `name`."""
        inputs = [hidden, residual, f"{name}.weight", f"{name}.bias", *bias]
        return self.fused("SkipLayerNormalization", inputs, f"{name}:out", epsilon=EPSILON)


def _embeddings(nodes: _Nodes) -> str:
    """Sum of word, position and token type embeddings, normalised: [batch * length, d]."""
    nodes.add("Shape", ["ids"], "batch_and_length")
    nodes.add("Concat", ["batch_and_length", "dim"], "shape", axis=0)
    words = nodes.add("Gather", ["embeddings.word_embeddings.weight", "ids"], "words")
    positions = nodes.add("Gather", ["embeddings.position_embeddings.weight", "positions"], "places")
    hidden = nodes.norm(words, positions, "embeddings.LayerNorm", TOKEN_TYPE)
    return nodes.add("Reshape", [hidden, "rows"], "embedded")


def _layer(nodes: _Nodes, hidden: str, prefix: str) -> str:
    """One encoder layer: [batch * length, d] -> [batch * length, d]."""
    heads = []
    for part in ("query", "key", "value"):
        flat = nodes.dense(hidden, f"{prefix}attention.self.{part}")
        heads.append(nodes.add("Reshape", [flat, "shape"], f"{flat}:3d"))
    attended = nodes.fused("MultiHeadAttention", heads, f"{prefix}attended", num_heads=HEADS)
    flat = nodes.add("Reshape", [attended, "rows"], f"{attended}:2d")
    mixed = nodes.dense(flat, f"{prefix}attention.output.dense")
    hidden = nodes.norm(mixed, hidden, f"{prefix}attention.output.LayerNorm")
    inner = nodes.dense(hidden, f"{prefix}intermediate.dense")
    inner = nodes.fused("Gelu", [inner], f"{inner}:gelu")
    outer = nodes.dense(inner, f"{prefix}output.dense")
    return nodes.norm(outer, hidden, f"{prefix}output.LayerNorm")


def _constant(name: str, values: list[int]) -> onnx.TensorProto:
    return helper.make_tensor(name, TensorProto.INT64, [len(values)], values)


def _external(name: str, shape: Sequence[int]) -> onnx.TensorProto:
    """An initialiser whose data is handed over in memory; the location is required by the format and never read."""
    tensor = onnx.TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="memory")
    return tensor
