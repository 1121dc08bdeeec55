"""`manage.py verify_qwen` tells networks that answer as published from those that don't."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from searchsite.config import ROOT
from searchsite.inference.qwen import published

PICTURES = ("demo.jpeg", "img_0.png", "img_6.png", "img_7.png", "img_9.png", "cat_snow.jpg")
COSINES = {
    ("demo.jpeg", published.TRUST): 0.7650,
    ("demo.jpeg", "both"): 0.8239,
    (published.TRUST, "both"): 0.8473,
    ("demo.jpeg", published.BEACH): 0.7156,
    (published.TRUST, published.BEACH): 0.7896,
    ("both", published.BEACH): 0.7236,
    ("img_0.png", published.MOPED.strip()): 0.5218,
    ("img_6.png", published.BATHROOM.strip()): 0.5184,
    ("img_7.png", published.BATHROOM.strip()): 0.4750,
    ("img_9.png", published.BATHROOM.strip()): 0.4571,
}
SCORES = {(True, False): 0.1004, (False, True): 0.7424, (True, True): 0.5299}


def picture(number: int) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((64, 32 * number + 64)).convert("RGB").save(file, "PNG")
    return file.getvalue()


def vectors() -> dict[str, Any]:
    """Vectors that stand to each other as published, that of the demo picture with its published beginning."""
    names = list(dict.fromkeys(name for pair in COSINES for name in pair))
    angles = np.eye(len(names))
    for (one, other), cosine in COSINES.items():
        angles[names.index(one), names.index(other)] = angles[names.index(other), names.index(one)] = cosine
    axes = np.zeros((len(names), 2048))
    axes[0, : len(published.DEMO_BEGINS)] = published.DEMO_BEGINS
    axes[0] /= np.linalg.norm(axes[0])
    axes[1:, 100 : 99 + len(names)] = np.eye(len(names) - 1)
    return dict(zip(names, np.linalg.cholesky(angles) @ axes, strict=True))


class Publisher(BaseHTTPRequestHandler):
    """Speaks vLLM's wire and answers as published; at `wrong`, all scores and vectors are another's."""

    protocol_version = "HTTP/1.1"
    wrong = False
    known = vectors()
    pictures = {picture(number): name for number, name in enumerate(PICTURES)}

    def do_GET(self) -> None:
        self.answer({"data": [{"id": f"Qwen/{name}"} for name in (published.VL, published.RERANKER)]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("rerank"):
            said = json.dumps(body["documents"])
            score = 0.5 if self.wrong else SCORES[published.PRODUCT in said, "image_url" in said]
            results = [{"index": 0, "relevance_score": score}]
            return self.answer({"results": results, "usage": {"prompt_tokens": 81}})
        row = self.vector(body)[: body.get("dimensions")]
        data = [{"index": 0, "embedding": (row / np.linalg.norm(row)).tolist()}]
        return self.answer({"data": data, "usage": {"prompt_tokens": 9}})

    def vector(self, body: dict[str, Any]) -> Any:
        said = json.dumps(body)
        shown = [part["image_url"]["url"] for part in self.parts(body) if part["type"] == "image_url"]
        names = [self.pictures.get(base64.b64decode(url.partition(",")[2]), "") for url in shown]
        names += [name for name in self.known if name in said]
        name = "both" if len(names) > 1 else names[0] if names else ""
        return np.eye(1, 2048)[0] if self.wrong or name not in self.known else self.known[name]

    def parts(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        turns = body.get("messages", [])
        turns = turns[0] if turns and isinstance(turns[0], list) else turns
        return [part for turn in turns for part in turn["content"]]

    def answer(self, found: Any) -> None:
        data = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Liar(Publisher):
    wrong = True


@pytest.fixture
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), request.param) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(PICTURES):
        (tmp_path / name).write_bytes(picture(number))
    return tmp_path


def verify(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "verify_qwen", *words]
    names = {"EMBEDDER": f"Qwen/{published.VL}", "RERANKER": f"Qwen/{published.RERANKER}"}
    environment = os.environ | names | settings
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("address", [Publisher], indirect=True)
def test_what_answers_as_published_passes(address, folder):
    done = verify("--pictures", str(folder), PRESET="vllm", INFERENCE_URL=address)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "15 pass, 0 fail, 4 skipped" in done.stdout and "needs Qwen3-Embedding-0.6B" in done.stdout
    without = verify(PRESET="vllm", INFERENCE_URL=address)
    assert "3 pass, 0 fail, 16 skipped" in without.stdout and "needs demo.jpeg in the folder" in without.stdout


@pytest.mark.parametrize("address", [Liar], indirect=True)
def test_what_answers_otherwise_fails(address, folder):
    done = verify("--pictures", str(folder), PRESET="vllm", INFERENCE_URL=address)
    assert done.returncode == 1 and "14 fail" in done.stdout and "do not answer as published" in done.stderr
    assert "published 0.7896 +- 0.0200" in done.stdout and "Traceback" not in done.stderr


def test_a_server_that_is_away_and_a_folder_that_is_not_there_are_told():
    done = verify(PRESET="vllm", INFERENCE_URL="http://127.0.0.1:9")
    assert done.returncode == 1 and "cannot be reached" in done.stdout and "Traceback" not in done.stderr
    assert "There is no folder" in verify("--pictures", "/nonexistent").stderr
