"""What people say of answers: marks, what they open, and questions they keep. Only of items that they may see."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from searchsite import config
from searchsite.accounts.models import Membership
from searchsite.library.models import Item
from searchsite.library.refusals import Refusal
from searchsite.library.scope import Scope
from searchsite.quality.models import HIGHEST, Judgement, Source, StoredQuestion
from searchsite.search.questions import BadQuestion, Question, checked, from_query, to_query

THIS, NOT_THIS, OPENED = HIGHEST, 0, 1
"""The grade of a mark, of one that says no, and of an item that was only opened."""
CLICKS_KEPT = timedelta(days=180)
MOST_SAVED = 200


def need_of(question: Question) -> Question:
    """What is looked for, however it is to be answered and shown. Raises BadQuestion where nothing is."""
    usual = Question()
    shown = {name: getattr(usual, name) for name in ("sort", "mode", "rerank", "fold", "weak", "limit", "cursor")}
    asked = question.filters
    filters = replace(
        asked,
        kinds=tuple(sorted(asked.kinds)),
        collections=tuple(sorted(asked.collections)),
        tags=tuple(sorted(asked.tags)),
    )
    need = checked(replace(question, filters=filters, **shown))
    if not need.seeks:
        raise BadQuestion(_("Nothing is looked for here that an item could answer."))
    return need


def address_of(question: Question) -> str:
    """The need as an address has it, by which it is stored. Weights become -1 or 1. Raises BadQuestion."""
    # Read again, its pieces stand in one order, whoever asked in which.
    return to_query(from_query(QueryDict(to_query(need_of(question)))))


def digest_of(address: str) -> str:
    """By which the same question of several people is known."""
    return hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()


def mark(question: Question, item: Item, *, scope: Scope, grade: int = THIS) -> Judgement:
    """Say how well an item answers a question, from 0 to HIGHEST; said again, the last word counts.

    Raises BadQuestion, and Refusal where the person can't see the item.
    """
    if not 0 <= grade <= HIGHEST:
        raise Refusal(_("A grade lies between 0 and %(most)d.") % {"most": HIGHEST}, code="grade", status=422)
    return _judge(question, item, scope, Source.MARK, grade=grade)


def unmark(question: Question, item: Item, *, scope: Scope) -> None:
    """Take one's own mark back. Raises BadQuestion."""
    marks = Judgement.objects.filter(question__in=_own(question, scope), source=Source.MARK, item=item)
    marks.delete()


def hand_on(others: Iterable[int], best: int) -> None:
    """What was marked of copies holds for the one that is kept of them, but where it has marks of its own.

    The copies keep theirs: they may come back.
    """
    marks = Judgement.objects.filter(item__in=list(others), source=Source.MARK).order_by("-grade")
    same = [Judgement(question_id=one.question_id, item_id=best, source=one.source, grade=one.grade) for one in marks]
    Judgement.objects.bulk_create(same, ignore_conflicts=True)


def opened(question: Question, item: Item, *, scope: Scope, place: int | None) -> None:
    """Note that an item was opened from the hits of a question, unless the setting RECORD_CLICKS is off.

    Raises BadQuestion, and Refusal where the person can't see the item.
    """
    if config.load().record_clicks:
        _judge(question, item, scope, Source.CLICK, grade=OPENED, place=place)


def said_of(question: Question, items: Iterable[UUID], *, scope: Scope) -> tuple[bool, dict[UUID, int]]:
    """Whether the person keeps the question, and their own marks on these items, by public id. Raises BadQuestion.

    Of a question that is new, one small query says so.
    """
    own = _own(question, scope).values_list("pk", "saved_at").first()
    if own is None:
        return False, {}
    marks = Judgement.objects.filter(question=own[0], source=Source.MARK, item__public_id__in=list(items))
    return own[1] is not None, dict(marks.values_list("item__public_id", "grade"))


def save(question: Question, *, scope: Scope) -> StoredQuestion:
    """Keep a question for its asker. Raises BadQuestion, and Refusal where they keep too many."""
    if _kept_by(scope).count() >= MOST_SAVED:
        sentence = _("You keep %(most)d questions already. Remove one first.") % {"most": MOST_SAVED}
        raise Refusal(sentence, code="too-many", status=409)
    stored = _stored(question, scope)
    if stored.saved_at is None:
        StoredQuestion.objects.filter(pk=stored.pk).update(saved_at=Now())
    return stored


def saved(scope: Scope) -> list[StoredQuestion]:
    """The questions that the person keeps, the last first."""
    return list(_kept_by(scope).order_by("-saved_at", "-pk"))


def forget(public_id: UUID, *, scope: Scope) -> bool:
    """Keep a question no longer; what was marked for it stays. False: the person keeps no such question."""
    return bool(_kept_by(scope).filter(public_id=public_id).update(saved_at=None))


def unsave(question: Question, *, scope: Scope) -> None:
    """Keep a question no longer. Raises BadQuestion."""
    _own(question, scope).update(saved_at=None)


def prune() -> None:
    """Forget what was opened long ago, questions with nothing left, and those of people who have left the team."""
    Judgement.objects.filter(source=Source.CLICK, created_at__lt=Now() - CLICKS_KEPT).delete()
    here = Membership.objects.filter(team=OuterRef("team"), user=OuterRef("asked_by"))
    said = Judgement.objects.filter(question=OuterRef("pk"))
    # One that was made a moment ago is about to get its judgement.
    idle = Q(created_at__lt=Now() - timedelta(hours=1), saved_at=None) & ~Exists(said)
    StoredQuestion.objects.filter(idle | ~Exists(here)).delete()


def _judge(
    question: Question, item: Item, scope: Scope, source: Source, *, grade: int, place: int | None = None
) -> Judgement:
    if item.collection_id not in scope.collection_ids:
        raise Refusal(_("There is no such item."), code="not-found", status=404)
    stored = _stored(question, scope)
    fields = {"grade": grade, "place": place, "created_at": timezone.now()}
    return Judgement.objects.update_or_create(question=stored, item=item, source=source, defaults=fields)[0]


def _stored(question: Question, scope: Scope) -> StoredQuestion:
    address = address_of(question)
    own = {"team_id": scope.team_id, "asked_by_id": scope.user_id, "digest": digest_of(address)}
    return StoredQuestion.objects.get_or_create(**own, defaults={"address": address})[0]


def _own(question: Question, scope: Scope) -> QuerySet[StoredQuestion]:
    digest = digest_of(address_of(question))
    return StoredQuestion.objects.filter(team=scope.team_id, asked_by=scope.user_id, digest=digest)


def _kept_by(scope: Scope) -> QuerySet[StoredQuestion]:
    return StoredQuestion.objects.filter(team=scope.team_id, asked_by=scope.user_id, saved_at__isnull=False)


def read(address: str) -> Question:
    """The question of a stored address. Raises BadQuestion."""
    return from_query(QueryDict(address))
