"""What is kept is never older than the last change, and an answer is whole whatever other threads do."""

import threading

from vrag.runtime.memo import Memo


def test_what_is_known_is_not_read_again():
    memo, asked = Memo(10), []

    def read(keys):
        asked.append(list(keys))
        return {key: key.upper() for key in keys}

    assert memo.get(["a", "b", "a"], read) == {"a": "A", "b": "B"}
    assert memo.get(["b", "c"], read) == {"b": "B", "c": "C"}
    assert memo.get([], read) == {}
    assert asked == [["a", "b"], ["c"]]


def test_what_is_kept_for_so_long_is_read_again_afterwards():
    values = iter("abcdef")
    for seconds, seen in ((0.0, ["a", "b"]), (3600.0, ["c", "c"])):
        memo = Memo(10, seconds)
        assert [memo.get(["k"], lambda keys: dict.fromkeys(keys, next(values)))["k"] for _ in range(2)] == seen


def test_what_was_read_before_a_change_is_answered_but_not_kept():
    memo, value = Memo(10), ["old"]
    read, changed, seen = threading.Event(), threading.Event(), []

    def slow(keys):
        found = dict.fromkeys(keys, value[0])
        read.set()
        assert changed.wait(10)
        return found

    reader = threading.Thread(target=lambda: seen.append(memo.get(["a"], slow)))
    reader.start()
    assert read.wait(10)
    value[0] = "new"
    memo.forget()
    changed.set()
    reader.join()
    assert seen == [{"a": "old"}]
    assert memo.get(["a"], lambda keys: dict.fromkeys(keys, value[0])) == {"a": "new"}


def test_an_answer_is_whole_when_the_memo_forgets_while_it_is_read():
    memo = Memo(10)
    memo.get(["known"], lambda keys: dict.fromkeys(keys, 1))

    def forgetting(keys):
        memo.forget()
        return dict.fromkeys(keys, 2)

    assert memo.get(["known", "new"], forgetting) == {"known": 1, "new": 2}


def test_a_full_memo_begins_anew_and_still_answers_whole():
    memo = Memo(3)
    memo.get(["a", "b", "c"], lambda keys: dict.fromkeys(keys, 1))
    assert memo.get(["a", "d"], lambda keys: dict.fromkeys(keys, 2)) == {"a": 1, "d": 2}
    assert memo.get(["d", "b"], lambda keys: dict.fromkeys(keys, 3)) == {"d": 2, "b": 3}


def test_values_are_kept_by_their_sizes():
    memo, asked = Memo(5, size=len), []

    def read(keys):
        asked.append("".join(keys))
        return {key: int(key) * "x" for key in keys}

    for keys in (["2", "3"], ["3", "2"], ["1"], ["1", "2"], ["6"], ["6", "1"]):
        assert memo.get(keys, read) == {key: int(key) * "x" for key in keys}
    assert asked == ["23", "1", "2", "6", "6"]  # 1 is kept alone, 6 never


def test_what_is_not_there_is_asked_for_again():
    memo = Memo(3)
    assert memo.get(["a"], lambda _: {}) == {}
    assert memo.get(["a"], lambda keys: dict.fromkeys(keys, 1)) == {"a": 1}


def test_nothing_is_kept_while_things_change():
    memo, value = Memo(3), [1]

    def read(keys):
        return dict.fromkeys(keys, value[0])

    memo.get(["a"], read)
    with memo.changing():
        value[0] = 2
        with memo.changing():
            value[0] = 3
        assert memo.get(["a"], read) == {"a": 3}
        value[0] = 4
        assert memo.get(["a"], read) == {"a": 4}
        value[0] = 5
    assert memo.get(["a"], read) == {"a": 5}
