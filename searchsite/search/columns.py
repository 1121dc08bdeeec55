"""Pieces of SQL that several searches are made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import LiteralString

# Columns by the same names in the item table and in the tables of vectors.
ITEM: Mapping[LiteralString, LiteralString] = {"item": "item.id", "by": "item.created_by_id", "": "item."}
VECTOR: Mapping[LiteralString, LiteralString] = {"item": "v.item_id", "by": "v.created_by", "": "v."}
# Case and accents aside, and with any run of blanks as one.
FOLDED: LiteralString = r"strpos(upper(unaccent(regexp_replace(<text>, '\s+', ' ', 'g'))), upper(unaccent(<phrase>)))"
# Without blanks in the phrase, those of the text don't matter.
PLAIN: LiteralString = "strpos(upper(unaccent(<text>)), upper(unaccent(<phrase>)))"
# Other texts have a phrase of plain letters letter by letter, or not at all.
ACCENTED: LiteralString = "octet_length(<text>) > length(<text>)"
ODD: LiteralString = "(" + ACCENTED + r" OR <text> ~ '\s\s|[^\S ]')"
# What has it letter by letter needs no folding, which costs forty times as much.
SPELT: LiteralString = "UPPER(<text>) LIKE UPPER(%(like)s)"
SAID: LiteralString = "<search> @@ phraseto_tsquery('searchsite', %(phrase)s)"
# A trigram index would be read from end to end for what has no trigrams, and can't be stopped meanwhile.
SCANNED: LiteralString = "(UPPER(<text>) || '') LIKE UPPER(%(like)s)"
NOTHING_SAID: LiteralString = "numnode(phraseto_tsquery('searchsite', %(phrase)s)) = 0"
# The trigram index knows no shorter ones.
INDEXED = re.compile(r"[^\W_]{3}")


def contains(phrase: str) -> LiteralString:
    """That <text>, whose words are <search>, has a phrase; its values are %(phrase)s and %(like)s.

    Case, accents and kinds of blanks aside. One of plain letters, never three in a row, stands there as words of its
    own, unless full text knows none of it.
    """
    folded: LiteralString = (FOLDED if " " in phrase else PLAIN).replace("<phrase>", "%(phrase)s") + " > 0"
    if not INDEXED.search(phrase):
        scanned = f"{NOTHING_SAID} AND {SCANNED}" if phrase.isascii() else SCANNED
        return f"({SAID} AND {folded} OR {scanned})"
    if phrase.isascii():
        folded = f"{ODD if ' ' in phrase else ACCENTED} AND {folded}"
    return f"({SPELT} OR {SAID} AND {folded})"


def containing(token: str) -> str:
    """A pattern for LIKE of what contains this."""
    return "%" + re.sub(r"([\\%_])", r"\\\1", token) + "%"


def midnight(day: date) -> datetime:
    """When a day begins."""
    return datetime.combine(day, time.min, UTC)
