"""Work in threads of its own: order, width, the first error, and what happens when nobody wants the rest."""

import threading

import pytest

from vrag.runtime.ahead import in_order, one_ahead

SOON = 10.0  # seconds; what is waited for comes at once


def test_results_come_in_order_whoever_is_ready_first():
    second = threading.Event()

    def work(value):
        if value == 0:
            assert second.wait(SOON)
        if value == 1:
            second.set()
        return value * 10

    assert list(in_order(work, range(5), 2)) == [0, 10, 20, 30, 40]


def test_as_many_as_asked_for_are_worked_on_at_once_and_no_more():
    together, lock = threading.Barrier(3), threading.Lock()
    now, most = 0, 0

    def work(value):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait(SOON)  # breaks unless three are here
        with lock:
            now -= 1

    assert len(list(in_order(work, range(9), 3))) == 9
    assert most == 3


def test_after_the_first_error_nothing_more_is_begun():
    failed, begun = threading.Event(), []

    def work(value):
        begun.append(value)
        if value == 0:
            assert failed.wait(SOON)
        if value == 1:
            failed.set()
            raise ValueError(value)
        return value

    results = []
    with pytest.raises(ValueError, match="1"):  # noqa: PT012 - what came before it is kept
        for result in in_order(work, range(100), 3):
            results.append(result)
    assert results == [0]
    assert len(begun) <= 4


def test_who_stops_taking_results_waits_for_what_is_begun():
    going, ended = threading.Event(), []

    def work(value):
        if value:
            assert going.wait(SOON)
        ended.append(value)

    results = in_order(work, range(100), 3)
    next(results)
    going.set()
    results.close()
    assert ended[0] == 0
    assert len(ended) <= 3
    assert len(ended) == len(set(ended))


def test_an_interrupted_caller_is_not_held_by_work_that_never_ends(monkeypatch):
    monkeypatch.setattr("vrag.runtime.ahead._GRACE", 0.05)
    never = threading.Event()
    results = in_order(lambda value: never.wait(SOON) if value else value, range(9), 3)
    next(results)
    with pytest.raises(KeyboardInterrupt):
        results.throw(KeyboardInterrupt)
    assert not never.is_set()
    never.set()


def test_the_next_value_is_made_while_one_is_used():
    made = [threading.Event() for _ in range(3)]

    def values():
        for number, one in enumerate(made):
            one.set()
            yield number

    for value in one_ahead(values()):
        assert value == 2 or made[value + 1].wait(SOON)


def test_what_making_a_value_raises_comes_in_its_turn():
    def values():
        yield 1
        raise ValueError("second")

    coming = one_ahead(values())
    assert next(coming) == 1
    with pytest.raises(ValueError, match="second"):
        next(coming)


def test_no_values():
    assert list(one_ahead(iter(()))) == list(in_order(str, (), 3)) == []
