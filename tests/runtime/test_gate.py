"""Readers share, changes are alone and go first: threads meet at the critical points on purpose."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vrag.runtime.gate import Gate

LONG = 30  # seconds that nothing here takes


@pytest.fixture
def pool():
    with ThreadPoolExecutor(8) as pool:
        yield pool


def until(condition):
    """Wait for what another thread is about to do."""
    ticks = threading.Event()
    for _ in range(LONG * 1000):
        if condition():
            return
        ticks.wait(0.001)
    raise AssertionError("it never came to that")


def test_readers_are_inside_at_the_same_time(pool):
    gate, meet = Gate(), threading.Barrier(4)

    def read():
        with gate.reading():
            return meet.wait(LONG)

    assert sorted(future.result(LONG) for future in [pool.submit(read) for _ in range(4)]) == [0, 1, 2, 3]


def test_a_reader_waits_for_the_change_that_is_under_way(pool):
    gate, changing, go_on, order = Gate(), threading.Event(), threading.Event(), []

    def change():
        with gate.changing():
            changing.set()
            assert go_on.wait(LONG)
            order.append("changed")

    def read():
        with gate.reading():
            order.append("read")

    done = [pool.submit(change)]
    assert changing.wait(LONG)
    done.append(pool.submit(read))
    assert not done[1].done()
    go_on.set()
    for future in done:
        future.result(LONG)
    assert order == ["changed", "read"]


def test_a_change_that_waits_goes_before_readers_that_come_later(pool):
    gate, inside, leave, order = Gate(), threading.Event(), threading.Event(), []

    def first():
        with gate.reading():
            inside.set()
            assert leave.wait(LONG)

    def change():
        with gate.changing():
            order.append("change")

    def later():
        with gate.reading():
            order.append("later")

    done = [pool.submit(first)]
    assert inside.wait(LONG)
    done.append(pool.submit(change))
    until(lambda: gate._waiting == 1)
    done.extend(pool.submit(later) for _ in range(3))
    leave.set()
    for future in done:
        future.result(LONG)
    assert order == ["change", "later", "later", "later"]


def test_two_changes_are_one_after_the_other(pool):
    gate, first_in, go_on, inside, most = Gate(), threading.Event(), threading.Event(), [], []

    def change(number):
        with gate.changing():
            inside.append(number)
            most.append(len(inside))
            first_in.set()
            assert go_on.wait(LONG)
            inside.remove(number)

    done = [pool.submit(change, number) for number in range(3)]
    assert first_in.wait(LONG)
    until(lambda: gate._waiting == 2)
    go_on.set()
    for future in done:
        future.result(LONG)
    assert most == [1, 1, 1]


def test_a_change_whose_waiting_is_interrupted_lets_the_readers_in_again(pool, monkeypatch):
    gate, inside, leave = Gate(), threading.Event(), threading.Event()

    def hold():
        with gate.reading():
            inside.set()
            assert leave.wait(LONG)

    held = pool.submit(hold)
    assert inside.wait(LONG)

    def interrupted(predicate):
        assert not predicate()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(gate._turn, "wait_for", interrupted)
        with pytest.raises(KeyboardInterrupt), gate.changing():
            pytest.fail("a reader is inside")
    with gate.reading():  # with a change still said to wait, this would be for ever
        pass
    leave.set()
    held.result(LONG)
    with gate.changing():
        pass


def test_an_error_inside_leaves_the_gate_open_for_both(pool):
    gate = Gate()
    for enter in (gate.reading, gate.changing):
        with pytest.raises(ValueError, match="boom"), enter():
            raise ValueError("boom")
    for enter in (gate.changing, gate.reading):

        def once(enter=enter):
            with enter():
                return True

        assert pool.submit(once).result(LONG)


@settings(max_examples=20)
@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=6), min_size=2, max_size=6))
def test_nobody_reads_while_something_changes_whatever_the_order(scripts):
    """Each thread reads (False) or changes (True) as its script says; all begin at once."""
    gate, start, state, wrong = Gate(), threading.Barrier(len(scripts)), {"readers": 0, "changes": 0}, []
    counting = threading.Lock()

    def enter(kind, by):
        with counting:
            state[kind] += by
            if state["changes"] > 1 or (state["changes"] and state["readers"]):
                wrong.append(dict(state))

    def play(script):
        start.wait(LONG)
        for changes in script:
            kind = "changes" if changes else "readers"
            with gate.changing() if changes else gate.reading():
                enter(kind, 1)
                enter(kind, -1)

    threads = [threading.Thread(target=play, args=(script,)) for script in scripts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []
    assert (gate._readers, gate._waiting, gate._changing) == (0, 0, False)
