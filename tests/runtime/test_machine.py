import pytest

from vrag.runtime import machine

FLAGS = "processor\t: 0\nflags\t\t: fpu sse2 avx2 {}\nbugs\t\t: avx_vnni\n"


@pytest.mark.parametrize(("flag", "has"), [("avx512_vnni", True), ("avx_vnni", True), ("avx512f", False), ("", False)])
def test_the_flags_of_a_processor_tell_whether_it_sums_bytes_exactly(flag, has):
    assert machine.has_vnni(FLAGS.format(flag)) is has


@pytest.mark.parametrize(("kind", "exact"), [("aarch64", True), ("AMD64", False)])
def test_only_x86_is_asked_and_what_does_not_tell_is_not_trusted(monkeypatch, tmp_path, kind, exact):
    monkeypatch.setattr(machine.platform, "machine", lambda: kind)
    monkeypatch.setattr(machine, "_CPUINFO", tmp_path / "none")
    assert machine.multiplies_bytes_exactly.__wrapped__() is exact
