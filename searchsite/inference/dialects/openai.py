"""The shapes that most servers share: OpenAI's embeddings of texts, and its chat.

As a dialect of its own it is for any server of that kind, pictures included where trying shows that one takes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from searchsite.inference.dialects.base import ChatTask, Chunk, Dialect, EmbedTask, Json, Offer, Reply, Request, Spent
from searchsite.inference.dialects.faults import code_in, error_for, quoted, wait_in
from searchsite.inference.dialects.rows import spent_in, vectors_in
from searchsite.inference.dialects.thinking import split
from searchsite.inference.errors import BadAnswer, InferenceError, NotOffered, Refused, ServerFailed
from searchsite.inference.prompts import harmless, instruction_for, prompt_for, render
from searchsite.inference.types import EmbedInput, Message, Purpose, Vectors
from searchsite.inference.wire import data_url, input_index

NAMED = 10
"""Networks that a refusal names."""
MOST_NETWORKS = 5_000
FORM = "form"
EMBEDDINGS = "/v1/embeddings"
CHAT = "/v1/chat/completions"


class OpenAI(Dialect):
    """A server that speaks OpenAI's API."""

    name: ClassVar[str] = "openai"
    encoding: ClassVar[str] = "float"
    unit: ClassVar[bool] = False
    """Whether its vectors are known to have length one."""

    def networks(self, answer: Any) -> list[str]:
        return [str(entry["id"]) for entry in self._entries(answer)]

    def offer(self, answer: Any, network: str) -> Offer:
        entry = next((one for one in self._entries(answer) if one["id"] == network), None)
        if entry is None:
            raise not_offered(network, self.networks(answer))
        return self._offer(entry, network)

    def _offer(self, entry: Json, network: str) -> Offer:
        root = entry["root"] if isinstance(entry.get("root"), str) else ""
        # Under another name, the weights still tell the prompt.
        known = prompt_for(network)
        return Offer(network, known if known != "plain" else prompt_for(root), revision=root)

    def forms(self, offer: Offer) -> Sequence[Offer]:
        return tuple(replace(offer, details={**offer.details, FORM: form}) for form in ("messages", "parts"))

    def embed(self, task: EmbedTask, inputs: Sequence[EmbedInput]) -> Request:
        if all(entry.picture is None for entry in inputs):
            return Request(EMBEDDINGS, {**self.head(task), "input": prompts(task, inputs)})
        if task.offer.details.get(FORM) == "parts":
            return Request(EMBEDDINGS, {**self.head(task), "input": [{"content": parts(one)} for one in inputs]})
        return Request(EMBEDDINGS, {**self.head(task), **conversations(task, inputs)})

    def vectors(self, answer: Any, count: int) -> tuple[Vectors, Spent]:
        rows = answer.get("data") if isinstance(answer, dict) else None
        return vectors_in(rows, count, unit=self.unit), spent_in(rows and answer.get("usage"))

    def chat(self, task: ChatTask) -> Request:
        turns = list(task.messages)
        if task.thinking is False and "qwen3" in task.network.lower() and "-vl-" not in task.network.lower():
            # The soft switch: a server of no known kind may refuse a field that it does not know.
            turns[-1] = replace(turns[-1], text=f"{turns[-1].text} /no_think")
        head = {**chat_head(task), "max_tokens": task.most_tokens}
        return Request(CHAT, {**head, "messages": [turn(message) for message in turns]})

    def reply(self, answer: Any) -> Reply:
        choice = _choice(answer)
        message = choice.get("message") if choice else None
        if not isinstance(message, dict):
            raise BadAnswer("the answer holds no message")
        text, thinking = split(_text(message.get("content")))
        finish = choice.get("finish_reason") if choice else None
        if finish == "error":
            raise ServerFailed("the network failed while it answered")
        if not text and message.get("refusal"):
            finish = "content_filter"
        spent = spent_in(answer.get("usage"))
        return Reply(text, finish if isinstance(finish, str) else "other", spent, thinking or _thought(message))

    def chunk(self, event: Any) -> Chunk | None:
        fault = self.fault(200, event, None)
        if fault is not None:
            raise fault
        if not isinstance(event, dict):
            raise BadAnswer("an event of the stream is not an object")
        choice = _choice(event)
        spent = spent_in(event["usage"]) if isinstance(event.get("usage"), dict) else None
        delta = choice.get("delta") if choice else None
        delta = delta if isinstance(delta, dict) else {}
        finish = choice.get("finish_reason") if choice else None
        if finish == "error":
            raise ServerFailed("the network failed while it answered")
        found = Chunk(_text(delta.get("content")), _thought(delta), finish if isinstance(finish, str) else None, spent)
        return None if found == Chunk() else found

    def fault(self, status: int, answer: Any, retry_after: str | None) -> InferenceError | None:
        said = _fault(answer)
        if status < 300 and said is None:
            return None
        if isinstance(said, dict):
            code, message, param = (said.get(name) for name in ("code", "message", "param"))
        else:
            code, message, param = None, said, None
        if status < 300:
            status = code_in(code) or status
        place = input_index(param) if isinstance(param, str) else None
        return error_for(status, quoted(message or f"status {status}"), wait=wait_in(retry_after), place=place)

    def head(self, task: EmbedTask) -> Json:
        """The fields of every request for vectors."""
        head: Json = {"model": task.offer.network, "encoding_format": self.encoding}
        return head if task.dimensions is None else {**head, "dimensions": task.dimensions}

    def _entries(self, answer: Any) -> list[Json]:
        entries = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(entries, list):
            raise BadAnswer("the list of networks is not one")
        return [one for one in entries[:MOST_NETWORKS] if isinstance(one, dict) and isinstance(one.get("id"), str)]


