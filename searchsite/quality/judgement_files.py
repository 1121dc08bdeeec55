"""Files of judgements: TREC qrels with a file of questions, or our own JSON lines; and files for other tools."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from django.http import QueryDict

from searchsite.library.scope import Scope
from searchsite.quality.judged import Judged
from searchsite.search.questions import BadQuestion, Question, Term, checked, from_query, to_query

MOST_GRADE = 100
TAG = "searchsite"


class BadJudgements(ValueError):
    """A file that can't be read as judgements. `str()` is one sentence for people, with the line."""


def read(path: Path, queries: Path | None, scope: Scope) -> list[Judged]:
    """Read judgements and their questions, to be asked within the scope. Raises BadJudgements.

    path: lines of `{"question": "q=red+car", "item": "<uuid>", "grade": 3}`, or TREC qrels, `id 0 <uuid> grade`.
    queries: for qrels, the question of each id: `id<tab>words`, or lines of `{"id", "query"}` or `{"id", "question"}`.
    """
    grades: dict[str, dict[UUID, int]] = {}
    lines = list(_lines(path))
    ours = bool(lines) and lines[0][1].startswith("{")
    for where, line in lines:
        name, item, grade = _own(line, where) if ours else _qrel(line, where)
        grades.setdefault(name, {})[item] = grade
    if not grades:
        raise BadJudgements(f"{path} has no judgement.")
    if ours and queries is not None:
        raise BadJudgements(f"{path} has its questions in it: leave out --queries.")
    if not ours and queries is None:
        raise BadJudgements(f"{path} names questions by id: give their words with --queries.")
    asked = {name: _question(name, str(path)) for name in grades} if queries is None else _questions(queries)
    if missing := sorted(set(grades) - set(asked)):
        raise BadJudgements(f"{queries} lacks the question {missing[0]!r} of {path} ({len(missing)} in all).")
    return [Judged(name, asked[name], scope, found) for name, found in grades.items() if any(found.values())]


def write_judgements(path: Path, asked: Sequence[Judged]) -> None:
    """Write judgements as JSON lines that `read` takes."""
    rows = [
        {"question": to_query(one.question), "item": str(item), "grade": grade}
        for one in asked
        for item, grade in one.grades.items()
    ]
    _write(path, [json.dumps(row, ensure_ascii=False) for row in rows])


def write_qrels(path: Path, asked: Sequence[Judged]) -> None:
    """Write judgements as TREC qrels: question, 0, item, grade."""
    _write(path, [f"{one.id} 0 {item} {grade}" for one in asked for item, grade in one.grades.items()])


def write_queries(path: Path, asked: Sequence[Judged]) -> None:
    """Write the questions of qrels and runs as JSON lines that `read` takes."""
    rows = [{"id": one.id, "question": to_query(one.question)} for one in asked]
    _write(path, [json.dumps(row, ensure_ascii=False) for row in rows])


def write_run(path: Path, asked: Sequence[Judged], lists: Sequence[Sequence[UUID]], tag: str = TAG) -> None:
    """Write answers as a TREC run. Tools sort by the score, so that it falls with the rank alone."""
    _write(
        path,
        [
            f"{one.id} Q0 {item} {rank} {1 / rank:.6f} {tag}"
            for one, ranked in zip(asked, lists, strict=True)
            for rank, item in enumerate(ranked, start=1)
        ],
    )


def _write(path: Path, lines: Sequence[str]) -> None:
    try:
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise BadJudgements(f"{path} can't be written ({error.strerror}).") from error


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """The lines that say something, each with where it stands."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadJudgements(f"{path} can't be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise BadJudgements(f"{path} is not a text in UTF-8.") from error
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield f"{path}, line {number}", line.strip()


def _qrel(line: str, where: str) -> tuple[str, UUID, int]:
    fields = line.split()
    if len(fields) != 4:
        raise BadJudgements(f"{where}: qrels have four fields, question, 0, item and grade.")
    return fields[0], _item(fields[2], where), _grade(fields[3], where)


def _own(line: str, where: str) -> tuple[str, UUID, int]:
    row = _row(line, where)
    if not isinstance(row.get("question"), str):
        raise BadJudgements(f"{where}: each row needs a question, as an address has it (q=red+car).")
    return row["question"], _item(str(row.get("item")), where), _grade(str(row.get("grade")), where)


def _row(line: str, where: str) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadJudgements(f"{where}: this is not JSON.") from error
    if not isinstance(row, dict):
        raise BadJudgements(f"{where}: this is no JSON object.")
    return row


def _item(text: str, where: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise BadJudgements(f"{where}: {text!r} is no item's id, as its address and the API have it.") from error


def _grade(text: str, where: str) -> int:
    try:
        # TREC marks junk by grades below 0: no answer, as 0.
        grade = max(0, int(text))
    except ValueError as error:
        raise BadJudgements(f"{where}: the grade {text!r} is no whole number.") from error
    if grade > MOST_GRADE:
        raise BadJudgements(f"{where}: a grade is at most {MOST_GRADE}.")
    return grade


def _questions(path: Path) -> dict[str, Question]:
    """Questions by id, of lines of JSON or of two fields with a tab between them."""
    found: dict[str, Question] = {}
    for where, line in _lines(path):
        if line.startswith("{"):
            row = _row(line, where)
            name, words, address = row.get("id"), row.get("query"), row.get("question")
        else:
            name, _, words = line.partition("\t")
            address = None
        if not name or not isinstance(address or words, str) or not str(address or words).strip():
            raise BadJudgements(f"{where}: each line has an id and the words of a question.")
        found[str(name)] = _question(address, where) if address else _worded(str(words), where)
    return found


def _worded(words: str, where: str) -> Question:
    try:
        return _seeking(checked(Question((Term(text=words),))), where)
    except BadQuestion as error:
        raise BadJudgements(f"{where}: {error}") from error


def _question(address: str, where: str) -> Question:
    try:
        return _seeking(from_query(QueryDict(address)), where)
    except BadQuestion as error:
        raise BadJudgements(f"{where}: {error}") from error


def _seeking(question: Question, where: str) -> Question:
    if not question.seeks:
        raise BadJudgements(f"{where}: nothing is looked for in this question.")
    return question
