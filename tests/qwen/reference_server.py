"""A server that speaks vLLM's wire and does nothing clever: the plain way through the genuine classes, one by one.

It knows nothing of searchsite. Prompts are rendered by the checkpoint's own chat template, pictures go through the
genuine processor, and rows through the network alone.
"""

from __future__ import annotations

import base64
import io
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from tests.qwen import operators  # isort: skip # before transformers
from transformers import AutoProcessor, AutoTokenizer, Qwen3ForCausalLM, Qwen3VLForConditionalGeneration

RERANK = """<|im_start|>system
Judge whether the Document meets the requirements based on the Query and the Instruct provided. \
Note that the answer can only be "yes" or "no".<|im_end|>
<|im_start|>user
<Instruct>: {instruction}<Query>:{query}
<Document>:{document}<|im_end|>
<|im_start|>assistant
"""
PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"
USUAL = "Given a search query, retrieve relevant candidates that answer the query."


class Reference:
    """The checkpoint, and what vLLM would answer with it."""

    def __init__(self, path: Path) -> None:
        assert operators
        self.sees = json.loads((path / "config.json").read_text())["model_type"] == "qwen3_vl"
        self.words = AutoTokenizer.from_pretrained(path)
        if self.sees:
            self.processor = AutoProcessor.from_pretrained(path)
        kind = Qwen3VLForConditionalGeneration if self.sees else Qwen3ForCausalLM
        self.network = kind.from_pretrained(path, dtype=torch.float32).eval()
        self.lock = threading.Lock()

    def tensors(self, prompt: str, pictures: list[Image.Image], *, special: bool) -> dict[str, Any]:
        if not self.sees:
            return dict(self.words([prompt], return_tensors="pt", add_special_tokens=special))
        shown = {"images": pictures} if pictures else {}
        return dict(self.processor(text=[prompt], return_tensors="pt", add_special_tokens=special, **shown))

    def vector(self, prompt: str, pictures: list[Image.Image], *, special: bool, dimensions: int | None) -> Any:
        given = self.tensors(prompt, pictures, special=special)
        with self.lock, torch.inference_mode():
            state = self.network.model(**given).last_hidden_state[0, -1]
        return torch.nn.functional.normalize(state[:dimensions], dim=0).numpy(), given["input_ids"].shape[1]

    def embeddings(self, body: dict[str, Any]) -> dict[str, Any]:
        if "messages" in body:
            talks = body["messages"]
            talks = [talks] if isinstance(talks[0], dict) else talks
            rows = [(self.rendered(talk, body), pictures_in(talk)) for talk in talks]
            special = body.get("add_special_tokens", False)
        else:
            texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
            rows, special = [(text, []) for text in texts], body.get("add_special_tokens", True)
        found = [
            self.vector(prompt, pictures, special=special, dimensions=body.get("dimensions"))
            for prompt, pictures in rows
        ]
        data = [
            {"index": place, "object": "embedding", "embedding": coded(vector, body.get("encoding_format", "float"))}
            for place, (vector, _) in enumerate(found)
        ]
        return {"object": "list", "model": body["model"], "data": data[::-1], "usage": usage(sum(n for _, n in found))}

    def rendered(self, talk: list[dict[str, Any]], body: dict[str, Any]) -> str:
        flags = {name: body.get(name, False) for name in ("add_generation_prompt", "continue_final_message")}
        text: str = self.words.apply_chat_template(talk, tokenize=False, **flags)
        return text

    def rerank(self, body: dict[str, Any]) -> dict[str, Any]:
        scores, tokens = [], 0
        for document in body["documents"]:
            query, seen = flat(body["query"])
            text, shown = flat(document)
            prompt = RERANK.format(instruction=body.get("instruction") or USUAL, query=query, document=text)
            given = self.tensors(prompt, seen + shown, special=False)
            with self.lock, torch.inference_mode():
                logits = self.network(**given).logits[0, -1]
            yes, no = (self.words.convert_tokens_to_ids(word) for word in ("yes", "no"))
            scores.append(float(torch.sigmoid(logits[yes] - logits[no])))
            tokens += given["input_ids"].shape[1]
        order = sorted(range(len(scores)), key=lambda place: -scores[place])
        results = [{"index": place, "document": {"text": None}, "relevance_score": scores[place]} for place in order]
        return {"id": "rerank-1", "model": body["model"], "results": results, "usage": usage(tokens)}

    def chat(self, body: dict[str, Any]) -> dict[str, Any]:
        """The likeliest answer, token by token without a cache."""
        flags = body.get("chat_template_kwargs", {})
        talk = body["messages"] if self.sees else [{**one, "content": flat(one)[0]} for one in body["messages"]]
        prompt = self.words.apply_chat_template(talk, tokenize=False, add_generation_prompt=True, **flags)
        given = self.tensors(prompt, pictures_in(body["messages"]), special=False)
        said: list[int] = []
        ends = {self.words.convert_tokens_to_ids(mark) for mark in ("<|im_end|>", "<|endoftext|>")}
        with self.lock, torch.inference_mode():
            while len(said) < body["max_tokens"] and not (said and said[-1] in ends):
                said.append(int(self.network(**given).logits[0, -1].argmax()))
                given = longer(given, said[-1])
        text = self.words.decode(said, skip_special_tokens=True)
        finish = "stop" if said[-1] in ends else "length"
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
        return {"id": "chatcmpl-1", "model": body["model"], "choices": [choice], "usage": usage(1)}


