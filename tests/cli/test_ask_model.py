"""`vrag ask` with a language model, as users and programs meet it: over a real socket, and at a real terminal."""

import json
import os
import subprocess
import sys
import threading

import pytest

from tests.conftest import command
from tests.llm.endpoint import HANG, Reply, claims, error
from vrag.ask.asking import NOTHING

QUESTION = "How often is the oil filter of the diesel engine replaced?"
LINE = "after every 500 hours of operation"
MADE_UP = "It takes ten minutes."
SAID = claims(("It is replaced every 500 hours.", 1, LINE), (MADE_UP,), ("Not so.", 1, LINE.replace("500", "600")))
CLAIMS = [
    "It is replaced every 500 hours. [1]",
    f"{MADE_UP} (not supported: The model quotes nothing for it)",
    "Not so. [2] (not supported: Quote [2] says “600”, and its page says “500”: machines.pdf, page 1)",
]


@pytest.fixture
def ask(cli, indexed, endpoint):
    """`vrag ask` of two pages, with the model of the endpoint, which is shown words."""

    def run(*arguments, **env):
        model = ("--llm", endpoint.url, "--llm-model", "stub", "--llm-sees", "text")
        return cli("ask", *model, "--index", indexed, "-k", 2, *arguments, env={"VRAG_LLM_KEY": "s3cret", **env})

    return run


def test_claims_come_first_and_then_what_they_rest_on(ask, endpoint):
    endpoint.will_say(SAID)
    done = ask(*QUESTION.split())
    assert done.code == 0
    assert done.out.splitlines() == [
        *CLAIMS,
        f"[1] “{LINE}”",
        "    machines.pdf, page 1",
        f"[2] “{LINE.replace('500', '600')}”",
        "    machines.pdf, page 1 (changed: “600” is “500” there)",
    ]
    looking, ending = done.err.splitlines()
    assert looking.startswith("Looking at: machines.pdf, page 1; ")
    assert ending == "1 of 3 claims by stub stand on their pages."
    assert endpoint.asked[0].headers["Authorization"] == "Bearer s3cret"


def test_json_has_the_claims_and_nothing_else_on_stdout(ask, endpoint):
    endpoint.will_say(SAID)
    done = ask(QUESTION, "--json")
    assert (done.code, done.err) == (0, "")
    assert (done.json["model"], done.json["found"]) == ("stub", True)
    assert [claim["supported"] for claim in done.json["claims"]] == [True, False, False]
    assert [claim["quotes"] for claim in done.json["claims"]] == [[1], [], [2]]
    assert done.json["quotes"][1]["mismatches"] == [{"said": "600", "stands": "500"}]
    assert "s3cret" not in done.out


def test_the_environment_names_a_model_and_an_option_does_without(cli, indexed, endpoint, tmp_path):
    env = {"VRAG_LLM_URL": endpoint.url, "VRAG_LLM_MODEL": "stub", "XDG_CACHE_HOME": str(tmp_path)}
    asked = ("ask", QUESTION, "--index", indexed, "--json", "-k", 1)
    assert cli(*asked, "--no-llm", env=env).json["model"] is None
    assert endpoint.asked == []
    assert cli(*asked, "--llm-sees", "text", env=env).json["model"] == "stub"
    assert cli(*asked, env=env).json["model"] == "stub"  # whether it sees is found out, and no question fails of it


def test_what_is_not_found_is_said_with_the_nearest_pages(ask, endpoint, tmp_path):
    endpoint.will_say(claims(found=False))
    done = ask(QUESTION, "--html", "a.html")
    assert (done.code, done.out) == (0, f"{NOTHING}\n")
    assert "The nearest pages are: machines.pdf, page 1; " in done.err
    assert (tmp_path / "a.html").read_text().count("<figure") == 2


def test_claims_that_are_taken_back_are_shown_again(ask, endpoint):
    said = claims(("It is replaced every 500 hours.", 1, LINE))
    endpoint.will_say(Reply(pieces=[said[said.index('"claims"') :].join("{}")[:-2], ', "found": false}']))
    done = ask(QUESTION, "--stream")
    first, again, nothing, *_ = done.out.splitlines()
    assert first == CLAIMS[0]
    assert again.startswith(f"{CLAIMS[0]} (not supported: The model says that the pages do not answer")
    assert nothing == NOTHING
    assert ask(QUESTION).out.splitlines()[1] == NOTHING


def test_what_was_left_out_is_said_beside_the_answer(ask, endpoint):
    endpoint.will_say(Reply(SAID[: SAID.index('}, {"text": "It takes') + 1], finish="length"))
    left_out = "The model stopped in the middle of its answer: there may be more to say."
    done = ask(QUESTION)
    assert (done.code, done.out.splitlines()[0]) == (0, CLAIMS[0])
    assert left_out in done.err.splitlines()
    machine = ask(QUESTION, "--json")
    assert (machine.json["left_out"], machine.err) == ([left_out], "")


def test_a_report_shows_what_the_model_claims(ask, endpoint, tmp_path):
    endpoint.will_say(claims(("<script>alert(500)</script>", 1, LINE)))
    assert ask(QUESTION, "--html", "a.html").code == 0
    page = (tmp_path / "a.html").read_text()
    assert '&lt;script&gt;alert(500)&lt;/script&gt; <a href="#f1">[1]</a>' in page
    assert "<script" not in page


