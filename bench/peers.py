"""What one would use instead, each in a process of its own: `python -m bench.peers NAME DIRECTORY`.

Runs where they are installed (.venv-bench). CPU is that of the whole process, all its threads, a question.
The last line printed is the results as JSON.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import resource
import shutil
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bench import machine, truth
from bench.synthetic import Floats, Numbers
from bench.truth import TOP, Task

LINKS, EFFORT = 16, 64
ASKED, FILTER_SHARE = 200, 0.01
AT_ONCE = 2000
SWEEP = (10, 16, 24, 40, 80, 160, 320)


class Peer(ABC):
    """An engine. `package` names its distribution; `settings` are what recall is traded by."""

    package = ""
    settings: ClassVar[Sequence[int]] = SWEEP
    filters = False
    floor = False
    """A library that searches and stores nothing: the physical limit rather than a choice."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def build(self, task: Task) -> None:
        """Take the vectors in and build the index, with all cores."""

    def question(self, vector: Floats) -> Any:
        """A question in the form that the engine takes; not measured."""
        return vector

    def within(self, collections: Numbers) -> Any:
        """A filter in the form that the engine takes; not measured."""
        return collections.tolist()

    @abstractmethod
    def ask(self, question: Any, setting: int, within: Any = None) -> Sequence[int]:
        """The ten nearest, by number."""


class Faiss(Peer):
    """faiss, HNSW over fp32."""

    package = "faiss-cpu"
    floor = True

    def build(self, task: Task) -> None:
        self.faiss = importlib.import_module("faiss")
        self.faiss.omp_set_num_threads(os.cpu_count())
        self.index = self.faiss.IndexHNSWFlat(task.dimensions, LINKS, self.faiss.METRIC_INNER_PRODUCT)
        self.index.hnsw.efConstruction = EFFORT
        for some in _batches(task):
            self.index.add(some)
        self.faiss.omp_set_num_threads(1)

    def question(self, vector: Floats) -> Any:
        return vector[None, :]

    def ask(self, question: Any, setting: int, within: Any = None) -> Sequence[int]:
        self.index.hnsw.efSearch = setting
        found: list[int] = self.index.search(question, TOP)[1][0].tolist()
        return found


class Hnswlib(Peer):
    """hnswlib over fp32."""

    package = "hnswlib"
    floor = True

    def build(self, task: Task) -> None:
        hnswlib = importlib.import_module("hnswlib")
        self.index = hnswlib.Index(space="ip", dim=task.dimensions)
        self.index.init_index(max_elements=task.count, ef_construction=EFFORT, M=LINKS)
        self.index.set_num_threads(os.cpu_count())
        for some in _batches(task):
            self.index.add_items(some)
        self.index.set_num_threads(1)

    def ask(self, question: Any, setting: int, within: Any = None) -> Sequence[int]:
        self.index.set_ef(setting)
        found: list[int] = self.index.knn_query(question, k=TOP)[0][0].tolist()
        return found


class Qdrant(Peer):
    """The Qdrant engine in this process (a server adds its wire to it), fp16, an index on the filter."""

    package = "qdrant-edge-py"
    filters = True

    def build(self, task: Task) -> None:
        self.edge = edge = importlib.import_module("qdrant_edge")
        links = edge.HnswIndexConfig(m=LINKS, ef_construct=EFFORT, full_scan_threshold=10_000)
        vectors = edge.EdgeVectorParams(
            size=task.dimensions, distance=edge.Distance.Cosine, datatype=edge.VectorStorageDatatype.Float16
        )
        optimizers = edge.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=1000)
        self.folder.mkdir()
        shard = edge.EdgeShard.create(
            str(self.folder),
            edge.EdgeConfig(vectors=vectors, hnsw_config=links, optimizers=optimizers, max_search_threads=1),
        )
        start = 0
        for some in _batches(task):
            points = [
                edge.Point(start + at, vector, {"collection": int(task.collections[start + at])})
                for at, vector in enumerate(some.tolist())
            ]
            shard.update(edge.UpdateOperation.upsert_points(points))
            start += len(points)
        shard.update(edge.UpdateOperation.create_field_index("collection", edge.PayloadSchemaType.Integer))
        shard.optimize()
        shard.flush()
        self.shard = shard

    def question(self, vector: Floats) -> Any:
        return self.edge.Query.Nearest(vector.tolist())

    def within(self, collections: Numbers) -> Any:
        field = self.edge.FieldCondition("collection", match=self.edge.MatchAny(collections.tolist()))
        return self.edge.Filter(must=[field])

    def ask(self, question: Any, setting: int, within: Any = None) -> Sequence[int]:
        params = self.edge.SearchParams(hnsw_ef=setting)
        found = self.shard.query(self.edge.QueryRequest(TOP, query=question, filter=within, params=params))
        return [one.id for one in found]


