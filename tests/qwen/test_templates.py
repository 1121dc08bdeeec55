"""The chat templates in docs/templates, rendered as the servers that are given them do."""

from __future__ import annotations

from typing import Any

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from searchsite.config import ROOT
from searchsite.inference.prompts import CHAT, DEFAULTS

PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"
JUDGE = (
    "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct"
    ' provided. Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n'
    "<Instruct>: {told}<Query>:{query}\n<Document>:{document}<|im_end|>\n<|im_start|>assistant\n"
)
USUAL = "Given a search query, retrieve relevant candidates that answer the query."


def rendered(name: str, **given: Any) -> str:
    """Rendered alike with and without the trimming that some servers ask for."""
    text = (ROOT / "docs" / "templates" / f"{name}.jinja").read_text(encoding="utf-8")
    plain = ImmutableSandboxedEnvironment().from_string(text).render(**given)
    trimmed = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True).from_string(text).render(**given)
    assert plain == trimmed
    return plain


@pytest.mark.parametrize("kind", ["image", "image_url"])
def test_sglang_renders_pictures_with_the_documents_instruction(kind: str) -> None:
    """It gives one user turn, the text in whatever order."""
    turn = {"role": "user", "content": [{"type": "text", "text": "in blue"}, {"type": kind}]}
    made = rendered("qwen3_vl_embedding", messages=[turn], add_generation_prompt=True)
    assert made == CHAT.format(system=DEFAULTS["document"], text=f"{PICTURE}in blue")


def test_an_empty_input_and_an_instruction_are_rendered_as_by_the_makers() -> None:
    made = rendered("qwen3_vl_embedding", messages=[{"role": "user", "content": ""}])
    assert made == CHAT.format(system=DEFAULTS["document"], text="NULL")
    system = {"role": "system", "content": [{"type": "text", "text": "Find it."}]}
    made = rendered("qwen3_vl_embedding", messages=[system, {"role": "user", "content": "cars"}])
    assert made == CHAT.format(system="Find it.", text="cars")


def test_vllm_renders_a_question_and_a_document_as_roles() -> None:
    turns = [{"role": "query", "content": "a cat"}, {"role": "document", "content": f"{PICTURE}text"}]
    made = rendered("qwen3_vl_reranker", messages=turns, instruction="Find it.")
    assert made == JUDGE.format(told="Find it.", query="a cat", document=f"{PICTURE}text")
    assert rendered("qwen3_vl_reranker", messages=turns) == made.replace("Find it.", USUAL)


def test_sglang_renders_a_question_and_a_document_as_lists() -> None:
    query, document = [{"type": "text", "text": "a cat"}], [{"type": "image"}, {"type": "text", "text": "text"}]
    made = rendered("qwen3_vl_reranker", query=query, document=document, instruct="Find it.")
    assert made == JUDGE.format(told="Find it.", query="a cat", document=f"{PICTURE}text")
    made = rendered("qwen3_vl_reranker", query=[], document=[])
    assert made == JUDGE.format(told=USUAL, query="NULL", document="NULL")
