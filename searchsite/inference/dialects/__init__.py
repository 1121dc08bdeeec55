"""What servers want to hear and how they answer, one module a dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from searchsite.inference.dialects.base import Dialect
from searchsite.inference.dialects.dashscope import DashScope
from searchsite.inference.dialects.llamacpp import LlamaCpp
from searchsite.inference.dialects.openai import OpenAI
from searchsite.inference.dialects.openrouter import OpenRouter
from searchsite.inference.dialects.searchsite import Searchsite
from searchsite.inference.dialects.sglang import SGLang
from searchsite.inference.dialects.vllm import VLLM

_KNOWN: Mapping[str, Dialect] = {
    one.name: one for one in (Searchsite(), VLLM(), SGLang(), OpenRouter(), OpenAI(), LlamaCpp(), DashScope())
}


def by_name(name: str, *, pinned: Sequence[str] = ()) -> Dialect:
    """The dialect of this name. pinned: the providers that a dialect of many providers may choose from."""
    return OpenRouter(pinned) if name == OpenRouter.name else _KNOWN[name]
