"""Reads a set: what is to be found, and the questions whose answers are known. docs/quality.md describes the files."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

MANIFEST, QUERIES = "manifest.jsonl", "queries.jsonl"
PICTURES, CAPTIONS, TEXTS = "pictures", "captions", "texts"
WITH_PROGRAM = "with the program's name"
OPEN_LANGUAGE = "-"
"""The language of a question that is a picture."""

Row = Mapping[str, Any]


class BadSet(ValueError):
    """A folder that is no set. `str()` is one sentence for people."""


@dataclass(frozen=True)
class Document:
    """One thing to be found. Its title tells nothing unless the set gives it one."""

    id: str
    shelf: str
    title: str
    picture: Path | None = None
    text: str = ""


@dataclass(frozen=True)
class Asking:
    """One question: a text, a picture's file, or a picture of the set; and what answers it."""

    id: str
    direction: str
    language: str
    about: str
    shelf: str
    relevant: frozenset[str]
    text: str = ""
    picture: Path | None = None
    document: str = ""

    @property
    def kind(self) -> tuple[str, str, str]:
        """What is averaged together: direction, language, and which part of the set."""
        return self.direction, self.language, self.about


@dataclass(frozen=True)
class EvaluationSet:
    """A folder read."""

    name: str
    folder: Path
    documents: Sequence[Document]
    questions: Sequence[Asking]


def read(folder: Path) -> EvaluationSet:
    """Read the set in a folder. Raises BadSet."""
    rows = _rows(folder / MANIFEST)
    resolved = folder.resolve()
    name = f"{resolved.parent.name}/{resolved.name}"
    if (folder / QUERIES).is_file():
        texts = [_text(row) for row in rows if not row.get("path")]
        pictures = [_picture(row, folder) for row in rows if row.get("path")]
        documents = [*pictures, *texts]
        return _complete(name, folder, documents, _from_queries(_rows(folder / QUERIES), documents))
    if any("relevant" in row for row in rows):
        return _complete(name, folder, *_by_picture(rows, folder))
    documents = [_picture(row, folder) for row in rows]
    captions = [Document(f"caption:{row['id']}", CAPTIONS, "", text=str(row["text"])) for row in rows if row["text"]]
    return _complete(name, folder, [*documents, *captions], _by_own_text(rows))


def sampled(whole: EvaluationSet, *, items: int | None = None, questions: int | None = None) -> EvaluationSet:
    """Keep so many documents of each shelf, and so many questions of each kind: always the same ones, by hash."""
    kept = whole.documents
    if items is not None:
        kept = [one for shelf in _grouped(kept, "shelf") for one in sorted(shelf, key=_draw_of_answer)[:items]]
    there = {one.id for one in kept}
    possible = [one for one in whole.questions if one.relevant <= there and (not one.document or one.document in there)]
    if questions is not None:
        possible = [one for kind in _grouped(possible, "kind") for one in sorted(kind, key=_draw)[:questions]]
    return replace(whole, documents=kept, questions=possible)


def towards(whole: EvaluationSet, direction: str) -> EvaluationSet:
    """Keep the questions of one direction, and the shelf that they look through. Raises BadSet."""
    questions = [one for one in whole.questions if one.direction == direction]
    if not questions:
        raise BadSet(f"{whole.folder} has no question in the direction {direction}.")
    shelves = {one.shelf for one in questions} | ({PICTURES} if any(one.document for one in questions) else set())
    return replace(whole, documents=[one for one in whole.documents if one.shelf in shelves], questions=questions)


def spoken(whole: EvaluationSet, language: str) -> EvaluationSet:
    """Keep the questions in one language; all that they look through stays. Raises BadSet."""
    questions = [one for one in whole.questions if one.language == language]
    if not questions:
        raise BadSet(f"{whole.folder} has no question in the language {language}.")
    return replace(whole, questions=questions)


def half_of(asking: Asking) -> int:
    """0 or 1: the half of a set that a question belongs to, by its answer. Tune on one, report on the other."""
    return digest(min(asking.relevant), "half") % 2


def digest(text: str, salt: str = "") -> int:
    """A number that is the same everywhere, for drawing."""
    return int.from_bytes(hashlib.sha256(f"{salt}{text}".encode()).digest()[:8], "big")


