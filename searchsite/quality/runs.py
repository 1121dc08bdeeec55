"""Measures search on judged questions: once for a figure over time, or in any configuration for comparing."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog

from searchsite import config
from searchsite.accounts.models import Team
from searchsite.indexing import plan, spaces
from searchsite.indexing.models import Space
from searchsite.inference.stages import stages_from
from searchsite.quality import judged, scoring
from searchsite.quality.judged import Judged
from searchsite.quality.measuring import Unanswered, left_out
from searchsite.quality.models import EvaluationRun, Origin
from searchsite.quality.scoring import DEEPEST
from searchsite.search import find, fuse
from searchsite.search.find import Results
from searchsite.search.questions import BadQuestion, Question, checked

log = structlog.get_logger()
GIVE_UP = 3
"""After so many questions in a row that search could not answer whole, the rest waits for another time."""
FUSION = ("SMOOTHING", "NOISE", "STANDS_OUT", "WORDS_WEIGHT", "GUESSED_SHARE")


@dataclass(frozen=True)
class Configuration:
    """How search is to answer. space: None for the one that answers. rerank: None where a reranker is configured."""

    space: Space | None = None
    mode: str = "hybrid"
    rerank: bool | None = None

    def described(self) -> dict[str, Any]:
        """All that the order of hits hangs on, as JSON can hold it."""
        space = self.space or spaces.active()
        reranker = stages_from(config.load()).rerank
        reranks = reranker is not None and self.mode != "words" and self.rerank is not False
        return {
            "space": space.pk if space else None,
            "embedder": f"{space.embedder} {space.revision}".strip() if space else "",
            "dimensions": space.dimensions if space else 0,
            "template": space.template_version if space else "",
            "mode": self.mode,
            "reranker": reranker.network if reranks and reranker else "",
            "reader": plan.reader() or "",
            "captioner": plan.captioner() or "",
            "fusion": [getattr(fuse, name) for name in FUSION],
        }


@dataclass
class Measured:
    """What was asked, in order: each question with its list and its figures. left_out: those that had no full answer.

    why: the last reason for that, for people.
    """

    asked: list[Judged] = field(default_factory=list)
    lists: list[Sequence[UUID]] = field(default_factory=list)
    figures: list[dict[str, float]] = field(default_factory=list)
    left_out: int = 0
    why: str = ""
    seconds: float = 0.0

    @property
    def mean(self) -> dict[str, float]:
        """The figures of all questions together."""
        return scoring.mean(self.figures)


def fingerprint(described: dict[str, Any]) -> str:
    """The same for the same configuration, wherever it is described."""
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:12]


def found(question: Question, one: Judged, how: Configuration, *, depth: int = DEEPEST) -> Results:
    """What the configuration finds, the first `depth` of it. Raises BadQuestion, and Unanswered."""
    asked = checked(replaced(question, how, depth))
    results = find.find(asked, one.scope, space=how.space)
    if why := left_out(asked, results):
        raise Unanswered(why)
    return results


def replaced(question: Question, how: Configuration, depth: int) -> Question:
    """The question as it is asked in a configuration."""
    return Question(
        question.terms,
        question.filters,
        mode=how.mode,
        limit=depth,
        rerank=how.rerank,
        instruction=question.instruction,
    )


def measure(questions: Iterable[Judged], how: Configuration, *, seconds: float, depth: int = DEEPEST) -> Measured:
    """Ask until all are asked or the time is over. A question that only a part of search answered is never counted."""
    start, measured, failed = time.monotonic(), Measured(), 0
    for one in questions:
        if failed >= GIVE_UP or time.monotonic() - start > seconds:
            measured.left_out += 1
            continue
        try:
            ranked = [hit.item.id for hit in found(one.question, one, how, depth=depth).hits]
        except BadQuestion as wrong:
            # A picture that is not kept any more, an item that is gone.
            measured.left_out, measured.why = measured.left_out + 1, str(wrong)
            continue
        except Unanswered as wrong:
            measured.left_out, measured.why, failed = measured.left_out + 1, str(wrong), failed + 1
            continue
        failed = 0
        measured.asked.append(one)
        measured.lists.append(ranked)
        measured.figures.append(scoring.figures(ranked, one.grades))
    measured.seconds = time.monotonic() - start
    return measured


def run(team: Team, origin: Origin, *, seconds: float, most: int = judged.MOST) -> tuple[EvaluationRun | None, str]:
    """Measure search as people of the team have it, and keep the figures.

    Returns no run, and the reason for people if there is one, where no question could be measured.
    """
    how = Configuration()
    measured = measure(judged.by_askers(team, most=most), how, seconds=seconds)
    if not measured.asked:
        return None, measured.why
    described = how.described()
    each = {
        str(one.stored.pk): round(figures["ndcg@10"], 4)
        for one, figures in zip(measured.asked, measured.figures, strict=True)
        if one.stored is not None
    }
    made = EvaluationRun.objects.create(
        team=team,
        origin=origin,
        fingerprint=fingerprint(described),
        configuration=described,
        figures={name: round(value, 4) for name, value in measured.mean.items()},
        each=each,
        asked=len(measured.asked),
        by_marks=sum(one.by_marks for one in measured.asked),
        left_out=measured.left_out,
        seconds=round(measured.seconds, 2),
    )
    log.info("search measured", team=team.pk, questions=made.asked, left_out=made.left_out, figures=made.figures)
    made.refresh_from_db()
    return made, measured.why
