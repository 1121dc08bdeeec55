"""Marks on answers: how well an item answers a question."""

from __future__ import annotations

from django.db.models import Q
from ninja import Query, Router

from searchsite.api import asking, cursors, listing
from searchsite.api.auth import CHANGE, READ, Caller, Request
from searchsite.api.judgement_schemas import JudgementIn, JudgementList, JudgementOut, JudgementQuery
from searchsite.quality import judging
from searchsite.quality.models import Judgement, Source
from searchsite.search.questions import Question, checked

router = Router(tags=["quality"])
EXAMPLE = {"query": [{"text": "red car"}], "item": "3fa85f64-5717-4562-b3fc-2c963f66afa6", "grade": 3}


@router.post(
    "/judgements",
    auth=CHANGE,
    response=JudgementOut,
    summary="Say how well an item answers a question",
    openapi_extra={"requestBody": {"content": {"application/json": {"example": EXAMPLE}}}},
)
def judge(request: Request, judgement: JudgementIn) -> JudgementOut:
    """Said again, the last word counts. Search is measured on these. Viewers may say it, too, of what they see."""
    caller: Caller = request.auth
    item = listing.item_or_404(caller.scope, judgement.item)
    question = _question(judgement)
    address = judging.address_of(question)
    if judgement.grade is None:
        judging.unmark(question, item, scope=caller.scope)
        return JudgementOut(question=address, item=item.public_id, grade=None, source="mark", own=True, created_at=None)
    made = judging.mark(question, item, scope=caller.scope, grade=judgement.grade)
    return _judgement(made, caller)


@router.get("/judgements", auth=READ, response=JudgementList, summary="List judgements")
def list_judgements(request: Request, query: Query[JudgementQuery]) -> JudgementList:
    """Your own; to who leads the team also answers that others marked, of items that they see. What somebody looks for
    may be nobody else's business.
    """
    caller: Caller = request.auth
    shown = Q(question__asked_by=caller.user)
    if caller.administers:
        shown |= Q(source=Source.MARK, grade__gt=0)
    seen = Judgement.objects.filter(shown, question__team=caller.team, item__collection__in=caller.scope.collection_ids)
    if query.cursor:
        at, pk = cursors.read(query.cursor)
        seen = seen.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=pk))
    rows = seen.select_related("question", "item").defer("item__title_search").order_by("-created_at", "-id")
    page = list(rows[: query.limit + 1])
    more, page = len(page) > query.limit, page[: query.limit]
    following = cursors.write(page[-1].created_at, page[-1].pk) if more else None
    return JudgementList(judgements=[_judgement(one, caller) for one in page], next_cursor=following)


def _question(judgement: JudgementIn) -> Question:
    terms = tuple(asking.term_of(one) for one in judgement.query)
    return checked(Question(terms, asking.filters_of(judgement.filters), instruction=judgement.instruction))


def _judgement(one: Judgement, caller: Caller) -> JudgementOut:
    return JudgementOut(
        question=one.question.address,
        item=one.item.public_id,
        grade=one.grade,
        source="mark" if one.source == Source.MARK else "click",
        own=one.question.asked_by_id == caller.user.pk,
        created_at=one.created_at,
    )
