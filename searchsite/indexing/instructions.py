"""What an embedder is told a question looks for. Documents always keep the default, so each is embedded once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from searchsite.indexing.models import Space
from searchsite.inference import prompts

Aim = Literal["general", "images", "screenshots", "passages", "similar", "composed"]
"""What a question looks for: anything, photos, screenshots, texts, what is like a picture, and that with a change."""
# As the networks' makers published them, spelling included.
BY_AIM: Mapping[prompts.Prompt, Mapping[Aim, str]] = {
    "plain": {},
    "chat": {
        "general": prompts.DEFAULTS["query"],
        "images": "Find images matching this description.",
        "screenshots": "Find a screenshot that relevant to the user's question.",
        "passages": "Retrieve relevant passages.",
        "similar": "Find a day-to-day image that looks similar to the provided image.",
        "composed": "Retrieve a day-to-day image that aligns with the modification instructions of the provided image.",
    },
    "instruct": {"general": prompts.PASSAGES},
}


def prompt_of(embedder: str, revision: str) -> prompts.Prompt:
    """The prompt an embedder wants. Served under another name, the weights it names as its revision still tell."""
    known = prompts.prompt_for(embedder)
    return known if known != "plain" else prompts.prompt_for(revision)


def usual(embedder: str, revision: str) -> Mapping[Aim, str]:
    """The instructions that a space of this embedder begins with."""
    return BY_AIM[prompt_of(embedder, revision)]


def are_taken(space: Space) -> bool:
    """Whether the space's embedder heeds instructions."""
    return bool(space.instructions or usual(space.embedder, space.revision))


def of(space: Space, aim: Aim) -> str | None:
    """The space's own instruction for an aim, else the usual one; None where it takes none."""
    known = {**usual(space.embedder, space.revision), **space.instructions}
    return known.get(aim) or known.get("general")
