"""A team's judgements, settled: who is asked what, and how good each item is as an answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from django.db.models import Exists, Max, OuterRef, Q

from searchsite.accounts.models import Team
from searchsite.library.models import Collection, Purpose, Visibility
from searchsite.library.scope import Scope, scope_for
from searchsite.quality import judging
from searchsite.quality.models import Judgement, Source, StoredQuestion
from searchsite.search.questions import BadQuestion, Question

MOST = 200
"""Questions that are measured: those with marks first, then the last that were judged."""
LOOKED_AT = 5
"""Times as many are looked through for those that a person may see."""
GOOD = Judgement.objects.filter(question=OuterRef("pk"), grade__gt=0)
SHARED = ~Q(visibility=Visibility.PRIVATE) & ~Q(purpose=Purpose.TRASH)
GOOD_SHARED = GOOD.filter(item__collection__in=Collection.objects.filter(SHARED))


@dataclass(frozen=True)
class Judged:
    """A question as its asker may ask it, with the grades of the items that answer it, by public id.

    stored: None for one that was read from a file. by_marks: somebody marked an answer; else it was only opened.
    """

    id: str
    question: Question
    scope: Scope
    grades: Mapping[UUID, int]
    by_marks: bool = True
    stored: StoredQuestion | None = None


class _Said(NamedTuple):
    """One judgement: of which question, by whom, of what, and how."""

    digest: str
    by: int
    item: UUID
    collection: int
    source: str
    grade: int
    at: datetime


def by_askers(team: Team, *, most: int = MOST) -> list[Judged]:
    """The team's judged questions, each as its asker may ask it in what all of the team see: nothing private counts."""
    stored = _judged_questions(team.pk, most)
    shared = set(Collection.objects.filter(SHARED, team=team).values_list("pk", flat=True))
    scopes = {one.asked_by_id: _within(scope_for(one.asked_by, team), shared) for one in stored}
    return list(_settled([(one, scopes[one.asked_by_id]) for one in stored]))


def for_viewer(scope: Scope, *, most: int = MOST) -> list[Judged]:
    """The person's own judged questions, and those that others marked an answer of which the person may see, too.

    Each question once, asked within the person's own scope. What others only opened tells nobody what they asked.
    """
    seen: dict[str, StoredQuestion] = {}
    for one in _judged_questions(scope.team_id, LOOKED_AT * most):
        if one.digest not in seen or one.asked_by_id == scope.user_id:
            seen[one.digest] = one
    settled = _settled([(one, scope) for one in seen.values()])
    own = (one for one in settled if one.by_marks or (one.stored and one.stored.asked_by_id == scope.user_id))
    return list(islice(own, most))


def count(team: Team) -> tuple[int, int]:
    """How many questions of the team have an answer that all see by marks, and how many only by what was opened."""
    questions = StoredQuestion.objects.filter(Exists(GOOD_SHARED), team=team)
    marked = questions.filter(Exists(GOOD_SHARED.filter(source=Source.MARK))).count()
    return marked, questions.count() - marked


def _within(scope: Scope, collections: set[int]) -> Scope:
    return replace(scope, collection_ids=tuple(one for one in scope.collection_ids if one in collections))


def _judged_questions(team_id: int, most: int) -> list[StoredQuestion]:
    found = StoredQuestion.objects.filter(Exists(GOOD), team=team_id).select_related("asked_by")
    found = found.annotate(marked=Exists(GOOD.filter(source=Source.MARK)), said=Max("judgements__created_at"))
    return list(found.order_by("-marked", "-said", "pk")[:most])


def _settled(asked: Sequence[tuple[StoredQuestion, Scope]]) -> Iterator[Judged]:
    said = _said(asked)
    for stored, scope in asked:
        seen = [one for one in said[stored.digest] if one.collection in scope.collection_ids]
        marks = _grades([one for one in seen if one.source == Source.MARK], scope.user_id)
        by_marks = any(marks.values())
        clicks = {} if by_marks else _grades([one for one in seen if one.source == Source.CLICK], scope.user_id)
        # What was said to be no answer is none, however often it was opened.
        grades = clicks | marks
        if not any(grades.values()):
            continue
        try:
            question = judging.read(stored.address)
        except BadQuestion:
            continue
        yield Judged(str(stored.public_id), question, scope, grades, by_marks, stored)


def _said(asked: Iterable[tuple[StoredQuestion, Scope]]) -> Mapping[str, list[_Said]]:
    """All that the team said of these questions, whoever asked them, by digest."""
    wanted = list(asked)
    teams, digests = {one.team_id for one, _ in wanted}, {one.digest for one, _ in wanted}
    rows = Judgement.objects.filter(Q(question__team__in=teams) & Q(question__digest__in=digests)).values_list(
        "question__digest",
        "question__asked_by",
        "item__public_id",
        "item__collection",
        "source",
        "grade",
        "created_at",
    )
    found: dict[str, list[_Said]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(_Said(*row))
    return found


def _grades(said: Iterable[_Said], user_id: int) -> dict[UUID, int]:
    """One grade for each item: the asker's own, or else what was said last."""
    ordered = sorted(said, key=lambda one: (one.by == user_id, one.at))
    return {one.item: one.grade for one in ordered}