class Lance(Peer):
    """LanceDB, IVF_HNSW_SQ, refined; an index on the filter."""

    package = "lancedb"
    filters = True
    settings = (1, 2, 4, 8)
    """How many times as many as are wanted are compared exactly."""

    def build(self, task: Task) -> None:
        arrow, lancedb = importlib.import_module("pyarrow"), importlib.import_module("lancedb")
        kind = arrow.schema(
            [
                ("id", arrow.int64()),
                ("collection", arrow.int32()),
                ("vector", arrow.list_(arrow.float32(), task.dimensions)),
            ]
        )
        self.table = lancedb.connect(self.folder).create_table("vectors", schema=kind)
        start = 0
        for some in _batches(task):
            flat = arrow.FixedSizeListArray.from_arrays(arrow.array(some.reshape(-1)), task.dimensions)
            rows = arrow.array(range(start, start + len(some)))
            kinds = arrow.array(task.collections[start : start + len(some)].astype(np.int32))
            self.table.add(arrow.Table.from_arrays([rows, kinds, flat], schema=kind))
            start += len(some)
        self.table.optimize()
        self.table.create_index(
            metric="cosine", index_type="IVF_HNSW_SQ", num_partitions=1, m=LINKS, ef_construction=EFFORT
        )
        self.table.create_scalar_index("collection")

    def within(self, collections: Numbers) -> Any:
        return f"collection IN ({', '.join(map(str, collections.tolist()))})"

    def ask(self, question: Any, setting: int, within: Any = None) -> Sequence[int]:
        asked = self.table.search(question).metric("cosine").ef(40 * setting).refine_factor(setting)
        asked = asked.where(within, prefilter=True) if within else asked
        found: list[int] = asked.select(["id"]).limit(TOP).to_arrow()["id"].to_pylist()
        return found


class Chroma(Peer):
    """Chroma, kept on disk."""

    package = "chromadb"
    filters = True
    settings = (10, 20, 40, 80, 160)

    def build(self, task: Task) -> None:
        chromadb = importlib.import_module("chromadb")
        client = chromadb.PersistentClient(path=str(self.folder))
        graph = {"space": "cosine", "ef_construction": EFFORT, "max_neighbors": LINKS, "num_threads": os.cpu_count()}
        self.collection = client.create_collection("vectors", configuration={"hnsw": graph}, embedding_function=None)
        start = 0
        for some in _batches(task):
            numbers = range(start, start + len(some))
            self.collection.add(
                ids=[str(at) for at in numbers],
                embeddings=some,
                metadatas=[{"collection": int(task.collections[at])} for at in numbers],
            )
            start += len(some)
        self.setting: int | None = None

    def within(self, collections: Numbers) -> Any:
        return {"collection": {"$in": collections.tolist()}}

    def ask(self, question: Any, setting: int, within: Any = None) -> Sequence[int]:
        if setting != self.setting:
            self.collection.modify(configuration={"hnsw": {"ef_search": setting}})
            self.setting = setting
        found = self.collection.query(query_embeddings=[question], n_results=TOP, where=within, include=[])
        return [int(one) for one in found["ids"][0]]


PEERS: dict[str, type[Peer]] = {
    "faiss": Faiss,
    "hnswlib": Hnswlib,
    "qdrant": Qdrant,
    "lancedb": Lance,
    "chroma": Chroma,
}


def measure(peer: Peer, task: Task) -> dict[str, Any]:
    """Build, then ask with each setting, then within a filter of 1 % at the first setting that finds 95 %."""
    began, cpu = time.monotonic(), time.process_time()
    peer.build(task)
    used = time.process_time() - cpu
    built = {
        "seconds": round(time.monotonic() - began, 2),
        "cpu_s": round(used, 2),
        "rows_cpu_s": round(task.count / used),
    }
    questions = [peer.question(vector) for vector in task.questions[:ASKED]]
    curve = []
    for setting in peer.settings:
        cost, found = _asked(peer, questions, setting, [None] * len(questions))
        curve.append({"setting": setting, "recall": truth.recall(found, task.answers), **cost.figures})
    filters = []
    if peer.filters:
        cell = task.cell("bucket", FILTER_SHARE)
        setting = next((one["setting"] for one in curve if one["recall"] >= 0.95), peer.settings[-1])
        within = [peer.within(one) for one in cell.collections]
        cost, found = _asked(peer, questions[: len(within)], setting, within)
        filters.append({"filter": cell.title, "recall": truth.recall(found, cell.answers), **cost.figures})
    return {
        "version": importlib.metadata.version(peer.package),
        "floor": peer.floor,
        "built": built,
        "curve": curve,
        "filters": filters,
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "disk_mb": round(_size(peer.folder) / 2**20),
    }


def _asked(peer: Peer, questions: list[Any], setting: int, within: list[Any]) -> tuple[machine.Cost, list[list[int]]]:
    for question, one in list(zip(questions, within, strict=True))[: max(3, len(questions) // 10)]:
        peer.ask(question, setting, one)
    times, found = [], []
    before = time.process_time()
    for question, one in zip(questions, within, strict=True):
        began = time.perf_counter()
        found.append(list(peer.ask(question, setting, one)))
        times.append((time.perf_counter() - began) * 1000)
    cpu = (time.process_time() - before) * 1000 / len(questions)
    return machine.Cost(cpu, 0.0, tuple(times)), found


def _batches(task: Task) -> Any:
    for start in range(0, task.count, AT_ONCE):
        yield np.ascontiguousarray(task.vectors[start : start + AT_ONCE].astype(np.float32))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.exists() else 0


def main() -> None:
    """Measure one."""
    name, directory = sys.argv[1], Path(sys.argv[2])
    folder = directory / f"peer-{name}"
    try:
        found = measure(PEERS[name](folder), truth.load(directory))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
