"""Every refusal is a problem, whoever refuses; and a fault of our own tells nothing but its number."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import Http404
from django.test import Client, RequestFactory

from searchsite.api import problems
from searchsite.library.refusals import Refusal
from searchsite.search.questions import BadQuestion, NotFound


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Refusal("Too large.", code="too-large", status=413), 413, "too-large"),
        (Refusal("Not yours.", code="collection-missing", status=404), 404, "collection-missing"),
        (BadQuestion("Too long."), 400, "bad-question"),
        (NotFound("Not there."), 404, "not-found"),
        (RequestDataTooBig("x"), 413, "too-large"),
        (Http404("secret"), 404, "not-found"),
        (OperationalError("connection refused"), 503, "unavailable"),
        (ZeroDivisionError("secret"), 500, "internal"),
    ],
)
def test_each_error_has_its_status_and_its_word(error, status, code) -> None:
    response = problems.handle(RequestFactory().get("/api/v1/items"), error)
    body = json.loads(response.content)
    assert (response.status_code, body["status"], body["code"]) == (status, status, code)
    assert response["Content-Type"] == "application/problem+json"
    assert body.keys() >= {"type", "title", "status", "detail", "code"}
    assert "secret" not in response.content.decode()


def test_a_fault_of_our_own_has_a_number_that_the_log_has_too(capsys) -> None:
    response = problems.handle(RequestFactory().get("/api/v1/items"), ZeroDivisionError("division"))
    number = json.loads(response.content)["request_id"]
    assert len(number) == 32 and number in capsys.readouterr().out


@pytest.mark.parametrize("path", ["/api/v1/items", "/api/nowhere"])
def test_what_django_refuses_is_a_problem_too(path) -> None:
    response = Client(headers={"host": "evil.example"}).get(path)
    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
