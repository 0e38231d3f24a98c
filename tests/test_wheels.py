"""Wheels and the source distribution are built by the real build backend, and carry the kernels."""

import os
import runpy
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

from tests.packages import check_contents, metadata, oldest
from vrag import __version__
from vrag.bits.kernels.kernel_library import SOURCES, library_name

ROOT = Path(__file__).parents[1]
HOOK = runpy.run_path(str(ROOT / "hatch_build.py"))
MAGIC = {  # how a library of the machine begins, and a place with what tells its processor
    "linux-aarch64": (b"\x7fELF\x02\x01\x01", 18, b"\xb7\x00"),
    "macos-arm64": (b"\xcf\xfa\xed\xfe", 4, b"\x0c\x00\x00\x01"),
    "windows-amd64": (b"MZ", 0, b"MZ"),
}
ELSEWHERE = "import platform; platform.machine = lambda: 'riscv64'; from hatchling.cli import hatchling; hatchling()"


def build(target, into, checkout=ROOT, program=("-m", "hatchling"), **environment):
    """What hatchling says, and the one file that it makes."""
    command = [sys.executable, *program, "build", "-t", target, "-d", str(into)]
    settings = {**os.environ, **environment}
    done = subprocess.run(command, cwd=checkout, env=settings, capture_output=True, text=True, check=True)
    (made,) = into.iterdir()
    return done.stdout + done.stderr, made


def libraries(wheel):
    return [Path(name).name for name in zipfile.ZipFile(wheel).namelist() if "kernels/kernels-" in name]


def test_a_wheel_for_this_machine_scores_with_compiled_kernels(tmp_path):
    _, wheel = build("wheel", tmp_path / "wheels")
    assert wheel.name.endswith(f"-py3-none-{HOOK['MACHINES'][HOOK['this_machine']()].tag}.whl")
    assert libraries(wheel) == [library_name()]
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    (licences,) = (tmp_path / "installed").glob("*.dist-info/licenses")
    assert {file.name for file in licences.iterdir()} == {"LICENSE", "NOTICE"}
    assert (tmp_path / "installed" / "vrag" / "py.typed").exists()
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'installed')!r}); from vrag.bits.kernels import compiled; "
    code += "print(compiled.__file__, compiled.kernels().instructions)"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(str(tmp_path / "installed"))


def test_what_people_read_of_the_packages(tmp_path):
    """Version, licences, classifiers and description; `make packages` installs both on every Python."""
    (_, wheel), (_, source) = (build(kind, tmp_path / kind) for kind in ("wheel", "sdist"))
    check_contents(wheel, source)
    twine = [sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(source)]
    done = subprocess.run(twine, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    facts = message_from_string(metadata(wheel))
    assert (facts["Name"], facts["Version"], facts["License-Expression"]) == ("vrag-toolkit", __version__, "Apache-2.0")
    assert "Typing :: Typed" in facts.get_all("Classifier")
    assert {"numpy==1.26", "tomli==2.0"} <= set(oldest(metadata(wheel), "3.10"))
    assert [pin for pin in oldest(metadata(wheel), "3.12") if pin.startswith(("tomli", "torch", "ray"))] == []


def test_the_wheel_works_away_from_the_checkout(tmp_path):
    """With what the tests have installed in place of an environment of its own."""
    _, wheel = build("wheel", tmp_path / "wheels")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    start = f"import sys; sys.path.insert(0, {str(tmp_path / 'installed')!r}); import vrag.cli; "
    start += f"assert vrag.__file__.startswith({str(tmp_path)!r}); sys.exit(vrag.cli.main())"

    def vrag(*arguments):
        command = [sys.executable, "-I", "-c", start, *map(str, arguments)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "ok       kernels                  compiled" in vrag("doctor")
    vrag("ingest", ROOT / "eval/samples/pdfs/old-notices-scanned.pdf")
    assert "old-notices-scanned.pdf" in vrag("search", "relief valve of pump number 3", "-k", "1")


def test_the_source_distribution_makes_a_wheel_for_another_machine(tmp_path):
    _, source = build("sdist", tmp_path / "sources")
    with tarfile.open(source) as archive:
        assert not [name for name in archive.getnames() if "kernels-" in name]
        archive.extractall(tmp_path, filter="data")
    checkout = tmp_path / source.name.removesuffix(".tar.gz")
    _, wheel = build("wheel", tmp_path / "wheels", checkout, VRAG_WHEEL_FOR="linux-aarch64")
    assert "manylinux_2_17_aarch64" in wheel.name
    (name,) = libraries(wheel)
    machine_is_right(zipfile.ZipFile(wheel).read(f"vrag/bits/kernels/{name}"), "linux-aarch64")


@pytest.mark.parametrize("machine", ["macos-arm64", "windows-amd64"])
def test_other_systems_have_a_library(tmp_path, machine):
    made = HOOK["compile_kernels"](HOOK["MACHINES"][machine], tmp_path)
    assert made.name == library_name(HOOK["MACHINES"][machine].system)
    machine_is_right(made.read_bytes(), machine)
    assert list(tmp_path.iterdir()) == [made]


def machine_is_right(library, machine):
    start, place, processor = MAGIC[machine]
    assert library.startswith(start)
    assert library[place:].startswith(processor)


def test_a_processor_that_the_kernels_do_not_know_gets_a_wheel_without(tmp_path):
    said, wheel = build("wheel", tmp_path / "wheels", program=("-c", ELSEWHERE))
    assert wheel.name.endswith("-py3-none-any.whl")
    assert libraries(wheel) == []
    assert "not for linux-riscv64" in said.replace("\n", " ")


def test_a_wheel_for_a_machine_that_nobody_knows_is_refused(tmp_path):
    with pytest.raises(subprocess.CalledProcessError) as error:
        build("wheel", tmp_path / "wheels", VRAG_WHEEL_FOR="amiga")
    assert "not for amiga" in error.value.stderr


def test_a_checkout_keeps_one_library(tmp_path):
    """Older ones go when it is made again."""
    for name in ("hatch_build.py", *(f"vrag/bits/kernels/{part}" for part in ("kernel_library.py", *SOURCES))):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    place = tmp_path / "vrag/bits/kernels"
    (place / library_name()).with_stem("kernels-old").write_bytes(b"")
    done = subprocess.run([sys.executable, "hatch_build.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert [file.name for file in place.glob("kernels-*")] == [library_name()]
    assert done.stdout.strip() == str(place / library_name())
