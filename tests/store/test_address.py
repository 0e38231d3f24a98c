"""Addresses of servers, and what must not leak of them."""

import logging

import pytest

from vrag.errors import UsageError
from vrag.runtime.hosts import is_local
from vrag.store.server.address import Server, collection_name, parse_url, parse_urls


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://localhost", "http://localhost:6333"),
        ("localhost:6333", "http://localhost:6333"),
        ("https://db.example:443/", "https://db.example:443"),
        ("https://db.example/qdrant/", "https://db.example:6333/qdrant"),
        ("http://[::1]:7000", "http://[::1]:7000"),
    ],
)
def test_an_address_has_one_form(text, url):
    assert parse_url(text) == url
    assert parse_url(url) == url


@pytest.mark.parametrize(
    "text",
    [
        "ftp://x",
        "http://",
        "http://x:99999",
        "http://x:port",
        "://",
        "",
        " ",
        "a b",
        "a\nb",
        "\udcff",
        "http://\U0001f600",
        "x/\x1b[31m",
        "<x>",
        "a,b",
    ],
)
def test_what_is_no_address_is_a_sentence(text):
    with pytest.raises(UsageError, match="not a server's address"):
        parse_url(text)


def test_a_password_in_an_address_is_refused_and_not_repeated():
    for text in ("https://me:s3cret@db.example", "http://me:s3cret@x:99999", "ftp://s3cret@x"):
        with pytest.raises(UsageError) as caught:
            parse_url(text)
        assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "key", "exposed"),
    [
        ("http://db.example:6333", "k", True),
        ("http://10.0.0.5:6333", "k", True),
        ("http://db.example:6333", None, False),
        ("https://db.example:6333", "k", False),
        ("http://localhost:6333", "k", False),
        ("http://127.0.0.1:6333", "k", False),
        ("http://[::1]:6333", "k", False),
    ],
)
def test_a_key_over_http_is_exposed_unless_it_stays_on_this_machine(url, key, exposed):
    assert Server(url, key).exposes_key is exposed


def test_the_warning_names_the_host_and_not_the_key(caplog):
    from vrag.errors import StoreError
    from vrag.store.server.connect import connect

    with caplog.at_level(logging.WARNING, "vrag"), pytest.raises(StoreError):
        connect(Server("http://nowhere.invalid:9", "s3cret", timeout=1, grpc_port=0))
    assert "nowhere.invalid" in caplog.text
    assert "unencrypted" in caplog.text
    assert "s3cret" not in caplog.text


def test_is_local():
    assert is_local("127.0.0.1")
    assert is_local("vrag.localhost")
    assert not is_local("localhost.example")
    assert not is_local("0.0.0.0")


def test_the_environment_says_where_and_with_what_key(monkeypatch):
    monkeypatch.delenv("QDRANT_URL", raising=False)
    with pytest.raises(UsageError, match="No Qdrant server"):
        Server.from_environment()
    monkeypatch.setenv("QDRANT_URL", "http://db.example")
    monkeypatch.setenv("QDRANT_API_KEY", "s3cret")
    server = Server.from_environment(timeout=3)
    assert (server.grpc, Server("http://x:7000").grpc, Server("http://x:7000", grpc_port=7).grpc) == (6334, 0, 7)
    assert (server.url, server.api_key, server.timeout) == ("http://db.example:6333", "s3cret", 3)
    assert "s3cret" not in repr(server)
    assert Server.from_environment("http://other").url == "http://other:6333"
    monkeypatch.setenv("VRAG_QDRANT_GRPC_PORT", "no")
    with pytest.raises(UsageError, match="VRAG_QDRANT_GRPC_PORT"):
        Server.from_environment()


@pytest.mark.parametrize(
    "given", ["a,http://b:7000", ["a", "http://b:7000/"], ("a", "a:6333", "b:7000"), " a , b:7000 "]
)
def test_several_addresses_are_a_list_or_have_commas_between_them(given):
    assert parse_urls(given) == ["http://a:6333", "http://b:7000"]


@pytest.mark.parametrize("given", ["a,", ",", "a,,b", ["a", ""], "a,ftp://b"])
def test_one_address_of_several_that_is_none_is_a_sentence(given):
    with pytest.raises(UsageError, match="not a server's address"):
        parse_urls(given)


def test_the_environment_names_several_nodes_and_a_grpc_port_for_each(monkeypatch):
    monkeypatch.setenv("QDRANT_URL", "http://a,https://b,http://a:7000")
    monkeypatch.setenv("QDRANT_API_KEY", "s3cret")
    monkeypatch.delenv("VRAG_QDRANT_GRPC_PORT", raising=False)
    server = Server.from_environment(timeout=3)
    assert server.urls == "http://a:6333,https://b:6333,http://a:7000"
    assert [(one.api_key, one.timeout, one.grpc) for one in server.each] == [
        ("s3cret", 3, port) for port in (6334, 6334, 0)
    ]
    monkeypatch.setenv("VRAG_QDRANT_GRPC_PORT", "16334,16344, 0")
    assert [one.grpc for one in Server.from_environment().each] == [16334, 16344, 0]
    assert [one.grpc for one in Server.from_environment(["http://x", "http://y", "z"]).each] == [16334, 16344, 0]
    monkeypatch.setenv("VRAG_QDRANT_GRPC_PORT", "7")
    assert [one.grpc for one in Server.from_environment("http://x,http://y").each] == [7, 7]


@pytest.mark.parametrize(
    ("ports", "says"),
    [("1,2", "2 ports for 3 addresses"), ("1,2,x", "not a port"), ("1,,3", "not a port"), ("7", "same gRPC port, 7")],
)
def test_grpc_ports_that_cannot_be_of_these_nodes_are_a_sentence(monkeypatch, ports, says):
    monkeypatch.setenv("VRAG_QDRANT_GRPC_PORT", ports)
    with pytest.raises(UsageError, match=says):
        Server.from_environment("http://a,http://b,http://a:7000")


def test_names_of_collections(monkeypatch):
    monkeypatch.delenv("VRAG_COLLECTION", raising=False)
    assert collection_name() == "vrag"
    assert collection_name("my docs") == "my docs"
    monkeypatch.setenv("VRAG_COLLECTION", "mine")
    assert collection_name() == "mine"
    for bad in ("../x", "a/b", "..", "a\nb", "x" * 256, "a?b"):
        with pytest.raises(UsageError, match="name of a collection"):
            collection_name(bad)
