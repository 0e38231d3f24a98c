"""Shells complete documents, pipelines, models and cascades: quickly, silently, and nothing is written."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import command, copy_index
from vrag import Index
from vrag.places.known_names import read_names

BASH = """
eval "$(_VRAG_COMPLETE=source_bash vrag)"
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
_vrag_completion vrag
printf '%s\\n' "${COMPREPLY[@]}"
"""
HOSTILE = [
    'quote".pdf',
    "tick`id`.pdf",
    "dollar$(id).pdf",
    "slash\\.pdf",
    "line\nend.pdf",
    "esc\x1b[31m.pdf",
    "it's.pdf",
]


def _environment(**more):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("VRAG_", "QDRANT_", "COMP_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PATH": path, "VRAG_LOG": "off", **more}


@pytest.fixture
def bash(tmp_path):
    if shutil.which("bash") is None:
        pytest.skip("no bash on this machine")

    def complete(*words, cwd=tmp_path):
        done = subprocess.run(
            ["bash", "-c", BASH, "bash", "vrag", *map(str, words)],
            env=_environment(), cwd=cwd, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stderr == ""
        return [line for line in done.stdout.splitlines() if line]

    return complete


def _asked(shell, line, cwd, **more):
    """What a shell reads for a line that is typed so far."""
    words = line.split(" ")
    by_shell = {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1), "_TYPER_COMPLETE_ARGS": line}
    environment = _environment(**by_shell, **more, _VRAG_COMPLETE=f"complete_{shell}")
    return subprocess.run(command(), env=environment, cwd=cwd, capture_output=True, text=True)


@pytest.fixture
def named(tmp_path, indexed):
    """An index beside which names are written that some shell may stumble over."""
    index = copy_index(indexed, tmp_path / "i")
    known = ["animals.pdf", "machines.pdf", "sub dir/my (old) notes.pdf", "naïve 日本.pdf", *HOSTILE]
    (index / "cache" / "names.json").write_text(json.dumps(known))
    return index


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["rm", "--index", "i", "a"], ["animals.pdf"]),
        (["ls", "--index", "i", "m"], ["machines.pdf"]),
        (["explain", "q", "--index", "i", "--doc", "an"], ["animals.pdf"]),
        (["search", "q", "--index", "i", "--where", "do"], ["doc=animals.pdf", "doc=machines.pdf"]),
        (["ask", "q", "--index", "i", "--where", "doc", "=", "an"], ["animals.pdf"]),
        (["search", "q", "--index", "i", "--where", "doc", "="], ["animals.pdf", "machines.pdf"]),
        (["search", "q", "--index", "=", "i", "--where", "doc", "=", "an"], ["animals.pdf"]),
        (["search", "q", "--index", "i", "--where", '"doc=an'], ["doc=animals.pdf"]),
        (["search", "--index", "i", "--like", "an"], ["animals.pdf:1"]),
        (["search", "q", "--index", "i", "--cascade", "be"], ["best", "best-exact"]),
        (["search", "q", "--cascade", "t"], ["three-stage", "two-stage"]),
        (["ingest", "--pipeline", "pla"], ["plain"]),
        (["pipelines", "show", "comp"], ["compact"]),
        (["ingest", "--model", "vidore/colpali-v1.3"], ["vidore/colpali-v1.3"]),
        (["ingest", "--ocr", "a"], ["auto", "always"]),
        (["sea"], ["search"]),
        (["snapshot", "re"], ["restore"]),
        (["search", "q", "--by-d"], ["--by-document"]),
    ],
)
def test_bash_completes_words_as_people_type_them(bash, tmp_path, indexed, words, offered):
    copy_index(indexed, tmp_path / "i")
    assert bash(*words) == offered


def test_bash_gets_names_that_it_need_not_quote(bash, named):
    assert bash("rm", "--index", "i", "sub") == ["sub\\ dir/my\\ \\(old\\)\\ notes.pdf"]
    assert bash("rm", "--index", "i", "na") == ["naïve\\ 日本.pdf"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_name_that_a_shell_would_obey_is_never_offered(named, tmp_path, shell):
    done = _asked(shell, "vrag rm --index i ", tmp_path, _TYPER_COMPLETE_FISH_ACTION="get-args")
    assert (done.returncode, done.stderr) == (0, "")
    assert "animals.pdf" in done.stdout
    for name in HOSTILE:
        assert name.partition(".")[0] not in done.stdout


def test_zsh_and_fish_are_told_in_their_own_words(named, tmp_path):
    zsh = _asked("zsh", "vrag search q --index i --where doc=an", tmp_path)
    assert zsh.stdout == "_arguments '*: :((\"doc=animals.pdf\"))'\n"
    fish = _asked("fish", "vrag rm --index i m", tmp_path, _TYPER_COMPLETE_FISH_ACTION="get-args")
    assert fish.stdout == "machines.pdf\n"
    for line, code in (("vrag rm --index i m", 0), ("vrag rm --index i zzz", 1), ("vrag rm --index gone m", 1)):
        asked = _asked("fish", line, tmp_path, _TYPER_COMPLETE_FISH_ACTION="is-args")
        assert (asked.returncode, asked.stdout, asked.stderr) == (code, "", "")


def _tree(folder):
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("broken", ["nothing", "no index", "no names", "names", "facts", "a server"])
def test_whatever_is_wrong_it_is_silent_and_writes_nothing(named, tmp_path, shell, broken):
    names, facts, more = named / "cache" / "names.json", named / "index.json", {}
    if broken == "no index":
        shutil.rmtree(named)
    elif broken == "no names":
        names.unlink()
    elif broken == "names":
        names.write_bytes(b'{"a": [\xff')
    elif broken == "facts":
        facts.write_text("[[[")
    elif broken == "a server":
        more = {"QDRANT_URL": "http://localhost:1"}
    before = _tree(tmp_path)
    for line in (
        "vrag rm a",
        "vrag search q --cascade b",
        "vrag search --index i --where doc=a",
        "vrag --nope x",
        "vrag ",
    ):
        done = _asked(shell, line, tmp_path, _TYPER_COMPLETE_FISH_ACTION="get-args", VRAG_INDEX="", **more)
        assert done.stderr == ""
        assert "Error" not in done.stdout
    assert _tree(tmp_path) == before


def test_an_index_that_others_have_open_is_completed_all_the_same(named, tmp_path):
    with Index.open(named):
        done = _asked("zsh", "vrag rm --index i an", tmp_path)
    assert "animals.pdf" in done.stdout


LOADED = """
import sys
from vrag.cli import main
try:
    main([])
