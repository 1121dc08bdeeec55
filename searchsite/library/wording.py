"""Cleans what people and networks write: texts, titles, file names, tags."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

TITLE_CHARS = 255
TAG_CHARS = 100
UNTITLED = "Untitled"
# Postgres stores no NUL; UTF-8 has no lone surrogates (JSON's "\ud800" makes them).
UNSTORABLE = re.compile("\x00|[\ud800-\udfff]")
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]+")
# They turn the order of what stands beside them: "photo<RLO>gpj.exe" reads as "photoexe.jpg".
DIRECTIONS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c]")
# Marks on one letter: Unicode's own limit for streams, and more than any language sets. Bringing a longer run into
# order takes time in the square of its length: half an hour for two megabytes.
MOST_MARKS = 30
# No marks by their class, and yet made of nothing else.
MADE_OF_MARKS = "\u0f73\u0f75\u0f81"
SPACES = re.compile(r"\s+")
EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,8}$")
# Marks that say nothing beside other words.
MARKS = (
    (re.compile(r"!?\[([^\]\n]{0,500})\]\([^)\n]{0,2000}\)"), r"\1"),
    (re.compile(r"^[ \t]{0,3}(?:#{1,6}[ \t]+|>[ \t]?|(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\] )?)", re.M), ""),
    (re.compile(r"^[ \t]*(?:`{3,}|~{3,})[^\n]*$|^[ \t]*(?:[-*_][ \t]*){3,}$", re.M), ""),
    (re.compile(r"(?<!\w)(\*{1,3}|_{1,3}|~~|`)(?=\S)([^\n]{1,500}?)(?<=\S)\1(?!\w)"), r"\2"),
)


def clean_text(text: str) -> str:
    """Return the text as it is stored: NFC, no NUL, no lone surrogates, line ends as \\n, no mountains of marks."""
    unbroken = text.replace("\r\n", "\n").replace("\r", "\n")
    stored = UNSTORABLE.sub("", unbroken)
    return stored if stored.isascii() else unicodedata.normalize("NFC", _too_many_marks().sub(r"\1", stored))


@cache
def _too_many_marks() -> re.Pattern[str]:
    """Finds the runs of marks that are too long; its group is what is left of them."""
    marks = [chr(code) for code in range(0x300, 0x1F000) if unicodedata.combining(chr(code))]
    one = f"[{''.join(marks)}{MADE_OF_MARKS}]"
    return re.compile(f"({one}{{{MOST_MARKS}}}){one}+")


def clean_line(text: str, *, limit: int) -> str:
    """Return one line without controls and direction marks, spaces joined, cut to `limit` characters."""
    # A long name costs NFC time; no cleaning makes it longer than four times the limit and still needed.
    shown = DIRECTIONS.sub("", CONTROLS.sub(" ", clean_text(text[: limit * 4])))
    return SPACES.sub(" ", shown).strip()[:limit].strip()


def clean_title(title: str) -> str:
    """Return a title of 1 to 255 characters."""
    return clean_line(title, limit=TITLE_CHARS) or UNTITLED


def title_of_file(name: str) -> str:
    """Return a title from a file's name: no folders, no extension."""
    last = re.split(r"[/\\]", name[-4 * TITLE_CHARS :])[-1]
    return clean_title(EXTENSION.sub("", clean_line(last, limit=2 * TITLE_CHARS)).strip(". "))


def title_of_text(text: str) -> str:
    """Return a title from the first line that says something."""
    first = unmarked(next((line for line in text[:10_000].split("\n") if line.strip(" #*-=_\t")), "")[:2000])
    return clean_title(clean_line(first, limit=TITLE_CHARS).lstrip("#*-= "))[:80].strip()


def extension_of(name: str) -> str:
    """Return the extension in lower case, without its dot; "" when there is none."""
    found = EXTENSION.search(clean_line(name[-4 * TITLE_CHARS :], limit=4 * TITLE_CHARS))
    return found.group()[1:].lower() if found else ""


def normalise_tag(name: str) -> str:
    """Return the form in which a tag is stored and compared; "" when nothing is left."""
    folded = clean_line(name.replace(",", " "), limit=TAG_CHARS).casefold()
    return unicodedata.normalize("NFC", folded)[:TAG_CHARS].strip(" #")


def unmarked(text: str) -> str:
    """Return a text in Markdown without the marks that only say how it looks."""
    for pattern, instead in MARKS:
        text = pattern.sub(instead, text)
    return text