def not_offered(network: str, offered: Sequence[str]) -> NotOffered:
    """The refusal of a network that a server does not have: names close to it come first."""
    word = network.rpartition("/")[2].lower().partition("-")[0]
    ordered = sorted(offered, key=lambda name: word not in name.lower())
    named = ", ".join(quoted(name) for name in ordered[:NAMED]) or "nothing"
    more = f" and {len(offered) - NAMED} more" if len(offered) > NAMED else ""
    return NotOffered(f"{network} is not offered there; offered: {named}{more}")


def prompts(task: EmbedTask, inputs: Sequence[EmbedInput]) -> list[str]:
    """Texts as whole prompts: any server tokenises them alike, and takes many in one request."""
    system = instruction_for(task.purpose, task.instruction, task.offer.prompt)
    return [render(task.offer.prompt, one.text or "", purpose=task.purpose, system=system) for one in inputs]


def conversations(task: EmbedTask, inputs: Sequence[EmbedInput]) -> Json:
    """Inputs with pictures as conversations: a list of them only where the server takes several."""
    talks = [conversation(one, purpose=task.purpose, instruction=task.instruction) for one in inputs]
    if len(talks) > task.offer.conversations:
        raise Refused(f"{task.offer.network} takes {task.offer.conversations} picture(s) a request")
    # Without these two the end of the prompt, where the vector is taken from, is left off.
    flags = {"add_generation_prompt": True, "add_special_tokens": True}
    return {**flags, "messages": talks if task.offer.conversations > 1 else talks[0]}


def conversation(entry: EmbedInput, *, purpose: Purpose, instruction: str | None) -> list[Json]:
    """The instruction as the system's turn, then the input as the user's."""
    system = {"role": "system", "content": [{"type": "text", "text": instruction_for(purpose, instruction)}]}
    return [system, {"role": "user", "content": parts(entry)}]


def parts(entry: EmbedInput) -> list[Json]:
    """The parts of one input: the picture always stands before the text."""
    found: list[Json] = []
    if entry.picture is not None:
        found.append({"type": "image_url", "image_url": {"url": data_url(entry.picture)}})
    if entry.text:
        found.append({"type": "text", "text": harmless(entry.text)})
    return found


def turn(message: Message) -> Json:
    """One turn of a conversation."""
    if not message.pictures:
        return {"role": message.role, "content": harmless(message.text)}
    pictures = [part for picture in message.pictures for part in parts(EmbedInput(picture=picture))]
    text = [{"type": "text", "text": harmless(message.text)}] if message.text else []
    return {"role": message.role, "content": [*pictures, *text]}


def chat_head(task: ChatTask) -> Json:
    """The fields of a chat that all servers know."""
    head: Json = {"model": task.network, "temperature": task.temperature}
    if task.top_p is not None:
        head["top_p"] = task.top_p
    if task.schema is not None:
        shape = {"name": task.schema_name, "strict": True, "schema": task.schema}
        head["response_format"] = {"type": "json_schema", "json_schema": shape}
    if task.stream:
        head |= {"stream": True, "stream_options": {"include_usage": True}}
    return head


def _fault(answer: Any) -> Any:
    """The error in an answer, nested or flat; None where there is none."""
    if not isinstance(answer, dict):
        return None
    if answer.get("object") == "error":
        return answer
    return answer.get("error")


def _choice(answer: Any) -> Json | None:
    choices = answer.get("choices") if isinstance(answer, dict) else None
    return choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else None


def _text(content: Any) -> str:
    """The text of a message, which some servers send in parts."""
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _thought(message: Json) -> str:
    return _text(message.get("reasoning")) or _text(message.get("reasoning_content"))
