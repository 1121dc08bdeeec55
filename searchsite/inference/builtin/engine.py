"""One space of 1,024 dimensions for texts and pictures, on a CPU, from packages alone.

| dimensions | text | picture |
|---|---|---|
| 0-511 | the multilingual encoder, weight .6 | the labels it shows, in that encoder's space |
| 512-895 | the English encoder, weight .4 | the labels it shows, in that encoder's space |
| 896-1023 | zero | how it looks: features along the directions that tell labels apart, weight .5 |

A picture is placed among texts by the labels it probably shows (ConSE, Norouzi 2013): the mean of
their vectors, weighted by the root of their probabilities. Half the mean label vector is taken off
everything, so that pictures and texts mix in one list. All vectors have length one.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from searchsite.inference.builtin import labels
from searchsite.inference.builtin.checkpoint import read_tensors
from searchsite.inference.builtin.efficientnet import build, checkpoint_path, crops
from searchsite.inference.builtin.sentences import EnglishEncoder, MultilingualEncoder, open_network, unit
from searchsite.inference.types import EmbedderInfo, Vectors

MULTILINGUAL_WEIGHT, ENGLISH_WEIGHT, VISUAL_WEIGHT = 0.6, 0.4, 0.5
CENTRING = 0.5
LABELS_COUNTED = 20
TAGS_AT_MOST = 5
TAG_FLOOR = 0.1
WIDER_AT_MOST, WIDER_FLOOR = 2, 0.5
"""A wider term needs more: many labels of one kind that are unlikely each add up."""

PICTURE_NETWORK = "efficientnet-lite2-1.onnx"
"""Name of the derived file; its number goes up when what is written into it changes."""

REVISION = "1"
"""Raise it with every change that moves vectors: those of two revisions must not meet in one space."""

INFO = EmbedderInfo(
    name="builtin",
    revision=REVISION,
    dimensions=1024,
    mrl=False,
    modalities=frozenset({"text", "image"}),
    notes=(
        "The built-in embedder is a small stand-in that needs no graphics card and no key.",
        "It knows pictures by a thousand everyday things (ImageNet) and guesses the rest from what looks alike.",
        "It reads the first 4,000 characters of a text, its English half the first 256 word pieces.",
        "It ignores instructions.",
    ),
    reads=True,
)


class Engine:
    """The networks, loaded once. Thread-safe."""

    def __init__(self, cache: Path, report: Callable[[str], None] = lambda line: None) -> None:
        report("loading the picture network")
        self._network = open_network(_picture_network(cache))
        report("loading the multilingual text network")
        self._multilingual = MultilingualEncoder()
        report("loading the English text network")
        self._english = EnglishEncoder(labels.VOCABULARY)
        self._labels = labels.load()
        self._middles = tuple(
            CENTRING * table.mean(axis=0) for table in (self._labels.multilingual, self._labels.english)
        )

    def embed_texts(self, texts: Sequence[str]) -> tuple[Vectors, int]:
        """A unit vector for each text, and how many word pieces were read."""
        english, pieces = self._english.encode(texts)
        multilingual = self._multilingual.encode(texts)
        visual = np.zeros((len(texts), len(self._labels.visual)), np.float32)
        return self._join(multilingual - self._middles[0], english - self._middles[1], visual), pieces

    def embed_picture(self, picture: Image.Image) -> Vectors:
        """The unit vector of an RGB picture."""
        features, probabilities = self._look(picture)
        likeliest = np.argsort(-probabilities, kind="stable")[:LABELS_COUNTED]
        weights = np.sqrt(probabilities[likeliest])
        weights /= weights.sum()
        multilingual, english = (
            weights @ (table[likeliest] - middle)
            for table, middle in zip((self._labels.multilingual, self._labels.english), self._middles, strict=True)
        )
        visual = unit(self._labels.visual @ features) * np.sqrt(np.float32(VISUAL_WEIGHT))
        row: Vectors = self._join(multilingual[None], english[None], visual[None])[0]
        return row

    def embed_both(self, text: str, picture: Image.Image) -> tuple[Vectors, int]:
        """A text and a picture as one question or one document: the middle of their two unit vectors."""
        words, pieces = self.embed_texts([text])
        row: Vectors = unit(words[0] + self.embed_picture(picture))
        return row, pieces

    def tags(self, picture: Image.Image) -> tuple[tuple[str, float], ...]:
        """What the picture probably shows, likeliest first; nothing where the network is unsure.

        Then what kind of thing that is, the narrowest first: people ask for a dog, and the network knows breeds.
        """
        _, probabilities = self._look(picture)
        likeliest = np.argsort(-probabilities, kind="stable")[:TAGS_AT_MOST]
        found = ((self._labels.names[place], float(probabilities[place])) for place in likeliest)
        sure = tuple((name, probability) for name, probability in found if probability >= TAG_FLOOR)
        return (*sure, *self._wider(probabilities))

    def _wider(self, probabilities: NDArray[np.float32]) -> list[tuple[str, float]]:
        sums = [(term, float(probabilities[places].sum()), len(places)) for term, places in self._labels.wider]
        likely = sorted((one for one in sums if one[1] >= WIDER_FLOOR), key=lambda one: one[2])
        return [(term, probability) for term, probability, _ in likely[:WIDER_AT_MOST]]

    def _look(self, picture: Image.Image) -> tuple[Vectors, NDArray[np.float32]]:
        """Features and label probabilities, both the mean of two crops."""
        features, logits = self._network.run(["features", "logits"], {"x": crops(picture)})
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return features.mean(axis=0), (odds / odds.sum(axis=1, keepdims=True)).mean(axis=0)

    @staticmethod
    def _join(multilingual: Vectors, english: Vectors, visual: Vectors) -> Vectors:
        meaning = [np.sqrt(MULTILINGUAL_WEIGHT) * unit(multilingual), np.sqrt(ENGLISH_WEIGHT) * unit(english)]
        return unit(np.concatenate([*meaning, visual], axis=1))


def _picture_network(cache: Path) -> Path:
    """The ONNX file, made on the first start. A file, because the runtime keeps a copy of bytes it is given."""
    path = cache / PICTURE_NETWORK
    if path.exists():
        return path
    cache.mkdir(parents=True, exist_ok=True)
    descriptor, part = tempfile.mkstemp(dir=cache, prefix=f".{PICTURE_NETWORK}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(build(read_tensors(checkpoint_path())))
            file.flush()
            os.fsync(file.fileno())
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
    return path
