"""Copies of data sets as the hub lays them out, in each of the known column schemas, made of small real pages."""

import io

from datasets import Dataset, Features, Image, Sequence, Value
from PIL import Image as Pictures
from PIL import ImageDraw

TEXTS = [
    "Snow leopards hunt blue sheep",
    "Penguins breed on the ice",
    "Bees dance for nectar",
    "Penguins breed on the ice",
]
QUESTIONS = {"english": ["snow leopards", "penguins on the ice"], "french": ["snow leopards ?", "penguins, ice ?"]}
LABELS = [(0, 0, 2), (1, 1, 1)]  # question, page, grade; page 3 is the same picture as page 1


def picture(text):
    image = Pictures.new("RGB", (400, 120), "white")
    ImageDraw.Draw(image).text((20, 40), text, "black", font_size=22)
    file = io.BytesIO()
    image.save(file, "PNG")
    return {"bytes": file.getvalue(), "path": None}


def write_tables(folder, tables, split="test"):
    """The tables as parquet files, with the README that says which is what."""
    lines = ["---", "configs:"]
    for name, table in tables.items():
        (folder / name).mkdir(parents=True)
        table.to_parquet(str(folder / name / f"{split}-00000-of-00001.parquet"))
        lines += [f"- config_name: {name}", "  data_files:", f"  - split: {split}", f"    path: {name}/{split}-*"]
    (folder / "README.md").write_text("\n".join([*lines, "---", ""]))
    return folder


def with_pictures(columns):
    rows = {**columns, "image": [picture(text) for text in TEXTS]}
    features = {name: _feature(values[0]) for name, values in columns.items()}
    return Dataset.from_dict(rows, features=Features({**features, "image": Image()}))


def hyphens():
    """ViDoRe v1 and v2: one table of queries with a language column."""
    questions = [(text, language) for language, texts in QUESTIONS.items() for text in texts]
    labels = [(q + 2 * n, page, grade) for n in range(2) for q, page, grade in LABELS]
    return {
        "corpus": with_pictures({"corpus-id": [0, 1, 2, 3], "doc-id": ["d"] * 4}),
        "queries": Dataset.from_dict(
            {"query-id": [0, 1, 2, 3], "query": [q for q, _ in questions], "language": [lang for _, lang in questions]}
        ),
        "qrels": _table(labels, ("query-id", "corpus-id", "score")),
    }


def underscores():
    """ViDoRe v3 as its makers publish it."""
    return {
        "corpus": with_pictures({"corpus_id": [0, 1, 2, 3], "doc_id": ["d"] * 4, "page_number_in_doc": [0, 1, 2, 3]}),
        "queries": Dataset.from_dict(
            {
                "query_id": [0, 1],
                "query": QUESTIONS["english"],
                "language": ["english"] * 2,
                "query_types": [["a"]] * 2,
            },
        ),
        "qrels": _table(LABELS, ("query_id", "corpus_id", "score")),
    }


def by_language():
    """ViDoRe v3 in mteb's format: every table once a language."""
    tables = {}
    for language, texts in QUESTIONS.items():
        tables[f"{language}-corpus"] = with_pictures({"id": ["c0", "c1", "c2", "c3"]})
        tables[f"{language}-queries"] = Dataset.from_dict({"id": ["q0", "q1"], "text": texts})
        labels = [(f"q{query}", f"c{page}", grade) for query, page, grade in LABELS]
        tables[f"{language}-qrels"] = _table(labels, ("query-id", "corpus-id", "score"))
    return tables


def _table(rows, names):
    return Dataset.from_dict({name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)})


def _feature(value):
    if isinstance(value, list):
        return Sequence(Value("string"))
    return Value("string" if isinstance(value, str) else "int64")
