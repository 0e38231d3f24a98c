"""Bars of an evaluation, of a copy and of counted steps: what they show after each thing that happens."""

import io
from types import SimpleNamespace

import pytest
from rich.progress import Progress

from vrag.cli import output
from vrag.cli.eval_progress import Bars, bars
from vrag.cli.progress import _CopyBar, bar_of_steps, copy_bar


@pytest.fixture
def terminal(monkeypatch):
    """Standard error as a terminal, kept as text."""
    text = io.StringIO()
    monkeypatch.setattr(output, "stderr", output.SafeConsole(file=text, force_terminal=True, width=100))
    return text


@pytest.fixture
def progress():
    return Progress(console=output.SafeConsole(file=io.StringIO()), disable=True)


def shown(progress):
    (task,) = progress.tasks
    return task.description, task.completed, task.total


def test_an_evaluation_shows_one_thing_after_the_other(progress, terminal):
    watcher = Bars(progress)
    assert shown(progress) == ("Loading", 0, None)
    task = SimpleNamespace(name="Tiny", benchmark=SimpleNamespace(corpus=range(5), judged=range(3)))
    watcher.task(task, "kept in i")
    assert "Tiny: 5 pages, 3 judged questions, index kept in i" in terminal.getvalue()
    watcher.looking(2)
    watcher.looked()
    assert shown(progress) == ("Tiny: looking at files", 1, 2)
    watcher.embedding(5)
    for ok in (True, False, True):
        watcher.reading(None, 1)
        watcher.read(False)
        watcher.page(ok)
    assert shown(progress) == ("Tiny: indexing pages", 3, 5)
    watcher.searching("exact", done=1, total=3)
    assert shown(progress) == ("Tiny: exact", 1, 3)
    watcher.searched()
    assert shown(progress) == ("Tiny: exact", 2, 3)
    assert watcher.kept == 3  # two pages and an answer: what an interrupted run has not lost


def test_a_copy_shows_its_records(progress):
    bar = _CopyBar(progress, "Copying")
    assert shown(progress) == ("Copying", 0, None)
    bar.starting(100)
    bar.done(64)
    bar.done(36)
    assert shown(progress) == ("Copying", 100, 100)


@pytest.mark.parametrize("opened", [bars, lambda: copy_bar("Copying"), lambda: bar_of_steps("[bold]Searching", 3)])
def test_a_bar_leaves_nothing_behind(terminal, opened):
    with opened():
        pass
    assert terminal.getvalue().endswith("\x1b[1A\x1b[2K")  # up into the line of the bar, which is wiped


def test_steps_are_counted_and_their_name_is_text(terminal):
    with bar_of_steps("[bold]Searching", 3) as step:
        step()
        step()
    assert "[bold]Searching" in terminal.getvalue()
    assert "2/3" in terminal.getvalue()


def test_an_error_ends_the_bar_and_goes_on(terminal):
    with pytest.raises(ValueError, match="boom"), bar_of_steps("Searching", 3):
        raise ValueError("boom")
    assert terminal.getvalue().count("\x1b[?25l") == terminal.getvalue().count("\x1b[?25h") == 1
