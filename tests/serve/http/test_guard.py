"""Who may ask: hosts, other web pages, tokens."""

import hmac
import logging
import socket

import pytest

from tests.serve.http.running import serving
from tests.serve.http.test_reading import assert_problem
from vrag.errors import UsageError
from vrag.serve.http.guard import ANY_HOST, Guard, make_guard

TOKEN = "correct-horse.battery~staple"


@pytest.fixture(scope="module")
def locked(reader):
    with serving(reader.service, Guard(token=TOKEN)) as running:
        yield running


@pytest.fixture
def stranger(locked):
    """The same service, asked by somebody without cookies."""
    locked.client.cookies.clear()
    return locked


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST:8321", "127.0.0.1:1"])
def test_a_service_of_this_machine_goes_by_its_names(reader, host):
    assert reader.get("/v1/index", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8321", "localhost.evil.example", "127.0.0.1.nip.io", "", "a b", "[::1", "0.0.0.0"],
)
def test_a_name_that_somebody_else_gave_it_gets_nothing(reader, host):
    for path in ("/", "/v1/index", "/healthz", "/metrics", "/assets/main.js"):
        assert_problem(reader.get(path, headers={"Host": host}), 421)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://localhost.evil.example", "http://127.0.0.1:1"]
)
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "PUT", "OPTIONS"])
def test_another_page_cannot_write(reader, origin, method):
    answer = reader.client.request(method, "/v1/documents", headers={"Origin": origin})
    assert_problem(answer, 403, "Another web page")
    assert "access-control-allow-origin" not in answer.headers


def test_our_own_page_can_write(reader):
    ours = {"Origin": reader.url, "Sec-Fetch-Site": "same-origin"}
    assert reader.post("/v1/search", json={"query": "bees"}, headers=ours).status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_page_can_link_here_and_no_more(reader, site):
    link = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert reader.get("/docs", headers=link).status_code == 200
    assert_problem(reader.get("/docs", headers={**link, "Sec-Fetch-Dest": "iframe"}), 403)
    assert_problem(reader.get("/v1/index", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}), 403)
    assert_problem(reader.post("/v1/search", json={"query": "x"}, headers=link), 403)


def paths(running):
    """Every path of the service, with something in the places of ids."""
    api = running.get("/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"}).json()
    routes = [path.replace("{id}", "0" * 64).replace("{n}", "1").replace("{name}", "x") for path in api["paths"]]
    return [*routes, "/", "/docs", "/openapi.json", "/assets/main.js", "/documents", "/nothing"]


def test_without_the_token_nothing_is_told_but_that_it_lives(stranger):
    for path in paths(stranger):
        for method in ("GET", "POST", "DELETE"):
            answer = stranger.client.request(method, path)
            if path == "/healthz" and method == "GET":
                assert answer.json() == {"status": "ok"}
            elif path != "/healthz":
                assert_problem(answer, 401, "Bearer")
                assert answer.headers["www-authenticate"] == 'Bearer realm="vrag"'


@pytest.mark.parametrize(
    "given",
    [
        "",
        "Bearer",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN.upper()}",
        f"Basic {TOKEN}",
        TOKEN,
    ],
)
def test_another_token_is_none(stranger, given):
    assert_problem(stranger.get("/v1/index", headers={"Authorization": given}), 401)
    assert_problem(stranger.get("/v1/index", headers={"Authorization": "Bearer \u00fc".encode()}), 401)


def test_a_program_sends_the_token_with_every_request(stranger):
    for scheme in ("Bearer", "bearer"):
        assert stranger.get("/v1/index", headers={"Authorization": f"{scheme} {TOKEN}"}).status_code == 200


