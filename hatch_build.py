"""Makes the library of kernels (`vrag/bits/kernels/kernels.c`), with the C compiler that the package `ziglang` carries.

Hatchling calls `KernelsHook` when a wheel is built, also an editable one. Run as a program it makes the library in a
checkout, which needs `ziglang`:

    python hatch_build.py

VRAG_WHEEL_FOR names the machine that a wheel is for, by default this one; `make wheels` makes one for each that
`python hatch_build.py --machines` lists. For a processor that the source does not know, or without a compiler, the
wheel has no library, and numpy scores.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run as a program
    BuildHookInterface = object

ROOT = Path(__file__).resolve().parent
KERNELS = Path("vrag/bits/kernels")
WHEEL_FOR = "VRAG_WHEEL_FOR"
# Nothing of a C library is called, so that the same file serves glibc and musl. Sums are rounded as they are written.
FLAGS = [
    *("-std=c11", "-O3", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", "-g0"),
    *("-shared", "-fPIC", "-fvisibility=hidden", "-ffreestanding", "-nostdlib"),
]


class Machine(NamedTuple):
    """What a wheel is for.

    Args:
        system: As `sys.platform` names it.
        target: As zig names it.
        tag: Of the wheel.
    """

    system: str
    target: str
    tag: str


def _linux(processor: str) -> Machine:
    tag = f"manylinux_2_17_{processor}.manylinux2014_{processor}.musllinux_1_1_{processor}"
    return Machine("linux", f"{processor}-linux-gnu.2.17", tag)


MACHINES = {
    "linux-x86_64": _linux("x86_64"),
    "linux-aarch64": _linux("aarch64"),
    "macos-x86_64": Machine("darwin", "x86_64-macos.11.0", "macosx_11_0_x86_64"),
    "macos-arm64": Machine("darwin", "aarch64-macos.11.0", "macosx_11_0_arm64"),
    "windows-amd64": Machine("win32", "x86_64-windows-gnu", "win_amd64"),
}


def this_machine() -> str:
    """The name of the one that this runs on, which need not be in `MACHINES`."""
    system = {"darwin": "macos", "win32": "windows"}.get(sys.platform, sys.platform)
    bits = "" if sys.maxsize > 2**32 else " with 32 bits"
    return f"{system}-{platform.machine().lower()}{bits}"


def machine_called(name: str) -> Machine:
    """The machine of this name.

    Raises:
        LookupError: There is none.
    """
    if name not in MACHINES:
        raise LookupError(f"The kernels are written for {', '.join(MACHINES)}, not for {name}")
    return MACHINES[name]


def compile_kernels(machine: Machine, folder: Path) -> Path:
    """Make the library for a machine, in a folder.

    Raises:
        LookupError: The compiler is not there.
        subprocess.CalledProcessError: It refused.
    """
    if importlib.util.find_spec("ziglang") is None:
        raise LookupError("The kernels need the compiler of the package ziglang: pip install ziglang")
    name = runpy.run_path(str(ROOT / KERNELS / "kernel_library.py"))["library_name"]
    made = folder / name(machine.system)
    with tempfile.TemporaryDirectory() as work:  # of the compiler, and it leaves files beside what it makes
        caches = {"ZIG_GLOBAL_CACHE_DIR": work, "ZIG_LOCAL_CACHE_DIR": work}
        out = Path(work) / made.name
        arguments = [*FLAGS, "-target", machine.target, str(ROOT / KERNELS / "kernels.c"), "-o", str(out)]
        if machine.system != "win32":
            arguments.append("-s")
        subprocess.run([sys.executable, "-m", "ziglang", "cc", *arguments], env={**os.environ, **caches}, check=True)
        made.write_bytes(out.read_bytes())
    return made


def compile_here() -> Path:
    """Make the library in this checkout, for this machine, in the place of older ones."""
    made = compile_kernels(machine_called(this_machine()), ROOT / KERNELS)
    for old in set(made.parent.glob(f"kernels-*{made.suffix}")) - {made}:
        old.unlink()
    return made


class KernelsHook(BuildHookInterface):  # type: ignore[misc]
    """Puts the library into a wheel, and the machine into its name."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before the files are collected; `version` is standard or editable."""
        if version == "editable":
            self._unless_impossible(compile_here)
            return
        wanted = os.environ.get(WHEEL_FOR)
        if wanted:
            self._put_into(build_data, wanted)
        else:
            self._unless_impossible(lambda: self._put_into(build_data, this_machine()))

    def _unless_impossible(self, make: Callable[[], object]) -> None:
        """Rather an installation that is slow than none; `vrag doctor` tells which one it is."""
        try:
            make()
        except (LookupError, OSError, subprocess.SubprocessError) as error:
            self.app.display_warning(f"{error}: numpy will score, which takes several times as long.")

    def _put_into(self, build_data: dict[str, Any], wanted: str) -> None:
        machine = machine_called(wanted)
        self._folder = tempfile.TemporaryDirectory()
        made = compile_kernels(machine, Path(self._folder.name))
        build_data["force_include"][str(made)] = str(KERNELS / made.name)
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{machine.tag}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was compiled: the wheel has it."""
        if hasattr(self, "_folder"):
            self._folder.cleanup()


if __name__ == "__main__":
    try:
        sys.stdout.write(" ".join(MACHINES) if sys.argv[1:] == ["--machines"] else f"{compile_here()}\n")
    except LookupError as problem:
        sys.exit(str(problem.args[0]))
