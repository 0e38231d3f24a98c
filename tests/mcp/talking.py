"""The official client, talking to a server: in this process, by pipes, or by HTTP."""

import json
import threading

import anyio
from mcp import Client

from vrag.mcp import looking

PATIENCE_S = 120  # a shared machine is slow now and then


def talk(server, conversation, **how):
    """What an async function of a client comes to."""

    async def run():
        with anyio.fail_after(PATIENCE_S):
            async with Client(server, **how) as client:
                return await conversation(client)

    return anyio.run(run)


def call(server, tool, **arguments):
    """The answer of one tool."""
    return talk(server, lambda client: client.call_tool(tool, arguments))


def data(result):
    """What a tool answered, which its text says too."""
    assert not result.is_error, result.content[0].text
    assert json.loads(result.content[0].text) == result.structured_content
    return result.structured_content


def refusal(result):
    """Why a tool did not do what it was called for."""
    assert result.is_error
    (block,) = result.content
    assert "Traceback" not in block.text
    return block.text


def both_answered(server, monkeypatch):
    """What two searches found that are both inside before either is answered, by question, and what is right.

    Args:
        server: Gives what each of them asks.
        monkeypatch: Of the test.
    """
    both, plain = threading.Barrier(2, timeout=PATIENCE_S), looking.asked_words
    monkeypatch.setattr(looking, "asked_words", lambda query: (both.wait(), plain(query))[1])
    right = {"snow leopard": "animals.pdf#1", "oil filter of the diesel engine": "machines.pdf#1"}
    found = {}

    def ask(question):
        found[question] = data(call(server(), "search", query=question, k=1))["results"][0]["id"]

    threads = [threading.Thread(target=ask, args=(question,)) for question in right]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    return found, right
