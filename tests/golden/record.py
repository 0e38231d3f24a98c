"""Record the contract: `python -m tests.golden.record DIRECTORY`, one text file a step.

When a change is meant, record again what the test expects, and read the difference:

    python -m tests.golden.record tests/golden/expected && git diff tests/golden/expected

Other documents are compared byte for byte, with `diff -r` between the directories of two commits:

    python -m tests.golden.record DIRECTORY --index DIR --questions FILE

The index is searched, never written to: its recipe's cascades and some more, through the API and the command line.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from tests.commands import one_model
from tests.golden import contract, running, wide


def main() -> None:
    """Record into a folder; what an earlier run left there goes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("directory", type=Path, help="for the records; emptied of *.txt first")
    parser.add_argument("--index", type=Path, help="an index of other documents")
    parser.add_argument("--questions", type=Path, help='JSONL file of {"query", "doc"?} rows for it')
    parser.add_argument("--sample", type=int, default=60, help="questions of it that are asked")
    parser.add_argument("--served", action="store_true", help="run commands while a service holds the index")
    options = parser.parse_args()
    if (options.index is None) != (options.questions is None):
        parser.error("--index and --questions go together")
    into = options.directory.resolve()
    for old in into.glob("*.txt"):
        old.unlink()
    index, questions = (path and path.resolve() for path in (options.index, options.questions))
    with tempfile.TemporaryDirectory(prefix="vrag-golden-") as base:
        folder = running.prepare(Path(base))
        with one_model():
            if index is None:
                contract.lay_out(folder)
                running.record(contract.steps(), folder, into, options.served)
            else:
                (folder / "index").symlink_to(index)
                running.record(wide.steps(questions, options.sample), index, into, options.served)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
