"""Why an item is among the results, on its page: what found it, the words that stand there, and the ways on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from searchsite.library.models import Channel, Item, PartRole
from searchsite.library.numbers import rounded
from searchsite.library.scope import Scope
from searchsite.search import beside, questions, reasons
from searchsite.search.marks import Marks
from searchsite.search.questions import MOST_TERMS, Question
from searchsite.search.reasons import Reason
from searchsite.search.wrong import BadQuestion
from searchsite.web import addresses, badges, snippets

PASSAGE = 320


@dataclass(frozen=True)
class Line:
    """One reason: its icon, what it says, the passage with its words marked, and the numbers behind it. far: it has a
    place there, as everything has, and tells little.
    """

    icon: str
    label: str
    said: str
    passage: SafeString
    numbers: str
    far: bool


@dataclass(frozen=True)
class Why:
    """The reasons of an item, and the addresses that refine the question by it; empty where it has no room for more."""

    lines: tuple[Line, ...]
    like: str
    unlike: str


def why(item: Item, params: QueryDict | None, scope: Scope) -> Why | None:
    """Return why the item is in the list that it was opened from; None where that is no search that found it."""
    if params is None:
        return None
    try:
        question = questions.from_query(params)
        standing = beside.why(item, question, scope)
    except BadQuestion:
        return None
    if not standing.why:
        return None
    known = reasons.explained([reasons.Found(item.public_id, item.title, standing.why)], question.words, scope)
    lines = tuple(_line(one, question, known.marks, standing.levels) for one in known.reasons[0])
    room = len(question.terms) < MOST_TERMS
    like, unlike = (addresses.adding(params, name, str(item.public_id)) if room else "" for name in ("like", "unlike"))
    return Why(lines, like, unlike)


def _line(reason: Reason, question: Question, marks: Marks, levels: Mapping[str, float]) -> Line:
    level = levels.get(reason.channel, 0.0)
    far = reason.channel in Channel.values and (reason.similarity or 0.0) < level + badges.NEAR * (1.0 - level)
    if far:
        pictured = reason.channel == Channel.IMAGE
        icon, label = ("image", _("Hardly looks like it")) if pictured else ("meaning", _("Hardly means it"))
        return Line(icon, label, "", SafeString(""), _numbers(reason), far=True)
    icon, label, said = _said(reason, question)
    # What a picture looks like says nothing in words.
    text = "" if reason.channel == Channel.IMAGE else " ".join(reason.text.split())
    by_words = reason.channel == "words"
    passage = snippets.snippet(text, marks, length=PASSAGE, inside=by_words) if text else SafeString("")
    return Line(icon, label, said, passage, _numbers(reason), far=False)


def _said(reason: Reason, question: Question) -> tuple[str, str, str]:
    if reason.channel == Channel.IMAGE:
        pictured = _("It looks like what you search by.")
        said = _("The picture shows what you asked for.") if question.words else pictured
        return "image", _("Looks like it"), said
    if reason.channel == Channel.TEXT:
        return "meaning", _("Means it"), _place(reason)
    if reason.channel == "words":
        return "words", _("Words found"), ", ".join(f"“{word}”" for word in reason.words) or _place(reason)
    return "sort", _("Read anew"), _("The reranker has read it against your question.")


def _place(reason: Reason) -> str:
    return {
        PartRole.CONTENT: _("A passage of it is near to what you asked for."),
        PartRole.CAPTION: _("Its caption is near to what you asked for."),
        PartRole.OCR: _("The text in the picture is near to what you asked for."),
        PartRole.TAGS: _("Its tags are near to what you asked for."),
        reasons.TITLE: _("They stand in its title."),
    }.get(reason.role, "")


def _numbers(reason: Reason) -> str:
    said = [_("place %(rank)s") % {"rank": reason.rank}]
    if reason.similarity is not None:
        said.append(_("similarity %(value)s") % {"value": rounded(reason.similarity, 2)})
    if reason.share is not None and reason.share < 1:
        said.append(_("%(percent)s %% of the words, by weight") % {"percent": round(100 * reason.share)})
    return ", ".join(said)
