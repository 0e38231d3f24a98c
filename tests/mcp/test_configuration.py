"""What docs/how-to/agents.md has to be pasted into hosts, tried with the official client."""

import json
import re
import sys
from pathlib import Path

import pytest
from mcp.client.stdio import StdioServerParameters

from tests.mcp.talking import talk
from tests.mcp.test_http import answering

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TEXT = (Path(__file__).parents[2] / "docs" / "how-to" / "agents.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(json|toml)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
INDEX = "/home/me/my-index"
KEYS = ("mcpServers", "servers", "context_servers", "mcp_servers")  # under which hosts have their servers


def configured():
    """The servers of all blocks."""
    for kind, block in BLOCKS:
        table = json.loads(block) if kind == "json" else tomllib.loads(block)
        ((key, servers),) = table.items()
        assert key in KEYS
        yield from servers.items()


def commands():
    """Each command that a host starts, once, in words."""
    typed = re.findall(r"^    claude mcp add --scope user vrag -- vrag (.+)$", TEXT, re.MULTILINE)
    pasted = [" ".join(server["args"]) for _, server in configured() if "command" in server]
    assert all(server["command"] == "vrag" for _, server in configured() if "command" in server)
    assert len(pasted) + len(typed) == 5
    return sorted({*pasted, *typed})


@pytest.mark.parametrize("words", commands())
def test_a_command_of_the_docs_is_a_server(words, own):
    arguments = [str(own) if word == INDEX else word for word in words.split()]
    assert str(own) in arguments
    vrag = str(Path(sys.executable).with_name("vrag"))
    server = StdioServerParameters(command=vrag, args=arguments, env={"VRAG_LOG": "off"})
    assert len(talk(server, lambda client: client.list_tools()).tools) == 4


def test_an_address_of_the_docs_is_that_of_the_server(server, monkeypatch):
    (pasted,) = {one["url"] for _, one in configured() if "url" in one}
    assert set(re.findall(r"http://127\.0\.0\.1:\S+/mcp", TEXT.replace('"', " "))) == {pasted}
    with answering(server, monkeypatch) as url:
        assert url.rpartition(":")[2].partition("/")[2] == pasted.rpartition(":")[2].partition("/")[2] == "mcp"
        assert len(talk(url, lambda client: client.list_tools()).tools) == 4


def test_the_port_of_the_docs_is_the_default():
    from vrag.cli.mcp import PORT

    assert f"http://127.0.0.1:{PORT}/mcp" in TEXT
