"""Whatever strangers, servers and settings write: each parser reads it, or says in its own way that it cannot.

The grammar of questions, fused ranks, notes and tags have tests of this kind of their own, beside their others.
"""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

from searchsite import config as configuration
from searchsite.answers import writing
from searchsite.api import bodies, cursors
from searchsite.api.problems import Problem
from searchsite.config import Config
from searchsite.inference import caption_answers, sse, transport, wire
from searchsite.inference.dialects import by_name, faults, thinking
from searchsite.inference.dialects.base import Reply
from searchsite.inference.errors import InferenceError
from searchsite.library import encodings, passages, sniffing
from searchsite.library.decoder import marks
from searchsite.library.refusals import Refusal
from searchsite.library.scope import Scope
from searchsite.search import paging, questions, regions
from searchsite.search.questions import BadQuestion, Question, Term
from searchsite.web import files, ids, markdown, tus, zip_names
from tests.library import drawn

CONFIG = configuration.load()
NOBODY = Scope(0, 0, (), ())
DIALECTS = [by_name(name) for name in ("searchsite", "vllm", "sglang", "openrouter", "openai", "llamacpp", "dashscope")]
PRINTED = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | PRINTED,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PRINTED, inner, max_size=4),
    max_leaves=12,
)
# The names that answers of servers have, so that what is made gets further in.
NAMES = st.sampled_from(
    (
        *(
            "data",
            "embedding",
            "index",
            "object",
            "usage",
            "prompt_tokens",
            "total_tokens",
            "choices",
            "message",
            "content",
        ),
        *("delta", "finish_reason", "text", "id", "error", "code", "metadata", "results", "relevance_score"),
        *("output", "embeddings", "score", "model", "cost", "role", "reasoning", "type"),
    )
)
ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | PRINTED | st.sampled_from(["stop", "assistant", "list"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=20,
)
ASKED = st.sampled_from(
    (
        *("q", "not", "like", "unlike", "picture", "unpicture", "kind", "collection", "tag", "by", "after", "before"),
        *("sort", "mode", "rerank", "weak", "limit", "cursor"),
    )
)
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
FEW = settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))


def or_says(error: type[Exception] | tuple[type[Exception], ...], parse: Callable[[], Any]) -> Any:
    """What is parsed, or None where it says that it cannot; any other error is a fault."""
    try:
        return parse()
    except error:
        return None


@FEW
@given(MOMENTS, st.integers(0, 2**63 - 1))
def test_a_cursor_of_a_list_is_read_as_it_was_written(moment: datetime, pk: int) -> None:
    assert cursors.read(cursors.write(moment, pk)) == (moment, pk)


@FEW
@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_a_made_up_cursor_is_a_problem(cursor: str) -> None:
    or_says(Problem, lambda: cursors.read(cursor))
    or_says(BadQuestion, lambda: paging.decode(Question(cursor=cursor)))


@FEW
@given(st.lists(JSON, max_size=7))
def test_a_cursor_of_other_values_is_refused(values: list[Any]) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")
    assert or_says(BadQuestion, lambda: paging.decode(Question(cursor=cursor))) is None


@FEW
@given(st.integers(0, 10**6), st.integers(0, 2**63 - 1), MOMENTS, MOMENTS)
def test_a_place_in_hits_is_read_as_it_was_written(offset: int, item: int, moment: datetime, day: datetime) -> None:
    place = paging.Place(offset, item, moment, day, reranked=offset % 2 == 1)
    question = Question((Term("red car"),))
    cursor = paging.encode(place, question)
    assert paging.decode(Question((Term("red car"),), cursor=cursor)) == place
    assert or_says(BadQuestion, lambda: paging.decode(Question((Term("blue car"),), cursor=cursor))) is None


