"""The shapes of the requests that only the Qwen3 networks answer: chat, reranking, counting tokens. As vLLM's."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from searchsite.inference.wire import MOST_INPUTS, Conversation, Part, Text

MOST_TURNS = 64
MOST_NEW_TOKENS = 32_768

Turns = Annotated[Conversation, Field(min_length=1, max_length=MOST_TURNS)]


class Content(BaseModel):
    """A text and pictures as one query or one document."""

    content: list[Part]


class RerankRequest(BaseModel):
    """`POST /v1/rerank`."""

    model: str
    query: Text | Content
    documents: Annotated[list[Text | Content], Field(min_length=1, max_length=MOST_INPUTS)]
    instruction: Text | None = None
    top_n: Annotated[int, Field(ge=1)] | None = None
    priority: int = 0


class _Shape(BaseModel):
    shape: dict[str, Any] = Field(alias="schema")


class Format(BaseModel):
    """What form an answer must have."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: _Shape | None = None


class _StreamOptions(BaseModel):
    include_usage: bool = False


class _Template(BaseModel):
    enable_thinking: bool | None = None


class ChatRequest(BaseModel):
    """`POST /v1/chat/completions`."""

    model: str
    messages: Turns
    max_tokens: Annotated[int, Field(ge=1, le=MOST_NEW_TOKENS)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=MOST_NEW_TOKENS)] | None = None
    temperature: Annotated[float, Field(ge=0, le=5, allow_inf_nan=False)] = 0.7
    top_p: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.8
    top_k: Annotated[int, Field(ge=-1)] = 20
    response_format: Format | None = None
    chat_template_kwargs: _Template = _Template()
    stream: bool = False
    stream_options: _StreamOptions = _StreamOptions()
    priority: int = 0


class TokenizeRequest(BaseModel):
    """`POST /tokenize`: a prompt as it stands, or a conversation with the flags of `/v1/embeddings`."""

    model: str
    prompt: Text | None = None
    messages: Turns | None = None
    add_generation_prompt: bool = True
    add_special_tokens: bool = True
    continue_final_message: bool = False
