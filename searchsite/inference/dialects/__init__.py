"""What servers want to hear and how they answer, one module a dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from searchsite.inference.dialects.base import Dialect
from searchsite.inference.dialects.openai import OpenAI
from searchsite.inference.dialects.searchsite import Searchsite
from searchsite.inference.dialects.vllm import VLLM

_KNOWN: Mapping[str, type[Dialect]] = {kind.name: kind for kind in (Searchsite, VLLM, OpenAI)}


def by_name(name: str, *, pinned: Sequence[str] = ()) -> Dialect:
    """The dialect of this name. pinned: the providers that a dialect of many providers may choose from."""
    return _KNOWN[name]()
