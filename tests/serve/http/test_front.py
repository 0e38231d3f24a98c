"""The page's own files, reports, and numbers for Prometheus."""

import os
import re

import pytest

from tests.serve.http.test_reading import assert_problem
from vrag.serve.http.front_routes import ASSETS, PAGE

REPORT = "<!doctype html><title>Evaluation: x &amp; y</title><script>1</script>"


@pytest.mark.parametrize("path", ["/", "/documents", "/jobs", "/reports", f"/doc/{'0' * 64}/3", "/?q=bees"])
def test_every_view_is_the_page(reader, path):
    answer = reader.get(path)
    assert answer.text == PAGE.read_text(encoding="utf-8")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert not policy.keys() & {"script-src", "style-src"}
    again = reader.get(path, headers={"If-None-Match": f'"other", W/{answer.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", answer.headers["etag"])


def test_a_browser_that_is_lost_is_shown_the_page(reader):
    for path in ("/nowhere", "/v1/nothing"):
        answer = reader.get(path, headers={"Accept": "text/html,*/*"})
        assert (answer.status_code, answer.text) == (404, PAGE.read_text(encoding="utf-8"))
        assert answer.headers["content-security-policy"].startswith("default-src 'self'")
        assert_problem(reader.get(path), 404, "/docs")


def test_the_pages_files_are_served_and_no_others(reader):
    for file in ASSETS.rglob("*"):
        if file.is_file():
            answer = reader.get(f"/assets/{file.relative_to(ASSETS).as_posix()}")
            assert answer.content == file.read_bytes()
            assert answer.headers["content-type"] != "application/octet-stream"
            known = {"If-None-Match": answer.headers["etag"]}
            assert reader.get(f"/assets/{file.relative_to(ASSETS).as_posix()}", headers=known).status_code == 304
    for name in ("", "../index.html", "..%2findex.html", "%2e%2e/__init__.py", "nothing.js", "/etc/hostname"):
        assert_problem(reader.get(f"/assets/{name}"), 404)
    assert reader.get("/favicon.ico").status_code == 204


def test_reports_are_listed_and_can_reach_nothing(writer, tmp_path):
    folder = writer.service.index.path / "reports"
    assert writer.get("/v1/reports").json() == {"reports": []}
    for age, name in enumerate(("June run", "may")):
        (folder / name).mkdir(parents=True)
        (folder / name / "report.html").write_text(REPORT)
        os.utime(folder / name / "report.html", (1_000_000 - age, 1_000_000 - age))
    (folder / "empty").mkdir()
    (folder / "away").symlink_to(tmp_path)
    (tmp_path / "report.html").write_text("secret")
    (folder / "link").mkdir()
    (folder / "link" / "report.html").symlink_to(tmp_path / "report.html")

    first, second = writer.get("/v1/reports").json()["reports"]
    assert (first["name"], first["title"], first["created"]) == (
        "June run",
        "Evaluation: x & y",
        "1970-01-12T13:46:40+00:00",
    )
    assert second["url"] == "/v1/reports/may"
    answer = writer.get(first["url"])
    assert answer.text == REPORT
    policy = answer.headers["content-security-policy"]
    assert "sandbox allow-scripts" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    for name in ("away", "link", "empty", "..", "%2e%2e%2freports%2fmay"):
        assert writer.get(f"/v1/reports/{name}").status_code == 404


def number(text, line):
    match = re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
    assert match, line
    return float(match[1])


def test_what_the_service_does_is_counted(writer):
    before = writer.get("/metrics").text
    for cascade in ("exact", "exact", None, "full"):
        assert writer.post("/v1/search", json={"query": "bees", "cascade": cascade}).status_code == 200
    writer.get("/v1/documents/x")
    writer.get("/wp-login.php")
    text = writer.get("/metrics").text
    assert text.startswith("# HELP")
    assert number(text, 'vrag_searches_total{cascade="exact"}') == 2
    assert number(text, 'vrag_searches_total{cascade="other"}') == 1
    for stage in ("wait", "search", "present", "all"):
        assert number(text, f'vrag_search_seconds_count{{stage="{stage}"}}') == 4
    assert number(text, 'vrag_requests_total{method="POST",route="/v1/search",status="200"}') == 4
    assert number(text, 'vrag_requests_total{method="GET",route="/v1/documents/{id}",status="404"}') == 1
    assert number(text, 'vrag_requests_total{method="GET",route="other",status="404"}') == 1
    assert number(text, "vrag_pages") == 5
    assert number(text, 'vrag_documents{state="current"}') == 2
    assert number(text, 'vrag_jobs{state="running"}') == 0
    if os.path.exists("/proc/self/statm"):
        assert number(text, "vrag_memory_bytes") > 50e6
    assert "bees" not in text
    assert number(before, "vrag_failures") == 0
