"""From the wire's conversations to the exact prompts on which the Qwen3 networks were trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from searchsite.inference.builtin.pictures import open_picture
from searchsite.inference.errors import BadInput
from searchsite.inference.prompts import DEFAULTS, harmless
from searchsite.inference.qwen.checkpoint import Kind
from searchsite.inference.qwen.wire import Content
from searchsite.inference.wire import Conversation, ImagePart, picture_bytes

VISION = "<|vision_start|><|image_pad|><|vision_end|>"
START, END = "<|im_start|>", "<|im_end|>"
ASSISTANT = f"{START}assistant\n"
NOTHING = "NULL"
"""What an input without text or picture says."""
JUDGE = (
    "Judge whether the Document meets the requirements based on the Query and the Instruct provided."
    ' Note that the answer can only be "yes" or "no".'
)
RANKING = "Given a search query, retrieve relevant candidates that answer the query."
TEXT_RANKING = "Given a web search query, retrieve relevant passages that answer the query"
JSON_ONLY = "Answer with one JSON object and nothing else"


@dataclass(frozen=True)
class Prompt:
    """What a network reads: the text with a mark where each picture stands, and the pictures."""

    text: str
    pictures: tuple[Image.Image, ...] = ()


def embedding(conversation: Conversation, *, opened: bool, continued: bool) -> Prompt:
    """The prompt of an embedder. opened: the assistant's turn is begun; continued: the last turn stays open."""
    turns, pictures = [], []
    if not any(message.role == "system" for message in conversation):
        turns.append(f"{START}system\n{DEFAULTS['document']}{END}\n")
    for message in conversation:
        text, seen = _content(message.content)
        pictures += seen
        said = text or (NOTHING if message.role == "user" else "")
        turns.append(f"{START}{message.role}\n{said}{END}\n")
    prompt = "".join(turns)
    if continued:
        prompt = prompt.removesuffix(f"{END}\n")
    return Prompt(prompt + (ASSISTANT if opened and not continued else ""), tuple(pictures))


def ranking(query: str | Content, document: str | Content, instruction: str | None, kind: Kind) -> Prompt:
    """The question of a reranker about one document."""
    asked, first = _content(_parts(query))
    given, second = _content(_parts(document))
    task = harmless(instruction or (RANKING if kind == "vision" else TEXT_RANKING)).strip()
    if kind == "vision":
        body = f"<Instruct>: {task}<Query>:{asked or NOTHING}\n<Document>:{given or NOTHING}"
    else:
        body = f"<Instruct>: {task}\n<Query>: {asked or NOTHING}\n<Document>: {given or NOTHING}"
    text = f"{START}system\n{JUDGE}{END}\n{START}user\n{body}{ranking_end(kind)}"
    return Prompt(text, (*first, *second))


def ranking_end(kind: Kind) -> str:
    """What stands after the document; it is never cut."""
    return f"{END}\n{ASSISTANT}" + ("" if kind == "vision" else "<think>\n\n</think>\n\n")


def turns(messages: Conversation, form: dict[str, Any] | None, kind: Kind) -> tuple[list[dict[str, Any]], list[bytes]]:
    """A conversation as a checkpoint's chat template takes it, and the pictures in it. form: a schema to keep to."""
    found: list[dict[str, Any]] = []
    pictures: list[bytes] = []
    for message in messages:
        parts: list[dict[str, Any]] = []
        for part in [message.content] if isinstance(message.content, str) else message.content:
            if isinstance(part, ImagePart):
                pictures.append(picture_bytes(part.image_url.url))
                parts.append({"type": "image"})
            else:
                text = part if isinstance(part, str) else part.text
                parts.append({"type": "text", "text": harmless(text)})
        found.append({"role": message.role, "content": parts})
    if form is not None:
        rule = f"{JSON_ONLY}, of this schema: {form}" if form else JSON_ONLY
        found[-1]["content"].append({"type": "text", "text": f"\n{rule}."})
    if kind == "vision":
        return found, pictures
    if pictures:
        raise BadInput("this network takes texts only")
    plain = [{**turn, "content": "".join(part["text"] for part in turn["content"])} for turn in found]
    return plain, []


def opened(pictures: Sequence[bytes]) -> list[Image.Image]:
    """The pictures, decoded upright and on white."""
    return [open_picture(data) for data in pictures]


def _parts(given: str | Content) -> Any:
    return given if isinstance(given, str) else given.content


def _content(content: Any) -> tuple[str, list[Image.Image]]:
    """Text with a mark for each picture, in the order in which they came; and the pictures."""
    if isinstance(content, str):
        return harmless(content), []
    texts, pictures = [], []
    for part in content:
        if isinstance(part, ImagePart):
            pictures.append(open_picture(picture_bytes(part.image_url.url)))
            texts.append(VISION)
        else:
            texts.append(harmless(part.text))
    return "".join(texts), pictures
