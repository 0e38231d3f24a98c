"""The compiled kernels are there, are of this source, do what those in numpy do, and refuse what would crash them."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.bits.conftest import LIBRARY, MISSING, SETS
from vrag.bits.exact import tiled, tiles_of
from vrag.bits.kernels import compiled, kernel_library, portable
from vrag.bits.kernels.quantise import QueryPlanes, Signs


@pytest.fixture(params=SETS)
def kernels(request):
    assert LIBRARY is not None, MISSING
    return compiled.Kernels(LIBRARY, request.param)


def corpus(seed, dim, lengths, levels=1, planes=4, m=5):
    """Bits and rows of pages, and a query."""
    rng = np.random.default_rng(seed)
    signs = Signs.of(np.zeros(dim, np.float32), levels)
    pages = [rng.normal(0.1, 1, (n, dim)).astype(np.float32) for n in lengths]
    bits = np.concatenate([signs.block(page).ravel() for page in pages])
    return bits, np.cumsum([0, *lengths]), signs.query(rng.normal(size=(m, dim)).astype(np.float32), planes)


LENGTHS = [0, 1, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 200]
SHAPES = [
    (dim, levels, planes)
    for dim, levels in [(1, 1), (96, 1), (128, 1), (384, 1), (384, 2), (1400, 2), (4352, 1)]
    for planes in (1, 2, 3, 4)
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("m", [0, 1, 5])
def test_each_instruction_set_does_what_numpy_does(kernels, shape, m):
    dim, levels, planes = shape
    bits, rows, query = corpus(1, dim, LENGTHS, levels, planes, m)
    assert compiled._fits(query)
    pages = np.array([3, 0, 12, *range(len(LENGTHS))])
    context = np.random.default_rng(2).normal(size=(m, len(pages))).astype(np.float32)
    starts = np.arange(len(pages))
    for call, kinds in {
        lambda way, *out: way.maxsim(bits, rows, pages, query, *out): ["f"],
        lambda way, *out: way.regions(bits, rows, pages, query, 16, 8, 2, context, *out): ["f", "i"],
        lambda way, *out: way.maxima(bits, rows, pages, query, starts, starts + 9, 2, *out): ["m"],
    }.items():
        found, expected = (
            [np.full((m, len(pages)) if kind == "m" else len(pages), 7, _DTYPES[kind]) for kind in kinds] for _ in "12"
        )
        call(kernels, *found)
        call(portable, *expected)
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-4, atol=1e-3)


_DTYPES = {"f": np.float32, "m": np.float32, "i": np.int64}


def test_pages_of_few_rows_score_as_each_does_alone(kernels):
    """Neighbours share a tile; which ones they are must not show."""
    lengths = np.random.default_rng(5).integers(0, 20, 120).tolist()
    for levels, planes in ((1, 4), (1, 1), (2, 4)):
        bits, rows, query = corpus(3, 96, lengths, levels, planes)
        pages = np.random.default_rng(6).permutation(len(lengths))
        together, alone = np.empty((2, len(pages)), np.float32)
        kernels.maxsim(bits, rows, pages, query, together)
        for i in range(len(pages)):
            kernels.maxsim(bits, rows, pages[i : i + 1], query, alone[i : i + 1])
        assert together.tolist() == alone.tolist()


def test_the_greatest_distance_is_told_right(kernels):
    """Rows that differ from the query in every bit, at the widest row that the kernels take."""
    for dim, levels in ((4352, 1), (1440, 2)):
        signs = Signs.of(np.zeros(dim, np.float32), levels)
        query = signs.query(np.full((1, dim), -1, np.float32))
        bits = signs.block(np.full((33, dim), 9, np.float32)).ravel()
        found, expected = np.empty(1, np.float32), np.empty(1, np.float32)
        for way, out in ((kernels, found), (portable, expected)):
            way.maxsim(bits, np.array([0, 33]), np.array([0]), query, out)
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_what_the_kernels_cannot_hold_numpy_scores(kernels):
    for dim, levels, planes in ((4353, 1, 4), (1500, 2, 4), (128, 1, 5)):
        bits, rows, query = corpus(1, dim, [3, 40], levels, planes)
        assert not compiled._fits(query)
        found, expected = np.empty((2, 2), np.float32)
        kernels.maxsim(bits, rows, np.arange(2), query, found)
        portable.maxsim(bits, rows, np.arange(2), query, expected)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("size", [2**31, 2**62, 2**70])
def test_a_huge_window_is_the_page(kernels, size):
    bits, rows, query = corpus(1, 64, [40, 3])
    out, start, least = np.empty(2, np.float32), np.empty(2, np.int64), np.full((5, 2), -np.inf, np.float32)
    kernels.regions(bits, rows, np.arange(2), query, size, size, size, least, out, start)
    expected = np.empty(2, np.float32)
    kernels.maxsim(bits, rows, np.arange(2), query, expected)
    np.testing.assert_allclose(out, expected, rtol=1e-5)
    assert start.tolist() == [0, 0]


FAR = 2**62
LIES = {  # rows, pages
    "a page after the last": ([0, 3, 43], [2]),
    "a page before the first": ([0, 3, 43], [-1]),
    "more rows than bits": ([0, 3, 44], [1]),
    "rows of another world": ([0, 3, FAR], [0, 1]),
    "rows before the bits": ([-5, 3, 43], [0]),
    "rows that run backwards": ([0, 43, 3], [1]),
    "no rows at all": ([], [0]),
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("name", ["maxsim", "regions", "maxima", "exact"])
def test_pages_that_are_not_there_are_an_error_and_no_crash(kernels, lie, name):
    rows, pages = (np.array(values, np.int64) for values in LIES[lie])
    bits, _, query = corpus(1, 128, [3, 40])
    out, whole = np.empty(len(pages), np.float32), np.empty((5, len(pages)), np.float32)
    place = np.zeros(len(pages), np.int64)
    values = np.zeros(43 * 32 * 8, np.uint16)
    calls = {
        "maxsim": lambda: kernels.maxsim(bits, rows, pages, query, out),
        "regions": lambda: kernels.regions(bits, rows, pages, query, 16, 8, 1, whole, out, place),
        "maxima": lambda: kernels.maxima(bits, rows, pages, query, place, place, 1, whole),
        "exact": lambda: kernels.exact(values, rows, pages, np.ones((4, 8), np.float32), out),
    }
    with pytest.raises(IndexError):
        calls[name]()


def changed(query, **parts):
    names = ("bits", "offset", "slope", "heavy")
    return QueryPlanes(**{**{name: getattr(query, name) for name in names}, **parts})


def test_arrays_that_a_kernel_cannot_trust_are_an_error_and_no_crash(kernels):
    bits, rows, query = corpus(1, 128, [3, 40])
    pages, out = np.arange(2), np.empty(2, np.float32)
    wrong = [
        (bits.astype(np.uint64), rows, pages, query, out),
        (bits[::2], rows, pages, query, out),
        (bits, rows.astype(np.int32), pages, query, out),
        (bits, rows, pages.astype(float), query, out),
        (bits, rows, pages[::-1], query, out),
        (bits, rows, pages, query, out.astype(np.float64)),
        (bits, rows, pages, query, np.empty(1, np.float32)),
        (bits, rows, pages, query, np.empty(4, np.float32)[::2]),
        (bits, rows, pages, query, np.frombuffer(bytes(8), np.float32)),
        (bits, rows, pages, changed(query, offset=query.offset[:2]), out),
        (bits, rows, pages, changed(query, slope=query.slope.astype(float)), out),
        (bits, rows, pages, changed(query, bits=query.bits.astype(np.int64)), out),
    ]
    for arguments in wrong:
        with pytest.raises(TypeError, match="a kernel takes"):
            kernels.maxsim(*arguments)
    for m, d in ((3, 8), (4, 0)):
        with pytest.raises(ValueError, match="multiple of 4"):
            kernels.exact(
                np.zeros(32, np.uint16), np.array([0, 0]), np.array([0]), np.ones((m, d), np.float32), out[:1]
            )
    for window, stride in ((0, 0), (4, 5), (4, 0)):
        with pytest.raises(ValueError, match="stride"):
            kernels.regions(bits, rows, pages, query, window, stride, 0, np.ones((5, 2), np.float32), out, rows[:2])


def test_exact_scores_have_a_kernel_in_each_instruction_set_that_agrees(kernels):
    rng = np.random.default_rng(3)
    pages = [rng.normal(size=(n, 130)).astype(np.float16).astype(np.float32) for n in (1, 32, 33, 100)]
    tiles = np.cumsum([0, *tiles_of(np.array([len(page) for page in pages]))])
    query, out = rng.normal(size=(8, 130)).astype(np.float32), np.empty(4, np.float32)
    kernels.exact(np.concatenate([tiled(page) for page in pages]), tiles, np.arange(4), query, out)
    np.testing.assert_allclose(out, [(query @ page.T).max(axis=1).sum() for page in pages], rtol=1e-5)


def test_the_library_is_here_and_of_this_source(tmp_path, monkeypatch):
    """One that was left behind by an older source is not taken for it."""
    assert LIBRARY is not None, MISSING
    for name in kernel_library.SOURCES:
        shutil.copy(kernel_library.FOLDER / name, tmp_path / name)
    shutil.copy(kernel_library.FOLDER / kernel_library.library_name(), tmp_path)
    monkeypatch.setattr(kernel_library, "FOLDER", tmp_path)
    assert kernel_library.load() is not None
    with open(tmp_path / "scoring.h", "a") as file:
        file.write("/* changed */\n")
    assert kernel_library.load() is None


def test_a_library_that_the_system_refuses_is_none(tmp_path, monkeypatch):
    for name in kernel_library.SOURCES:
        shutil.copy(kernel_library.FOLDER / name, tmp_path / name)
    monkeypatch.setattr(kernel_library, "FOLDER", tmp_path)
    (tmp_path / kernel_library.library_name()).write_bytes(b"no library")
    assert kernel_library.load() is None


def test_without_a_library_numpy_scores(tmp_path):
    """In a process of its own: what is loaded once stays."""
    copy = tmp_path / "vrag"
    shutil.copytree(
        Path(kernel_library.FOLDER).parents[1], copy, ignore=shutil.ignore_patterns("__pycache__", "kernels-*")
    )
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from vrag.bits.kernels import compiled; print(compiled.kernels());"
        "from vrag.planning.doctor import examine; print(*[c.found for c in examine() if c.name == 'kernels'])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == "None"
    assert "numpy" in done.stdout.splitlines()[1]
