"""One key, one deed: a request sent again is answered again, not done again."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from searchsite.api.auth import Caller
from searchsite.api.idempotency import Answer, digest_of, once
from searchsite.api.models import IdempotencyKey
from searchsite.api.problems import Problem
from searchsite.library.models import Item
from searchsite.library.scope import scope_for
from tests.api.conftest import ITEMS, picture, upload

pytestmark = pytest.mark.django_db

JSON = "application/json"


def put(api: Client, key: str, text: str = "rose"):
    return api.post(ITEMS, {"text": text}, content_type=JSON, headers={"idempotency-key": key})


def test_the_same_request_gets_the_same_answer(api) -> None:
    first, second = put(api, "k1"), put(api, "k1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert second["Idempotent-Replayed"] == "true" and "Idempotent-Replayed" not in first
    assert Item.objects.count() == 1


def test_another_request_with_the_key_is_refused(api) -> None:
    put(api, "k1")
    response = put(api, "k1", "tulip")
    assert (response.status_code, response.json()["code"]) == (422, "key-reused")
    assert Item.objects.count() == 1


def test_a_file_is_known_by_its_bytes_whatever_the_boundary(api) -> None:
    def send(data: bytes):
        return api.post(ITEMS, {"file": upload(data)}, headers={"idempotency-key": "k1"})

    assert [send(picture()).status_code for _ in range(2)] == [201, 201]
    assert send(picture("red")).status_code == 422


def test_keys_of_two_people_do_not_meet(caller) -> None:
    assert {put(caller(name), "k1").json()["created_by"] for name in ("alice", "bob")} == {"alice", "bob"}


def test_a_refusal_is_not_remembered(api) -> None:
    assert put(api, "k1", " ").status_code == 422
    assert put(api, "k1", "rose").status_code == 201


def test_a_key_is_forgotten_after_a_day(api) -> None:
    put(api, "k1")
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert put(api, "k1", "tulip").status_code == 201
    assert IdempotencyKey.objects.count() == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "ké"])
def test_a_strange_key_is_refused(api, key) -> None:
    assert put(api, key).status_code == 422


@pytest.mark.django_db(transaction=True)
def test_a_second_request_is_told_that_the_first_is_at_it(caller, garden, alice) -> None:
    scope = scope_for(alice, garden)
    one = Caller(alice, garden, scope, 0)
    begun, may_end, answers = threading.Event(), threading.Event(), list[Answer]()

    def slow() -> Answer:
        begun.set()
        may_end.wait(10)
        return Answer(201, "{}")

    def first() -> None:
        answers.append(once(one, "k1", digest_of("a"), slow))
        connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    assert begun.wait(10)
    with pytest.raises(Problem) as told:
        once(one, "k1", digest_of("a"), slow)
    may_end.set()
    thread.join()
    assert (told.value.status, told.value.code) == (409, "in-progress")
    assert once(one, "k1", digest_of("a"), slow) == Answer(201, "{}", again=True)
