"""Installs what people install into empty environments, one after the other, and works there as they do.

    python -m tests.packages [PYTHON...]

Without names: the wheel and the source distribution on every Python that vrag names and this machine has, and then the
wheel on the oldest one, with the oldest packages that pyproject.toml allows. Needs a registry, minutes for each
environment, and a gigabyte; an environment is removed before the next one is made. Ends with 1 where anything failed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from email import message_from_string
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "eval" / "samples" / "pdfs"
QUESTION, ANSWERED_BY = "At what pressure does the relief valve of pump number 3 open?", "old-notices-scanned.pdf"
_PIP = ("-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile")


def main(wanted: list[str]) -> int:
    """Exit code."""
    failed = []
    with TemporaryDirectory() as folder:
        wheel, source = build(Path(folder) / "dist")
        facts = metadata(wheel)
        pythons = wanted or re.findall(r"Python :: (3\.\d+)$", str(facts), re.M)
        found = {name: program for name in pythons if (program := find_python(name))}
        rounds = [(name, what, []) for what in (wheel, source) for name in found]
        rounds += [(name, wheel, oldest(facts, name)) for name in list(found)[:1]]
        for name in pythons:
            if name not in found:
                print(f"Python {name}: not on this machine, left out", flush=True)
        for name, what, pins in rounds:
            started = time.monotonic()
            problem = attempt(found[name], what, pins, Path(folder) / "environment")
            kind = f"{what.name.split('-')[-1]}{', the oldest packages' if pins else ''}"
            print(f"Python {name}, {kind}: {problem or 'works'} ({time.monotonic() - started:.0f} s)", flush=True)
            failed += [name] if problem else []
    return 1 if failed or not rounds else 0


def build(into: Path) -> tuple[Path, Path]:
    """Wheel and source distribution, made as for a registry and checked as it does."""
    said = subprocess.run([sys.executable, "-m", "build", "--outdir", into, ROOT], capture_output=True, text=True)
    if said.returncode:
        sys.exit(said.stdout + said.stderr)
    made = sorted(into.iterdir())
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *made], check=True)
    (wheel,), (source,) = ([file for file in made if file.suffix == suffix] for suffix in (".whl", ".gz"))
    check_contents(wheel, source)
    return wheel, source


def check_contents(wheel: Path, source: Path) -> None:
    """Both have licence and notice, the types are marked, and the source has what a wheel is made of."""
    inside = set(zipfile.ZipFile(wheel).namelist())
    with tarfile.open(source) as archive:
        beside = {name.partition("/")[2] for name in archive.getnames()}
    for name in ("LICENSE", "NOTICE"):
        assert name in beside, name
        assert [one for one in inside if one.endswith(f".dist-info/licenses/{name}")], name
    assert {"vrag/py.typed", "vrag/data/pipelines/builtin.toml"} <= inside
    assert {"vrag/py.typed", "pipelines/builtin.toml", "hatch_build.py", "vrag/bits/kernels/kernels.c"} <= beside
    assert not [
        name for name in inside | beside if "__pycache__" in name or name.startswith((".venv", "tests/golden/."))
    ]


def metadata(wheel: Path) -> str:
    """The METADATA of a wheel."""
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    return archive.read(name).decode()


def oldest(facts: str, python: str) -> list[str]:
    """The oldest release that each requirement allows, as pins."""
    pins = []
    for text in message_from_string(facts).get_all("Requires-Dist", []):
        requirement = Requirement(text)
        marker = requirement.marker
        floors = [one.version for one in requirement.specifier if one.operator in (">=", "==")]
        if floors and (marker is None or marker.evaluate({"python_version": python, "extra": ""})):
            pins.append(f"{requirement.name}=={floors[0]}")
    return pins


def find_python(name: str) -> str | None:
    """A program that starts this Python, by its version or path."""
    known = (Path.home() / ".pyenv" / "versions").glob(f"{name}.*/bin/python")
    for program in (shutil.which(f"python{name}"), shutil.which(name), *map(str, known)):
        if program and subprocess.run([program, "-c", ""], capture_output=True).returncode == 0:
            return program
    return None


def attempt(python: str, package: Path, pins: list[str], environment: Path) -> str:
    """What went wrong; empty where it works."""
    try:
        run(python, "-m", "venv", environment)
        here = environment / "bin"
        run(here / "python", *_PIP, package, *pins)
        return work(here / "vrag", environment)
    except subprocess.CalledProcessError as error:
        return f"{error.cmd} ended with {error.returncode}:\n{error.stdout[-2000:]}"
    finally:
        shutil.rmtree(environment, ignore_errors=True)


def work(vrag: Path, folder: Path) -> str:
    """Use it as a newcomer does."""
    run(vrag, "doctor", cwd=folder)
    run(vrag, "ingest", SAMPLES, "--index", "index", cwd=folder)
    found = run(vrag, "search", QUESTION, "--index", "index", "-k", "1", cwd=folder)
    return "" if ANSWERED_BY in found else f"the search did not find {ANSWERED_BY}:\n{found}"


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """What a command says, on both of its outputs."""
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
    )
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
