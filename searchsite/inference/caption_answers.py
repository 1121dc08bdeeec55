"""What a captioner's answer is worth: whole, a refusal, a loop, or a broken thing that still holds a sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from searchsite.inference.dialects.base import Reply
from searchsite.inference.errors import BadAnswer, Declined
from searchsite.inference.prompts import clean
from searchsite.inference.types import Caption

OTHER = "other"
KINDS = ("photo", "screenshot", "document", "diagram", "chart", "illustration", OTHER)
CAPTION_CHARS, TEXT_CHARS, TAG_CHARS, MOST_TAGS = 2_000, 20_000, 50, 30
# No honest answer within the most tokens is longer.
MOST_CHARS = 100_000
WOULD_NOT = "The captioner would not describe this picture."
ENDLESS = "The captioner repeated itself without end."
NOTHING = "The captioner gave no description."
BROKEN = "The captioner's answer was not what it was asked for, twice."

THOUGHT = re.compile(r"\A\s*<think>.*?(</think>|\Z)", re.DOTALL)
FENCE = re.compile(r"\A\s*```\w*\s*|\s*```\s*\Z")
CAPTION = re.compile(r'"caption"\s*:\s*("(?:[^"\\]|\\.)*")')
DOCUMENT = re.compile(r'"kind"\s*:\s*"document"')
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")
SENTENCE_END = re.compile(r"[.!?…。！？]['\"”’)]*(?=\s|\Z)|[。！？]")
LANGUAGE = re.compile(r"\A([a-z]{2})(?:[-_][a-z0-9]{2,8})*\Z")
# How refusals begin; none begins a description of a picture.
REFUSALS = re.compile(
    r"""\A\W*(?:
    (?:i\s?['’]?\s?a?m\s(?:\w+\s)?sorry|sorry|apologies|i\sapologi[sz]e|unfortunately)\b
        .{0,60}?\b(?:can['’]?t|cannot|can\snot|unable|not\sable|won['’]?t|not\scomfortable)
    | i\s(?:can['’]?t|cannot|can\snot|won['’]?t|must\sdecline)\b | i\s?['’]?\s?a?m\s(?:unable|not\sable)\sto\b
    | as\san\sai\b
    | (?:es\s)?tut\smir\s(?:sehr\s)?leid\b.{0,60}?\b(?:kann|darf|nicht) | leider\s(?:kann|darf)\sich\b
    | ich\s(?:kann|darf)\b.{0,60}?\bnicht\s(?:beschreiben|helfen|beantworten)
    | (?:je\ssuis\s)?(?:vraiment\s)?d[ée]sol[ée]e?\b.{0,60}?\b(?:ne\speux|ne\ssuis) | je\sne\s(?:peux|suis)\spas\b
    | malheureusement,?\sje\sne\b
    | lo\s(?:siento|lamento)\b.{0,60}?\bno\s(?:puedo|me\ses) | no\spuedo\s(?:ayudar|describir|proporcionar|procesar)
    | (?:desculpe|sinto\smuito|lamento)\b.{0,60}?\bn[ãa]o\s(?:posso|consigo)
    | n[ãa]o\sposso\s(?:ajudar|descrever|fornecer)
    | (?:mi\sdispiace|spiacente)\b.{0,60}?\bnon\s(?:posso|sono) | non\sposso\s(?:aiutar|descriver|fornir)
    | (?:het\sspijt\sme|helaas)\b.{0,60}?\b(?:kan|mag)\b | ik\skan\b.{0,60}?\bniet\s(?:beschrijven|helpen)
    | (?:przepraszam|przykro\smi)\b.{0,60}?\bnie\smog
    | üzgünüm\b.{0,80}?(?:[ae]mem|[ae]mam|[ae]m[ıi]yorum)
    | (?:извините|простите|к\sсожалению)\b.{0,60}?\bне\s(?:могу|в\sсостоянии) | я\sне\sмогу\b
    | (?:非常|很|十分)?(?:抱歉|对不起|對不起).{0,40}?(?:无法|無法|不能|没办法)
    | 我(?:无法|無法|不能)(?:描述|提供|帮助|協助|处理|识别|回答)
    | (?:申し訳|すみません|ごめんなさい).{0,60}?(?:できません|できかねます|いたしかねます)
    | (?:죄송|미안).{0,60}?(?:없습니다|못합니다|어렵습니다)
    | (?:عذر|آسف|أعتذر|نعتذر).{0,60}?لا\s?(?:يمكن|أستطيع)
    | (?:क्षमा|माफ़).{0,60}?(?:नहीं|असमर्थ)
    )""",
    re.VERBOSE | re.DOTALL,
)
# Less is no description, and so are these.
LEAST_LETTERS = 3
NO_WORDS = frozenset({"", "n/a", "none", "null", "nothing", "unknown", "empty", "no caption", "not available"})
# A loop: of the runs of this many characters most were there before.
RUN, LEAST_LOOP, LOOPED, TAIL = 12, 60, 0.6, 600


class _Answer(BaseModel):
    """The shape that was asked for; more keys do no harm."""

    model_config = ConfigDict(strict=True)

    caption: str
    tags: list[str]
    text: str
    kind: str
    language: str


def whole(reply: Reply) -> Caption | None:
    """The caption that a reply holds; None where asking once more may help. Raises Declined on a refusal."""
    text = _stripped(reply.text)
    if reply.finish == "content_filter" or _refuses(text):
        raise Declined(WOULD_NOT)
    return _checked(text) if reply.finish != "length" else None


def wants_room(reply: Reply) -> bool:
    """Whether the answer was cut off, or is that to a page of text."""
    return reply.finish == "length" or DOCUMENT.search(reply.text[:MOST_CHARS]) is not None


def rest(*replies: Reply) -> Caption:
    """What can be made of replies none of which is whole; the first is the best. Raises Declined or BadAnswer."""
    texts = [_stripped(reply.text) for reply in replies]
    for text in texts:
        if (said := _checked(text)) is not None:
            return said
    endless = [text for text in texts if loops(text)]
    for text in texts:
        if text not in endless and (sentence := _sentence(text)):
            return Caption(sentence, (), "", OTHER, "", complete=False)
    if endless:
        raise Declined(ENDLESS)
    if all(not text or _spoken(text) == "" for text in texts):
        raise Declined(NOTHING)
    raise BadAnswer(BROKEN, permanent=True)


def loops(text: str) -> bool:
    """Whether a text says the same over and over, as a whole or at its end."""
    joined = " ".join(text.split())
    return _repeats(joined) or _repeats(joined[-TAIL:])


def _repeats(text: str) -> bool:
    if len(text) < LEAST_LOOP:
        return False
    runs = [text[start : start + RUN] for start in range(len(text) - RUN + 1)]
    return 1 - len(set(runs)) / len(runs) > LOOPED


def _stripped(text: str) -> str:
    """The answer without thoughts before it and fences around it."""
    return FENCE.sub("", THOUGHT.sub("", clean(text[:MOST_CHARS]))).strip()


def _refuses(text: str) -> bool:
    return REFUSALS.match(text[:300].casefold()) is not None


def _checked(text: str) -> Caption | None:
    """The caption in a whole answer; None where it is broken, empty or a loop. Raises Declined on a refusal."""
    try:
        answer = _Answer.model_validate(_parsed(text))
    except ValidationError:
        return None
    caption = cut(line(answer.caption), CAPTION_CHARS)
    if _refuses(caption):
        raise Declined(WOULD_NOT)
    if sum(map(str.isalpha, caption)) < LEAST_LETTERS or caption.lower() in NO_WORDS or loops(caption):
        return None
    kind, language = answer.kind.strip().lower(), LANGUAGE.match(answer.language.strip().lower())
    return Caption(
        caption,
        _tags(answer.tags),
        CONTROLS.sub("", clean(answer.text))[:TEXT_CHARS].strip(),
        kind if kind in KINDS else OTHER,
        language[1] if language else "",
    )


def _parsed(text: str) -> Any:
    """The JSON object of an answer, also where words stand around it."""
    start = text.find("{")
    try:
        return json.JSONDecoder(strict=False).raw_decode(text, start)[0] if start >= 0 else None
    except (ValueError, RecursionError):
        return None


def _spoken(text: str) -> str | None:
    """The caption in JSON that may be cut or broken elsewhere; None where there is none."""
    found = CAPTION.search(text)
    try:
        said = line(str(json.loads(found[1], strict=False))) if found else None
    except ValueError:
        return None
    return "" if said is not None and said.lower() in NO_WORDS else said


def _sentence(text: str) -> str:
    """A sentence on the picture in an answer that is not whole: the caption in broken JSON, or plain words."""
    said = _spoken(text)
    if said is None:
        said = "" if text[:1] in ("", "{", "[", "<", '"') else line(text.split("\n\n")[0])
    usable = sum(map(str.isalpha, said)) >= LEAST_LETTERS and not _refuses(said) and not loops(said)
    return cut(said, CAPTION_CHARS) if usable else ""


def _tags(names: Iterable[str]) -> tuple[str, ...]:
    """Short lower-case words, each once; what is too long is a sentence, and no tag."""
    cleaned = (line(name).lower().strip(" #.,;:\"'") for name in names)
    return tuple(dict.fromkeys(name for name in cleaned if 0 < len(name) <= TAG_CHARS))[:MOST_TAGS]


def line(text: str) -> str:
    """One line without control characters."""
    return " ".join(CONTROLS.sub(" ", clean(text)).split())


def cut(text: str, limit: int) -> str:
    """At most so many characters: whole sentences if they are half of that, else whole words, else what there is."""
    if len(text) <= limit:
        return text
    short = text[:limit]
    ends = [match.end() for match in SENTENCE_END.finditer(short, limit // 2)]
    return short[: ends[-1]] if ends else short.rpartition(" ")[0] or short