except SystemExit:
    print(*sys.modules, file=sys.stderr)
"""
HEAVY = {"numpy", "qdrant_edge", "qdrant_client", "onnxruntime", "PIL", "fastapi", "httpx", "vrag.index"}


def test_it_loads_nothing_that_takes_long(named, tmp_path):
    line = ["vrag", "search", "q", "--index", "i", "--where", "doc=an"]
    environment = _environment(COMP_WORDS="\n".join(line), COMP_CWORD="6", _VRAG_COMPLETE="complete_bash")
    asked = [sys.executable, "-c", LOADED]
    done = subprocess.run(asked, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "doc=animals.pdf\n"
    assert "vrag.cli.search" in done.stderr.split()
    assert not HEAVY & set(done.stderr.split())
    environment |= {"COMP_WORDS": "vrag\n", "COMP_CWORD": "1"}
    every = subprocess.run(asked, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert {"ingest", "search", "eval"} <= set(every.stdout.split())
    assert "vrag.cli.search" not in every.stderr.split()


def test_names_follow_what_is_in_the_index(tmp_path, folder):
    shutil.copytree(folder, tmp_path / "d")
    with Index.create(tmp_path / "i") as index:
        index.ingest([tmp_path / "d"])
        assert read_names(tmp_path / "i") == ["animals.pdf", "machines.pdf"]
        (tmp_path / "d" / "other").mkdir()
        (tmp_path / "d" / "sub" / "machines.pdf").rename(tmp_path / "d" / "other" / "tools.pdf")
        index.ingest([tmp_path / "d"])
        index.forget(index.gone([tmp_path / "d"]))
        labels = index.documents.labels([document.doc_id for document in index.documents.all()])
        assert read_names(tmp_path / "i") == sorted(name for name, _ in labels.values()) == ["animals.pdf", "tools.pdf"]
        index.remove(index.find_documents(["tools.pdf"]))
        assert read_names(tmp_path / "i") == ["animals.pdf"]


def test_documents_of_the_same_name_are_told_apart_as_they_are_elsewhere(tmp_path, folder):
    for name, source in (("a", "animals.pdf"), ("b", "sub/machines.pdf")):
        (tmp_path / "d" / name).mkdir(parents=True)
        shutil.copy(folder / source, tmp_path / "d" / name / "x.pdf")
    with Index.create(tmp_path / "i") as index:
        index.ingest([tmp_path / "d"])
        labels = index.documents.labels([document.doc_id for document in index.documents.all()])
    assert read_names(tmp_path / "i") == sorted(name for name, _ in labels.values()) == ["a/x.pdf", "b/x.pdf"]
