"""One account of time for all requests of a command, counted by a clock that the tests move."""

import threading
from types import SimpleNamespace

import pytest

from vrag.cli.at_once import at_once
from vrag.runtime import budget as module
from vrag.runtime.budget import budget, seconds_left, spending


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def ask(clock, seconds):
    with spending():
        clock.now += seconds


def test_requests_take_their_time_together(clock):
    with budget(10):
        assert seconds_left(30) == 10
        ask(clock, 4)
        assert seconds_left(30) == 6
        assert seconds_left(2) == 2  # never more than one request may take by itself
        ask(clock, 7)
        assert seconds_left(30) == -1
    assert seconds_left(30) == 30


def test_only_waiting_for_the_server_is_counted(clock):
    with budget(10):
        clock.now += 100  # a model loads
        ask(clock, 1)
        assert seconds_left(30) == 9


def test_the_first_server_that_is_asked_says_how_much_there_is(clock):
    with budget():
        assert seconds_left(5) == 5
        ask(clock, 2)
        assert seconds_left(60) == 3


def test_a_request_that_fails_costs_its_time_too(clock):
    def fail():
        with spending():
            clock.now += 3
            raise ValueError("boom")

    with budget(10):
        with pytest.raises(ValueError, match="boom"):
            fail()
        assert seconds_left(30) == 7


def test_the_block_around_it_holds_for_both(clock):
    with budget(10):
        ask(clock, 4)
        with budget(100):
            assert seconds_left(30) == 6
            ask(clock, 1)
        assert seconds_left(30) == 5


def test_an_error_closes_the_account(clock):
    with pytest.raises(ValueError, match="boom"), budget(1):
        raise ValueError("boom")
    assert seconds_left(30) == 30


def test_threads_have_accounts_of_their_own(clock):
    seen, meet = {}, threading.Barrier(2)

    def work(name, seconds):
        with budget(seconds):
            meet.wait(10)  # both are open now
            seen[name] = seconds_left(30)
            meet.wait(10)

    threads = [threading.Thread(target=work, args=(name, seconds)) for name, seconds in (("a", 3), ("b", 7))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"a": 3, "b": 7}


def test_a_command_is_one_answer_unless_it_is_many(clock):
    def command(query=None):
        first = seconds_left(5)
        ask(clock, 2)
        return first, seconds_left(5)

    run = at_once(given="query")(command)
    assert run(query="x") == (5, 3)
    assert run(query="x") == (5, 3)  # an account of its own again
    assert run() == run(query=None) == (5, 5)
    assert at_once()(command)() == (5, 3)
    assert run.__name__ == "command"