def longer(given: dict[str, Any], token: int) -> dict[str, Any]:
    """The same row with one token more."""
    added = dict(given)
    for name, value in (("input_ids", token), ("attention_mask", 1), ("mm_token_type_ids", 0)):
        if name in added:
            added[name] = torch.cat([added[name], torch.tensor([[value]], dtype=added[name].dtype)], dim=1)
    return added


def flat(entry: Any) -> tuple[str, list[Image.Image]]:
    """Text with marks for pictures, and the pictures, of a string or of parts."""
    if isinstance(entry, str):
        return entry, []
    parts = entry["content"]
    if isinstance(parts, str):
        return parts, []
    text = "".join(PICTURE if part["type"] == "image_url" else part["text"] for part in parts)
    return text, pictures_in([entry])


def pictures_in(talk: list[dict[str, Any]]) -> list[Image.Image]:
    parts = [part for turn in talk if isinstance(turn["content"], list) for part in turn["content"]]
    urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    return [Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB") for url in urls]


def coded(vector: Any, encoding: str) -> Any:
    return base64.b64encode(np.asarray(vector, "<f4").tobytes()).decode() if encoding == "base64" else vector.tolist()


def usage(tokens: int) -> dict[str, int]:
    return {"prompt_tokens": tokens, "total_tokens": tokens}


class Handler(BaseHTTPRequestHandler):
    """Answers as vLLM does, as far as the tests ask."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        entry = {"id": self.server.name, "object": "model", "created": int(time.time()), "root": self.server.name}
        self.answer({"object": "list", "data": [{**entry, "max_model_len": 8192}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        verbs = {"embeddings": "embeddings", "rerank": "rerank", "completions": "chat"}
        try:
            self.answer(getattr(self.server.reference, verbs[self.path.rpartition("/")[2]])(body))
        except (TypeError, ValueError) as error:  # pictures for a network that reads texts alone
            self.answer({"error": {"message": str(error), "type": "BadRequestError", "param": None, "code": 400}}, 400)

    def answer(self, found: Any, status: int = 200) -> None:
        data = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    """The reference behind HTTP on a free port."""

    def __init__(self, path: Path, name: str) -> None:
        self.reference = Reference(path)
        self.name = name
        super().__init__(("127.0.0.1", 0), Handler)


if __name__ == "__main__":
    here = Server(Path(sys.argv[1]), sys.argv[2])
    sys.stdout.write(f"http://127.0.0.1:{here.server_port}\n")
    sys.stdout.flush()
    here.serve_forever()
