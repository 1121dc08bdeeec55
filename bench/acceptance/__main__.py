"""`python -m bench.acceptance DATA [--kill]`: put 100 files in, half by API and half by page, and ask 20 questions.

DATA is a folder with the files named in files.txt; `permissive/text/<id>` is the passage of that id in
`permissive/text/manifest.jsonl`. With --kill, worker, broker, inference server and database are killed in turn
while the files are being processed.
"""

from __future__ import annotations

import argparse
import io
import json
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psutil
from PIL import Image, ImageOps

from bench import house

HERE = Path(__file__).parent
VICTIMS = ("celery", "valkey-server", "serve_inference", "postgres")
TOP = 5
PAGE_FORM = {"HX-Request": "true"}


def main() -> None:
    """Print what became of the files, then each question with the rank of its answer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--kill", action="store_true")
    options = parser.parse_args()
    files = dict(_files(options.data))
    with tempfile.TemporaryDirectory(prefix="searchsite acceptance ") as directory, ExitStack() as closing:
        home = closing.enter_context(house.running(Path(directory)))
        client, browser = closing.enter_context(home.client()), closing.enter_context(home.browser())
        began = time.monotonic()
        killing = threading.Thread(target=_kill_in_turn, args=(home,), daemon=True)
        if options.kill:
            killing.start()
        ids = _put_in(files, client, browser)
        _wait(client)
        print(f"all processed {time.monotonic() - began:.0f} s after the first upload")
        if options.kill:
            killing.join()
        _count(client, ids)
        _ask(options.data, client, ids)


def _files(data: Path) -> Iterator[tuple[str, tuple[str, bytes]]]:
    """Each name of files.txt with a file name and its bytes."""
    passages = {}
    for line in (data / "permissive/text/manifest.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        passages["permissive/text/" + row["id"]] = row["text"]
    for name in (HERE / "files.txt").read_text(encoding="utf-8").split():
        if name in passages:
            yield name, (f"passage-{len(passages[name])}.txt", passages[name].encode())
        else:
            yield name, (Path(name).name, (data / name).read_bytes())


def _put_in(files: dict[str, tuple[str, bytes]], client: httpx.Client, browser: httpx.Client) -> dict[str, str]:
    """Public ids by name. What a killed server answers is tried again, as a person would."""
    ids = {}
    for place, (name, file) in enumerate(files.items()):
        by_api = place % 2 == 0
        while name not in ids:
            try:
                ids[name] = _by_api(client, file) if by_api else _by_page(browser, file)
            except httpx.HTTPError as error:
                print(f"  again: {type(error).__name__} {getattr(getattr(error, 'response', None), 'status_code', '')}")
                time.sleep(1)
    return ids


def _by_api(client: httpx.Client, file: tuple[str, bytes]) -> str:
    return str(client.post("/api/v1/items", files={"file": file}).raise_for_status().json()["id"])


def _by_page(browser: httpx.Client, file: tuple[str, bytes]) -> str:
    form = {"csrfmiddlewaretoken": browser.cookies["csrf"]}
    answer = browser.post("/upload", data=form, files={"file": file}, headers=PAGE_FORM).raise_for_status()
    return answer.text.split("/items/")[1][:36]


def _wait(client: httpx.Client) -> None:
    while True:
        try:
            stages = client.get("/api/v1/jobs").raise_for_status().json()["counts"]
        except httpx.HTTPError:
            stages = {"unknown": {"waiting": 1, "running": 0}}
        if not any(states["waiting"] + states["running"] for states in stages.values()):
            return
        time.sleep(0.5)


def _kill_in_turn(home: house.House) -> None:
    for word in VICTIMS:
        time.sleep(4)
        for child in psutil.Process(home.process.pid).children(recursive=True):
            if word in " ".join(child.cmdline()[:4]):
                child.send_signal(signal.SIGKILL)
                print(f"  kill -9 {word} ({child.pid})")
                break


def _count(client: httpx.Client, ids: dict[str, str]) -> None:
    items: list[dict[str, Any]] = []
    query: dict[str, str] = {"limit": "100"}
    while True:
        page = client.get("/api/v1/items", params=query).raise_for_status().json()
        items += page["items"]
        if not page["next_cursor"]:
            break
        query["cursor"] = page["next_cursor"]
    ready = [item for item in items if item["status"] == "ready"]
    lost = set(ids.values()) - {item["id"] for item in items}
    print(
        f"{len(ids)} put in, {len(items)} there, {len(ready)} ready, {len(lost)} lost, {len(items) - len(ids)} double"
    )


def _ask(data: Path, client: httpx.Client, ids: dict[str, str]) -> None:
    found = 0
    for line in (HERE / "questions.jsonl").read_text(encoding="utf-8").splitlines():
        question = json.loads(line)
        terms: list[dict[str, str]] = [{"text": question["text"]}] if "text" in question else []
        if "picture" in question:
            file = ("asked.png", _picture(data, question))
            terms.append(
                {"picture": client.post("/api/v1/pictures", files={"file": file}).raise_for_status().json()["id"]}
            )
        answer = client.post("/api/v1/search", json={"query": terms, "limit": 50}).raise_for_status().json()
        order = [hit["item"]["id"] for hit in answer["hits"]]
        expected = ids[question["expect"]]
        rank = order.index(expected) + 1 if expected in order else None
        found += rank is not None and rank <= TOP
        print(f"  {rank or '-':>3}  {question.get('text', '')}  {Path(question.get('picture', '')).name}")
    print(f"{found} of 20 in the top {TOP} (wanted: 16)")


def _picture(data: Path, question: dict[str, Any]) -> bytes:
    """The picture to ask with, cut and mirrored where the question says so, so that no byte is the same."""
    with Image.open(data / question["picture"]) as opened:
        picture = opened.convert("RGB")
    if "crop" in question:
        left, top, right, bottom = question["crop"]
        width, height = picture.size
        picture = picture.crop((int(left * width), int(top * height), int(right * width), int(bottom * height)))
    if question.get("mirror"):
        picture = ImageOps.mirror(picture)
    written = io.BytesIO()
    picture.save(written, "PNG")
    return written.getvalue()


if __name__ == "__main__":
    main()