def test_a_browser_is_given_a_cookie_and_an_address_without_the_token(stranger):
    answer = stranger.get(f"/?token={TOKEN}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert TOKEN not in cookie
    assert {part.strip().lower() for part in cookie.split(";")} >= {"httponly", "samesite=strict", "path=/"}
    assert stranger.get("/v1/index").status_code == 200
    assert list(stranger.client.cookies) == [f"vrag_{stranger.port}"]
    value = stranger.client.cookies[f"vrag_{stranger.port}"]
    stranger.client.cookies.clear()
    other = {"Cookie": f"vrag_{stranger.port + 1}={value}; vrag={value}"}
    assert_problem(stranger.get("/v1/index", headers=other), 401)


def test_a_browser_without_the_token_is_told_so(stranger):
    for path in ("/", "/?token=wrong", "/documents", f"/documents?token={TOKEN}"):
        answer = stranger.get(path, headers={"Accept": "text/html,*/*"})
        assert answer.status_code == 401
        assert "This index needs a token" in answer.text
        assert "set-cookie" not in answer.headers
        assert "<form action='/'>" in answer.text  # which leads to /?token=...
        assert "form-action 'self'" in answer.headers["content-security-policy"]


def test_tokens_are_compared_in_constant_time(stranger, monkeypatch):
    compared = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append((a, b)) or real(a, b))
    stranger.get("/v1/index", headers={"Authorization": "Bearer guess"})
    assert (b"guess", TOKEN.encode()) in compared


def test_no_token_is_in_any_log(stranger, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("uvicorn.access").propagate = True  # as another program in this process may have it
    stranger.get(f"/?token={TOKEN}")
    stranger.get("/v1/index", headers={"Authorization": f"Bearer {TOKEN}"})
    stranger.post("/v1/search", json={"query": 5}, headers={"Authorization": f"Bearer {TOKEN}"})
    with socket.create_connection(("127.0.0.1", stranger.port)) as client:
        client.sendall(f"GET /?token={TOKEN} HTTP/9\r\nAuthorization: {TOKEN}\r\n\r\n".encode())
        client.recv(1000)
    said = capfd.readouterr()
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert TOKEN not in said.out + said.err + "\n".join(ours)
    assert TOKEN not in repr(Guard(token=TOKEN))


def test_a_service_for_other_machines_needs_a_token():
    for host in ("0.0.0.0", "::", "192.168.1.5", "box.example"):
        with pytest.raises(UsageError, match="needs a token"):
            make_guard(host)
        assert make_guard(host, TOKEN).hosts == (ANY_HOST,)
    for host in ("127.0.0.1", "127.8.8.8", "localhost", "::1", "[::1]"):
        assert make_guard(host).is_called("localhost:8321")
        assert not make_guard(host).is_called("evil.example")


@pytest.mark.parametrize("token", ["short", "x" * 257, "with space", "semi;colon", "schlüssel", "new\nline-and-more"])
def test_a_token_that_cannot_be_sent_is_refused(token):
    with pytest.raises(UsageError, match="The token must be") as error:
        Guard(token=token)
    assert token not in str(error.value)


def test_what_cannot_be_read_is_foreign(reader, locked):
    for origin in ("http://[", "http://[::1", "//", "http://\u2100"):
        headers = {b"Origin": origin.encode()}
        assert_problem(reader.post("/v1/search", json={"query": "x"}, headers=headers), 403)
    with serving(reader.service, Guard((ANY_HOST,), TOKEN)) as running:
        for path in ("/v1/index", f"/?token={TOKEN}"):
            assert_problem(running.get(path, headers={"Host": "[::1"}), 421)


def test_a_search_that_looks_like_a_token_locks_nobody_out(stranger):
    assert stranger.get(f"/?token={TOKEN}").status_code == 303
    for address in ("/?q=a&f.token=x", "/?q=token%3D", "/?token=wrong", f"/?q=x&token={TOKEN}"):
        assert stranger.get(address).status_code in (200, 303)
    stranger.client.cookies.clear()
    assert stranger.get("/?token=").status_code == 401


def test_behind_a_proxy_with_tls_the_cookie_goes_no_other_way(stranger):
    secure = stranger.get(f"/?token={TOKEN}", headers={"X-Forwarded-Proto": "https"}).headers["set-cookie"]
    assert "Secure" in secure
    assert "Secure" not in stranger.get(f"/?token={TOKEN}").headers["set-cookie"]


@pytest.mark.parametrize(("scheme", "status"), [("https", 200), ("http", 403)])
def test_behind_a_proxy_the_page_of_the_other_scheme_is_another_one(reader, scheme, status):
    headers = {"X-Forwarded-Proto": "https", "Origin": f"{scheme}://127.0.0.1:{reader.port}"}
    assert reader.post("/v1/search", json={"query": "bees"}, headers=headers).status_code == status
