"""docs/reference/api.md is run: its examples in the shell and in Python, against a service that has what they name."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pdfs import write_pdf
from tests.serve.http.running import service_of, serving
from vrag import Index
from vrag.serve.http import bounds, here, upload_limits
from vrag.serve.http.problems import documented

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8321"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the files of the examples, and a service with the first of them."""
    folder = tmp_path_factory.mktemp("api")
    text = ["The annual report of a company.", "Revenue by region: Europe 41 %, Asia 35 %."]
    write_pdf(folder / "data" / "report.pdf", text)
    write_pdf(folder / "report.pdf", ["An older report."])
    write_pdf(folder / "notes.pdf", ["Notes on the report."])
    with Index.create(folder / "index") as index:
        index.ingest([folder / "data"])
    with service_of(folder / "index") as service, serving(service) as running:
        yield folder, running


def test_the_example_in_python_works(place, capsys):
    _, running = place
    (example,) = blocks("python")
    values = {}
    exec(compile(example.replace(ADDRESS, running.url), "docs/reference/api.md", "exec"), values)  # noqa: S102
    assert "Revenue by region" in capsys.readouterr().out
    assert values["picture"].startswith(b"\x89PNG")


@pytest.mark.skipif(not shutil.which("curl") or not shutil.which("bash"), reason="needs curl and bash")
def test_the_examples_in_the_shell_work(place):
    folder, running = place
    script = "\n".join(blocks("bash")).replace(ADDRESS, running.url).replace("python3", sys.executable)
    script = script.replace("curl -s", "curl -sS --fail-with-body --noproxy '*'")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "report-again.pdf").read_bytes() == (folder / "data" / "report.pdf").read_bytes()
    assert len((folder / "first-kilobyte").read_bytes()) in (1024, (folder / "data" / "report.pdf").stat().st_size)
    assert (folder / "page.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "heat.png").read_bytes().startswith(b"\x89PNG")
    assert '"state":"done"' in done.stdout
    assert '"title":"Annual report"' in done.stdout


def test_every_route_is_on_the_page(place):
    _, running = place
    for path in running.get("/openapi.json").json()["paths"]:
        known = path.replace("{id}", "ID").replace("{n}", "N").replace("/{name}", "")
        assert known in PAGE or re.sub(r"^/v1/(documents|jobs)/ID", "", known) in PAGE, path


def test_every_status_is_on_the_page(place):
    _, running = place
    told = {int(status) for status in re.findall(r"\b([45]\d\d)\b", PAGE.split("## Errors")[1].split("## Limits")[0])}
    api = running.get("/openapi.json").json()
    answered = {
        int(status) for methods in api["paths"].values() for one in methods.values() for status in one["responses"]
    }
    assert {status for status in answered if status >= 400} - {409} <= told
    assert {405} <= told
    assert documented()


def test_the_limits_are_those_of_the_code():
    limits = PAGE.split("## Limits")[1]
    for number in (
        f"{bounds.MOST_BODY >> 10} KiB",
        f"{upload_limits.MOST_FILES} files",
        f"{upload_limits.MOST_FILE_BYTES >> 20} MiB",
        f"{upload_limits.MOST_UPLOAD_BYTES >> 30} GiB",
        f"{bounds.MOST_REQUESTS} requests",
        f"{upload_limits.MOST_UPLOADS} uploads",
        f"{here.MOST_LISTENERS} clients",
        f"{here.MOST_ASKING} questions",
    ):
        assert number in limits.replace("\n", " ")
