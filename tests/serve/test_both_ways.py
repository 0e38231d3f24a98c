"""`pytest --served` proves nothing unless commands do go through the service then: each of these does."""

from unittest.mock import patch

import pytest

from tests.pdfs import write_pdf
from tests.served import always_served
from vrag.remote.channel import Channel

COMMANDS = {
    "search": (["search", "snow leopard"], "search"),
    "ask": (["ask", "snow leopard"], "ask"),
    "explain": (["explain", "snow leopard"], "explain"),
    "ls": (["ls"], "find_documents"),
    "status": (["status"], "page_count"),
    "info": (["info"], "pipeline"),
    "rm": (["rm", "animals.pdf", "--yes"], "remove"),
    "ingest": (["ingest", "new.pdf"], "ingest"),
    "verify": (["verify"], "verify"),
    "compact": (["compact"], "compact"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_goes_through_the_service(name, own, cli, tmp_path):
    words, call = COMMANDS[name]
    write_pdf(tmp_path / "new.pdf", ["Lighthouses warn ships."])
    called, real = [], Channel.call

    def watched(channel, name, *rest):
        called.append(name)
        return real(channel, name, *rest)

    with always_served(), patch.object(Channel, "call", watched):
        assert cli(*words, "--index", own).code == 0
    assert call in called


def test_how_to_run_the_model_is_the_services_business_and_that_is_said(own, cli):
    with always_served():
        plain = cli("search", "snow leopard", "--index", own, "--json")
        typed = cli("search", "snow leopard", "--index", own, "--json", "--dtype", "float32")
    assert plain.err == ""
    assert "it runs the model as it was told to" in typed.err
