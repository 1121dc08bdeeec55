"""What an operator can do about a network that fails its check: one or two sentences, with the names of settings."""

from __future__ import annotations

from collections.abc import Mapping

from searchsite.inference.errors import (
    Declined,
    InferenceError,
    NotOffered,
    OutOfBudget,
    Overloaded,
    ServerFailed,
    TooSlow,
    Unauthorised,
    Unreachable,
)
from searchsite.inference.stages import Endpoint
from searchsite.inference.types import Stage

NETWORK_SETTING: Mapping[Stage, str] = {
    "embed": "EMBEDDER",
    "read": "READER",
    "caption": "CAPTIONER",
    "rerank": "RERANKER",
    "answer": "ANSWERER",
}
STARTED: Mapping[str, str] = {
    "searchsite": "Its weights are not those of that network, or are damaged.",
    "vllm": (
        "Start it with `vllm serve {network} --runner pooling --hf-overrides '{{\"is_matryoshka\": true}}'` and with no"
        " --chat-template; whatever stands in between must hand on add_generation_prompt and add_special_tokens."
    ),
    "sglang": (
        "Start it with --is-embedding and with the --chat-template that docs/models.md names: its pictures have no"
        " instruction otherwise."
    ),
    "llamacpp": (
        "Start it with --embedding --pooling last --embd-normalize 2 --image-min-tokens 4 --image-max-tokens 1800, and"
        " with the mmproj file that belongs to the weights."
    ),
}
HOSTED = "This provider does not give {network} the prompt that it was made for: choose another embedder or provider."
WRONG: Mapping[str, str] = {
    "related texts": "The vectors are useless: the server gives texts another template than the network was made for.",
    "related picture": "The vectors are useless: the server gives pictures another template than texts.",
    "picture and words": "The server gives pictures another template than texts, or drops the words beside them.",
    "pictures differ": "The server does not look at pictures: it drops them, or has only their address.",
    "instruction": "The server drops the instruction: it renders a template of its own.",
    "takes pictures": "The server takes no pictures for a network that sees.",
}
UNSTEADY: Mapping[str, str] = {
    "norm": "The server does not normalise its vectors.",
    "same twice": "Something in the server is random, or several different deployments answer: pin one.",
    "batches": "Inputs of one request get each other's vectors, or are padded wrongly: do not index with this server.",
}


def remedy(error: InferenceError, stage: Stage, endpoint: Endpoint) -> str:
    """What to do about an error of this stage."""
    url, key = (setting(stage, name) for name in ("url", "key"))
    if isinstance(error, Unreachable) and not error.answered:
        return "Start searchsite first." if endpoint.is_local else f"Start that server, or mend {url}."
    if isinstance(error, Unauthorised):
        return f"Set {key} to a key of {endpoint.name} that is valid and paid for."
    if isinstance(error, NotOffered):
        return f"Set {NETWORK_SETTING[stage]} to one of those, or {url} to a server that has it."
    if isinstance(error, OutOfBudget):
        return "Raise the budget, or wait until it begins anew."
    if isinstance(error, Overloaded):
        return "Try again later; if it stays so, the server needs more room or the provider a higher limit."
    if isinstance(error, ServerFailed):
        return "The log of that server says why."
    if isinstance(error, Declined):
        return f"It would not take a harmless picture: set {NETWORK_SETTING[stage]} to another network."
    if isinstance(error, TooSlow):
        return "A search would wait as long: look at the server's load, or choose a smaller network."
    return f"Does {url} speak {endpoint.dialect!r}? {setting(stage, 'dialect')} names what it speaks."


def mending(subject: str, endpoint: Endpoint) -> str:
    """What to do about vectors that are not right in this respect."""
    if subject in UNSTEADY:
        return UNSTEADY[subject]
    start = STARTED.get(endpoint.dialect, HOSTED).format(network=endpoint.network)
    return f"{WRONG.get(subject, 'The answer is not what the network would say.')} {start}"


def setting(stage: Stage, name: str) -> str:
    """The environment variables that say this of a stage."""
    own = f"{stage.upper()}_{name.upper()}"
    if stage == "read":
        return f"INFERENCE_{name.upper()}"
    return own if name == "dialect" else f"{own} (or INFERENCE_{name.upper()})"
