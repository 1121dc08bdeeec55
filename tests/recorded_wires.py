"""The shapes of each kind of server: what it refuses, how inputs reach it, and how it answers."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.fake_chat import ranked
from tests.fake_inference import encoded

if TYPE_CHECKING:
    from tests.recorded import Recorded

Json = dict[str, Any]
FLAGS = ("add_generation_prompt", "add_special_tokens")
DASHSCOPE_SIZES = (2560, 2048, 1536, 1024, 768, 512, 256)
DASHSCOPE_MOST = 20


class WrongRequest(Exception):
    """What the genuine server would refuse."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Asked:
    """One input as it came. rendered: its text is a whole prompt. lost: it came so that its vector will be wrong."""

    text: str = ""
    picture: bytes | None = None
    told: str = ""
    rendered: bool = False
    lost: bool = False

    @staticmethod
    def of_url(url: str) -> bytes:
        head, _, data = url.partition(",")
        if not head.startswith("data:image/") or not head.endswith(";base64"):
            raise WrongRequest(422, "only data URLs are taken here")
        return base64.b64decode(data, validate=True)


class Wire:
    """OpenAI's shapes, which most servers begin with."""

    rerank_path = "/v1/rerank"

    def listing(self, server: Recorded, path: str) -> Any:
        entries = [{"id": name, "object": "model", "owned_by": "somebody"} for name in served(server)]
        return {"object": "list", "data": entries} if path == "/v1/models" else None

    def error(self, status: int, message: str) -> tuple[int, Any]:
        return status, {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}

    def check(self, server: Recorded, path: str, body: Json) -> None:
        if body.get("model") not in served(server):
            raise WrongRequest(404, f"The model `{body.get('model')}` does not exist.")

    def asked(self, server: Recorded, path: str, body: Json) -> list[Asked]:
        if path != "/v1/embeddings":
            raise WrongRequest(404, f"there is no {path} here")
        if "messages" in body and server.takes == "messages":
            return [of_conversation(body)]
        given = body.get("input")
        if isinstance(given, list) and given and all(isinstance(one, str) for one in given):
            return [Asked(text, rendered=True) for text in given]
        if isinstance(given, list) and server.takes == "parts" and all("content" in one for one in given):
            return [of_parts(one["content"]) for one in given]
        raise WrongRequest(400, "'input' must be a string or array of strings")

    def embedded(self, server: Recorded, path: str, body: Json, vectors: list[Any]) -> Any:
        wanted = body.get("encoding_format", "float")
        rows = [
            {"object": "embedding", "index": place, "embedding": encoded(one) if wanted == "base64" else one.tolist()}
            for place, one in enumerate(vectors)
        ]
        tokens = len(str(body.get("input", body.get("messages"))).split())
        return {
            "object": "list",
            "model": body["model"],
            "data": rows,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }

    def cut(self, body: Json) -> int | None:
        return body.get("dimensions")

    def ranked(self, body: Json) -> Any:
        return ranked(body)


class VLLM(Wire):
    """Without its two flags, a conversation's vector is taken from the wrong place."""

    def listing(self, server: Recorded, path: str) -> Any:
        entries = [{"id": one, "object": "model", "root": one, "max_model_len": 8192} for one in served(server)]
        return {"object": "list", "data": entries} if path == "/v1/models" else None

    def error(self, status: int, message: str) -> tuple[int, Any]:
        kind = "NotFoundError" if status == 404 else "BadRequestError"
        return status, {"error": {"message": message, "type": kind, "param": None, "code": status}}

    def check(self, server: Recorded, path: str, body: Json) -> None:
        super().check(server, path, body)
        if body.get("dimensions") and not server.cuts:
            raise WrongRequest(400, "Model does not support Matryoshka embeddings; dimensions must be unset")

    def embedded(self, server: Recorded, path: str, body: Json, vectors: list[Any]) -> Any:
        return {"id": "embd-1", "created": 1771737628, **super().embedded(server, path, body, vectors)}


