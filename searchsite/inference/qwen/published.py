"""Numbers that the makers of Qwen3, and of vLLM, published for their weights; each is compared with what is served."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from searchsite.inference.client import Client
from searchsite.inference.errors import InferenceError
from searchsite.inference.stages import Endpoint
from searchsite.inference.types import EmbedInput, Picture, Stage

Outcome = Literal["pass", "fail", "skipped"]
Pictures = Mapping[str, Picture]
VL, TEXT, RERANKER = "Qwen3-VL-Embedding-2B", "Qwen3-Embedding-0.6B", "Qwen3-VL-Reranker-2B"
STAGE_OF: Mapping[str, Stage] = {VL: "embed", TEXT: "embed", RERANKER: "rerank"}
COSINE_TOLERANCE = 0.02
"""What bfloat16, other kernels and a JPEG decoder move: 0.003 between transformers and vLLM as published."""
SCORE_SHARE = 0.05
RERANK_SECONDS = 120.0

RETRIEVE = "Retrieve images or text relevant to the user's query."
DESCRIBED = "Find images matching this description."
WEB = "Given a web search query, retrieve relevant passages that answer the query"
BEACH = "A woman playing with her dog on a beach at sunset."
TRUST = (
    "A woman shares a joyful moment with her golden retriever on a sun-drenched beach at sunset, as the dog offers its"
    " paw in a heartwarming display of companionship and trust."
)
MOPED = "A man with a red helmet on a small moped on a dirt road. "
BATHROOM = "The bathroom is clean and ready to be used. "
CHINA, GRAVITY = "What is the capital of China?", "Explain gravity"
BEIJING = "The capital of China is Beijing."
FORCE = (
    "Gravity is a force that attracts two bodies towards each other. It gives weight to physical objects and is"
    " responsible for the movement of planets around the sun."
)
SNOW, PRODUCT = "A cat standing in the snow.", "This product was excellent and exceeded my expectations."
DEMO, CAT = "demo.jpeg", "cat_snow.jpg"
DEMO_BEGINS = (-0.0717773, -0.0180664, 0.0100098, -0.0055542, -0.0495605, 0.1103516, -0.0361328, -0.0260010)
"""The first numbers of the vector of that picture."""


@dataclass(frozen=True)
class Thing:
    """A text, the name of a picture, or both; with an instruction it is a query."""

    text: str | None = None
    picture: str | None = None
    instruction: str | None = None


Pair = tuple[Thing, Thing]


@dataclass(frozen=True)
class Trial:
    """One published number: of which network, what it is about, and how it is found again."""

    network: str
    about: str
    expected: float
    tolerance: float
    measure: Callable[[Client, Pictures], float]
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """What came out of a trial; `note` says why it failed or was skipped where no number does."""

    trial: Trial
    outcome: Outcome
    value: float | None = None
    note: str = ""


def trials() -> list[Trial]:
    """All published numbers whose inputs are known."""
    beach = Thing(BEACH, instruction=RETRIEVE)
    moped, bathroom = (Thing(text, instruction=DESCRIBED) for text in (MOPED, BATHROOM))
    china, gravity = (Thing(text, instruction=WEB) for text in (CHINA, GRAVITY))
    beijing, force = Thing(BEIJING), Thing(FORCE)
    snow = Thing(SNOW)
    return [
        _cosine(TEXT, "capital of China : Beijing", 0.7646, (china, beijing)),
        _cosine(TEXT, "capital of China : gravity", 0.1414, (china, force)),
        _cosine(TEXT, "gravity : Beijing", 0.1355, (gravity, beijing)),
        _cosine(TEXT, "gravity : gravity", 0.6000, (gravity, force)),
        _cosine(VL, "beach query : text", 0.7896, (beach, Thing(TRUST))),
        _cosine(VL, "beach query : picture", 0.7156, (beach, Thing(picture=DEMO))),
        _cosine(VL, "beach query : text and picture", 0.7236, (beach, Thing(TRUST, DEMO))),
        _cosine(VL, "text : picture", 0.7650, (Thing(TRUST), Thing(picture=DEMO))),
        _cosine(VL, "text : text and picture", 0.8473, (Thing(TRUST), Thing(TRUST, DEMO))),
        _cosine(VL, "picture : text and picture", 0.8239, (Thing(picture=DEMO), Thing(TRUST, DEMO))),
        Trial(VL, "vector of the picture, cosine of its beginning", 1.0, 0.01, _beginning, (DEMO,)),
        _cosine(VL, "moped : img_0", 0.5218, (moped, Thing(picture="img_0"))),
        _cosine(VL, "bathroom : img_6", 0.5184, (bathroom, Thing(picture="img_6"))),
        _cosine(VL, "bathroom : img_7", 0.4750, (bathroom, Thing(picture="img_7"))),
        _cosine(VL, "bathroom : img_9", 0.4571, (bathroom, Thing(picture="img_9"))),
        _score("cat in the snow : a product", 0.10040374, (snow, Thing(PRODUCT))),
        _score("cat in the snow : picture", 0.74237531, (snow, Thing(picture=CAT))),
        _score("cat in the snow : product and picture", 0.52988631, (snow, Thing(PRODUCT, CAT))),
        Trial(RERANKER, "tokens of the text pair", 81, 0, partial(_tokens, snow, Thing(PRODUCT))),
    ]


def compare(client: Client, pictures: Pictures) -> Iterator[Row]:
    """A row for each published number, as it is found."""
    for trial in trials():
        yield _row(client, trial, pictures)


def pictures_in(folder: Path | None) -> dict[str, Picture]:
    """The pictures of a folder, by name and by name without its ending."""
    found: dict[str, Picture] = {}
    for path in sorted(folder.iterdir()) if folder else []:
        kind, _ = mimetypes.guess_type(path.name)
        if kind in ("image/jpeg", "image/png", "image/webp"):
            found[path.name] = found[path.stem] = Picture(path.read_bytes(), kind)
    return found


def _row(client: Client, trial: Trial, pictures: Pictures) -> Row:
    stage = STAGE_OF[trial.network]
    endpoint: Endpoint | None = getattr(client.stages, stage)
    if endpoint is None or endpoint.network.rstrip("/").rpartition("/")[2].lower() != trial.network.lower():
        return Row(trial, "skipped", note=f"needs {trial.network} as the {stage} network")
    missing = [name for name in trial.pictures if name not in pictures]
    if missing:
        return Row(trial, "skipped", note=f"needs {', '.join(missing)} in the folder of pictures")
    try:
        value = trial.measure(client, pictures)
    except InferenceError as error:
        return Row(trial, "fail", note=error.message)
    return Row(trial, "pass" if abs(value - trial.expected) <= trial.tolerance else "fail", value)


def _cosine(network: str, about: str, expected: float, pair: Pair) -> Trial:
    return Trial(network, about, expected, COSINE_TOLERANCE, partial(_angle, *pair), _names(pair))


def _score(about: str, expected: float, pair: Pair) -> Trial:
    return Trial(RERANKER, about, expected, expected * SCORE_SHARE, partial(_relevance, *pair), _names(pair))


def _names(pair: Pair) -> tuple[str, ...]:
    return tuple(thing.picture for thing in pair if thing.picture)


def _angle(one: Thing, other: Thing, client: Client, pictures: Pictures) -> float:
    return float(_vector(client, one, pictures) @ _vector(client, other, pictures))


def _beginning(client: Client, pictures: Pictures) -> float:
    found = _vector(client, Thing(picture=DEMO), pictures)[: len(DEMO_BEGINS)]
    known = np.array(DEMO_BEGINS)
    return float(found @ known / np.linalg.norm(found) / np.linalg.norm(known))


def _relevance(query: Thing, document: Thing, client: Client, pictures: Pictures) -> float:
    given = [_input(thing, pictures) for thing in (query, document)]
    return client.rerank(given[0], given[1:], seconds=RERANK_SECONDS).scores[0]


def _tokens(query: Thing, document: Thing, client: Client, pictures: Pictures) -> float:
    given = [_input(thing, pictures) for thing in (query, document)]
    return client.rerank(given[0], given[1:], seconds=RERANK_SECONDS).usage.tokens


def _vector(client: Client, thing: Thing, pictures: Pictures) -> NDArray[np.float64]:
    how: Literal["query", "document"] = "query" if thing.instruction else "document"
    found = client.embed([_input(thing, pictures)], purpose=how, instruction=thing.instruction)
    vector: NDArray[np.float64] = found.vectors[0].astype(np.float64)
    return vector


def _input(thing: Thing, pictures: Pictures) -> EmbedInput:
    return EmbedInput(thing.text, pictures[thing.picture] if thing.picture else None)
