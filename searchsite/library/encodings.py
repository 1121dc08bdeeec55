"""Reads the bytes of a text in whatever encoding it has: what says so itself, then UTF-8, then by its letters.

Each likely encoding is tried; how well the letters that come out fit a language that is written so decides. What fits
none is put to charset-normalizer, which knows more encodings and is believed where it recognises a language.
"""

from __future__ import annotations

import codecs
import math
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache
from operator import itemgetter

import charset_normalizer

from searchsite.library import letters

TEXT_TYPE = "text/plain"
# Longest first: UTF-32's mark begins with that of UTF-16.
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
CENTRAL = (letters.POLISH, letters.CZECH, letters.HUNGARIAN, letters.SOUTHERN)
LATIN = (letters.WESTERN, *CENTRAL, letters.TURKISH, letters.BALTIC)
# Of encodings that fit alike, the first one is taken.
LETTERS = (
    ("cp1252", letters.WESTERN),
    *((one, known) for known in CENTRAL for one in ("cp1250", "iso8859-2")),
    ("cp1254", letters.TURKISH),
    ("cp1257", letters.BALTIC),
    ("cp1251", letters.CYRILLIC),
    ("koi8-r", letters.CYRILLIC),
    ("koi8-u", letters.CYRILLIC),
    ("cp866", letters.CYRILLIC),
    ("iso8859-5", letters.CYRILLIC),
    ("cp1253", letters.GREEK),
    ("iso8859-7", letters.GREEK),
    ("cp1255", letters.HEBREW),
    ("cp1256", letters.ARABIC),
    ("cp874", letters.THAI),
    ("cp932", letters.JAPANESE),
    ("euc-jp", letters.JAPANESE),
    ("gb18030", letters.CHINESE),
    ("big5", letters.TRADITIONAL),
    ("cp949", letters.KOREAN),
    ("utf-16-le", letters.JAPANESE + letters.CHINESE + letters.KOREAN),
    ("utf-16-be", letters.JAPANESE + letters.CHINESE + letters.KOREAN),
    ("cp850", letters.WESTERN),
    ("mac-roman", letters.WESTERN),
)
SAMPLE = 32_768
# Of a hundred bytes no more than one may be a control other than line ends, tabs, page breaks and escape.
CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f]")
MOST_CONTROLS = 0.01
# Chance of a letter that the language does not use, of an ideograph or syllable that is not frequent, and of a letter
# of another script that touches an ASCII letter.
STRANGE, SELDOM, TOUCHING = 1e-5, 2e-4, 1e-2
# Where few letters say little, it is the encoding of most machines; and hardly one of machines long gone.
UNLIKELIER, LONG_GONE = -2.0, {"cp850": -8.0, "mac-roman": -8.0}
# So many of the letters beyond ASCII must be known ones.
LEAST_KNOWN = 0.4
# And so many may be code points that are no characters.
MOST_UNASSIGNED = 0.02
LEAST_COHERENCE = 0.2
# Capitals inside words: KOI8-R and Windows-1251 differ in nothing else.
CASES = re.compile("[a-zà-ÿа-яα-ω][À-ÞА-ЯΑ-Ω]")
NOT_AT_ALL = (-math.inf, 0.0)
TOUCHES = re.compile("[A-Za-z][^\x00-\x7f]|[^\x00-\x7f][A-Za-z]")


class Binary(Exception):
    """No text at all."""


class Unknown(Exception):
    """Perhaps a text, but nobody can tell in which encoding."""


@dataclass(frozen=True)
class Read:
    """A text, and what was found out about its encoding."""

    text: str
    encoding: str

    @property
    def media_type(self) -> str:
        """With the encoding where the text is not in UTF-8."""
        return TEXT_TYPE if self.encoding == "utf-8" else f"{TEXT_TYPE}; charset={self.encoding}"