def test_an_error_of_the_model_names_the_pages_that_were_found(ask, endpoint):
    endpoint.will_say(error("no such luck", 403))
    done = ask(QUESTION)
    assert (done.code, done.out) == (1, "")
    said, pages, hint = done.err.splitlines()[1:]
    assert said.startswith("Error: ")
    assert "no such luck" in said
    assert pages.startswith("The nearest pages: machines.pdf, page 1; ")
    assert hint == "Set VRAG_LLM_KEY."
    machine = ask(QUESTION, "--json")
    assert (machine.code, machine.err, machine.json.keys()) == (1, "", {"error", "hint"})
    assert "The nearest pages: machines.pdf, page 1; " in machine.json["error"]
    assert "s3cret" not in done.err + machine.out


def test_one_question_of_many_may_fail_and_three_in_a_row_end_it(ask, endpoint, tmp_path):
    rows = [{"query-id": f"q{number}", "query": QUESTION} for number in range(1, 10)]
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    no = error("no", 400)
    endpoint.will_say(no, SAID, no, no, SAID, no)
    done = ask("--queries", "q.jsonl", "--json")
    assert done.code == 1
    assert [row["query-id"] for row in done.lines] == [row["query-id"] for row in rows[:8]]
    assert [row.get("model") for row in done.lines] == [None, "stub", None, None, "stub", None, None, None]
    assert done.lines[0].keys() == {"query-id", "question", "error", "hint"}
    assert done.err == "The model failed 3 times in a row: 1 question not asked.\n"
    endpoint.will_say(no, SAID)
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[:2]))
    people = ask("--queries", "q.jsonl")
    assert people.code == 1
    assert "Error: Question q1: The language model" in people.err
    assert people.out.startswith(CLAIMS[0])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--no-llm"], "--no-llm and --llm contradict each other"),
        (["--json", "--stream"], "Leave it or --stream out"),
        (["--llm", " "], "The address of the language model is empty"),
        (["--llm", "localhost:11434"], "no address of a language model"),
        (["--llm", "http://me:pass@localhost"], "has no name, key"),
        (["--llm-sees", "smells"], "smells"),
    ],
)
def test_mistakes_are_one_sentence(ask, endpoint, arguments, says):
    done = ask(QUESTION, *arguments, "--json")
    assert done.code == 2
    assert says in done.json["error"] + done.json["hint"]
    assert endpoint.asked == []


def test_a_model_needs_an_address(cli, indexed):
    done = cli("ask", "x", "--index", indexed, "--llm-model", "m")
    assert done.code == 2
    assert "--llm-model is for a language model, and none is named" in done.err


def test_a_pipe_gets_each_claim_as_it_comes_if_it_wants(indexed, endpoint, tmp_path):
    go_on = threading.Event()
    cut = SAID.index('}, {"text": "It takes') + 1
    endpoint.will_say(Reply(pieces=[SAID[:cut], go_on, SAID[cut:]]))
    words = ("ask", QUESTION, "--index", indexed, "-k", 2, "--llm", endpoint.url, "--llm-model", "stub")
    with subprocess.Popen(
        command(*words, "--llm-sees", "text", "--stream"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        text=True,
    ) as process:
        assert process.stdout.readline().strip() == CLAIMS[0]
        assert not go_on.is_set()  # the model has not ended
        go_on.set()
        assert process.stdout.readline().strip() == CLAIMS[1]
        process.stdout.read()
    assert process.returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of other systems")
class TestAtATerminal:
    PROMPT = "vrag> "

    @pytest.fixture
    def terminal(self, indexed, endpoint, tmp_path):
        from tests.terminal import Terminal

        def start(*arguments):
            model = {"VRAG_LLM_URL": endpoint.url, "VRAG_LLM_MODEL": "stub"}
            words = command("ask", *arguments, "--index", indexed, "-k", 2, "--llm-sees", "text")
            return Terminal(words, {**os.environ, **model}, tmp_path)

        return start

    def test_ctrl_c_ends_the_answer_and_what_was_said_stays(self, terminal, endpoint):
        cut = SAID.index('}, {"text": "Not so') + 1
        endpoint.will_say(Reply(pieces=[SAID[:cut], HANG]))
        with terminal(QUESTION) as person:
            seen = person.until(f"{MADE_UP} (not supported: The model quotes nothing for it)")
            person.type("\x03")
            assert person.code() == 130
        assert "Looking at: machines.pdf, page 1; " in seen
        assert CLAIMS[0].removesuffix(" [1]") in seen
        assert f"\x1b[2;9m{MADE_UP}" in person.styled
        assert endpoint.asked[0].gone.wait(20)

    def test_a_conversation_goes_on_after_ctrl_c_and_errors(self, terminal, endpoint):
        with terminal() as person:
            assert "5 pages; stub answers." in person.until(self.PROMPT)
            endpoint.will_say(Reply(pieces=[SAID[: SAID.index(MADE_UP)], HANG]))
            person.type(f"{QUESTION}\n")
            person.until(CLAIMS[0])
            person.type("\x03")
            person.until(self.PROMPT)
            assert endpoint.asked[0].gone.wait(20)
            endpoint.will_say(error("no such luck", 403))
            failed = person.says(QUESTION, self.PROMPT).splitlines()
            assert [line.startswith("Error: ") for line in failed].count(True) == 1
            assert "no such luck" in " ".join(failed)
            endpoint.will_say(SAID)
            assert CLAIMS[0] in person.says(QUESTION, self.PROMPT)
            endpoint.will_say(json.dumps({"question": "Why is the oil filter replaced?"}), SAID)
            assert "Searched for: Why is the oil filter replaced?" in person.says("And why?", self.PROMPT)
            assert CLAIMS[0] in endpoint.asked[-2].text  # what was answered before is what it is made to stand by
            assert "1. machines.pdf, page 1" in person.says("/pages", self.PROMPT)
            person.type("\x04")
            assert person.code() == 0
