"""Every dialect against its golden files: what it asks, byte for byte, and what it makes of answers, hostile ones too.

docs/adding-a-provider.md tells what stands in the files of tests/inference/golden/<dialect>/.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from searchsite import config
from searchsite.inference import dialects
from searchsite.inference.dialects.base import ChatTask, Dialect, EmbedTask, Offer
from searchsite.inference.errors import BadInput, InferenceError
from searchsite.inference.types import EmbedInput, Message, Picture

GOLDEN = Path(__file__).parent / "golden"
Case = dict[str, Any]


def _cases() -> list[Any]:
    found = []
    for path in sorted(GOLDEN.glob("*/*.json")):
        for case in json.loads(path.read_text(encoding="utf-8")):
            found.append(pytest.param(path.parent.name, case, id=f"{path.parent.name}-{path.stem}-{case['what']}"))
    return found


@pytest.mark.parametrize(("name", "case"), _cases())
def test_it_says_and_understands_what_stands_in_the_golden_file(name: str, case: Case) -> None:
    dialect = dialects.by_name(name, pinned=case.get("pinned", ()))
    wrong = case.get("raises")
    if wrong is None:
        if "request" in case:
            assert canonical(_asked(dialect, case)) == canonical(case["request"])
        else:
            _agrees(_understood(dialect, case), case.get("gives"))
        return
    with pytest.raises(InferenceError) as raised:
        _asked(dialect, case) if case["verb"] in ASKED else _understood(dialect, case)
    error = raised.value
    assert (type(error).__name__, error.retry_after) == (wrong["error"], wrong.get("retry_after"))
    assert wrong["says"] in error.message and len(error.message) <= 600
    if isinstance(error, BadInput):
        assert error.index == wrong["index"]


def test_every_dialect_has_golden_files() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(get_args(config.Dialect))
    for name in get_args(config.Dialect):
        assert dialects.by_name(name).name == name


def test_a_golden_answer_of_thousands_of_numbers_is_read_quickly() -> None:
    rows = [{"index": place, "embedding": [0.25] * 4096} for place in range(32)]
    start = time.process_time()
    vectors, _ = dialects.by_name("openai").vectors({"data": rows}, 32)
    assert vectors.shape == (32, 4096) and time.process_time() - start < 4


def test_the_key_is_shown_in_its_header_alone() -> None:
    for name in get_args(config.Dialect):
        headers = dialects.by_name(name).headers("sk-secret")
        assert [key for key, value in headers.items() if "sk-secret" in value] == ["Authorization"]
        assert "Authorization" not in dialects.by_name(name).headers(None)


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _asked(dialect: Dialect, case: Case) -> Any:
    """The request that the dialect makes, as JSON."""
    made = ASKED[case["verb"]](dialect, case)
    return None if made is None else {"path": made.path, "payload": made.payload}


ASKED: dict[str, Callable[[Dialect, Case], Any]] = {
    "embed": lambda dialect, case: dialect.embed(
        EmbedTask(_offer(case["offer"]), case["purpose"], case["instruction"], case["dimensions"]),
        [_input(one) for one in case["inputs"]],
    ),
    "catalogue": lambda dialect, case: dialect.catalogue(embedding=case["embedding"]),
    "about": lambda dialect, case: dialect.about(_offer(case["offer"])),
    "read": lambda dialect, case: dialect.read(case["network"], _picture(case["picture"]), text=case["text"]),
    "chat": lambda dialect, case: dialect.chat(_task(case["task"])),
    "rerank": lambda dialect, case: dialect.rerank(
        case["network"], _input(case["query"]), [_input(one) for one in case["documents"]], case["instruction"]
    ),
}


def _understood(dialect: Dialect, case: Case) -> Any:
    """What the dialect makes of an answer, as JSON; like the client, it looks for an error first."""
    answer, verb = case.get("answer"), case["verb"]
    if verb == "forms":
        return [one.details for one in dialect.forms(_offer(case["offer"]))]
    if verb in ("networks", "offer", "learned"):
        return _described(dialect, case)
    fault = dialect.fault(case["status"], answer, case["retry_after"])
    if fault is not None:
        raise fault
    return None if verb == "fault" else HEARD[verb](dialect, case)


def _described(dialect: Dialect, case: Case) -> Any:
    if case["verb"] == "networks":
        return dialect.networks(case["answer"])
    if case["verb"] == "learned":
        return _plain(dialect.learned(_offer(case["offer"]), case["answer"]))
    return _plain(dialect.offer(case["answer"], case["network"]))


def _vectors(dialect: Dialect, case: Case) -> Case:
    vectors, spent = dialect.vectors(case["answer"], case["count"])
    assert vectors.dtype == np.float32
    return {"vectors": vectors, "tokens": spent.tokens, "cost": spent.cost}


def _scores(dialect: Dialect, case: Case) -> Case:
    scores, spent = dialect.scores(case["answer"], case["count"])
    return {"scores": list(scores), "tokens": spent.tokens, "cost": spent.cost}


def _reply(dialect: Dialect, case: Case) -> Case:
    reply = dialect.reply(case["answer"])
    spent = asdict(reply.spent)
    return {"text": reply.text, "finish": reply.finish, "thinking": reply.thinking, **spent}


def _chunk(dialect: Dialect, case: Case) -> Case | None:
    chunk = dialect.chunk(case["answer"])
    if chunk is None:
        return None
    return {**asdict(chunk), "spent": chunk.spent and list(asdict(chunk.spent).values())}


def _readings(dialect: Dialect, case: Case) -> list[Case]:
    found = dialect.readings(case["answer"], case["count"])
    return [
        {
            "text": one.text,
            "words": [[word.text, list(word.box)] for word in one.words],
            "tags": [list(tag) for tag in one.tags],
        }
        for one in found
    ]


HEARD: dict[str, Callable[[Dialect, Case], Any]] = {
    "vectors": _vectors,
    "scores": _scores,
    "reply": _reply,
    "chunk": _chunk,
    "readings": _readings,
}


def _agrees(found: Any, due: Any) -> None:
    if isinstance(due, dict) and "vectors" in due:
        np.testing.assert_allclose(found.pop("vectors"), due["vectors"], atol=1e-6)
        due = {name: value for name, value in due.items() if name != "vectors"}
    assert found == due


def _plain(offer: Offer) -> Case:
    """An offer as JSON, sets in order."""
    fields = asdict(offer)
    fields["modalities"] = None if offer.modalities is None else sorted(offer.modalities)
    if offer.info is not None:
        fields["info"] |= {"modalities": sorted(offer.info.modalities), "notes": list(offer.info.notes)}
    return fields


def _offer(fields: Case) -> Offer:
    return Offer(**fields)


def _picture(fields: Case) -> Picture:
    return Picture(base64.b64decode(fields["base64"]), fields["media_type"])


def _input(fields: Case) -> EmbedInput:
    return EmbedInput(fields.get("text"), _picture(fields["picture"]) if "picture" in fields else None)


def _task(fields: Case) -> ChatTask:
    turns = [
        Message(one["role"], one["text"], tuple(_picture(picture) for picture in one.get("pictures", [])))
        for one in fields["messages"]
    ]
    return ChatTask(**{**fields, "messages": turns})
