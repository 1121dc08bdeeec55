"""The page of one item: the thing itself, what is known of it, how far its stages are, and what lies around it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render

from searchsite.indexing import stages
from searchsite.library import notes, tags, trash
from searchsite.library.models import Item, PartRole, Source
from searchsite.library.scope import Scope
from searchsite.library.sniffing import MARKDOWN_TYPE
from searchsite.search import find
from searchsite.search.marks import Marks, marks_of
from searchsite.search.questions import BadQuestion, Question, Term, from_query
from searchsite.web import around, cards, files, markdown, quality_marks, sayings, snippets, whys, words
from searchsite.web.doors import MemberRequest, in_team
from searchsite.web.seen import visible
from searchsite.web.templatetags.look import readable

ALIKE, SUGGESTED = 12, 100
# Browsers hold a picture in memory whole: four bytes a pixel.
MOST_PIXELS = 80_000_000


@in_team("GET")
def item(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    """Show one item, within the list that it was opened from."""
    shown = visible(request.scope, public_id)
    facts = facts_of(shown, request)
    page = {
        "alike": _alike(shown, request.scope, facts["progress"]),
        "around": around.around(request, shown),
        "judging": quality_marks.of_item(request, shown),
        "undo": request.session.pop("undo", None),
        "kept_days": trash.KEPT.days,
    }
    return render(request, "items/page.html", facts | page)


@in_team("GET")
def live(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    """Show the part of the page that changes while the item is worked on; the page asks for it until then.

    What is like the item comes with the last answer alone: it costs a search.
    """
    shown = visible(request.scope, public_id)
    facts = facts_of(shown, request)
    if facts["progress"].status != "processing":
        facts |= {"last": True, "alike": _alike(shown, request.scope, facts["progress"])}
    return render(request, "items/_live.html", facts)


def facts_of(item: Item, request: MemberRequest) -> dict[str, Any]:
    """Return what the page says of an item, and what may be changed there."""
    scope = request.scope
    progress = stages.status_of([item])[item.pk]
    said, tagged = sayings.of(item), list(item.item_tags.select_related("tag").order_by("-source", "id"))
    caption = said.get(PartRole.CAPTION, sayings.NOTHING)
    may_edit = item.collection_id in scope.writable_ids
    listed = around.asked(request)
    return {
        "item": item,
        "progress": progress,
        "may_edit": may_edit,
        "is_note": notes.is_note(item),
        "tags": tagged,
        "guessed": any(one.source == Source.MACHINE for one in tagged),
        "suggested": tags.used(scope, limit=SUGGESTED) if may_edit else [],
        "caption": caption,
        "alt": caption.text or ", ".join([readable(item.title), *(one.tag.name for one in tagged[:3])]),
        "ocr": said.get(PartRole.OCR, sayings.NOTHING),
        "has_boxes": item.is_picture and words.has_boxes(item),
        "original": _original(item),
        "depicts": sayings.depicted(item),
        "list_query": listed.urlencode() if listed is not None else None,
        "why": whys.why(item, listed, scope),
        "saved": "",
    } | _text(item, said, listed, scope)


def said_to_script(request: MemberRequest, public_id: UUID, sentence: str) -> HttpResponseBase:
    """Answer a script with what has changed on the page, and a sentence on it."""
    facts = facts_of(visible(request.scope, public_id), request)
    return render(request, "items/_live.html", facts | {"saved": sentence})


def _text(item: Item, said: dict[str, sayings.Said], listed: QueryDict | None, scope: Scope) -> dict[str, Any]:
    if item.is_picture:
        return {}
    text = said.get(PartRole.CONTENT, sayings.NOTHING).text
    marks = _marks(listed, text)
    if item.blob is None or item.blob.media_type.partition(";")[0] == MARKDOWN_TYPE:
        return {"text": text, "rendered": markdown.rendered(text, scope, marks)}
    return {"text": snippets.marked(text, marks), "rendered": None}


def _marks(listed: QueryDict | None, text: str) -> Marks | None:
    """The words of the search that the item was opened from."""
    try:
        words = from_query(listed).words if listed is not None else ""
    except BadQuestion:
        return None
    return marks_of(words, [text]) if words else None


def _original(item: Item) -> bool:
    """Whether browsers can show the file as it was put in, beyond what the largest derivative has."""
    if item.blob is None or not item.width or not item.height:
        return False
    return item.blob.media_type in files.SHOWN and item.width * item.height <= MOST_PIXELS


def _alike(item: Item, scope: Scope, progress: stages.Progress) -> list[cards.Card]:
    if progress.stages["embed"].state != "done":
        return []
    results = find.find(Question(terms=(Term(item=item.public_id),), limit=ALIKE), scope)
    others = [hit for hit in results.hits if hit.item.id != item.public_id]
    return cards.of_hits(others, "", within=urlencode({"like": item.public_id}))
