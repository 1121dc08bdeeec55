"""Requests that are larger than they may be."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http.multipartparser import MultiPartParser
from django.test import Client, RequestFactory

from searchsite.config import Config
from searchsite.web.receiving import CappedFiles
from tests.web.conftest import picture, text

LIMIT = 1 << 20


@pytest.fixture(autouse=True)
def small_limit(settings):
    settings.CONFIG = Config(max_file_bytes=LIMIT)


def test_a_script_gets_a_sentence_before_the_body_is_read(alice):
    answer = alice.post("/upload", {"file": picture()}, headers={"HX-Request": "true"}, CONTENT_LENGTH=str(9 * LIMIT))
    assert answer.status_code == 413 and "larger than 1 MB" in text(answer)


def test_a_person_gets_a_page_and_the_api_a_problem(alice):
    far_too_much = str(100 * LIMIT)
    assert "<html" in text(alice.post("/upload", {"file": picture()}, CONTENT_LENGTH=far_too_much))
    answer = alice.post("/api/v1/items", {"file": picture()}, CONTENT_LENGTH=far_too_much)
    assert answer.status_code == 413 and answer["Content-Type"].startswith("application/problem+json")


def test_a_file_is_kept_no_further_than_the_limit():
    request = RequestFactory().post("/upload", {"file": BytesIO(b"x" * (4 * LIMIT))})
    handlers = [CappedFiles(request), TemporaryFileUploadHandler(request)]
    _, files = MultiPartParser(request.META, request, handlers).parse()
    with files["file"] as kept:
        assert LIMIT < len(kept.read()) <= LIMIT + CappedFiles.chunk_size


@pytest.mark.parametrize("address", ["/upload", "/search/picture", "/accounts/login/", "/admin/library/item/add/"])
@pytest.mark.parametrize("cookies", [{}, {"session": "made-up"}])
def test_a_visitor_sends_no_file_at_all(db, address, cookies, tmp_path, settings):
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "missing"  # Whoever spools a file fails.
    visitor = Client(enforce_csrf_checks=True)
    visitor.cookies.load(cookies)
    answer = visitor.post(address, {"file": BytesIO(b"x" * (LIMIT + LIMIT // 2))})
    assert answer.status_code == 413


def test_a_form_of_the_page_holds_a_few_files(alice):
    def sent(times: int) -> int:
        return alice.post("/upload", {"file": [BytesIO(b"\0" * LIMIT) for _ in range(times)]}).status_code

    assert sent(4) == 302 and sent(6) == 413
