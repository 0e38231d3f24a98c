"""How memory is divided."""

import pytest

from vrag.errors import UsageError
from vrag.ingest.shares import divide
from vrag.pages.page import PageSpec
from vrag.runtime import memory
from vrag.runtime.memory import GIB, machine_bytes, parse_bytes

WORDS, PICTURES = PageSpec(image=False), PageSpec(image=True, max_side=4096)


@pytest.mark.parametrize(
    ("text", "size"),
    [("4GB", 4 * 10**9), ("1.5 GiB", 3 * GIB // 2), ("500m", 500 * 10**6), ("123", 123), ("2 kib", 2048)],
)
def test_sizes_as_people_write_them(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "much", "-1GB", "4 apples", "GB"])
def test_what_is_no_size_is_said(text):
    with pytest.raises(UsageError, match="is no size"):
        parse_bytes(text)


@pytest.mark.parametrize("text", ["9" * 300, "9" * 300 + "GB", "9" * 5000, "2000000000GiB"])
def test_no_machine_has_that_much(text):
    with pytest.raises(UsageError, match=r"is no size|more than any machine has") as caught:
        parse_bytes(text)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("total", [3, 4, 8, 64])
@pytest.mark.parametrize("workers", [1, 2, 16, None])
@pytest.mark.parametrize("spec", [WORDS, PICTURES])
def test_the_parts_fit_into_the_whole(total, workers, spec):
    division = divide(total * GIB, workers, spec)
    assert 1 <= division.workers <= (workers or 10**6)
    assert division.workers * division.worker_bytes <= total * GIB
    assert division.workers <= division.in_flight <= 12 * division.workers


def test_less_memory_means_fewer_workers():
    counts = [divide(total * GIB, 8, WORDS).workers for total in (3, 6, 12, 100)]
    assert counts == sorted(counts)
    assert counts[0] == 1
    assert counts[-1] == 8


def test_too_little_is_said():
    with pytest.raises(UsageError, match=r"1\.1 GB of memory are not enough: an ingest needs 2\.7 GB"):
        divide(GIB, 1, WORDS)


def test_the_machine_is_as_large_as_its_container_lets_it_be(tmp_path, monkeypatch):
    (tmp_path / "limit").write_text(f"{3 * GIB}\n")
    (tmp_path / "none").write_text("max\n")
    monkeypatch.setattr(memory, "_LIMITS", (str(tmp_path / "none"), str(tmp_path / "missing"), str(tmp_path / "limit")))
    assert machine_bytes() == min(3 * GIB, machine_bytes())
    assert machine_bytes() <= 3 * GIB
