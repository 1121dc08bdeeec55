"""What the API says of itself is so: a served house is called with what its description allows, and what it forbids.

schemathesis makes the calls; each answer must be described, of the type and shape that are described, and no fault.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests import figures, house, made, servers
from tests.fake_inference import FakeInference

DESCRIPTION = json.loads(Path(__file__).with_name("openapi.json").read_text(encoding="utf-8"))
OPERATIONS = sorted((method, path) for path, methods in DESCRIPTION["paths"].items() for method in methods)
ANSWERER = "Qwen/Qwen3-8B"
NETWORKS = {"ANSWERER": ANSWERER, "ANSWER_DIALECT": "vllm", "READER": "none", "WORKERS": "1"}
# What is turned away for its number shows nothing.
RATES = dict.fromkeys(("SEARCHES_PER_MINUTE", "QUESTIONS_PER_MINUTE", "PICTURES_PER_MINUTE"), "0")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
QUIET = [hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.filter_too_much, hypothesis.HealthCheck.data_too_large]
FEW, MANY = 12, 150
PICTURE = made.drawn("teal", "leaf")
SOUND: dict[tuple[str, str], dict[str, Any]] = {
    ("post", "/api/v1/ask"): {"json": {"question": "How long does the dough rest?"}},
    ("post", "/api/v1/collections"): {"json": {"name": "Conformance"}},
    ("post", "/api/v1/items"): {"json": {"text": "Water the roses on Friday.", "title": "Garden"}},
    ("patch", "/api/v1/items/{item_id}"): {"json": {"title": "A better one", "tags": ["garden"]}},
    ("post", "/api/v1/jobs/cancel"): {"json": {"stage": "embed"}},
    ("post", "/api/v1/jobs/missing"): {"json": {"stage": "embed"}},
    ("post", "/api/v1/jobs/pause"): {"json": {"stage": "caption"}},
    ("post", "/api/v1/jobs/resume"): {"json": {"stage": "caption"}},
    ("post", "/api/v1/jobs/retry"): {"json": {}},
    ("post", "/api/v1/judgements"): {"json": {"query": [{"text": "bread"}], "grade": 3}},
    ("post", "/api/v1/pictures"): {"files": {"file": ("leaf.jpg", PICTURE, "image/jpeg")}},
    ("post", "/api/v1/search"): {"json": {"query": [{"text": "bread"}], "facets": ["kind"]}},
}
"""What is sure to be answered well; the rest needs nothing but its address."""


class Caller:
    """Calls a served house with one token, and counts what it is answered."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.headers = {"Authorization": f"Bearer {token}"}
        self.schema = schemathesis.openapi.from_url(f"{url}/api/v1/openapi.json", headers=self.headers)
        # Else most of what it forbids would be a call without a token.
        self.schema.config.generation.update(with_security_parameters=False)
        self.items = [self.note(number) for number in range(12)]
        self.answered: dict[str, Counter[int]] = {}

    def note(self, number: int) -> str:
        case = self.schema["/api/v1/items"]["POST"].Case(
            body={"text": f"Bread {number} rests."}, media_type="application/json"
        )
        return str(case.call(base_url=self.url, headers=self.headers).json()["id"])

    def call(self, case: Any, **how: Any) -> int:
        """Make the call and look at its answer."""
        response = case.call(base_url=self.url, headers=self.headers, **how)
        self.answered.setdefault(case.operation.label, Counter())[response.status_code] += 1
        case.validate_response(response, checks=CHECKS)
        return int(response.status_code)


@pytest.fixture(scope="module")
def caller() -> Iterator[Caller]:
    with FakeInference() as fake:
        fake.networks = (ANSWERER,)
        places = {"INFERENCE_URL": fake.url, "EMBEDDER": fake.embedder, "ANSWER_URL": fake.url}
        with house.running(servers.directory() / "described", **NETWORKS, **RATES, **places) as home:
            calling = Caller(home.base_url, home.token())
            yield calling
            answered = calling.answered
            counted = sum(answered.values(), Counter())
            well, faults = (sum(counted[status] for status in counted if status // 100 == of) for of in (2, 5))
            figures.keep(
                10, "described", operations=len(answered), calls=counted.total(), answered_well=well, faults=faults
            )


def sound(operation: Any, item: str, method: str, path: str) -> tuple[Any, dict[str, Any]]:
    """A call that is sure to be answered well, as schemathesis makes it, and what is sent beside."""
    known = dict(SOUND.get((method, path), {}))
    if path.endswith("judgements") and known:
        known["json"] = known["json"] | {"item": item}
    parts: dict[str, Any] = {"path_parameters": {"item_id": item}} if "{item_id}" in path else {}
    if path.endswith("collections") and known:
        known["json"] = {"name": f"{known['json']['name']} {uuid4()}"}
    if "json" in known:
        parts |= {"body": known.pop("json"), "media_type": "application/json"}
    return operation.Case(**parts), known


def cases_of(operation: Any, method: str, item: str) -> Any:
    """What its description allows, of an item that is there where it is about one, and as often what it forbids."""
    allowed = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    forbidden = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    if "{item_id}" in operation.path and method != "delete":
        allowed = operation.as_strategy(generation_mode=GenerationMode.POSITIVE, path_parameters={"item_id": item})
    if operation.path.endswith("judgements") and method == "post":
        allowed = allowed.map(lambda case: _of(item, case))
    return allowed | forbidden


def _of(item: str, case: Any) -> Any:
    if isinstance(case.body, dict) and "item" in case.body:
        case.body["item"] = item
    return case


def tried(caller: Caller, method: str, path: str, number: int) -> Counter[int]:
    """How often which status was answered."""
    operation = caller.schema[path][method.upper()]
    item = caller.items.pop() if method == "delete" else caller.items[0]
    case, beside = sound(operation, item, method, path)
    assert caller.call(case, **beside) // 100 == 2

    @hypothesis.given(case=cases_of(operation, method, item))
    @hypothesis.settings(
        max_examples=number, database=None, deadline=None, derandomize=number == FEW, suppress_health_check=QUIET
    )
    def each(case: Any) -> None:
        caller.call(case)

    each()
    return caller.answered[operation.label]


def takes_anything(method: str, path: str) -> bool:
    said = DESCRIPTION["paths"][path][method]
    return bool(said.get("parameters") or said.get("requestBody"))


def check(caller: Caller, method: str, path: str, number: int) -> None:
    counted = tried(caller, method, path, number)
    assert counted.total() > (number if takes_anything(method, path) else 1)
    assert counted[429] * 4 <= counted.total(), "what is turned away shows nothing"


def test_there_are_operations() -> None:
    assert len(OPERATIONS) >= 22
    assert set(SOUND) <= set(OPERATIONS)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_each_operation_answers_as_it_says(caller: Caller, method: str, path: str) -> None:
    check(caller, method, path, FEW)


@pytest.mark.long
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_each_operation_answers_many_calls_as_it_says(caller: Caller, method: str, path: str) -> None:
    check(caller, method, path, MANY)
