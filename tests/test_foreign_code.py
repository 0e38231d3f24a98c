"""Code that lies in the current directory is never run."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ANIMALS, command
from tests.pdfs import write_pdf
from vrag.runtime.spawning import python_command

NAMES = (
    "vrag",
    "multiprocessing",
    "pickle",
    "json",
    "struct",
    "signal",
    "numpy",
    "PIL",
    "pypdfium2",
    "pebble",
)


@pytest.fixture
def foreign(tmp_path):
    """A folder with packages that leave a mark where they are imported, and a document."""
    folder = tmp_path / "foreign"
    for name in NAMES:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(f"open({str(tmp_path / name)!r}, 'w').close()\n")
    write_pdf(folder / "animals.pdf", ANIMALS[:1])
    return folder


def marks(folder):
    return [name for name in NAMES if (folder.parent / name).exists()]


def test_the_folder_would_be_run_by_a_python_that_looks_there(foreign):
    subprocess.run([sys.executable, "-c", "import vrag"], cwd=foreign, check=True)
    assert marks(foreign) == ["vrag"]


def test_commands_run_in_it_read_documents_and_draw_pages(foreign):
    for arguments in (
        ["ingest", "animals.pdf", "--index", "i"],
        ["search", "sheep", "--index", "i", "--image-dir", "o"],
    ):
        done = subprocess.run(command(*arguments), cwd=foreign, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert len(list((foreign / "o").iterdir())) == 1
    assert marks(foreign) == []


def test_a_python_that_is_started_finds_the_checkout_that_starts_it(tmp_path):
    """Also where another vrag is installed, and without modules of ours that have the names of others."""
    import vrag

    copy = tmp_path / "checkout"
    shutil.copytree(Path(vrag.__file__).parent, copy / "vrag", ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "start.py").write_text(
        "import subprocess\n"
        "from vrag.runtime.spawning import python_command\n"
        "code = 'import vrag, importlib.util as u; print(vrag.__file__, u.find_spec(\"settings\"))'\n"
        "print(subprocess.run(python_command(code), capture_output=True, text=True, check=True).stdout, end='')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", "import start"], cwd=copy, capture_output=True, text=True, check=True
    )  # the folder is on the path as the current one, which is not passed on
    assert done.stdout.split() == [str(copy / "vrag" / "__init__.py"), "None"]


def test_a_python_that_is_started_finds_this_vrag_and_nothing_of_the_folder(foreign):
    import vrag

    code = "import vrag, pickle, pebble; print(vrag.__file__)"
    done = subprocess.run(python_command(code), cwd=foreign, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == vrag.__file__
    assert marks(foreign) == []
