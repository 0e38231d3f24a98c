import contextvars
import threading
import time

import pytest

from vrag.runtime.timing import OCR, READING, WRITING, Stopwatch, bound, count, timed, watching


def test_stages_add_up_in_their_order():
    with watching() as watch:
        for stage in ("store", "forward", "forward"):
            with timed(stage):
                time.sleep(0.002)
        count("render", 5)
        count("else", 1)
    seconds = watch.seconds()
    assert list(seconds) == ["render", "forward", "store", "else"]
    assert seconds["render"] == 5
    assert seconds["forward"] >= 0.004


def test_without_a_watch_nothing_is_counted():
    watch = Stopwatch()
    with timed("forward"):
        count("render", 1)
    assert watch.seconds() == {}


def test_a_failing_stage_is_counted_too():
    with watching() as watch:
        try:
            with timed("forward"):
                raise ValueError
        except ValueError:
            pass
    assert list(watch.seconds()) == ["forward"]


def test_threads_with_a_copy_of_the_context_report_to_the_same_watch():
    with watching() as watch:
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(count, "store", 2))
        thread.start()
        thread.join()
    assert watch.seconds() == {"store": 2}


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ({READING: 5, "forward": 3, "preprocess": 1, WRITING: 1, "render": 50}, "reading pages"),
        ({READING: 3, "forward": 3, "preprocess": 1, WRITING: 1}, "the model"),
        ({"forward": 3, WRITING: 4, "store": 90}, "writing"),
        ({}, "reading pages"),
    ],
)
def test_a_run_is_bound_by_what_the_main_thread_spends_most_on(seconds, expected):
    assert bound(seconds, 2, 2).startswith(expected)


@pytest.mark.parametrize(
    ("seconds", "workers", "says", "never"),
    [
        ({"read": 9, OCR: 1}, 1, "1 of 2 cores (more --workers", "all 2"),
        ({"read": 9, OCR: 1}, 2, "all 2 cores (--ray", "--workers"),
        ({"read": 9, OCR: 8}, 2, "all 2 cores (--ocr never", "--workers"),
        ({"read": 9, OCR: 8}, 0, "on the cluster", "--workers"),
    ],
)
def test_what_bounds_reading_is_something_that_can_be_changed(seconds, workers, says, never):
    said = bound({READING: 9, **seconds}, workers, 2)
    assert says in said
    assert never not in said


def test_a_watch_within_another_is_told_alone():
    with watching() as outer:
        count("store", 1)
        with watching() as inner:
            count("store", 10)
        count("store", 2)
    assert (outer.seconds(), inner.seconds()) == ({"store": 3}, {"store": 10})


def test_a_watch_that_is_given_goes_on_where_it_was():
    watch = Stopwatch()
    for seconds in (1, 2):
        with watching(watch) as same:
            count("store", seconds)
            assert same is watch
    assert watch.seconds() == {"store": 3}


def test_many_threads_lose_no_second():
    watch, start = Stopwatch(), threading.Barrier(8)

    def work():
        start.wait(10)
        for _ in range(2000):
            watch.add("store", 1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert watch.seconds() == {"store": 16_000}
