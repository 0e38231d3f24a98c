"""The official client, talking to a server: in this process, by pipes, or by HTTP."""

import json

import anyio
from mcp import Client

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
