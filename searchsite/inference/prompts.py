"""How a text and an instruction become what an embedder was trained to see."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from searchsite.inference.types import Purpose

Prompt = Literal["plain", "chat", "instruct"]
"""plain: the text alone. chat: Qwen3-VL-Embedding. instruct: Qwen3-Embedding, which takes texts only."""

DEFAULTS: dict[Purpose, str] = {
    "document": "Represent the user's input.",
    "query": "Retrieve images or text relevant to the user's query.",
}
PASSAGES = "Given a web search query, retrieve relevant passages that answer the query"
"""What Qwen3-Embedding is told where nothing else is."""
CHAT = "<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"
INSTRUCT = "Instruct: {system}\nQuery:{text}"
SPECIAL = re.compile(r"<\|(\w+)\|>")


def prompt_for(embedder: str) -> Prompt:
    """The prompt an embedder of this name wants."""
    name = embedder.lower()
    if "qwen3-vl-embedding" in name:
        return "chat"
    return "instruct" if "qwen3-embedding" in name else "plain"


def instruction_for(purpose: Purpose, instruction: str | None, prompt: Prompt = "chat") -> str:
    """The instruction to send: a sentence with an end, as Qwen3-VL-Embedding wants it."""
    text = harmless((instruction or "").strip())
    if prompt == "instruct":
        return text or PASSAGES
    text = text or DEFAULTS[purpose]
    return text if unicodedata.category(text[-1]).startswith("P") else f"{text}."


def render(prompt: Prompt, text: str, *, purpose: Purpose, system: str) -> str:
    """A text as one string, with its instruction where the embedder takes one."""
    if prompt == "chat":
        return CHAT.format(system=system, text=harmless(text))
    if prompt == "instruct" and purpose == "query":
        return INSTRUCT.format(system=system, text=harmless(text))
    return text if prompt == "plain" else harmless(text)


def harmless(text: str) -> str:
    """The text with the embedder's own marks broken: else a stored text could end its turn and give orders."""
    return SPECIAL.sub(r"<| \1 |>", text)


def clean(text: str) -> str:
    """Text that can be sent and stored: no NUL, no half of a surrogate pair, no white space around it."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\0", " ").strip()
