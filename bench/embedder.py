"""An embedder for measuring pages: its vectors for the questions lie among those that the library was filled with."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench import synthetic
from tests.fake_inference import FakeInference

DIMENSIONS = 1024
NAME = "synthetic"
COMMON = [
    f"{adjective} {noun}"
    for adjective in ("red", "old", "small", "wooden", "broken")
    for noun in ("boat", "house", "horse", "street", "garden", "clock", "bridge", "cup")
]
"""Questions; about one text in twenty has each of their words."""


class Synthetic(FakeInference):
    """Answers a known question with a vector of the generator, and takes no time for it."""

    def __init__(self) -> None:
        super().__init__(dimensions=DIMENSIONS, embedder=NAME)
        self.matryoshka = True
        self._known = dict(zip(COMMON, synthetic.World(DIMENSIONS).queries("cross"), strict=False))

    def vector(self, text: str, picture: str = "") -> np.ndarray[Any, np.dtype[np.float32]]:
        """That of a question, or one of the words."""
        known = self._known.get(text)
        return super().vector(text, picture) if known is None else known

    @property
    def settings(self) -> dict[str, str]:
        """Of a house that it embeds for."""
        return {"EMBED_URL": self.url, "EMBEDDER": NAME, "EMBED_DIALECT": "searchsite", "READ_PICTURES": "false"}