def read(data: bytes) -> Read:
    """Decode a text. Raises Binary or Unknown."""
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return _strictly(data[len(mark) :], encoding)
    wide = _wide(data)
    if wide is not None:
        return _strictly(data, wide)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return _detected(data)
    if _is_binary(text):
        raise Binary
    # Seven bits, switched by escapes.
    return _strictly(data, "iso2022_jp") if "\x1b$" in text else Read(text, "utf-8")


def _wide(data: bytes) -> str | None:
    """UTF-16 and UTF-32 without a mark, by where the zeros of ASCII's characters lie."""
    sample = data[:SAMPLE]
    if len(sample) >= 8 and len(data) % 4 == 0 and sample[1::4].count(0) + sample[2::4].count(0) > len(sample) * 0.45:
        return "utf-32-le" if sample[3::4].count(0) == len(sample[3::4]) else "utf-32-be"
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    # A tenth is enough, as texts in other scripts have spaces and line ends; one alone may be anything.
    if len(data) % 2 == 0 and max(even, odd) * 20 > max(len(sample), 20) and min(even, odd) * 20 < max(even, odd):
        return "utf-16-be" if even > odd else "utf-16-le"
    return None


def _strictly(data: bytes, encoding: str) -> Read:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise Unknown from error
    if _is_binary(text):
        raise Binary
    return Read(text, encoding)


def _is_binary(text: str) -> bool:
    sample = text[:SAMPLE]
    unassigned = sum(unicodedata.category(one) in ("Cn", "Co", "Cs") for one in sample if one > "\x7f")
    controls = len(CONTROLS.findall(sample))
    return "\0" in sample or controls > MOST_CONTROLS * len(sample) or unassigned > MOST_UNASSIGNED * len(sample)


def _detected(data: bytes) -> Read:
    """Decode what is not UTF-8 by the letters that come out."""
    fits = [(_fit(data, encoding, known), encoding) for encoding, known in LETTERS]
    likely = [one for one in fits if one[0][1] >= LEAST_KNOWN]
    if likely:
        return _strictly(data, max(likely, key=itemgetter(0))[1])
    if _is_binary(data[:SAMPLE].decode("ascii", "ignore")):
        raise Binary
    match = charset_normalizer.from_bytes(data[:SAMPLE]).best()
    if match is None or match.coherence < LEAST_COHERENCE:
        raise Unknown
    return _strictly(data, match.encoding)


def _fit(data: bytes, encoding: str, known: str) -> tuple[float, float]:
    """How likely the letters beyond ASCII are in the language, by byte; and how many of them it has at all."""
    text = _sample(data, encoding)
    beyond = [one for one in text if one > "\x7f"]
    if not beyond or _is_binary(text):
        return NOT_AT_ALL
    chances, strange = _chances(known)
    total = sum(number * chances.get(one, strange) for one, number in Counter(beyond).items())
    if known != letters.WESTERN:
        total += UNLIKELIER
    if known not in LATIN:
        total += len(TOUCHES.findall(text)) * math.log(TOUCHING)
    total += LONG_GONE.get(encoding, 0.0)
    total += len(CASES.findall(text)) * math.log(STRANGE)
    share = sum(one in chances for one in beyond) / len(beyond)
    return total / len("".join(beyond).encode(encoding, "replace")), share


def _sample(data: bytes, encoding: str) -> str:
    """The beginning, decoded; nothing where that is not possible."""
    try:
        # A character may be cut in two by the end of the sample.
        return codecs.getincrementaldecoder(encoding)().decode(data[:SAMPLE], final=len(data) <= SAMPLE)
    except UnicodeDecodeError:
        return ""


@cache
def _chances(known: str) -> tuple[dict[str, float], float]:
    """The logarithm of each letter's chance, falling with its rank; and of the others'."""
    rare = SELDOM if len(known) > 120 else STRANGE
    unique = dict.fromkeys(known)
    total = sum(1 / (rank + 3) for rank in range(len(unique)))
    return {one: math.log(1 / (rank + 3) / total) for rank, one in enumerate(unique)}, math.log(rare)
