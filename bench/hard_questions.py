"""Questions that are hard to answer: made by hand and, by seed, at random, from what `bench.crowd` has put in."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.vocabulary import COMMON, FOREIGN, STOP, Vocabulary

MOST_CHARS, MOST_CONDITIONS, MOST_PHRASES, MOST_DEPTH = 2000, 24, 8, 20
Params = dict[str, str | list[str]]
VERY_COMMON = COMMON[:12]
BY_HAND: Sequence[str] = (
    "photo",
    "photo picture boat house street red old small",
    " ".join(COMMON[:40]),
    '"photo picture"',
    '"photo"',
    '"the of"',
    '"a"',
    '"qz"',
    '"%"',
    '"ing"',
    '"the photo" "of the" "a house" "in" "e" "o" "an" "on"',
    "-photo",
    "boat -photo",
    "boat -the -of -photo -picture -house",
    '-"photo picture" boat',
    '-"ing" boat',
    '-"e"',
    '-"qz" boat',
    "boat " + " ".join(f'-"{word}"' for word in COMMON[:20]),
    "boat " + " ".join(f"-{word}" for word in COMMON[:24]),
    "kind:photo OR tag:photo",
    "boat (kind:photo OR tag:photo)",
    "boat (kind:photo OR photo)",
    "boat (kind:photo OR -photo)",
    "boat (kind:photo OR -(tag:photo OR red))",
    "boat -(-photo -picture)",
    "boat (" + " OR ".join([*COMMON[:23], "kind:text"]) + ")",
    "boat " + " ".join(f"(kind:text OR {word})" for word in COMMON[:12]),
    "boat " + " ".join(f"(kind:text OR -{word})" for word in COMMON[:12]),
    "boat " + " ".join(f"-tag:{word}" for word in COMMON[:24]),
    "boat " + " ".join(f'-"{word[:1]}"' for word in COMMON[:8]),
    'boat ("e" OR kind:text)',
    'boat ("e" OR "a" OR "qz" OR "%" OR "_")',
    'boat ("qz" OR "xq" OR "%" OR "_")',
    "(" * MOST_DEPTH + "boat OR tag:red" + ")" * MOST_DEPTH,
    "-(" * MOST_DEPTH + "boat OR tag:red" + ")" * MOST_DEPTH,
    "by:person3",
    "boat by:person3 kind:text in:inbox",
    'boat by:person3 in:"collection 13" photo',
    "photo by:person3 age:<1y",
    "boat age:>5y",
    "photo age:<1h",
    "the of and",
    "-the -of",
    "ing",
    "%",
    "%%%",
    "___ %%% \\\\\\",
    "!!! ??? --- ...",
    "ing tion ness",
    "ing %%% zzz",
    "RE1",
    "RE16-22",
    "a b c d e f g h",
    "é ü ß İ",
    "東京 写真",
    "москва лодка",
    "🙂🙂🙂",
    "\u202e\u0301\u0301\u0301",
    "qwxyz vwxzz",
    "x" * MOST_CHARS,
    "photo " * 333,
    "ab " * 666,
    "%" * MOST_CHARS,
    '"' * MOST_CHARS,
    "(" * 20 + "photo" + ")" * 20,
    '"' + "photo " * 300 + '"',
    '"' + "e" * 1900 + '"',
)
NARROWED: Sequence[Params] = (
    {},
    {"kind": "text"},
    {"kind": "image", "by": "person3"},
    {"tag": ["photo", "picture"]},
    {"after": "2023-01-01", "before": "2023-02-01"},
    {"before": "2021-06-01"},
    {"sort": "oldest"},
    {"sort": "newest", "limit": "100"},
    {"mode": "words"},
    {"mode": "meaning"},
    {"mode": "words", "kind": "screenshot", "by": "person1", "tag": "photo", "before": "2022-01-01"},
)


@dataclass
class Writer:
    """Writes random questions within the limits."""

    seed: int
    chance: random.Random = field(init=False)
    vocabulary: Vocabulary = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.vocabulary = Vocabulary(random.Random(11))

    def questions(self, number: int) -> list[Params]:
        """Those by hand, each as it is and once narrowed; then random ones."""
        found: list[Params] = [{"q": text} for text in BY_HAND]
        found += [{"q": text, **self.chance.choice(NARROWED)} for text in BY_HAND]
        found += [dict(one) for one in NARROWED]
        found += [{"q": self.text(), **self.chance.choice(NARROWED)} for _ in range(number)]
        return found

    def text(self) -> str:
        """A question: plain, long, or of conditions, up to the very most there may be."""
        make = self.chance.choice((self._plain, self._long, self._mixed, self._mixed, self._full, self._deep))
        return make()[:MOST_CHARS]

    def _plain(self) -> str:
        return " ".join(self._word() for _ in range(self.chance.randrange(1, 8)))

    def _long(self) -> str:
        return self.vocabulary.some(400)[:MOST_CHARS]

    def _mixed(self) -> str:
        leaves = [self._leaf() for _ in range(self.chance.randrange(1, 5))]
        return " ".join([self._plain(), *leaves])

    def _full(self) -> str:
        """As many conditions as may be."""
        makers: Sequence[Callable[[], str]] = (
            lambda: f"-{self._word()}",
            lambda: f"-tag:{self.chance.choice(COMMON)}",
            lambda: f'-"{self._phrase()}"',
            self._field,
        )
        make = self.chance.choice(makers)
        return " ".join([self._word(), *(make() for _ in range(MOST_CONDITIONS))])

    def _deep(self) -> str:
        text = self._leaf()
        for _ in range(self.chance.randrange(1, MOST_DEPTH)):
            text = f"{self.chance.choice(('', '-'))}({text} {self.chance.choice(('', 'OR '))}{self._leaf()})"
        return f"{self._word()} {text}"

    def _leaf(self) -> str:
        made = self.chance.choice((self._word, self._quoted, self._field, self._field))()
        return self.chance.choice(("", "", "-")) + made

    def _quoted(self) -> str:
        return f'"{self._phrase()}"'

    def _phrase(self) -> str:
        some = (self._word(), self.vocabulary.some(2), self.vocabulary.some(2)[1:5], self.chance.choice("aeio%_x"))
        return self.chance.choice(some)

    def _field(self) -> str:
        chance = self.chance
        return chance.choice(
            (
                f"kind:{chance.choice(('photo', 'screenshot', 'text'))}",
                f"tag:{chance.choice(COMMON)}",
                f'in:"collection {chance.randrange(14)}"',
                f"by:person{chance.randrange(12)}",
                f"after:{chance.randrange(2021, 2026)}",
                f"before:{chance.randrange(2021, 2027)}-{chance.randrange(1, 13):02}",
                f"age:{chance.choice('<>')}{chance.randrange(1, 60)}{chance.choice('wm')}",
                f"({chance.choice(VERY_COMMON)} OR kind:text)",
                f"(tag:{chance.choice(COMMON)} OR by:person{chance.randrange(12)})",
            )
        )

    def _word(self) -> str:
        chance = self.chance
        pools: Sequence[Sequence[str]] = (VERY_COMMON, COMMON, FOREIGN, STOP, self.vocabulary.words[100:5000])
        word = chance.choice(chance.choice(pools))
        cut = chance.choice((None, None, None, None, -2, 3, 1))
        return word[:cut] or word
