"""What a page says of a search that was answered with less than it should be."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext, gettext_noop

from searchsite.indexing import spaces
from searchsite.inference.errors import InferenceError, OutOfBudget, Overloaded, TooSlow, Unauthorised, Unreachable

AWAY = gettext_noop("The inference server can't be reached: found by words alone.")
ANOTHER = gettext_noop("Another embedder answers than the one that the library is indexed with: found by words alone.")
BY_WORDS = gettext_noop("Found by words alone.")
REASONS: Sequence[tuple[type[InferenceError], str]] = (
    (spaces.WrongEmbedder, ANOTHER),
    (
        Unauthorised,
        gettext_noop("The embedder's provider refuses the key, or it is not paid for: found by words alone."),
    ),
    (Overloaded, gettext_noop("The embedder is overloaded: found by words alone.")),
    (Unreachable, AWAY),
    (TooSlow, gettext_noop("The embedder took too long: found by words alone.")),
)
FAILED = gettext_noop("The embedder failed: found by words alone.")
NOT_YET = gettext_noop("Nothing has been embedded yet: found by words alone.")
WORDS_ONLY = gettext_noop(
    "The embedder takes texts only, so this library knows pictures by their words: it can't be searched by a picture."
)
NO_INSTRUCTIONS = gettext_noop("The embedder takes no instructions: yours was left out.")
ONLY_AWAY = gettext_noop("Only what is not wanted was named: what is least like it comes first.")
ITEM_NOT_YET = gettext_noop("The item to be alike to has not been embedded yet.")
TOO_SLOW = gettext_noop("A part of the search took too long and was left out.")


def is_cut(notes: Sequence[str]) -> bool:
    """Whether these notes, in the language of who asked, say that a part of the search was left out."""
    return gettext(TOO_SLOW) in notes


def why(error: InferenceError) -> str:
    """Why there is no vector, for the person who asked."""
    if isinstance(error, OutOfBudget):
        return " ".join([error.message, gettext(BY_WORDS)])
    return gettext(next((said for kind, said in REASONS if isinstance(error, kind)), FAILED))
