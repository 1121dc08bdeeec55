"""Tells what an answerer thinks from what it says, in whatever it has sent so far."""

from __future__ import annotations

from searchsite.answers.prompts import ABSENT

OPEN, CLOSE = "<think>", "</think>"
AROUND = " \t\r\n\"'`*.[]"


def parted(raw: str) -> tuple[str, str]:
    """(thoughts, answer) of what came so far. An unclosed thought is no answer."""
    begun = raw.lstrip()
    if begun.startswith(OPEN):
        thought, _, answer = begun.removeprefix(OPEN).partition(CLOSE)
        return thought.strip(), answer.lstrip()
    if CLOSE in begun:  # the server itself had opened the thought
        thought, _, answer = begun.partition(CLOSE)
        return thought.strip(), answer.lstrip()
    return ("", "") if OPEN.startswith(begun) else ("", begun)


def is_absent(answer: str) -> bool:
    """Whether the answerer says that the sources do not hold the answer."""
    return answer.strip(AROUND).startswith(ABSENT)


def may_be_absent(answer: str) -> bool:
    """Whether that is what it may be about to say: not to be shown yet."""
    return ABSENT.startswith(answer.strip(AROUND))


def without_mark(answer: str) -> str:
    """The answer without the mark, where it stands behind a statement."""
    return answer.replace(ABSENT, "").rstrip() if ABSENT in answer else answer
