"""What is said of a question that was read in another way than it was written, or than it may be meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext_noop

from searchsite.search.tokens import Token

UNQUOTED = gettext_noop("A quotation mark has no partner: it was read as if it were not there.")
EMPTY_QUOTES = gettext_noop("A pair of quotation marks has nothing between them: it was left out.")
UNCLOSED = gettext_noop("A bracket is not closed: it was read as if it closed at the end.")
EMPTY_BRACKETS = gettext_noop("A pair of brackets has nothing between them: it was left out.")
ONE_SIDED = gettext_noop(
    "OR stands between two things, and one of them is missing: it was read as if it were not there."
)
SMALL_OR = gettext_noop("OR is written in capitals: “or” was read as a word.")
CAPITAL_NOT = gettext_noop(
    "NOT was read as a word: what is to be left out has a - before it, as in -cat or -(cat dog)."
)
CAPITAL_AND = gettext_noop("AND goes without saying: it was read as a word, and can be left out.")
PARTED = gettext_noop("A field and its value stand together, as in by:maria; with a blank between, both are words.")
HARD_WORDS = gettext_noop(
    "Words that OR joins to a condition are conditions, too: they are looked for as written, not by meaning."
)


def of_capitals(tokens: Sequence[Token], *, plain: bool) -> Iterator[str]:
    """The hints for NOT before something, and for AND between two words, where these are not capitals throughout.

    plain: without any grammar; with some, AND is no word.
    """
    words = [token.text for token in tokens if token.kind == "word"]
    written = [word for word in words if word not in ("AND", "NOT", "OR")]
    if written and all(word.isupper() for word in written):
        return
    if any(_is_word(token, "NOT") for token in tokens[:-1]):
        yield CAPITAL_NOT
    if plain and any(_is_word(token, "AND") for token in tokens[1:-1]):
        yield CAPITAL_AND


def _is_word(token: Token, text: str) -> bool:
    return token.kind == "word" and token.text == text and not token.negated
