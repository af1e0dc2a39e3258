"""The routes keep to their OpenAPI document: whatever is asked, within it or not, is answered as it says and never by a 5xx.

``EXPLORER_SCHEMA_EXAMPLES=300 python -m pytest tests/app/api/test_schema.py`` tries more calls of each route, new ones each time.
"""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance
from served import CHANGING, make_collection, served
from starlette.testclient import TestClient

from explorer import jobs
from explorer.app.api.access import Token
from explorer.app.api.application import make_api

EXAMPLES = int(os.environ.get("EXPLORER_SCHEMA_EXAMPLES", "0"))
AS_SAID = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
OPERATIONS = [(method.upper(), path) for path, methods in make_api().openapi()["paths"].items() for method in methods]
ODD = {"collection": ["nothing"], "row": [0, 8, 9, -1, 10**30], "entry_id": [1, 0, -1, 10**30]}
"""Path parameters that are tried beside what is there."""


def tried(n: int) -> Callable[[Any], Any]:
    """Settings of a property: the same ``n`` calls each time, or as many new ones as the environment asks for."""
    return settings(
        max_examples=EXAMPLES or n, derandomize=not EXAMPLES, database=None, deadline=None, phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


def run_at_once(home: Path, path: Path, title: str) -> None:
    """In place of the process of a job: it is done when it is started."""
    (path / "asked.json").rename(path / "job.json")
    (path / "ended").write_text("0")


@dataclass
class Routes:
    """A client on this machine, the document, and a path parameter of each name that is there."""

    client: TestClient
    schema: Any
    home: Path
    there: dict[str, Any]

    def operation(self, method: str, path: str, mode: GenerationMode) -> Any:
        """An operation, over a job, an upload and (where it may be renamed or removed) a collection of its own."""
        self.there["job_id"] = jobs.start(self.home, ["list", method, path, mode.value], title="List").id
        self.there["upload_id"] = self.client.post("/api/uploads", headers=CHANGING).json()["upload_id"]
        self.there["collection"] = "small"
        if method in ("PATCH", "DELETE") and path == "/collections/{collection}":
            self.there["collection"] = f"{method}-{mode.value}"
            shutil.copytree(self.home / "small", self.home / self.there["collection"])
        return self.schema[path][method]


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Routes]:
    home = tmp_path_factory.mktemp("schema") / "home"
    collection = make_collection(home, per_class=3)
    collection.annotations.add("label", "first", [0], who="somebody")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("explorer.jobs.control._run", run_at_once)
        with served(home, patch) as client:
            document = copy.deepcopy(client.get("/api/openapi.json").json())
            for operation in (one for methods in document["paths"].values() for one in methods.values()):
                for parameter in operation["parameters"]:
                    if parameter["in"] == "path" and parameter["name"] in ODD:
                        parameter["schema"] = {"enum": ODD[parameter["name"]]}
            yield Routes(client, schemathesis.openapi.from_dict(document), home, {"row": 3, "entry_id": 1})


def send(client: TestClient, case: Case, path_parameters: Mapping[str, Any]) -> Any:
    """The answer to a case, in which these path parameters take the place of its own."""
    case.path_parameters |= {name: value for name, value in path_parameters.items() if name in case.path_parameters}
    arguments = case.as_transport_kwargs(base_url="http://localhost/api")
    body = {"json": arguments["json"]} if "json" in arguments else {"content": arguments.get("data")}
    headers = {name: value for name, value in arguments["headers"].items() if name.lower() != "connection"}
    return client.request(case.method, arguments["url"], params=arguments["params"], headers=headers | CHANGING, **body)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["within the document", "outside of it"])
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_answers_are_as_the_document_says(routes: Routes, method: str, path: str, mode: GenerationMode) -> None:
    operation = routes.operation(method, path, mode)

    @tried(8)
    @given(operation.as_strategy(generation_mode=mode), st.booleans())
    def property_of(case: Case, there: bool) -> None:
        case.validate_response(send(routes.client, case, routes.there if there else {}), checks=AS_SAID)

    with suppress(Unsatisfiable) if mode == GenerationMode.NEGATIVE else nullcontext():  # where any text may be asked, none is wrong
        property_of()


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_no_call_from_another_machine_passes_without_the_token(
    routes: Routes, method: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = routes.schema[path][method]
    with served(tmp_path, monkeypatch, peer="192.0.2.7") as elsewhere:

        @tried(3)
        @given(operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
        def refused(case: Case) -> None:
            answer = send(elsewhere, case, {})
            assert answer.status_code == 401 and Token(tmp_path).value() not in answer.text
            case.validate_response(answer, checks=AS_SAID)

        refused()