class SGLang(Wire):
    """Pictures are rendered by the template it was started with; errors are flat, scores a bare list."""

    def error(self, status: int, message: str) -> tuple[int, Any]:
        flat = {"object": "error", "message": message, "type": "BadRequestError", "param": None, "code": status}
        return status, flat

    def asked(self, server: Recorded, path: str, body: Json) -> list[Asked]:
        given = body.get("input")
        if not isinstance(given, list) or not given:
            raise WrongRequest(400, "Input cannot be empty")
        if isinstance(given[0], str):
            return super().asked(server, path, body)
        return [
            Asked(one.get("text") or "", Asked.of_url(one["image"]), "Represent the user's input.") for one in given
        ]

    def ranked(self, body: Json) -> Any:
        rows = ranked({**body, "query": parted(body["query"]), "documents": [parted(one) for one in body["documents"]]})
        return [{"score": one["relevance_score"], "index": one["index"], "document": None} for one in rows["results"]]


class OpenRouter(Wire):
    """Its vectors come without an index, with what they cost; no conversation is taken for them."""

    def listing(self, server: Recorded, path: str) -> Any:
        embedder, *others = served(server)
        pictured = "-vl-" in embedder
        lists = {"/v1/embeddings/models": [embedder], "/v1/models": others}
        if path not in lists:
            return None
        inputs = ["text", "image"] if pictured else ["text"]
        return {"data": [{"id": name, "architecture": {"input_modalities": inputs}} for name in lists[path]]}

    def error(self, status: int, message: str) -> tuple[int, Any]:
        return status, {"error": {"message": message, "code": status, "metadata": None}, "user_id": "user_1"}

    def asked(self, server: Recorded, path: str, body: Json) -> list[Asked]:
        given = body.get("input")
        if isinstance(given, list) and given and isinstance(given[0], dict) and "-vl-" in server.embedder:
            return [of_parts(one["content"]) for one in given]
        return super().asked(server, path, body)

    def embedded(self, server: Recorded, path: str, body: Json, vectors: list[Any]) -> Any:
        made = super().embedded(server, path, body, vectors)
        rows = [{"object": "embedding", "embedding": row["embedding"]} for row in made["data"]]
        return {**made, "data": rows, "usage": {**made["usage"], "cost": made["usage"]["total_tokens"] * 1e-8}}

    def ranked(self, body: Json) -> Any:
        if not isinstance(body["query"], str):
            raise WrongRequest(400, "query must be a string")
        return {**ranked(body), "provider": "Somebody", "usage": {"cost": 0.002, "search_units": 1}}


class LlamaCpp(Wire):
    """Pictures go to an address of its own, where one marker must stand for each."""

    def listing(self, server: Recorded, path: str) -> Any:
        if path == "/props":
            return {"media_marker": server.marker, "modalities": {"vision": True, "audio": False}}
        return super().listing(server, path)

    def error(self, status: int, message: str) -> tuple[int, Any]:
        return status, {"error": {"code": status, "message": message, "type": "invalid_request_error"}}

    def check(self, server: Recorded, path: str, body: Json) -> None:
        """It computes with what it was started with, whatever name is asked for."""

    def asked(self, server: Recorded, path: str, body: Json) -> list[Asked]:
        if path != "/embeddings":
            return super().asked(server, path, body)
        return [self._pictured(server, one) for one in body["content"]]

    def _pictured(self, server: Recorded, one: Json) -> Asked:
        prompt, data = one["prompt_string"], one["multimodal_data"]
        if prompt.count(server.marker) != len(data):
            found = prompt.count(server.marker)
            raise WrongRequest(400, f"number of media markers in text ({found}) does not match bitmaps ({len(data)})")
        lost = "<|vision_start|>" in prompt
        text = prompt.replace(server.marker, "")
        return Asked(text, base64.b64decode(data[0]), rendered=not lost, lost=lost)

    def embedded(self, server: Recorded, path: str, body: Json, vectors: list[Any]) -> Any:
        if path != "/embeddings":
            return super().embedded(server, path, {"model": "", **body}, vectors)
        return [{"index": place, "embedding": [(one * 7).tolist()]} for place, one in enumerate(vectors)]

    def cut(self, body: Json) -> int | None:
        return None


