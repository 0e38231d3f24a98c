from __future__ import annotations

import csv
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from vrag.embedders.builtin import BuiltinEmbedder
from vrag.embedders.colpali.torch_families import FAMILIES as FAMILIES_OF_TORCH
from vrag.embedders.families import FAMILIES, MODELS, find_model, load_embedder
from vrag.embedders.models import WORD_MODELS
from vrag.embedders.protocol import Fingerprint
from vrag.errors import ModelError, UsageError

ROOT = Path(__file__).parent.parent.parent


def test_unknown_models_are_refused_with_the_known_ones():
    with pytest.raises(UsageError, match=r"'no-such'.*builtin"):
        load_embedder("no-such")


def test_names_are_unique_and_every_family_has_a_loader():
    assert len({model.name for model in MODELS}) == len(MODELS)
    assert {model.family for model in MODELS} <= FAMILIES.keys()


def test_facts_agree_with_the_embedder():
    info = find_model("builtin")
    assert (BuiltinEmbedder.name, BuiltinEmbedder.dim) == (info.name, info.dim)


def test_facts_are_read_without_loading_an_engine():
    code = "import sys, vrag.embedders; print({'onnxruntime', 'onnx', 'torch', 'tokenizers'} & sys.modules.keys())"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "set()"


def test_the_canary_is_compared_as_numbers_and_everything_else_to_the_letter():
    def facts(canary, dim=128):
        return Fingerprint({"canary": canary, "dim": dim})

    mine = facts("0.10 -0.20")
    assert mine.differences(facts("0.11 -0.22")) == []
    assert mine.differences(facts("0.10 -0.24")) == ["canary: 0.10 -0.20 -> 0.10 -0.24"]
    assert len(mine.differences(facts("0.10 -0.20 0.30", dim=64))) == 2
    assert facts("3fa9 x").differences(facts("3fa8 x"))
    assert facts("abc").differences(facts("abd"))


@pytest.mark.parametrize("info", MODELS, ids=lambda info: info.name)
def test_records_are_complete(info):
    assert info.dim is None or info.dim > 0
    assert info.megabytes > 0
    assert info.millions > 0
    assert all(mean is None or 15 < mean < 100 for mean in info.vidore)
    assert bool(info.needs) == (info.name != "builtin")
    if info.family == "colpali":
        assert info.model_class in {family.model_class for family in FAMILIES_OF_TORCH}
        assert info.megabytes == 2 * info.millions


def test_bytes_and_arithmetic_of_a_page():
    info = find_model("vidore/colpali-v1.3")
    assert info.page_bytes == 1024 * 128 * 2
    assert info.teraflops == pytest.approx(2 * (413 * 1024 + (2920 - 413) * 1024) / 1e6)
    assert find_model("vultr/VultronRetrieverFlash-Qwen3.5-0.8B").page_bytes is None


def test_a_missing_extra_is_named_with_its_install_line(tmp_path):
    if importlib.util.find_spec("colpali_engine"):
        pytest.skip("the extra is installed here; the core environment runs this")
    from vrag.embedders.colpali.torch_engine import import_engine

    with pytest.raises(ModelError, match=r'need torch, which is not installed\. .*"vrag-toolkit\[colpali\]"'):
        import_engine()


V1 = ("ArxivQA", "DocVQA", "InfoVQA", "Tabfquad", "Tatdqa", "ShiftProject", "SyntheticDocQAAI", "SyntheticDocQAEnergy",
      "SyntheticDocQAGovernmentReports", "SyntheticDocQAHealthcareIndustry")  # fmt: skip
V2 = ("BioMedicalLectures", "EconomicsReports", "ESGReports", "ESGReportsHL")
V3 = ("ComputerScience", "Energy", "FinanceEn", "FinanceFr", "Hr", "Industrial", "Pharmaceuticals", "Physics")


@pytest.mark.parametrize("info", [info for info in MODELS if any(info.vidore)], ids=lambda info: info.name)
def test_published_means_are_those_of_the_published_scores(info):
    with (ROOT / "eval" / "published" / "vidore.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["model"] == info.name]
    groups = (("Vidore", V1, "ndcg_at_5"), ("Vidore2", V2, "ndcg_at_5"), ("Vidore3", V3, "ndcg_at_10"))
    for stored, (prefix, tasks, metric) in zip(info.vidore, groups, strict=True):
        names = [f"{prefix}{task}Retrieval" for task in tasks]
        scores = [[float(r["score"]) for r in rows if (r["task"], r["metric"]) == (name, metric)] for name in names]
        mean = 100 * sum(sum(one) / len(one) for one in scores) / len(scores) if all(scores) else None
        assert stored == (None if mean is None else pytest.approx(mean, abs=0.051))


def test_the_docs_show_the_same_figures():
    text = (ROOT / "docs" / "reference" / "models.md").read_text()
    for info in (model for model in MODELS if model not in WORD_MODELS):
        means = ["–" if mean is None else str(mean) for mean in info.vidore]
        page = "unknown" if info.page_bytes is None else f"{info.page_bytes / 1000:.0f} kB"
        work = "unknown" if info.teraflops is None else f"{info.teraflops:.1f}"
        size, rows = f"{info.megabytes / 1000:.1f} GB", info.rows and f"{info.rows:,}"
        facts = (*means, info.dim, rows, page, size, work, info.licence)
        cells = " | ".join("unknown" if fact is None else str(fact) for fact in facts)
        assert f"| `{info.name}` | {cells} |" in text