@FEW
@given(st.binary(min_size=1, max_size=50), st.integers(0, 60), st.integers(0, 60))
def test_a_range_is_cut_out_of_the_file(data: bytes, first: int, last: int) -> None:
    for asked, wanted in (
        (f"bytes={first}-{last}", data[first : last + 1]),
        (f"bytes={first}-", data[first:]),
        (f"bytes=-{last}", data[-last:] if last else b""),
    ):
        answer = files._body(io.BytesIO(data), len(data), asked)
        assert answer.status_code == (206 if wanted else 416)
        if wanted:
            assert b"".join(answer) == wanted


@FEW
@given(st.text(max_size=40) | st.from_regex(r"bytes=[-0-9, ]{0,30}", fullmatch=True))
def test_any_other_range_answers_with_the_whole(asked: str) -> None:
    data = b"0123456789"
    answer = files._body(io.BytesIO(data), len(data), asked)
    assert answer.status_code in (200, 206, 416)
    assert answer.status_code != 200 or b"".join(answer) == data


@FEW
@given(
    ANSWERS
    | st.just(10**400)
    | st.text(max_size=40)
    | st.datetimes().map(lambda day: day.strftime("%a, %d %b %Y %H:%M:%S GMT"))
)
def test_a_wait_is_within_bounds_or_none(header: Any) -> None:
    wait = faults.wait_in(header)
    assert wait is None or faults.SHORTEST_WAIT <= wait <= faults.LONGEST_WAIT
    assert faults.code_in(header) in (None, *range(100, 600))
    assert len(faults.quoted(header)) <= faults.QUOTED


@FEW
@given(st.text(max_size=60), st.dictionaries(st.from_regex(r"[a-z]{1,9}", fullmatch=True), st.text(max_size=20)))
def test_headers_of_an_upload_are_read_or_refused(written: str, told: dict[str, str]) -> None:
    request: Any = SimpleNamespace(headers={"Upload-Length": written})
    number = or_says(Refusal, lambda: tus._number(request, "Upload-Length"))
    assert number is None or 0 <= number <= 10**tus.MOST_DIGITS
    or_says(Refusal, lambda: tus._metadata(written))
    printed = {key: value.encode("utf-8", "replace") for key, value in told.items()}
    header = ",".join(f"{key} {base64.b64encode(value).decode()}" for key, value in printed.items())
    assert tus._metadata(header) == {key: value.decode() for key, value in printed.items()}


@FEW
@given(st.binary(max_size=300))
def test_exif_of_any_bytes_says_nothing_at_worst(exif: bytes) -> None:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG", exif=b"Exif\0\0" + exif)
    with Image.open(file, formats=("JPEG",)) as image:
        marks.exif_of(image)
        marks.is_told(image)


STARTS = {name: drawn.encoded(Image.new("RGB", (9, 7), "red"), form) for name, form in (
    ("a.jpg", "JPEG"), ("a.png", "PNG"), ("a.gif", "GIF"), ("a.webp", "WEBP"), ("a.bmp", "BMP"), ("a.tif", "TIFF"),
    ("a.avif", "AVIF"), ("a.jp2", "JPEG2000"), ("a.ico", "ICO"), ("a.tga", "TGA"), ("a.ppm", "PPM"),
)}  # fmt: skip


@settings(parent=FEW, max_examples=250)
@given(st.data())
def test_broken_files_are_sniffed_or_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(STARTS)))
    whole = bytearray(STARTS[name])
    for at, byte in data.draw(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=6)):
        whole[at] = byte
    cut = whole[: data.draw(st.integers(1, len(whole)))] + data.draw(st.binary(max_size=20))
    path = tmp_path_factory.getbasetemp() / "sniffed"
    path.write_bytes(bytes(cut))
    found = or_says(Refusal, lambda: sniffing.look(path, name, config=CONFIG))
    if isinstance(found, sniffing.Picture):
        assert 0 < found.header.width * found.header.height <= CONFIG.max_pixels


@FEW
@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: text.encode("utf-16", "replace")))
def test_bytes_are_a_text_or_none(data: bytes) -> None:
    read = or_says((encodings.Binary, encodings.Unknown), lambda: encodings.read(data))
    assert read is None or isinstance(read.text, str)


