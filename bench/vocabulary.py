"""Made-up words by Zipf's law, the commonest of them real ones."""

from __future__ import annotations

import random
import re
from itertools import accumulate

VOCABULARY = 30_000
STOP = tuple(re.findall(r"\w+", "the of and a in to is on with at for by from it"))
COMMON = tuple(
    re.findall(
        r"\w+",
        """photo picture boat house street red old small wooden evening walking building morning water people garden
        blue sitting standing table window looking large white bridge station market winter summer car dog cat tree
        river mountain sea light clock letter invoice meeting report total number page screen running""",
    )
)
STARTS = tuple(re.findall(r"\w+", "b c d f g h k l m n p r s t v br cl dr fl gr pl st tr sch"))
MIDDLES = ("a", "e", "i", "o", "u", "ei", "ou", "é", "ü")
ENDS = ("", "", "n", "r", "s", "l", "t", "ing", "ed", "er", "tion", "ness")
FOREIGN = ("straße", "café", "лодка", "москва", "東京", "写真", "naïve", "señor", "İstanbul", "œuvre")


class Vocabulary:
    """Words by rank; `some` draws them so that a word of rank r comes about 1/r as often as the first."""

    def __init__(self, chance: random.Random) -> None:
        made = dict.fromkeys([*STOP, *COMMON, *FOREIGN])
        while len(made) < VOCABULARY:
            syllables = (chance.choice(STARTS) + chance.choice(MIDDLES) for _ in range(chance.randrange(1, 4)))
            made.setdefault("".join(syllables) + chance.choice(ENDS))
        self.words = list(made)
        self._weights = list(accumulate(1 / (rank + 3) for rank in range(len(self.words))))
        self._chance = chance

    def some(self, number: int) -> str:
        """A text of so many words."""
        return " ".join(self._chance.choices(self.words, cum_weights=self._weights, k=number))

    def code(self) -> str:
        """A number as machines print it."""
        return f"RE{self._chance.randrange(10, 30)}-{self._chance.randrange(10_000):04}"
