"""The service against its own description: whatever it allows is answered, and whatever is answered it describes."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from tests.conftest import copy_index
from tests.serve.http.running import service_of, serving
from vrag.serve.http import app

load_all_checks()
CHECKED = CHECKS.get_by_names(
    ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
     "response_headers_conformance", "unsupported_method", "negative_data_rejection"]
)  # fmt: skip
FEW = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
ROUTES = [
    (method, route.path)
    for part in app.ROUTES
    for route in part.router.routes
    if route.include_in_schema
    for method in sorted(route.methods)
]
WAYS = [(*route, GenerationMode.POSITIVE) for route in ROUTES] + [
    (*route, GenerationMode.NEGATIVE)
    for route in ROUTES
    # of others all that can be asked is right
    if route[1].startswith(("/v1/search", "/v1/ask", "/v1/explain", "/v1/documents"))
]


@pytest.fixture(scope="module")
def changed(indexed, tmp_path_factory):
    """A service that all examples together may change."""
    index = copy_index(indexed, tmp_path_factory.mktemp("openapi") / "index")
    with service_of(index) as service, serving(service) as running:
        yield running


@pytest.fixture(scope="module")
def described(changed):
    return schemathesis.openapi.from_url(f"{changed.url}/openapi.json")


@pytest.mark.parametrize(("method", "path", "mode"), WAYS)
def test_answers_are_as_described(described, method, path, mode):
    @FEW
    @given(case=described[path][method].as_strategy(generation_mode=mode))
    def ask(case):
        case.call_and_validate(checks=CHECKED)

    ask()


@pytest.mark.parametrize(("method", "path"), [(m, p) for m, p in ROUTES if "documents/{id}" in p and m != "DELETE"])
def test_answers_about_a_document_that_is_there_are_as_described(described, changed, method, path):
    document = changed.get("/v1/documents").json()["documents"][0]

    @FEW
    @given(case=described[path][method].as_strategy(generation_mode=GenerationMode.POSITIVE))
    def ask(case):
        case.path_parameters["id"] = document["id"]
        if "n" in case.path_parameters:
            case.path_parameters["n"] = 1 + case.path_parameters["n"] % 3
        case.call_and_validate(checks=CHECKED)

    ask()