@FEW
@given(st.text(max_size=200))
def test_a_text_in_utf8_is_read_as_it_was_written(text: str) -> None:
    read = or_says((encodings.Binary, UnicodeEncodeError), lambda: encodings.read(text.encode()))
    assert read is None or read.encoding != "utf-8" or read.text in (text, text.removeprefix("\ufeff"))


@FEW
@given(st.lists(st.text(" \n.!ab漢é", min_size=1, max_size=900), max_size=9).map("".join))
def test_passages_are_the_whole_text(text: str) -> None:
    found = passages.split(text)
    assert "".join(one.text for one in found) == text
    assert all(0 < len(one.text) <= passages.PASSAGE_CHARS and text[one.start : one.end] == one.text for one in found)


@FEW
@given(st.lists(PRINTED, max_size=5), st.lists(st.integers(0, 400), max_size=8))
def test_events_are_the_same_however_they_are_cut(said: list[str], cuts: list[int]) -> None:
    clean = [" ".join(one.split()) for one in said]
    wire_bytes = "".join(f"data: {one}\n\n" for one in clean).encode()
    places = sorted({0, *(cut for cut in cuts if cut < len(wire_bytes)), len(wire_bytes)})
    reader = sse.Reader()
    heard = [one for a, b in pairwise(places) for one in reader.feed(wire_bytes[a:b])]
    assert heard == clean


@FEW
@given(st.lists(st.binary(max_size=60), max_size=6))
def test_any_bytes_are_events_or_none(chunks: list[bytes]) -> None:
    reader = sse.Reader()
    assert all(isinstance(one, str) for chunk in chunks for one in reader.feed(chunk))


@FEW
@given(st.lists(st.sampled_from(["<think>", "</think>", "<thi", "nk>", "a ", "b<", ">", "\n"]), max_size=12))
def test_thoughts_are_kept_apart_however_they_are_cut(pieces: list[str]) -> None:
    whole, cut = thinking.split("".join(pieces)), thinking.Splitter()
    parts = [*(cut.feed(piece) for piece in pieces), cut.end()]
    assert ("".join(one for one, _ in parts), "".join(one for _, one in parts)) == whole


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.name)
@FEW
@given(answer=JSON | ANSWERS, status=st.sampled_from([200, 400, 401, 402, 404, 429, 500, 503]), count=st.integers(1, 3))
def test_an_answer_of_any_shape_is_read_or_an_error_of_ours(dialect: Any, answer: Any, status: int, count: int) -> None:
    vectors = or_says(InferenceError, lambda: dialect.vectors(answer, count))
    assert vectors is None or all(math.isclose(math.hypot(*one), 1, abs_tol=1e-3) for one in vectors[0])
    scores = or_says(InferenceError, lambda: dialect.scores(answer, count))
    assert scores is None or (len(scores[0]) == count and all(0 <= one <= 1 for one in scores[0]))
    for read in (
        lambda: dialect.networks(answer),
        lambda: dialect.offer(answer, "network"),
        lambda: dialect.readings(answer, count),
        lambda: dialect.reply(answer),
        lambda: dialect.chunk(answer),
        lambda: dialect.fault(status, answer, "3"),
    ):
        or_says(InferenceError, read)


@FEW
@given(st.binary(max_size=80) | JSON.map(lambda value: json.dumps(value).encode()))
def test_a_body_is_json_or_a_problem(body: bytes) -> None:
    found = or_says(Problem, lambda: bodies.parse(body))
    assert json.dumps(found, allow_nan=False)
    transport.parsed(body)


@FEW
@given(st.text(max_size=80) | st.text(max_size=40).map("data:image/png;base64,{}".format))
def test_an_address_of_a_picture_holds_it_or_is_refused(url: str) -> None:
    or_says(InferenceError, lambda: wire.picture_bytes(url))


