"""What a model reads of the tools in every conversation: little, and what it needs."""

import json

from tests.mcp.conftest import server_of
from tests.mcp.talking import talk
from vrag.llm.llm import Llm
from vrag.llm.message import tokens_in

MOST_TOKENS = 950  # of the tools that are there by default, with names and arguments, counted as for `vrag ask`
MOST_TOKENS_OF_ALL = 1_450


def read_by_a_model(server):
    async def conversation(client):
        return (await client.list_tools()).tools, client.instructions

    tools, instructions = talk(server, conversation)
    shown = [{"name": tool.name, "description": tool.description, "schema": tool.input_schema} for tool in tools]
    return tools, f"{instructions}\n{json.dumps(shown)}"


def test_descriptions_are_short(kept, tmp_path):
    _, default = read_by_a_model(server_of(kept))
    _, everything = read_by_a_model(server_of(kept, Llm("http://localhost:1/v1"), [tmp_path], may_remove=True))
    assert tokens_in(default) < MOST_TOKENS
    assert tokens_in(everything) < MOST_TOKENS_OF_ALL


def test_a_model_that_has_never_heard_of_vrag_understands_them(kept, tmp_path):
    tools, everything = read_by_a_model(server_of(kept, Llm("http://localhost:1/v1"), [tmp_path], may_remove=True))
    assert len(tools) == 7
    assert [
        word for word in ("cascade", "MaxSim", "multivector", "embedder", "pool", "vector") if word in everything
    ] == []
    assert all(tool.description.count(". ") + 1 <= 4 for tool in tools)
    undescribed = [
        (tool.name, name)
        for tool in tools
        for name, one in tool.input_schema["properties"].items()
        if "description" not in one and name != "question"
    ]
    assert undescribed == []
