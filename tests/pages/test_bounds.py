"""What a document may take, when pages are drawn as when they are read, and that nothing of it stays behind."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tests.adversarial.bombs import annotation_bomb
from tests.conftest import ANIMALS
from tests.pdfs import write_pdf
from vrag import Index
from vrag.errors import PageError
from vrag.pages import workers
from vrag.pages.drawing import PageDrawer
from vrag.pages.page import PageSpec
from vrag.pages.workers import PageWorkers

SPEC = PageSpec(words=False, dpi=36)
# Ghostscript, as Pillow would run it, and a tool of poppler's that hangs; both say which process they are.
MARKING = "#!/bin/sh\necho $$ > '{mark}'\n"
HANGING = MARKING + "exec sleep 600\n"


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """Puts a script on the PATH and returns the file that has its process id once it runs."""

    def make(name, script):
        folder, mark = tmp_path / "bin", tmp_path / f"{name}.pid"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(script.format(mark=mark))
        (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        return mark

    return make


def number_in(mark):
    """The process id that a file comes to have."""
    while not (mark.exists() and mark.read_text().strip()):
        time.sleep(0.02)
    return int(mark.read_text())


def ends(pid):
    """Wait until a process is gone, or only waits for somebody to ask how it ended."""
    for _ in range(500):
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


def processes(drawer):
    return [*drawer._workers._pool._pool_manager.worker_manager.workers]


def test_pages_are_drawn_by_one_process_that_ends_with_the_drawer(tmp_path):
    file = write_pdf(tmp_path / "a.pdf", ANIMALS)
    with closing(PageDrawer()) as drawer:
        assert drawer._workers is None  # nothing starts before there is something to draw
        assert [drawer.draw(file, number, SPEC).size for number in (1, 2)] == [(306, 396)] * 2
        first = processes(drawer)
        assert drawer.draw(file, 3, PageSpec(words=False, dpi=72)).size == (612, 792)
        assert processes(drawer) == first
        assert len(first) == 1
    assert ends(first[0])


def test_threads_that_draw_the_first_pages_at_once_share_a_process(tmp_path, monkeypatch):
    file = write_pdf(tmp_path / "a.pdf", ANIMALS)
    together, made = threading.Barrier(3), []
    whole = workers.PageWorkers

    def slowly(*arguments):
        made.append(arguments)
        time.sleep(0.2)  # whoever looks meanwhile must not find that there is none
        return whole(*arguments)

    monkeypatch.setattr(workers, "PageWorkers", slowly)
    with closing(PageDrawer()) as drawer, ThreadPoolExecutor(3) as threads:

        def draw(number):
            together.wait()
            return drawer.draw(file, number, SPEC).size

        assert [*threads.map(draw, (1, 2, 3))] == [(306, 396)] * 3
        assert len(made) == len(processes(drawer)) == 1


def test_closing_ends_a_picture_that_is_being_drawn(tmp_path, tool):
    mark = tool("pdfinfo", HANGING)
    file = write_pdf(tmp_path / "a.pdf", ANIMALS)
    drawer = PageDrawer()
    with ThreadPoolExecutor(1) as thread:
        drawn = thread.submit(drawer.draw, file, 1, PageSpec(renderer="poppler"))
        hanging = number_in(mark)
        drawer.close()
        with pytest.raises(PageError, match="the index was closed before it was drawn"):
            drawn.result()
    assert ends(hanging)


def test_a_page_that_takes_too_much_to_draw_is_an_error_and_the_next_is_drawn(tmp_path):
    (tmp_path / "bomb.pdf").write_bytes(annotation_bomb())
    write_pdf(tmp_path / "a.pdf", ANIMALS)
    with Index.create(tmp_path / "i") as index:
        assert index.ingest([tmp_path]).failed == []  # the text alone costs nothing
        index._drawer = PageDrawer(memory_bytes=640 << 20)
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(PageError, match=r"bomb\.pdf, page 1: .*(died|memory)"):
            index.page_image("bomb.pdf", 1)
        assert index.page_image("a.pdf", 1).width > 500
        started = processes(index._drawer)
    assert all(ends(pid) for pid in started)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - own < 200 << 10  # KiB


@pytest.mark.skipif(shutil.which("pdfinfo") is None, reason="needs poppler")
def test_the_tools_of_a_worker_that_is_stopped_are_stopped(tmp_path, tool):
    mark = tool("pdfinfo", HANGING)
    file = write_pdf(tmp_path / "a.pdf", ANIMALS)
    with (
        closing(PageDrawer(timeout_s=1.0)) as drawer,
        pytest.raises(PageError, match="longer than 1 s"),
    ):
        drawer.draw(file, 1, PageSpec(renderer="poppler"))
    assert ends(number_in(mark))


def test_the_tools_of_a_worker_that_dies_are_stopped(tmp_path, tool):
    mark = tool("pdfinfo", HANGING)
    file = write_pdf(tmp_path / "a.pdf", ANIMALS)
    with PageWorkers(PageSpec(renderer="poppler"), 1) as pool:
        answer = pool.load(file, 1)
        hanging = number_in(mark)
        (worker,) = pool._pool._pool_manager.worker_manager.workers
        os.kill(worker, signal.SIGKILL)
        with pytest.raises(PageError, match="died"):
            answer.result()
        assert ends(hanging)


def test_workers_and_their_tools_die_with_their_parent(tmp_path, tool):
    mark = tool("pdfinfo", HANGING)
    file = write_pdf(tmp_path / "a.pdf", ANIMALS)
    code = (
        "import json, sys; from pathlib import Path\n"
        "from vrag.pages.page import PageSpec; from vrag.pages.workers import PageWorkers\n"
        f"pool = PageWorkers(PageSpec(renderer='poppler'), 1); answer = pool.load(Path({str(file)!r}), 1)\n"
        "print(json.dumps([*pool._pool._pool_manager.worker_manager.workers]), flush=True)\n"
        "answer.result()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        (worker,) = json.loads(parent.stdout.readline())
        hanging = number_in(mark)
        parent.kill()
    assert ends(worker)
    assert ends(hanging)


def test_a_picture_is_of_a_format_that_is_promised(tmp_path, tool):
    """EPS is a program, which Pillow has Ghostscript run: whatever its name says, it is not even looked at."""
    mark = tool("gs", MARKING)
    (tmp_path / "a.jpg").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
    )
    with closing(PageDrawer()) as drawer, pytest.raises(PageError, match="no PNG, JPEG, TIFF or WebP picture"):
        drawer.draw(tmp_path / "a.jpg", 1, SPEC)
    assert not mark.exists()
