"""Memory that was freed is the system's again."""

import ctypes
import subprocess
import sys

import pytest

from tests.pdfs import write_pdf
from vrag import Index

FREED = """
import re
from pathlib import Path
import numpy as np
from vrag.runtime.memory import give_back

def taken():
    return int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) >> 10

blocks = [np.ones(4096, np.uint8) for _ in range(25_000)]  # 100 MB; the last one keeps the others' place
last, blocks = blocks[-1], None
before = taken()
give_back()
print(before - taken())
"""

PLACES = """
import ctypes, os, tempfile, threading
from vrag.runtime.memory import stay_small

libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
stay_small()
all_here = threading.Barrier(12)
threads = [threading.Thread(target=lambda: (libc.malloc(1000), all_here.wait())) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with tempfile.TemporaryFile() as file:
    stream = ctypes.c_void_p(libc.fdopen(os.dup(file.fileno()), b"w"))
    libc.malloc_info(0, stream)
    libc.fclose(stream)
    file.seek(0)
    print(file.read().count(b"<heap nr="))
"""
on_glibc = pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="only glibc keeps it"
)


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout)


@on_glibc
def test_what_was_freed_in_small_pieces_is_given_back():
    assert run(FREED) > 80  # MB


@on_glibc
def test_threads_of_a_process_that_stays_small_share_places():
    assert run(PLACES.replace("\nstay_small()", "")) > 6
    assert run(PLACES) <= 3


def test_an_index_gives_back_after_every_change(tmp_path, monkeypatch):
    given = []
    write_pdf(tmp_path / "d" / "one.pdf", ["Honey bees dance."])
    with Index.create(tmp_path / "i") as index:
        monkeypatch.setattr("vrag.index.give_back", lambda: given.append(index.page_count))
        index.ingest([tmp_path / "d"], workers=1)
        index.remove(index.documents.all())
    assert given == [1, 0]
