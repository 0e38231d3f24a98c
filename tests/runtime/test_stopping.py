"""Work that another thread stops, also where it waits."""

import threading

from vrag.runtime.stopping import Stop, is_stopped, stoppable, waking

SOON_S = 20


def in_thread(stop, work):
    """Start work that can be stopped, and return what waits for its end."""

    def run():
        with stoppable(stop):
            work()

    thread = threading.Thread(target=run)
    thread.start()

    def end():
        thread.join(SOON_S)
        assert not thread.is_alive()

    return end


def test_who_waits_is_woken():
    stop, waits, woken = Stop(), threading.Event(), threading.Event()

    def work():
        with waking(woken.set):
            waits.set()
            assert woken.wait(SOON_S)
        seen.append(is_stopped())

    seen = []
    end = in_thread(stop, work)
    assert waits.wait(SOON_S)
    stop.set()
    end()
    assert seen == [True]
    assert not is_stopped()  # this thread's work is another


def test_who_begins_to_wait_when_it_is_late_is_woken_at_once():
    stop, woken = Stop(), []
    stop.set()
    with stoppable(stop), waking(lambda: woken.append(1)):
        assert woken == [1]
    stop.set()
    assert woken == [1]  # it does not wait any more


def test_what_nobody_can_stop_goes_on():
    with waking(lambda: 1 / 0):
        assert not is_stopped()