def _rows(path: Path) -> list[Row]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines if line.strip()]
    except OSError as error:
        raise BadSet(f"There is no set at {path.parent}: {path.name} can't be read ({error.strerror}).") from error
    except ValueError as error:
        raise BadSet(f"{path} is not JSON, a row a line: {error}.") from error
    if not rows or not all(isinstance(row, dict) and row.get("id") for row in rows):
        raise BadSet(f"Each row of {path} needs an id.")
    return rows


def _complete(name: str, folder: Path, documents: Sequence[Document], questions: Iterable[Asking]) -> EvaluationSet:
    known = {one.id for one in documents}
    asked = [one for one in questions if one.relevant and one.relevant <= known]
    if not asked:
        raise BadSet(f"{folder} has no question whose answer is in it.")
    return EvaluationSet(name, folder, documents, asked)


def _picture(row: Row, folder: Path) -> Document:
    # File names often say what a picture shows, so none of them goes in.
    return Document(str(row["id"]), PICTURES, _neutral(str(row["id"])), picture=folder / str(row["path"]))


def _text(row: Row) -> Document:
    return Document(str(row["id"]), TEXTS, str(row.get("title") or ""), text=str(row["text"]))


def _neutral(name: str) -> str:
    return f"{digest(name):016x}"[:10]


def _from_queries(rows: Iterable[Row], documents: Iterable[Document]) -> Iterator[Asking]:
    """Questions in a file of their own."""
    shelves = {one.id: one.shelf for one in documents}
    for row in rows:
        relevant = frozenset(str(one) for one in row["relevant"])
        shelf = shelves.get(min(relevant, default=""), TEXTS)
        direction = "text -> picture" if shelf == PICTURES else "text -> text"
        kind, language = str(row.get("kind", "")), str(row.get("lang") or OPEN_LANGUAGE)
        yield Asking(str(row["id"]), direction, language, kind, shelf, relevant, text=str(row["query"]))


def _by_picture(rows: Sequence[Row], folder: Path) -> tuple[list[Document], list[Asking]]:
    """Rows that are questions themselves; what they look for is the set that their `relevant_path` lies in."""
    answers = folder / Path(str(rows[0]["relevant_path"])).parent.parent
    there = _rows(answers / MANIFEST)
    same = _same(there)
    questions = [
        Asking(
            str(row["id"]),
            "picture -> picture",
            OPEN_LANGUAGE,
            "",
            PICTURES,
            frozenset(one for named in row["relevant"] for one in same.get(str(named), {str(named)})),
            picture=folder / str(row["path"]),
        )
        for row in rows
    ]
    return [_picture(row, answers) for row in there], questions


def _by_own_text(rows: Sequence[Row]) -> Iterator[Asking]:
    """A picture's own text is its question, in each of its languages; and the picture is a question for its text."""
    same = _same(rows)
    for row in rows:
        own, about = str(row["id"]), str(row.get("subset", ""))
        if not row.get("unique", True) or not row["text"]:
            continue
        for language, text in _texts(row):
            yield Asking(f"{own}:{language}", "text -> picture", language, about, PICTURES, same[own], text=text)
            if row.get("app"):
                yield Asking(
                    f"{own}:{language}:app",
                    "text -> picture",
                    language,
                    WITH_PROGRAM,
                    PICTURES,
                    same[own],
                    text=f"{row['app']} {text}",
                )
        captions = frozenset(f"caption:{one}" for one in same[own])
        yield Asking(f"{own}:picture", "picture -> text", OPEN_LANGUAGE, about, CAPTIONS, captions, document=own)


def _texts(row: Row) -> Iterator[tuple[str, str]]:
    """The texts of a row with their languages, its own first."""
    yield str(row.get("lang") or "en"), str(row["text"])
    for language, said in sorted((row.get("texts") or {}).items()):
        text = said["text"] if isinstance(said, dict) else said
        if str(text).strip():
            yield str(language), str(text)


def _same(rows: Iterable[Row]) -> dict[str, frozenset[str]]:
    """For each id the ids of its group: pictures that are as good an answer."""
    groups: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        groups[str(row.get("group") or row["id"])].add(str(row["id"]))
    return {one: frozenset(group) for group in groups.values() for one in group}


def _grouped(things: Iterable[Any], name: str) -> list[list[Any]]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for thing in things:
        groups[getattr(thing, name)].append(thing)
    return list(groups.values())


def _draw(asking: Asking) -> int:
    return digest(asking.id, "draw")


def _draw_of_answer(document: Document) -> int:
    """A picture is drawn together with its caption."""
    return digest(document.id.removeprefix("caption:"), "draw")
