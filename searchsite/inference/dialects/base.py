"""What every dialect offers to the client: requests out of typed inputs, typed values out of answers.

A dialect is stateless and does no input or output itself. docs/adding-a-provider.md tells how to add one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from searchsite.inference.errors import InferenceError, Refused
from searchsite.inference.prompts import Prompt
from searchsite.inference.types import EmbedderInfo, EmbedInput, Message, Picture, Purpose, Reading, Vectors

Json = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One HTTP request: a path after the server's address (without its /v1), and the body; no body means GET."""

    path: str
    payload: Json | None = None


@dataclass(frozen=True)
class Spent:
    """What an answer says it cost: tokens sent and made, and US dollars where the provider tells."""

    tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None


@dataclass(frozen=True)
class Offer:
    """What a server says of one network. `info` is missing where it must be found out by asking for vectors."""

    network: str
    prompt: Prompt
    revision: str = ""
    conversations: int = 1
    """Inputs with pictures that one request may hold."""
    priority: bool = False
    info: EmbedderInfo | None = None
    modalities: frozenset[str] | None = None
    """What it takes (text, image), where the server says so; None: only trying shows."""
    details: Json = field(default_factory=dict)
    """What else of it the dialect needs later, such as a marker for pictures."""


@dataclass(frozen=True)
class EmbedTask:
    """What to embed for, with what, and how short."""

    offer: Offer
    purpose: Purpose
    instruction: str | None = None
    dimensions: int | None = None
    """Ask the server to cut vectors to this length; the client cuts and renormalises whatever comes."""


@dataclass(frozen=True)
class ChatTask:
    """A conversation to go on. `schema`: the answer must be JSON of this shape. `thinking`: may it think first?"""

    network: str
    messages: Sequence[Message]
    most_tokens: int
    temperature: float = 0.0
    top_p: float | None = None
    top_k: int | None = None
    schema: Json | None = None
    schema_name: str = "answer"
    thinking: bool | None = None
    stream: bool = False


@dataclass(frozen=True)
class Reply:
    """A whole answer of a chat. finish: stop, length, content_filter, other, or what else the server says."""

    text: str
    finish: str
    spent: Spent = Spent()
    thinking: str = ""


@dataclass(frozen=True)
class Chunk:
    """What one event of a streamed chat says. What was spent may come after the event that has `finish`."""

    text: str = ""
    thinking: str = ""
    finish: str | None = None
    spent: Spent | None = None


class Dialect(ABC):
    """How one kind of server wants to be asked, and how it answers."""

    name: ClassVar[str]
    most_texts: ClassVar[int] = 32
    """Texts in one request."""
    most_bytes: ClassVar[int] = 16 * 2**20
    """Bytes of pictures and texts in one request."""

    def headers(self, key: str | None) -> dict[str, str]:
        """Headers beside those of every request; the key goes nowhere else."""
        return {} if key is None else {"Authorization": f"Bearer {key}"}

    def catalogue(self, *, embedding: bool) -> Request | None:
        """The request for the list of networks; None where the server has no such list."""
        return Request("/v1/models")

    @abstractmethod
    def networks(self, answer: Any) -> list[str]:
        """The names in the answer to `catalogue`. Raises BadAnswer."""

    @abstractmethod
    def offer(self, answer: Any, network: str) -> Offer:
        """Find a network in the answer to `catalogue` (None where it has none).

        Raises NotOffered, naming what is there, or BadAnswer.
        """

    def about(self, offer: Offer) -> Request | None:
        """A second question about a network that embeds, where the list tells too little."""
        return None

    def learned(self, offer: Offer, answer: Any) -> Offer:
        """The offer with what the answer to `about` adds."""
        return offer

    def forms(self, offer: Offer) -> Sequence[Offer]:
        """Ways to send a picture, best first. Where there are several, the first that yields a vector is kept."""
        return (offer,)

    @abstractmethod
    def embed(self, task: EmbedTask, inputs: Sequence[EmbedInput]) -> Request:
        """A request for the vectors of inputs that are either all texts, or all hold a picture."""

    @abstractmethod
    def vectors(self, answer: Any, count: int) -> tuple[Vectors, Spent]:
        """Unit vectors in the order of the inputs, all of one length. Raises BadAnswer for anything less."""

    def read(self, network: str, picture: Picture, *, text: bool) -> Request:
        """A request for the text and tags of a picture."""
        raise Refused(f"{self.name} servers do not read pictures")

    def readings(self, answer: Any, count: int) -> list[Reading]:
        """What was read, in the order of the pictures. Raises BadAnswer."""
        raise Refused(f"{self.name} servers do not read pictures")

    def chat(self, task: ChatTask) -> Request:
        """A request to continue a conversation."""
        raise Refused(f"{self.name} servers do not chat")

    def reply(self, answer: Any) -> Reply:
        """The whole answer of a chat, without what it thought before. Raises BadAnswer, or the error it carries."""
        raise Refused(f"{self.name} servers do not chat")

    def chunk(self, event: Any) -> Chunk | None:
        """One parsed event of a streamed chat, or None where it says nothing. Raises BadAnswer, or what it carries.

        Thoughts may stand in the text between tags: put the texts of a stream through `thinking.Splitter`.
        """
        raise Refused(f"{self.name} servers do not chat")

    def rerank(self, network: str, query: EmbedInput, documents: Sequence[EmbedInput], instruction: str) -> Request:
        """A request for the relevance of documents to a query. An answer may hold all documents once more."""
        raise Refused(f"{self.name} servers do not rerank")

    def scores(self, answer: Any, count: int) -> tuple[tuple[float, ...], Spent]:
        """Relevance 0..1 in the order of the documents. Raises BadAnswer."""
        raise Refused(f"{self.name} servers do not rerank")

    @abstractmethod
    def fault(self, status: int, answer: Any, retry_after: str | None) -> InferenceError | None:
        """The error that an answer is or carries, also inside a 200; None where it carries none.

        `answer` is the parsed JSON or None. The message quotes what the server said, cut; the transport masks keys
        and puts the server's name before it.
        """
