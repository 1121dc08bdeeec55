"""A set of pictures drawn in memory and one of notes, and a fake inference server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import made
from tests.meaning import COLOURS
from tests.served import fake

__all__ = ["fake"]

NOTES = {
    "tulips": "Tulips want sun and a dry bed in summer.",
    "roses": "Roses want rain, and are cut back in spring.",
    "plumber": "Receipt of the plumber for the kitchen sink, 240 euros.",
    "bicycle": "The blue bicycle has a flat tyre; the pump is in the shed.",
    "shed": "The key of the shed hangs behind the door.",
    "bread": "Flour, water, salt and yeast: bake the bread for forty minutes.",
}
# The first has a word that only stemming finds, the second has words that only vectors heed.
QUERIES = {
    "baking": "bread",
    "has a is in the": "bicycle",
    "roses are cut back in spring": "roses",
    "receipt of the plumber": "plumber",
    "a flat tyre": "bicycle",
    "the key of the shed": "shed",
}


def write(folder: Path, name: str, rows: list[dict]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A set of notes with questions in a file of their own."""
    folder = tmp_path / "own" / "notes"
    write(
        folder, "manifest.jsonl", [{"id": name, "path": "", "text": text, "title": ""} for name, text in NOTES.items()]
    )
    rows = [
        {"id": f"q{at}", "query": text, "relevant": [name], "kind": "own", "lang": "en"}
        for at, (text, name) in enumerate(QUERIES.items())
    ]
    write(folder, "queries.jsonl", rows)
    return folder


@pytest.fixture
def colours(tmp_path: Path) -> Path:
    """A set of pictures of one colour each, whose own text is their question."""
    folder = tmp_path / "own" / "colours"
    (folder / "img").mkdir(parents=True)
    rows = []
    for name in list(COLOURS)[:6]:
        (folder / "img" / f"{name}.jpg").write_bytes(made.drawn(name))
        texts = {"de": {"text": f"ein Bild, {name}"}}
        rows.append({"id": name, "path": f"img/{name}.jpg", "text": f"a {name} picture", "lang": "en", "texts": texts})
    write(folder, "manifest.jsonl", rows)
    return folder
