"""What a request may hold: depth, numbers, lengths. Each is refused with a sentence, and nothing breaks."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

API = "/api/v1"


@pytest.mark.parametrize("depth", [100, 500_000])
@pytest.mark.parametrize("opening", ["[", '{"query":'])
@pytest.mark.parametrize("path", ["/search", "/items"])
def test_deep_json_is_refused(program, depth: int, opening: str, path: str) -> None:
    closing = "]" if opening == "[" else "}"
    body = opening * depth + "1" + closing * depth
    answer = program().post(f"{API}{path}", body, content_type="application/json")
    assert answer.status_code in (400, 413, 422) and answer.json()["detail"]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("search", {"query": [{"text": "a"}] * 17}),
        ("search", {"query": [{"text": "x" * 3000}]}),
        ("search", {"limit": 101}),
        ("search", {"limit": 10**30}),
        ("search", {"filters": {"tag": ["a"] * 51}}),
        ("search", {"filters": {"collection": ["11111111-1111-4111-8111-111111111111"] * 51}}),
        ("search", {"filters": {"kind": ["image"] * 100_000}}),
        ("search", {"facets": ["kind"] * 100_000}),
        ("search", {"instruction": "x" * 301}),
        ("search", {"cursor": "x" * 100_000}),
        ("ask", {"question": "x" * 2001}),
    ],
)
def test_a_question_has_its_limits(program, name: str, body: object) -> None:
    answer = program().post(f"{API}/{name}", body, content_type="application/json")
    assert answer.status_code in (400, 404, 413, 422), answer.content
    assert answer.json()["detail"]


@pytest.mark.parametrize("limit", ["0", "101", "9" * 5000])
@pytest.mark.parametrize("path", ["/items", "/search"])
def test_a_page_of_a_list_has_its_limits(program, path: str, limit: str) -> None:
    assert program().get(f"{API}{path}?limit={limit}").status_code in (200, 400, 404, 422)


def test_a_query_has_few_values(program, alice) -> None:
    many = "&".join(f"tag=t{number}" for number in range(2_000))
    for client, path in ((program(), f"{API}/search"), (alice, "/search"), (alice, "/search/facets")):
        assert client.get(f"{path}?{many}").status_code in (400, 413)


def test_a_form_has_few_fields_and_few_files(alice) -> None:
    fields = "&".join(f"f{number}=1" for number in range(2_000))
    form = "application/x-www-form-urlencoded"
    assert alice.post("/language", fields, content_type=form).status_code in (400, 413)
    files = [SimpleUploadedFile(f"{number}.txt", b"a") for number in range(501)]
    assert alice.post("/upload", {"file": files}).status_code in (400, 413)


@pytest.mark.parametrize("cookie", ["session=" + "x" * 8_000, "; ".join(f"c{n}=1" for n in range(500)), "\x01=\x02"])
def test_a_strange_cookie_is_nobodys(client, db, cookie: str) -> None:
    assert client.get("/", headers={"cookie": cookie}).status_code in (302, 400)