@FEW
@given(st.text(max_size=300) | ANSWERS.map(json.dumps))
def test_a_caption_is_found_in_any_words_or_not(said: str) -> None:
    caption = or_says(InferenceError, lambda: caption_answers.whole(Reply(said, "stop")))
    assert caption is None or len(caption.caption) <= 2000


@FEW
@given(st.lists(st.text(max_size=200) | st.sampled_from(["CON", "../../etc", "a/b", "A", "a", "NUL.txt"]), max_size=8))
def test_names_in_a_zip_are_apart_and_no_path(titles: list[str]) -> None:
    names = zip_names.Names()
    given_names = [names.give(title, ".jpg") for title in titles]
    assert len({name.casefold() for name in given_names}) == len(titles)
    for name in given_names:
        assert not set('/\\:*?"<>|\0\n') & set(name) and name.strip(". ") and len(name.encode()) < 255
        assert name not in (".", "..") and not name.startswith("CON.")


class Seen(HTMLParser):
    """Which tags and attributes stand in markup."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, set[str]] = {}
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value or "")


PIECES = st.sampled_from(
    ["<script>", "<img src=x onerror=y>", "](javascript:a)", "[a](", "![x](", "https://a.b/", "`", "```\n", "**", "_",
     "> ", "- ", "1. ", "# ", "|", "\n", "\n\n", "&lt;", "<a href=", "data:text/html,x)", " [x] ", "\\", "\0", "<!--"]
)  # fmt: skip


@FEW
@given(st.lists(PIECES | st.text(max_size=10), max_size=25).map("".join))
def test_markdown_becomes_harmless_markup(text: str) -> None:
    seen = Seen(str(markdown.rendered(text, NOBODY)))
    assert not seen.tags & {"script", "iframe", "object", "embed", "style", "form", "svg", "meta", "base", "img"}
    assert not [name for name in seen.attributes if name.startswith("on") or name == "style"]
    assert all(url.startswith(("https://", "http://", "mailto:", "/items/")) for url in seen.attributes.get("href", ()))


@FEW
@given(st.lists(PIECES | st.sampled_from(["[1]", "[2, 3]", "[99]", "[", "]"]), max_size=25).map("".join))
def test_an_answer_is_cut_into_blocks_that_cite_what_there_is(text: str) -> None:
    assert all(1 <= number <= 3 for number in writing.cited(writing.blocks_of(text, 3)))


@FEW
@given(st.text(max_size=60), st.lists(st.integers(0, 1000), min_size=4, max_size=4))
def test_regions_and_ids_are_read_or_refused(value: str, corners: list[int]) -> None:
    or_says(BadQuestion, lambda: regions.read(value))
    or_says(BadQuestion, lambda: regions.read("~" + "-".join(map(str, corners))))
    ids.parsed(value)


@FEW
@given(st.lists(st.tuples(ASKED, st.text(max_size=30)), max_size=6))
def test_an_address_asks_something_or_is_refused(pairs: list[tuple[str, str]]) -> None:
    params = QueryDict(mutable=True)
    for name, value in pairs:
        params.appendlist(name, value)
    question = or_says(BadQuestion, lambda: questions.from_query(params))
    if question is not None:
        again = QueryDict(questions.to_query(question))
        assert questions.to_query(questions.from_query(again)) == questions.to_query(question)


@FEW
@given(
    st.text(max_size=60),
    JSON | st.dictionaries(PRINTED, st.dictionaries(st.sampled_from(["input", "output"]), st.floats())),
)
def test_settings_are_read_or_said_to_be_wrong(text: str, prices: Any) -> None:
    found = or_says(ValidationError, lambda: Config(allowed_hosts=text, metrics_addresses=text))
    assert found is None or all(part and part == part.strip() for part in found.allowed_hosts)
    priced = or_says(ValidationError, lambda: Config(prices=json.dumps(prices)))
    assert priced is None or all(0 <= one < 1e9 for of in priced.prices.values() for one in of.values())
    or_says(ValidationError, lambda: Config(prices=text))
