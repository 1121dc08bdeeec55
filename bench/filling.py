"""Fills the library of this environment with items and their vectors, by COPY: `python -m bench.filling COUNT`."""

from __future__ import annotations

import os
import random
import sys
import uuid
from typing import Any

import django
import numpy as np

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "searchsite.settings")
django.setup()

from django.db import transaction  # noqa: E402  # these need Django set up
from pgvector import HalfVector  # noqa: E402

from bench import furnishing, synthetic  # noqa: E402
from searchsite.accounts.models import Team, User  # noqa: E402
from searchsite.indexing import centres, spaces, tables  # noqa: E402
from searchsite.indexing.alone import Work, alone  # noqa: E402
from searchsite.indexing.models import Space  # noqa: E402
from searchsite.library.collections import create_collection  # noqa: E402
from searchsite.library.models import Channel  # noqa: E402

ADJECTIVES = ("red", "old", "small", "wooden", "broken", "bright", "quiet", "heavy")
NOUNS = ("boat", "house", "horse", "street", "garden", "clock", "bridge", "cup", "river", "window", "table", "letter")
SYLLABLES = ("ba", "do", "fe", "gi", "ku", "la", "mo", "ne", "pi", "ru", "sa", "to")
COMMON = (*ADJECTIVES, *NOUNS)
RARE = tuple(a + b + c for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES)
WORDS_A_TEXT, COMMON_A_TEXT = 60, 1
# Each with the thousandths of all items that it holds.
FOLDERS = {"Half": 500, "Tenth": 100, "Hundredth": 10, "Thousandth": 1, "Remaining": 389}


class Filler:
    """Half the items are pictures and half are texts; a common word is in one text of twenty, a rare one in fifty."""

    def __init__(self, space: Space) -> None:
        self.space, self.chance = space, random.Random(7)
        self.team = Team.objects.get(name="home")
        self.user = User.objects.get(username="admin")
        self.folders = [create_collection(self.team, name, maker=self.user).pk for name in FOLDERS]
        weights = np.array(list(FOLDERS.values())) / sum(FOLDERS.values())
        self.lots = np.random.default_rng(7)
        self.weights = weights

    def put(self, block: synthetic.Block) -> None:
        """One block of items, in one transaction."""
        means = {channel: centres.centre_of(self.space, channel) for channel in Channel.values}
        items, parts, vectors = [], [], []
        folders = self.lots.choice(len(FOLDERS), size=len(block.vectors), p=self.weights)
        for at, vector in enumerate(block.vectors.astype(np.float32)):
            pk = furnishing.FIRST + block.start + at
            picture = pk % 2 == 0
            kind, channel = ("image", "image") if picture else ("text", "text")
            place, made = (self.team.pk, self.folders[folders[at]]), furnishing.made(block.start + at)
            title = " ".join([*self.chance.sample(COMMON, 1), *self.chance.choices(RARE, k=2)])
            items.append((pk, uuid.uuid4(), *place, kind, "rule", title, "", "", 640, 480, made))
            parts.append((pk, pk, channel, "content", 0, "" if picture else self._text(), "", "{}"))
            centre = means[channel]
            code = tables.code_of(vector, None if centre is None else centre.mean)
            version = 0 if centre is None else centre.version
            values = (pk, pk, *place, kind, channel, None, made, HalfVector(vector), code, version, b"-")
            vectors.append(dict(zip(tables.COLUMNS, values, strict=True)))
        self._write(items, parts, vectors)

    def _write(self, items: list[Any], parts: list[Any], vectors: list[dict[str, Any]]) -> None:
        with transaction.atomic():
            furnishing.copy("item", items)
            furnishing.copy("part", parts)
            tables.copy_in(self.space.pk, vectors)
        if not all((one := centres.centre_of(self.space, name)) and one.ready for name in Channel.values):
            centres.improve(self.space, seconds=60)
            self.space = Space.objects.get(pk=self.space.pk)

    def _text(self) -> str:
        rare = self.chance.choices(RARE, k=WORDS_A_TEXT - COMMON_A_TEXT)
        return " ".join([*self.chance.sample(COMMON, COMMON_A_TEXT), *rare])


def main() -> None:
    """Fill, settle, and build what the index manager builds."""
    filler = Filler(spaces.ensure_active())
    # As with a large import, the graphs come last.
    with alone(Work.INDEXES, filler.space):
        for block in synthetic.World(filler.space.dimensions).blocks(int(sys.argv[1])):
            filler.put(block)
        furnishing.settle(filler.space)
        furnishing.build_indexes(filler.space)


if __name__ == "__main__":
    main()
