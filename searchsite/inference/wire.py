"""The shapes of the wire: what the server accepts and what it answers. The vLLM dialect, with a few fields more."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, Field

from searchsite.inference.errors import BadInput
from searchsite.inference.types import Picture, Reading, Vectors

Answer = TypeVar("Answer")
MOST_INPUTS = 64
"""Inputs in one request."""
MOST_CHARACTERS = 200_000
"""Characters of one text. The engine reads far fewer; this bounds what is parsed."""

Text = Annotated[str, Field(max_length=MOST_CHARACTERS)]


class ImageUrl(BaseModel):
    url: str


class TextPart(BaseModel):
    type: Literal["text"]
    text: Text


class ImagePart(BaseModel):
    type: Literal["image_url"]
    image_url: ImageUrl


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]


class Message(BaseModel):
    role: Literal["system", "user", "assistant"]
    content: Text | list[Part]


Conversation = list[Message]


class EmbeddingsRequest(BaseModel):
    """`POST /v1/embeddings`: texts in `input`, or a conversation (or a list of them) in `messages`."""

    model: str | None = None
    input: Text | Annotated[list[Text], Field(min_length=1, max_length=MOST_INPUTS)] | None = None
    messages: (
        Annotated[Conversation, Field(min_length=1)]
        | Annotated[list[Conversation], Field(min_length=1, max_length=MOST_INPUTS)]
        | None
    ) = None
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Annotated[int, Field(ge=1)] | None = None
    priority: int = 0
    # How a conversation's prompt ends. Left out, it ends as the embedder was trained.
    add_generation_prompt: bool | None = None
    add_special_tokens: bool | None = None
    continue_final_message: bool = False


class ReadRequest(BaseModel):
    """`POST /v1/read`: pictures as data URLs; `text` false asks for tags alone."""

    model: str | None = None
    pictures: Annotated[list[ImageUrl], Field(min_length=1, max_length=MOST_INPUTS)]
    text: bool = True


def data_url(picture: Picture) -> str:
    """The picture as a data: URL."""
    return f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode()}"


def picture_bytes(url: str) -> bytes:
    """The bytes in a data: URL. No other address is ever fetched."""
    head, comma, data = url.partition(",")
    if not comma or not head.startswith("data:image/") or not head.endswith(";base64"):
        raise BadInput("a picture must be a data: URL with base64 data")
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise BadInput("the picture's base64 data is broken") from None


def conversations(messages: Conversation | list[Conversation]) -> list[Conversation]:
    """The conversations of a request that holds one, or a list of them."""
    return [messages] if isinstance(messages[0], Message) else messages


def conversation_input(conversation: Conversation) -> tuple[str, bytes | None]:
    """The text and the picture of the user's messages; what system and assistant say is left aside."""
    texts: list[str] = []
    urls: list[str] = []
    for message in conversation:
        if message.role != "user":
            continue
        if isinstance(message.content, str):
            texts.append(message.content)
            continue
        texts += [part.text for part in message.content if isinstance(part, TextPart)]
        urls += [part.image_url.url for part in message.content if isinstance(part, ImagePart)]
    if len(urls) > 1:
        raise BadInput("an input holds one picture at most")
    return "\n".join(texts).strip(), picture_bytes(urls[0]) if urls else None


def embedding(vector: Vectors, encoding: str) -> str | list[float]:
    """A vector as numbers, or as base64 of little-endian float32."""
    if encoding == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return [float(number) for number in vector.astype(np.float32)]


def reading(found: Reading, index: int) -> dict[str, Any]:
    """One element of the answer to `POST /v1/read`."""
    return {
        "index": index,
        "object": "reading",
        "text": found.text,
        "words": [{"text": word.text, "box": [round(side, 5) for side in word.box]} for word in found.words],
        "tags": [{"label": label, "probability": round(probability, 4)} for label, probability in found.tags],
    }


def error(message: str, code: int, *, kind: str = "BadRequestError", param: str | None = None) -> dict[str, Any]:
    """vLLM's error shape."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def blame(index: int, work: Callable[[], Answer]) -> Answer:
    """Do the work; where the input is bad, say which one."""
    try:
        return work()
    except BadInput as error:
        raise BadInput(error.message, index=index) from error


def input_name(index: int) -> str:
    """How an error names the input it is about."""
    return f"input[{index}]"


def input_index(param: str) -> int | None:
    """The place that `input_name` put into an error."""
    found = re.fullmatch(r"(?:input|messages)\[(\d{1,4})\]", param)
    return int(found[1]) if found else None


def listing(entries: Sequence[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    """The list envelope of the dialect."""
    return {"object": "list", **fields, "data": list(entries)}