class DashScope(Wire):
    """Its own addresses, fields and errors; vectors of the sizes that it knows."""

    rerank_path = "/v1/services/rerank/text-rerank/text-rerank"

    def listing(self, server: Recorded, path: str) -> Any:
        return None

    def error(self, status: int, message: str) -> tuple[int, Any]:
        code = "ModelNotFound" if status == 404 else "InvalidParameter"
        return status, {"code": code, "message": message, "request_id": "r-1"}

    def asked(self, server: Recorded, path: str, body: Json) -> list[Asked]:
        if not path.endswith("/multimodal-embedding/multimodal-embedding"):
            raise WrongRequest(404, f"there is no {path} here")
        contents, parameters = body["input"]["contents"], body["parameters"]
        if len(contents) > DASHSCOPE_MOST or parameters.get("dimension") not in DASHSCOPE_SIZES:
            raise WrongRequest(400, "contents or dimension out of range")
        told = parameters.get("instruct", "")
        pictures = [Asked.of_url(one["image"]) if "image" in one else None for one in contents]
        return [Asked(one.get("text", ""), picture, told) for one, picture in zip(contents, pictures, strict=True)]

    def embedded(self, server: Recorded, path: str, body: Json, vectors: list[Any]) -> Any:
        rows = [{"index": place, "embedding": one.tolist(), "type": "vl"} for place, one in enumerate(vectors)]
        return {"output": {"embeddings": rows}, "usage": {"input_tokens": 9, "image_tokens": 0}, "request_id": "r-1"}

    def cut(self, body: Json) -> int | None:
        found: int | None = body["parameters"].get("dimension")
        return found

    def ranked(self, body: Json) -> Any:
        found = ranked({"model": body["model"], **body["input"]})
        rows = [{"index": one["index"], "relevance_score": one["relevance_score"]} for one in found["results"]]
        return {"output": {"results": rows}, "usage": {"total_tokens": 9}, "request_id": "r-1"}


WIRES: dict[str, type[Wire]] = {
    "openai": Wire,
    "vllm": VLLM,
    "sglang": SGLang,
    "openrouter": OpenRouter,
    "llamacpp": LlamaCpp,
    "dashscope": DashScope,
}


def served(server: Recorded) -> list[str]:
    """The networks that a stand-in has; its embedder is the first."""
    return list(dict.fromkeys((server.embedder, *server.networks)))


def of_conversation(body: Json) -> Asked:
    """One input out of a conversation."""
    told = "".join(part["text"] for turn in body["messages"] if turn["role"] == "system" for part in turn["content"])
    parts = [part for turn in body["messages"] if turn["role"] == "user" for part in turn["content"]]
    found = of_parts(parts)
    lost = found.lost or not all(body.get(flag) is True for flag in FLAGS)
    return Asked(found.text, found.picture, told, lost=lost)


def of_parts(parts: list[Json]) -> Asked:
    """One input out of its parts; with the text before the picture it is another."""
    kinds = [part["type"] for part in parts]
    pictures = [Asked.of_url(part["image_url"]["url"]) for part in parts if part["type"] == "image_url"]
    text = "".join(part["text"] for part in parts if part["type"] == "text")
    return Asked(text, pictures[0] if pictures else None, lost=kinds == ["text", "image_url"])


def parted(document: Any) -> Any:
    """A list of parts as the object that `ranked` knows."""
    return {"content": document} if isinstance(document, list) else document
